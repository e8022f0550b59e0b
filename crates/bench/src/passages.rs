//! How often a request passes between components and their host. Where times change with the machine, these counts do not.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::json;
use testkit::{
    Application, Client, Setup, host_is_devhost,
    mariadb::MariaDb,
    provider::{self, Act, Provider},
};

/// Requests of each kind, after those that fill connections and caches.
const REQUESTS: u64 = 20;
const WARM_UP: u64 = 5;

/// Tokens of the streams whose difference is what a token costs.
const FEW: u64 = 32;
const MANY: u64 = 96;

/// How far apart the model's tokens are.
const TOKEN_EVERY: Duration = Duration::from_millis(20);

/// Nothing happens any more when the counts have not changed for so long: the host writes them every 50 ms.
const QUIET: Duration = Duration::from_millis(300);

/// What was counted for a component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
struct Counts {
    entries: u64,
    host_calls: u64,
}

type ByComponent = BTreeMap<String, Counts>;

/// Counts the passages of some requests, one after the other, and prints them. Only the devhost counts.
pub(crate) async fn run() -> Result<()> {
    if !host_is_devhost() {
        println!("passages are counted on the devhost only");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("passages.json");
    let (database, model) = (MariaDb::start()?, Provider::start(|asked| tokens(&asked.message)).await?);
    let setup = Setup::default()
        .on(database.access(), "passages")?
        .variable("openai_url", model.url())
        .arguments(&["--passages", &file.to_string_lossy()]);
    let application = Application::start_with(setup).await?;
    let client = application.user("passages").await?;
    let conversation = client.post("/v1/conversations", &json!({"title": "Passages"})).await?.expect(201);
    let conversation = format!("/v1/conversations/{}", conversation["id"].as_str().unwrap_or_default());
    let messages = format!("{conversation}/messages");

    println!("| request | entries | host calls | by component: entries, host calls |");
    println!("| --- | ---: | ---: | --- |");
    for path in ["/health/live", "/v1/me", &conversation, "/v1/conversations?limit=20"] {
        let name = path.replace(&conversation, "/v1/conversations/{id}");
        let counted = count(&file, async || client.get(path).await.map(|answer| answer.expect(200))).await?;
        print(&format!("`GET {name}`"), &counted, REQUESTS);
    }
    let post = json!({"content": "1", "stream": false});
    let counted = count(&file, async || client.post(&messages, &post).await.map(|answer| answer.expect(201))).await?;
    print("a message and its answer, as JSON", &counted, REQUESTS);
    let few = count(&file, async || stream(&client, &messages, FEW).await).await?;
    print(&format!("the same streamed, {FEW} tokens {TOKEN_EVERY:?} apart"), &few, REQUESTS);
    let many = count(&file, async || stream(&client, &messages, MANY).await).await?;
    print("each further token of it", &difference(&many, &few), REQUESTS * (MANY - FEW));
    Ok(())
}

/// An answer of as many tokens as `message` says.
fn tokens(message: &str) -> Vec<Act> {
    let count: u64 = message.parse().unwrap_or(1);
    let token = |_| [Act::Send(provider::says("token ").into_bytes()), Act::Pause(TOKEN_EVERY)];
    let head = [provider::head(200, "text/event-stream")];
    let end = [Act::Send(provider::stops("stop").into_bytes())];
    head.into_iter().chain((0..count).flat_map(token)).chain(end).collect()
}

async fn stream(client: &Client, messages: &str, tokens: u64) -> Result<()> {
    let body = json!({"content": tokens.to_string(), "stream": true});
    let events = client.post_events(messages, &body).await?.rest().await?;
    ensure!(events.last().is_some_and(|event| event.name == "message.completed"), "{events:?}");
    Ok(())
}

/// What [`REQUESTS`] of what `ask` asks cost together.
async fn count<T>(file: &Path, ask: impl AsyncFn() -> Result<T>) -> Result<ByComponent> {
    for _ in 0..WARM_UP {
        ask().await?;
    }
    let before = settled(file).await?;
    for _ in 0..REQUESTS {
        ask().await?;
    }
    Ok(difference(&settled(file).await?, &before))
}

/// The counts once nothing happens any more.
async fn settled(file: &Path) -> Result<ByComponent> {
    let read = || anyhow::Ok(serde_json::from_slice::<ByComponent>(&fs::read(file)?)?);
    let mut last = read()?;
    loop {
        tokio::time::sleep(QUIET).await;
        let now = read()?;
        if now == last {
            return Ok(now);
        }
        last = now;
    }
}

fn difference(later: &ByComponent, earlier: &ByComponent) -> ByComponent {
    let less = |id: &String, now: &Counts| {
        let then = earlier.get(id).copied().unwrap_or_default();
        Counts {
            entries: now.entries.saturating_sub(then.entries),
            host_calls: now.host_calls.saturating_sub(then.host_calls),
        }
    };
    later.iter().map(|(id, now)| (id.clone(), less(id, now))).collect()
}

fn print(what: &str, counted: &ByComponent, share: u64) {
    let each = |count: u64| count as f64 / share as f64;
    let (mut entries, mut host_calls, mut parts) = (0, 0, Vec::new());
    for (id, counts) in counted.iter().filter(|(_, counts)| **counts != Counts::default()) {
        entries += counts.entries;
        host_calls += counts.host_calls;
        parts.push(format!("`{id}` {:.1}, {:.1}", each(counts.entries), each(counts.host_calls)));
    }
    println!("| {what} | {:.1} | {:.1} | {} |", each(entries), each(host_calls), parts.join("; "));
}
