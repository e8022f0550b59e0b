//! Many streams at once: how long each waits for its first token.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use serde_json::json;
use tokio::{sync::Barrier, task::JoinSet};

use crate::world::World;

/// Rounds, of which the first warms up.
const ROUNDS: usize = 4;

/// Opens `count` streams at once, some times over, and prints the time to their first token. `whereabouts` tells what a model
/// has to be told of before it answers: every message of a history is a row that is read.
pub(crate) async fn run(world: &World, count: usize, whereabouts: &str) -> Result<()> {
    for round in 0..ROUNDS {
        let mut waits = at_once(world, count).await?;
        waits.sort_unstable();
        let ms = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        let what = if round == 0 { "warm-up" } else { "measured" };
        println!(
            "{count} streams at once {whereabouts}, time to first token ({what}): p50 {:.1} ms, p99 {:.1} ms",
            ms(0.5),
            ms(0.99)
        );
    }
    Ok(())
}

async fn at_once(world: &World, count: usize) -> Result<Vec<Duration>> {
    let barrier = Arc::new(Barrier::new(count));
    let mut streams = JoinSet::new();
    for number in 0..count {
        let (client, barrier) = (world.client.clone(), barrier.clone());
        let path = world.conversations[number % world.conversations.len()].clone();
        streams.spawn(async move {
            barrier.wait().await;
            let begun = Instant::now();
            let mut events = client.post_events(&path, &json!({"content": "How are you?", "stream": true})).await?;
            let mut wait = None;
            while let Some(event) = events.next().await? {
                if event.name == "message.delta" && wait.is_none() {
                    wait = Some(begun.elapsed());
                }
                if event.is_last() {
                    break;
                }
            }
            wait.ok_or_else(|| anyhow::anyhow!("a stream without a token"))
        });
    }
    streams.join_all().await.into_iter().collect()
}
