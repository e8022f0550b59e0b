//! Streams of an answer: cut, resumed, cancelled, broken.

use std::time::Duration;

use anyhow::{Context, Result};
use scenarios::{bytes_of, messages, open_conversation, text_of};
use serde_json::{Value, json};
use testkit::{Application, Client, Event, EventStream, Setup};

/// Rules of a model that takes its time, breaks off, or stalls.
fn script() -> String {
    let slow = "one two three four five six seven eight nine ten eleven twelve";
    json!({"rules": [
        {"contains": "slowly", "answer": slow, "token_ms": 60},
        {"contains": "for ever", "answer": "tick ".repeat(2000), "token_ms": 50},
        {"contains": "cut", "answer": slow, "token_ms": 5, "cut_after_tokens": 4},
        {"contains": "busy", "status": 429, "retry_after_ms": 1500},
        {"contains": "broken", "status": 500}
    ]})
    .to_string()
}

async fn start() -> Result<(Application, Client, String)> {
    let application = Application::start_with(Setup::default().variable("llm_script", script())).await?;
    let ada = application.user("ada").await?;
    let conversation = open_conversation(&ada, "Streams").await?;
    Ok((application, ada, conversation))
}

async fn ask(client: &Client, conversation: &str, content: &str) -> Result<EventStream> {
    client.post_events(&format!("{conversation}/messages"), &json!({"content": content, "stream": true})).await
}

/// The path of the events of the message that `started` began.
fn path_of(conversation: &str, started: &Event) -> Result<String> {
    let data = started.json();
    let message =
        data["assistant_message"]["id"].as_str().or(data["id"].as_str()).context("the event names its message")?;
    Ok(format!("{conversation}/messages/{message}"))
}

/// The message as it is stored, once it is no longer in progress.
async fn ended(client: &Client, conversation: &str) -> Result<Value> {
    for _ in 0..600 {
        let last = messages(client, conversation).await?.pop().context("there is a message")?;
        if last["status"] != "in_progress" {
            return Ok(last);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("the message does not end")
}

#[tokio::test]
async fn a_stream_cut_at_any_event_is_resumed_byte_for_byte() -> Result<()> {
    let (_application, ada, conversation) = start().await?;
    let whole = ask(&ada, &conversation, "slowly, please").await?.rest().await?;
    assert!(whole.len() > 5, "{whole:?}");
    let events = format!("{}/events", path_of(&conversation, &whole[0])?);
    assert_eq!(bytes_of(&ada.get_events(&events, None).await?.rest().await?), bytes_of(&whole));
    for (index, event) in whole.iter().enumerate().take(whole.len() - 1) {
        let rest = ada.get_events(&events, Some(&event.id)).await?.rest().await?;
        assert_eq!(bytes_of(&rest), bytes_of(&whole[index + 1..]), "resumed after {}", event.id);
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_cut_while_it_runs_is_resumed_while_it_runs() -> Result<()> {
    let (_application, ada, conversation) = start().await?;
    let mut stream = ask(&ada, &conversation, "slowly, please").await?;
    let mut seen = vec![stream.next().await?.context("an event")?, stream.next().await?.context("an event")?];
    drop(stream);
    let events = format!("{}/events", path_of(&conversation, &seen[0])?);
    loop {
        let last = seen.last().context("something was seen")?;
        let mut resumed = ada.get_events(&events, Some(&last.id)).await?;
        let event = resumed.next().await?.context("the stream goes on until its last event")?;
        let is_last = event.is_last();
        seen.push(event);
        if is_last {
            break;
        }
    }
    assert_eq!(bytes_of(&seen), bytes_of(&ada.get_events(&events, None).await?.rest().await?));
    assert_eq!(seen.last().map(|event| event.name.as_str()), Some("message.completed"));
    Ok(())
}

#[tokio::test]
async fn a_client_that_leaves_does_not_stop_the_answer() -> Result<()> {
    let (_application, ada, conversation) = start().await?;
    let mut stream = ask(&ada, &conversation, "slowly, please").await?;
    stream.next().await?;
    drop(stream);
    let message = ended(&ada, &conversation).await?;
    assert_eq!(message["status"], "completed");
    assert_eq!(message["content"], "one two three four five six seven eight nine ten eleven twelve");
    Ok(())
}

#[tokio::test]
async fn cancelling_stops_the_answer_and_keeps_what_was_said() -> Result<()> {
    let (_application, ada, conversation) = start().await?;
    let mut stream = ask(&ada, &conversation, "for ever").await?;
    let mut seen = Vec::new();
    while seen.len() < 4 {
        seen.push(stream.next().await?.context("an event")?);
    }
    let path = path_of(&conversation, &seen[0])?;
    let cancelled = ada.post(&format!("{path}/cancel"), &json!({})).await?;
    assert!(matches!(cancelled.status, 200 | 202), "{}", cancelled.text());
    let rest = tokio::time::timeout(Duration::from_secs(20), stream.rest()).await??;
    seen.extend(rest);
    assert_eq!(seen.last().map(|event| event.name.as_str()), Some("message.cancelled"));
    let message = ended(&ada, &conversation).await?;
    assert_eq!((&message["status"], &message["content"]), (&json!("cancelled"), &json!(text_of(&seen))));
    let again = ada.post(&format!("{path}/cancel"), &json!({})).await?;
    assert!(matches!(again.status, 200 | 202 | 409), "{}", again.text());
    assert_eq!(bytes_of(&ada.get_events(&format!("{path}/events"), None).await?.rest().await?), bytes_of(&seen));
    Ok(())
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_failed_and_never_complete() -> Result<()> {
    let (_application, ada, conversation) = start().await?;
    let events = ask(&ada, &conversation, "cut").await?.rest().await?;
    let last = events.last().context("a last event")?;
    assert_eq!(last.name, "message.failed");
    assert!(last.json()["code"].is_string() || last.json()["problem"]["code"].is_string(), "{}", last.raw);
    let message = ended(&ada, &conversation).await?;
    assert_eq!((&message["status"], &message["content"]), (&json!("failed"), &json!(text_of(&events))));
    Ok(())
}

#[tokio::test]
async fn a_model_that_refuses_leaves_nothing_behind() -> Result<()> {
    let (_application, ada, conversation) = start().await?;
    for content in ["busy", "broken"] {
        let body = json!({"content": content, "stream": false});
        let refused = ada.post(&format!("{conversation}/messages"), &body).await?;
        assert!(matches!(refused.status, 429 | 502 | 503), "{}", refused.text());
        assert!(!refused.problem().is_empty());
    }
    assert_eq!(messages(&ada, &conversation).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn an_answer_whose_host_is_killed_ends_as_failed_with_what_was_shown() -> Result<()> {
    let (mut application, ada, conversation) = start().await?;
    let mut stream = ask(&ada, &conversation, "for ever").await?;
    let mut seen = Vec::new();
    while seen.len() < 5 {
        seen.push(stream.next().await?.context("an event")?);
    }
    application.kill()?;
    while let Ok(Some(event)) = stream.next().await {
        seen.push(event);
    }
    application.resume().await?;
    let events = format!("{}/events", path_of(&conversation, &seen[0])?);
    let last = seen.last().context("something was seen")?.id.clone();
    let rest =
        tokio::time::timeout(Duration::from_secs(60), ada.get_events(&events, Some(&last)).await?.rest()).await??;
    seen.extend(rest);
    assert_eq!(seen.last().map(|event| event.name.as_str()), Some("message.failed"));
    assert_eq!(bytes_of(&ada.get_events(&events, None).await?.rest().await?), bytes_of(&seen));
    assert_eq!(ended(&ada, &conversation).await?["content"], text_of(&seen));
    Ok(())
}

#[tokio::test]
async fn a_hostile_last_event_id_is_refused() -> Result<()> {
    let (_application, ada, conversation) = start().await?;
    let events = ask(&ada, &conversation, "hello").await?.rest().await?;
    let path = format!("{}/events", path_of(&conversation, &events[0])?);
    for hostile in ["-1", "1 OR 1=1", "99999999999999999999999", "abc", "1.5"] {
        let refused = ada.get_events(&path, Some(hostile)).await.err().context("it is refused")?.to_string();
        assert!(refused.contains("application/problem+json"), "{hostile}: {refused}");
    }
    Ok(())
}
