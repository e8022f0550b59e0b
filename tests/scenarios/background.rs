//! Work beside a response that is still being streamed.

use anyhow::Result;
use testkit::Application;

/// What wit-bindgen 0.57 spawns is polled with the next event of its request, unless somebody asks for more: with nothing else
/// going on in the request that would be a timeout.
#[tokio::test]
async fn what_is_spawned_and_sent_beside_a_response_is_seen_to_at_once() -> Result<()> {
    let application = Application::start().await?;
    let times = application.client().get("/spawner").await?.expect(200);
    for what in ["spawned_ms", "answered_ms"] {
        let took = times[what].as_u64();
        assert!(took.is_some_and(|ms| ms < 2000), "{what}: {times}");
    }
    Ok(())
}
