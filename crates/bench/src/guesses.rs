//! Many wrong passwords at once: how long everybody else waits meanwhile.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{process::Usage, world::World};

/// How many guess at the same time.
const GUESSES: usize = 200;

/// Lets many sign in with a wrong password at once, and prints how long `GET /health/live` takes meanwhile.
pub(crate) async fn run(world: &World) -> Result<()> {
    let pid = world.application.pid().unwrap_or_default();
    let before = Usage::of_group(pid)?.rss_bytes;
    let mut guesses = JoinSet::new();
    for number in 0..GUESSES {
        let client = world.client.clone();
        // Of different people: the limit for one would keep most of them from being hashed.
        let wrong = json!({"email": format!("somebody{number}@example.com"), "password": "a wrong guess"});
        guesses.spawn(async move { client.post("/v1/auth/login", &wrong).await.map(|answer| answer.status) });
    }
    let (mut waits, mut refused) = (Vec::new(), [0, 0]);
    while !guesses.is_empty() {
        let begun = Instant::now();
        world.client.get("/health/live").await?.expect(200);
        waits.push(begun.elapsed());
        while let Some(status) = guesses.try_join_next() {
            let status = status??;
            ensure!(matches!(status, 401 | 429), "a wrong guess was answered with {status}");
            refused[usize::from(status == 429)] += 1;
        }
    }
    waits.sort_unstable();
    let ms = |wait: Duration| wait.as_secs_f64() * 1e3;
    println!(
        "{GUESSES} wrong sign-ins at once: {} hashed, {} refused before; `/health/live` meanwhile p50 {:.1} ms, p99 {:.1} ms; memory \
         {:.0} MB before, {:.0} after",
        refused[0],
        refused[1],
        ms(waits[waits.len() / 2]),
        ms(waits[(waits.len() - 1) * 99 / 100]),
        before as f64 / 1e6,
        Usage::of_group(pid)?.rss_bytes as f64 / 1e6,
    );
    Ok(())
}
