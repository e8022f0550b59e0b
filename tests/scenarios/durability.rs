//! Hosts that are killed and databases that go away.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use scenarios::{messages, open_conversation};
use serde_json::{Value, json};
use testkit::{Application, Client, Database, Setup, mariadb::MariaDb, send};
use tokio::{net::TcpListener, task::JoinSet};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a client was told of its messages.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) acknowledged: Vec<String>,
    pub(crate) refused: Vec<(u16, String)>,
    unanswered: usize,
}

/// What all clients together were told so far.
#[derive(Default)]
struct Progress {
    acknowledged: AtomicUsize,
    refused: AtomicUsize,
    unanswered: AtomicUsize,
    is_over: AtomicBool,
}

/// Clients that talk without end, each in a conversation of its own.
pub(crate) struct Talk {
    conversations: Vec<String>,
    talking: JoinSet<Told>,
    progress: Arc<Progress>,
}

impl Talk {
    /// Opens `count` conversations and lets somebody talk in each.
    pub(crate) async fn begin(client: &Client, count: usize) -> Result<Self> {
        let progress = Arc::new(Progress::default());
        let (mut conversations, mut talking) = (Vec::new(), JoinSet::new());
        for name in 0..count {
            let conversation = open_conversation(client, &format!("Talker {name}")).await?;
            talking.spawn(talk(client.clone(), conversation.clone(), name, progress.clone()));
            conversations.push(conversation);
        }
        Ok(Self { conversations, talking, progress })
    }

    /// Waits until `count` more messages are acknowledged.
    pub(crate) async fn until_acknowledged(&self, count: usize) -> Result<()> {
        self.until_more(&self.progress.acknowledged, count, "messages are acknowledged").await
    }

    /// Waits until `count` more messages are refused.
    async fn until_refused(&self, count: usize) -> Result<()> {
        self.until_more(&self.progress.refused, count, "messages are refused").await
    }

    /// Waits until `count` more messages get no answer.
    async fn until_unanswered(&self, count: usize) -> Result<()> {
        self.until_more(&self.progress.unanswered, count, "messages get no answer").await
    }

    async fn until_more(&self, counter: &AtomicUsize, count: usize, what: &str) -> Result<()> {
        let wanted = counter.load(Ordering::Relaxed) + count;
        until(what, async || Ok(counter.load(Ordering::Relaxed) >= wanted)).await
    }

    /// Lets everybody say their last, and tells where they talked and what they were told.
    pub(crate) async fn end(self) -> (Vec<String>, Vec<Told>) {
        self.progress.is_over.store(true, Ordering::Relaxed);
        (self.conversations, self.talking.join_all().await)
    }
}

/// Waits until `is_so`, and fails where that takes too long.
async fn until<F: Future<Output = Result<bool>>>(what: &str, is_so: impl Fn() -> F) -> Result<()> {
    let begun = Instant::now();
    while !is_so().await? {
        ensure!(begun.elapsed() < PATIENCE, "it takes too long until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Says things, one after the other, until it is over.
async fn talk(client: Client, conversation: String, name: usize, progress: Arc<Progress>) -> Told {
    let mut told = Told::default();
    for number in 0.. {
        if progress.is_over.load(Ordering::Relaxed) {
            break;
        }
        let content = format!("{name}-{number}");
        // Whatever was being answered when a host died is of no more interest to who asks again.
        let body = json!({"content": content, "stream": false, "on_busy": "interrupt"});
        let counter = match client.post(&format!("{conversation}/messages"), &body).await {
            Ok(answer) if answer.status == 201 => {
                told.acknowledged.push(content);
                &progress.acknowledged
            }
            Ok(answer) => {
                told.refused.push((answer.status, answer.problem()));
                // Who is refused at once would otherwise do nothing but ask again.
                tokio::time::sleep(Duration::from_millis(5)).await;
                &progress.refused
            }
            Err(_) => {
                told.unanswered += 1;
                tokio::time::sleep(Duration::from_millis(10)).await;
                &progress.unanswered
            }
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
    told
}

/// Everything that was acknowledged is stored once, and whatever is stored is a whole pair.
pub(crate) async fn check_nothing_was_lost(client: &Client, conversations: &[String], told: &[Told]) -> Result<()> {
    let mut stored = Vec::new();
    for conversation in conversations {
        let all = messages(client, conversation).await?;
        for pair in all.chunks(2) {
            assert_eq!(pair.len(), 2, "user and assistant message are stored together");
            assert_eq!((&pair[0]["role"], &pair[1]["role"]), (&json!("user"), &json!("assistant")));
            stored.push(pair[0]["content"].as_str().context("a content")?.to_owned());
        }
    }
    let total = stored.len();
    stored.sort();
    stored.dedup();
    assert_eq!(stored.len(), total, "nothing is stored twice");
    for content in told.iter().flat_map(|told| &told.acknowledged) {
        assert!(stored.binary_search(content).is_ok(), "{content} was acknowledged and is lost");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_message_survives_a_kill_under_load() -> Result<()> {
    let mut application = Application::start().await?;
    let ada = application.user("ada").await?;
    let talk = Talk::begin(&ada, 16).await?;
    for _ in 0..3 {
        talk.until_acknowledged(20).await?;
        application.kill()?;
        talk.until_unanswered(1).await?;
        application.resume().await?;
    }
    talk.until_acknowledged(20).await?;
    let (conversations, told) = talk.end().await;
    check_nothing_was_lost(&ada, &conversations, &told).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_away_requests_are_refused_and_afterwards_all_is_well() -> Result<()> {
    let mut database = MariaDb::start()?;
    let application = Application::start_with(Setup::default().on(database.access(), "away")?).await?;
    let ada = application.user("ada").await?;
    let talk = Talk::begin(&ada, 16).await?;
    let is_ready = async || Ok(application.client().get("/health/ready").await?.status == 200);
    for round in 0..2 {
        talk.until_acknowledged(20).await?;
        if round == 0 {
            database.pause()?
        } else {
            database.kill()?
        }
        talk.until_refused(1).await?;
        assert_eq!(application.client().get("/health/live").await?.status, 200);
        let ready = application.client().get("/health/ready").await?;
        assert_eq!(ready.status, 503, "{}", ready.text());
        database.resume()?;
        until("it is ready again", is_ready).await?;
    }
    talk.until_acknowledged(20).await?;
    let (mut conversations, mut told) = talk.end().await;
    conversations.push(open_conversation_at_last(&ada, "Afterwards").await?);
    let all_is_well = say_at_last(&ada, &conversations[conversations.len() - 1], "all is well").await?;
    assert_eq!(all_is_well["user_message"]["content"], "all is well");
    told.push(Told { acknowledged: vec!["all is well".into()], ..Told::default() });
    for (status, code) in told.iter().flat_map(|told| &told.refused) {
        assert_eq!((*status, code.as_str()), (503, "database_unavailable"));
    }
    check_nothing_was_lost(&ada, &conversations, &told).await
}

/// Opens a conversation as [`at_last`] says.
async fn open_conversation_at_last(client: &Client, title: &str) -> Result<String> {
    let opened = at_last(client, "/v1/conversations", &json!({"title": title})).await?;
    Ok(format!("/v1/conversations/{}", opened["id"].as_str().context("a conversation has an id")?))
}

/// Says something as [`at_last`] says.
async fn say_at_last(client: &Client, conversation: &str, content: &str) -> Result<Value> {
    at_last(client, &format!("{conversation}/messages"), &json!({"content": content, "stream": false})).await
}

/// POSTs as a client does that follows `Retry-After`: an instance that nobody has asked meanwhile still has connections that
/// are dead, and finds out by the first write. The key makes it the same request each time.
async fn at_last(client: &Client, path: &str, body: &Value) -> Result<Value> {
    let begun = Instant::now();
    loop {
        let request = client.request(Method::POST, path).header("idempotency-key", path).json(body);
        let answer = send(request).await?;
        if answer.status == 201 {
            return Ok(answer.json());
        }
        ensure!((answer.status, answer.problem().as_str()) == (503, "database_unavailable"), "{}", answer.text());
        ensure!(begun.elapsed() < PATIENCE, "it is refused without end");
        tokio::time::sleep(Duration::from_secs(answer.header("retry-after").parse()?)).await;
    }
}

/// A server that takes connections and says nothing, as one behind a firewall that drops packets: an open of the driver never
/// ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_never_answers_is_given_up_early_and_then_at_once() -> Result<()> {
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let grant = format!("mysql://{}", silent.local_addr()?);
    let url = format!("{grant}/kowai").replace("//", "//kowai:secret@");
    let database = Database::MariaDb { url, grant };
    let application = Application::start_with(Setup { database, ..Setup::default() }).await?;
    let client = application.client();
    let body = json!({"email": "ada@example.com", "password": "correct horse battery"});
    let ask = async || {
        let begun = Instant::now();
        let answer = client.post("/v1/auth/login", &body).await?;
        ensure!((answer.status, answer.problem().as_str()) == (503, "database_unavailable"), "{}", answer.text());
        ensure!(answer.header("retry-after") == "1", "it does not say when to try again");
        anyhow::Ok(begun.elapsed())
    };
    let first = ask().await?;
    assert!(first < Duration::from_secs(8), "it took {first:?}, and the deadline of a call is 10 s");
    // From now on one request every few seconds tries again, and all others are refused at once.
    let mut quick = 0;
    for _ in 0..20 {
        quick += usize::from(ask().await? < Duration::from_secs(1));
    }
    assert!(quick >= 10, "only {quick} of 20 were refused at once");
    assert_eq!(client.get("/health/live").await?.status, 200);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_first_connections_at_once_do_not_hang() -> Result<()> {
    const CLIENTS: usize = 400;
    let mut application = Application::start().await?;
    let ada = application.user("ada").await?;
    // A host that has just started has no instance, and so no connection.
    application.stop()?;
    application.resume().await?;
    let mut asking = JoinSet::new();
    for _ in 0..CLIENTS {
        let ada = ada.clone();
        asking.spawn(async move { ada.get("/v1/conversations?limit=20").await.map(|answer| answer.status) });
    }
    let answers = tokio::time::timeout(PATIENCE, asking.join_all()).await.context("it hangs")?;
    let mut statuses: Vec<u16> = answers.into_iter().collect::<Result<_>>()?;
    statuses.sort_unstable();
    statuses.dedup();
    assert_eq!(statuses, [200]);
    Ok(())
}
