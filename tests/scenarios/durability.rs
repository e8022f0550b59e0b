//! Hosts that are killed and databases that go away.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use scenarios::{messages, open_conversation};
use serde_json::json;
use testkit::{Application, Client, Setup, mariadb::MariaDb};
use tokio::task::JoinSet;

/// What a client was told of its messages.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) acknowledged: Vec<String>,
    pub(crate) refused: Vec<(u16, String)>,
    unanswered: usize,
}

/// Says things, one after the other, until `stop`.
async fn talk(client: Client, conversation: String, name: usize, stop: Arc<AtomicBool>) -> Told {
    let mut told = Told::default();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let content = format!("{name}-{number}");
        let body = json!({"content": content, "stream": false});
        match client.post(&format!("{conversation}/messages"), &body).await {
            Ok(answer) if answer.status == 201 => told.acknowledged.push(content),
            Ok(answer) => told.refused.push((answer.status, answer.problem())),
            Err(_) => {
                told.unanswered += 1;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
    told
}

/// Opens `count` conversations and lets somebody talk in each until `stop`.
pub(crate) async fn talkers(
    client: &Client,
    count: usize,
    stop: &Arc<AtomicBool>,
) -> Result<(Vec<String>, JoinSet<Told>)> {
    let mut conversations = Vec::new();
    let mut talking = JoinSet::new();
    for name in 0..count {
        let conversation = open_conversation(client, &format!("Talker {name}")).await?;
        talking.spawn(talk(client.clone(), conversation.clone(), name, stop.clone()));
        conversations.push(conversation);
    }
    Ok((conversations, talking))
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
    let stop = Arc::new(AtomicBool::new(false));
    let (conversations, talking) = talkers(&ada, 16, &stop).await?;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        application.kill()?;
        application.resume().await?;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    stop.store(true, Ordering::Relaxed);
    let told = talking.join_all().await;
    assert!(told.iter().map(|told| told.acknowledged.len()).sum::<usize>() > 50, "there was no load");
    assert!(told.iter().any(|told| told.unanswered > 0), "nobody noticed the kill");
    check_nothing_was_lost(&ada, &conversations, &told).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_away_requests_are_refused_and_afterwards_all_is_well() -> Result<()> {
    let mut database = MariaDb::start()?;
    let application = Application::start_with(Setup::default().on(database.access(), "away")?).await?;
    let ada = application.user("ada").await?;
    let stop = Arc::new(AtomicBool::new(false));
    let (conversations, talking) = talkers(&ada, 16, &stop).await?;
    for round in 0..2 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        if round == 0 {
            database.pause()?
        } else {
            database.kill()?
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(application.client().get("/health/live").await?.status, 200);
        let ready = application.client().get("/health/ready").await?;
        assert_eq!(ready.status, 503, "{}", ready.text());
        database.resume()?;
        let begun = Instant::now();
        while application.client().get("/health/ready").await?.status != 200 {
            assert!(begun.elapsed() < Duration::from_secs(10), "it does not recover");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    let conversation = open_conversation(&ada, "Afterwards").await?;
    scenarios::say(&ada, &conversation, "all is well").await?;
    stop.store(true, Ordering::Relaxed);
    let told = talking.join_all().await;
    let refused: Vec<&(u16, String)> = told.iter().flat_map(|told| &told.refused).collect();
    assert!(!refused.is_empty(), "nobody noticed");
    for (status, code) in refused {
        assert_eq!((*status, code.as_str()), (503, "database_unavailable"));
    }
    check_nothing_was_lost(&ada, &conversations, &told).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_first_connections_at_once_do_not_hang() -> Result<()> {
    const CLIENTS: usize = 400;
    let application = Application::start().await?;
    let ada = application.user("ada").await?;
    // Instances are dropped after a second without requests, and their connections with them.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let mut asking = JoinSet::new();
    for _ in 0..CLIENTS {
        let ada = ada.clone();
        asking.spawn(async move { ada.get("/v1/conversations?limit=20").await.map(|answer| answer.status) });
    }
    let answers = tokio::time::timeout(Duration::from_secs(60), asking.join_all()).await.context("it hangs")?;
    let mut statuses: Vec<u16> = answers.into_iter().collect::<Result<_>>()?;
    statuses.sort_unstable();
    statuses.dedup();
    assert_eq!(statuses, [200]);
    Ok(())
}
