//! Thousands of answers with faults, read inside the component that reads them in production.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use testkit::{
    Answer, Client,
    provider::{Act, Provider, head, says, stops},
};

use crate::providers::with;

/// How many mutations are tried, and how long at most.
const MUTATIONS: u64 = 4000;
const FUZZED_FOR: Duration = Duration::from_secs(15);

/// How many are tried on a busy machine, too.
const FEWEST: usize = 200;

/// How many are under way at a time.
const AT_A_TIME: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_a_provider_sends_traps_the_gateway() -> Result<()> {
    let provider = Provider::start(|asked| match asked.message.parse() {
        Ok(seed) => mutated(seed),
        Err(_) => slowly_for(FUZZED_FOR),
    })
    .await?;
    let application = with(&provider).await?;
    let anybody = application.client();
    // One answer runs all the time: a trap would take it along.
    let steady = tokio::spawn({
        let anybody = anybody.clone();
        async move { call_gateway(&anybody, "steady", true).await }
    });
    provider.until_asked("steady").await?;
    let chosen = std::env::var("KOWAI_FUZZ_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = chosen.map_or(0..MUTATIONS, |seed| seed..seed + 1);
    let begun = Instant::now();
    let tried = stream::iter(seeds)
        .take_while(|_| std::future::ready(begun.elapsed() < FUZZED_FOR))
        .map(|seed| try_seed(&anybody, seed))
        .buffer_unordered(AT_A_TIME);
    let outcomes: Vec<Option<String>> = tried.collect().await;
    let tried = outcomes.len();
    ensure!(chosen.is_some() || tried >= FEWEST, "only {tried} mutations were tried: the gateway hangs");
    let faults: Vec<String> = outcomes.into_iter().flatten().collect();
    ensure!(faults.is_empty(), "{} mutations have no typed answer:\n{}", faults.len(), faults.join("\n"));
    let steady = steady.await??;
    ensure!(steady.text().ends_with("data: [DONE]\n\n"), "the steady answer broke off: {}", steady.text());
    let logs = application.logs()?;
    ensure!(!logs.contains("panicked at"), "something panicked: {logs}");
    Ok(())
}

/// Words for as long as `duration`, and the end.
fn slowly_for(duration: Duration) -> Vec<Act> {
    let mut acts = vec![head(200, "text/event-stream")];
    for _ in 0..duration.as_secs() {
        acts.extend([Act::Send(says("word ").into()), Act::Pause(Duration::from_secs(1))]);
    }
    acts.push(Act::Send(stops("stop").into()));
    acts
}

async fn call_gateway(client: &Client, message: &str, streams: bool) -> Result<Answer> {
    let messages = json!([{"role": "user", "content": message}]);
    client.post("/gateway-caller", &json!({"model": "raw", "stream": streams, "messages": messages})).await
}

/// What is wrong with the gateway's answer to the bytes of `seed`, and how to see it again.
async fn try_seed(client: &Client, seed: u64) -> Option<String> {
    let fault = match call_gateway(client, &seed.to_string(), !seed.is_multiple_of(4)).await {
        Ok(answer) => what_is_wrong(&answer, !seed.is_multiple_of(4))?,
        Err(error) => error.to_string(),
    };
    let replay = format!("KOWAI_FUZZ_SEED={seed} cargo test -p scenarios nothing_that_a_provider_sends");
    Some(format!("{replay}\n  {fault}"))
}

/// An answer is whole, or it says in a code why it is not.
fn what_is_wrong(answer: &Answer, streams: bool) -> Option<String> {
    let text = answer.text();
    let is_typed = |error: &Value| {
        let code = error["error"]["code"].as_str().unwrap_or_default();
        code.starts_with("model_") || code == "context_exceeded"
    };
    let is_right = match (answer.status, streams) {
        (200, true) => {
            let events = text.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
            match events.last() {
                Some("[DONE]") => text.contains("\"finish_reason\":\""),
                Some(last) => serde_json::from_str(last).is_ok_and(|error| is_typed(&error)),
                None => false,
            }
        }
        (200, false) => answer.json()["choices"].as_array().is_some_and(|choices| !choices.is_empty()),
        _ => is_typed(&answer.json()),
    };
    (!is_right).then(|| format!("status {}: {}", answer.status, text.chars().take(500).collect::<String>()))
}

/// The bytes of `seed`: an answer as a provider sends it, with faults.
fn mutated(seed: u64) -> Vec<Act> {
    let mut dice = Dice::new(seed);
    let body = match seed.is_multiple_of(4) {
        true => one_piece(),
        false => says("Grüße ") + &says("😀") + &awkward(&mut dice) + &stops("stop"),
    };
    let mut bytes = body.into_bytes();
    for _ in 0..dice.below(4) {
        mutate(&mut bytes, &mut dice);
    }
    // Statuses that are asked again would only take time.
    let status = [200, 200, 200, 200, 400, 401, 404, 413, 422, 500][dice.below(10)];
    let content_type = ["text/event-stream", "application/json", "text/html"][dice.below(3)];
    let mut acts = vec![head(status, content_type)];
    let cut = dice.below(bytes.len() + 1);
    acts.extend([Act::Send(bytes[..cut].to_vec()), Act::Pause(Duration::from_millis(1))]);
    acts.push(match dice.below(8) {
        0 => Act::Reset,
        _ => Act::Send(bytes[cut..].to_vec()),
    });
    acts
}

fn one_piece() -> String {
    json!({"id": "c", "choices": [{"index": 0, "message": {"role": "assistant", "content": "Grüße 😀"},
        "finish_reason": "stop"}], "usage": {"prompt_tokens": 9, "completion_tokens": 4}})
    .to_string()
}

/// An event that some provider sends.
fn awkward(dice: &mut Dice) -> String {
    let events = [
        "data: [DONE]\n\n",
        "data:\n\n",
        ": a comment\r\n\r\n",
        "event: error\ndata: {\"type\":\"overloaded_error\"}\n\n",
        "data: {\"error\":\"m\"}\n\n",
        "data: {\"detail\":[{\"msg\":\"m\"}]}\n\n",
        "data: {\"choices\":null,\"usage\":{\"prompt_tokens\":-1e300}}\n\n",
        "data: {\"choices\":[{\"index\":\"0\",\"delta\":null,\"finish_reason\":7}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"\\ud83d\"}}]}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":NaN}}\n\n",
        "\u{feff}data: 7\n\n",
    ];
    events[dice.below(events.len())].to_owned()
}

/// Spoils some of `bytes`.
fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    let end = (at + dice.below(20)).min(bytes.len());
    match dice.below(6) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..end)),
        2 => bytes[at..end].fill(dice.below(256) as u8),
        3 => {
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        4 => {
            let pieces: [&[u8]; 8] = [b"\n\n", b"\r", b"\"", b"{", b"[", b"null", b"\\ud800", b"\xff"];
            bytes.splice(at..at, pieces[dice.below(8)].iter().copied());
        }
        _ => drop(bytes.splice(at..at, vec![b'['; 300])),
    }
}

#[test]
fn an_answer_that_is_neither_whole_nor_an_error_is_noticed() {
    let whole = format!("{}data: [DONE]\n\n", stops("stop").replace("data: [DONE]\n\n", ""));
    let error = "data: {\"error\":{\"code\":\"model_stream_broken\"}}\n\n";
    for (status, body, streams, is_right) in [
        (200, &*whole, true, true),
        (200, error, true, true),
        (200, "data: [DONE]\n\n", true, false),
        (200, &*says("Hi"), true, false),
        (200, "", true, false),
        (200, "{\"choices\":[{}]}", false, true),
        (200, "{\"choices\":[]}", false, false),
        (503, "{\"error\":{\"code\":\"model_unavailable\"}}", true, true),
        // A trap.
        (500, "", true, false),
    ] {
        let answer = Answer { status, headers: Default::default(), body: body.into() };
        assert_eq!(what_is_wrong(&answer, streams).is_none(), is_right, "{status} {body}");
    }
}

#[test]
fn a_seed_gives_the_same_bytes_every_time() {
    assert_eq!(mutated(7), mutated(7));
    assert!((0..100).any(|seed| mutated(seed) != mutated(seed + 4)));
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ (word >> 31)) % limit as u64) as usize
    }
}
