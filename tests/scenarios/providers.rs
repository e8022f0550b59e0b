//! Providers that do not keep to what OpenAI documents: nothing that one sends harms anybody but its own answer.

use std::{sync::Mutex, time::Duration};

use anyhow::{Context, Result};
use futures::future::join_all;
use scenarios::{open_conversation, text_of};
use serde_json::{Value, json};
use testkit::{
    Application, Client, Setup,
    provider::{Act, Provider, head, says, stops, stream, whole},
};

/// An application whose only model is `provider`.
pub(crate) async fn with(provider: &Provider) -> Result<Application> {
    let setup = Setup::default()
        .variable("openai_url", provider.url())
        .variable("openai_model", "raw")
        .variable("default_model", "raw");
    Application::start_with(setup).await
}

/// Twenty words, one each 100 ms.
fn slowly() -> Vec<Act> {
    let mut acts = vec![head(200, "text/event-stream")];
    for _ in 0..20 {
        acts.extend([Act::Send(says("word ").into()), Act::Pause(Duration::from_millis(100))]);
    }
    acts.push(Act::Send(stops("stop").into()));
    acts
}

/// The last event of the answer to `content`, and the text before it.
async fn ask(client: &Client, conversation: &str, content: &str) -> Result<(String, Value, String)> {
    let body = json!({"content": content, "stream": true});
    let events = client.post_events(&format!("{conversation}/messages"), &body).await?.rest().await?;
    let last = events.last().context("a last event")?;
    Ok((last.name.clone(), last.json(), text_of(&events)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_begins_with_done_fails_its_own_answer_and_no_other() -> Result<()> {
    let provider = Provider::start(|asked| match &*asked.message {
        "slowly" => slowly(),
        _ => stream("data: [DONE]\n\n"),
    })
    .await?;
    let application = with(&provider).await?;
    let ada = application.user("ada").await?;
    let mut others = tokio::task::JoinSet::new();
    for number in 0..12 {
        let (ada, conversation) = (ada.clone(), open_conversation(&ada, &format!("Other {number}")).await?);
        others.spawn(async move { ask(&ada, &conversation, "slowly").await });
    }
    provider.until_asked("slowly").await?;
    let conversation = open_conversation(&ada, "Done").await?;
    for _ in 0..9 {
        let (name, last, text) = ask(&ada, &conversation, "done").await?;
        assert_eq!((&*name, &*text), ("message.failed", ""), "{last}");
        assert!(last.to_string().contains("model_stream_broken"), "{last}");
    }
    while let Some(told) = others.join_next().await {
        let (name, last, text) = told??;
        assert_eq!((&*name, text), ("message.completed", "word ".repeat(20)), "{last}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_busy_for_a_moment_is_asked_again() -> Result<()> {
    let times = Mutex::new(0);
    let provider = Provider::start(move |asked| {
        let mut times = times.lock().expect("nobody panics while it is held");
        *times += 1;
        match (&*asked.message, *times % 3) {
            ("busy for ever", _) => whole(503, &["x-should-retry: false"], "{}"),
            (_, 0) => stream(says("Hello") + &stops("stop")),
            _ => whole(503, &[], "{}"),
        }
    })
    .await?;
    let application = with(&provider).await?;
    let ada = application.user("ada").await?;
    let conversation = open_conversation(&ada, "Busy").await?;
    let (name, last, text) = ask(&ada, &conversation, "busy").await?;
    assert_eq!((&*name, &*text), ("message.completed", "Hello"), "{last}");
    assert_eq!(provider.until_asked("busy").await?, 3);
    let (name, last, _) = ask(&ada, &conversation, "busy for ever").await?;
    assert_eq!(name, "message.failed");
    assert!(last.to_string().contains("model_unavailable"), "{last}");
    assert_eq!(provider.until_asked("busy for ever").await?, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_its_provider_has_just_closed_costs_no_answer() -> Result<()> {
    // The answer does not say that its connection is over, which is then closed, perhaps in the face of the next request.
    let provider = Provider::start(|_| {
        let mut acts = whole(200, &["content-type: text/event-stream"], &(says("Hello") + &stops("stop")));
        acts.retain(|act| *act != Act::KeepAlive);
        acts
    })
    .await?;
    let application = with(&provider).await?;
    let ada = application.user("ada").await?;
    for round in 0..8 {
        let mut conversations = Vec::new();
        for number in 0..15 {
            conversations.push(open_conversation(&ada, &format!("{round} {number}")).await?);
        }
        let answers = conversations.iter().map(|conversation| ask(&ada, conversation, "Hi"));
        for told in join_all(answers).await {
            let (name, last, text) = told?;
            assert_eq!((&*name, &*text), ("message.completed", "Hello"), "round {round}: {last}");
        }
    }
    Ok(())
}
