//! Streams of an answer: cut, resumed, cancelled, broken.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use scenarios::{bytes_of, messages, open_conversation, text_of};
use serde_json::{Value, json};
use testkit::{
    Application, Client, Event, EventStream, Setup,
    provider::{Act, Provider},
};

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
    assert_eq!(cancelled.status, 200, "{}", cancelled.text());
    let rest = tokio::time::timeout(Duration::from_secs(20), stream.rest()).await??;
    seen.extend(rest);
    assert_eq!(seen.last().map(|event| event.name.as_str()), Some("message.cancelled"));
    let message = ended(&ada, &conversation).await?;
    assert_eq!((&message["status"], &message["content"]), (&json!("cancelled"), &json!(text_of(&seen))));
    let again = ada.post(&format!("{path}/cancel"), &json!({})).await?;
    assert_eq!((again.status, again.json()), (200, cancelled.json()), "{}", again.text());
    assert_eq!(bytes_of(&ada.get_events(&format!("{path}/events"), None).await?.rest().await?), bytes_of(&seen));
    Ok(())
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_failed_and_never_complete() -> Result<()> {
    let (_application, ada, conversation) = start().await?;
    let events = ask(&ada, &conversation, "cut").await?.rest().await?;
    let last = events.last().context("a last event")?;
    assert_eq!(last.name, "message.failed");
    assert_eq!(last.json()["code"], "model_stream_broken", "{}", last.raw);
    let message = ended(&ada, &conversation).await?;
    assert_eq!((&message["status"], &message["content"]), (&json!("failed"), &json!(text_of(&events))));
    assert_eq!(last.json()["message"], message, "the problem has the answer as it is stored");
    Ok(())
}

#[tokio::test]
async fn a_model_that_refuses_leaves_the_question_and_a_failed_answer() -> Result<()> {
    let (_application, ada, conversation) = start().await?;
    for (content, code, wait) in [("busy", "model_rate_limited", "2"), ("broken", "model_unavailable", "")] {
        let body = json!({"content": content, "stream": false});
        let refused = ada.post(&format!("{conversation}/messages"), &body).await?;
        assert_eq!((refused.status, refused.header("retry-after")), (503, wait), "{}", refused.text());
        assert_eq!(refused.problem(), code);
        let stored = messages(&ada, &conversation).await?;
        let pair = &stored[stored.len() - 2..];
        assert_eq!((&pair[0]["content"], &pair[1]["status"]), (&json!(content), &json!("failed")));
        assert_eq!(pair[1]["error"]["code"], code);
    }
    assert_eq!(messages(&ada, &conversation).await?.len(), 4);
    Ok(())
}

#[tokio::test]
async fn an_answer_whose_host_is_killed_ends_as_failed_with_what_was_stored() -> Result<()> {
    let (mut application, ada, conversation) = start().await?;
    let mut stream = ask(&ada, &conversation, "for ever").await?;
    let mut seen = Vec::new();
    while seen.len() < 25 {
        seen.push(stream.next().await?.context("an event")?);
    }
    application.kill()?;
    while let Ok(Some(event)) = stream.next().await {
        seen.push(event);
    }
    application.resume().await?;
    let events = format!("{}/events", path_of(&conversation, &seen[0])?);
    let last = seen.last().context("something was seen")?.id.clone();
    let patience = Duration::from_secs(60);
    let rest = tokio::time::timeout(patience, ada.get_events(&events, Some(&last)).await?.rest()).await??;
    let end = rest.last().context("a last event")?.json();
    assert_eq!((rest.len(), &*rest[0].name, &end["code"]), (1, "message.failed", &json!("answer_interrupted")));
    assert!(rest[0].id.parse::<u64>()? > last.parse()?, "its number is above all that were shown");
    let message = ended(&ada, &conversation).await?;
    assert_eq!(end["message"], message, "a client puts this in place of what it shows");
    // A quarter of a second is five of its words; what a write under way holds may be as many again.
    let (shown, stored) = (text_of(&seen), message["content"].as_str().context("a content")?);
    let lost = shown.strip_prefix(stored).context("what is stored is the beginning of what was shown")?;
    assert!(lost.len() <= "tick ".len() * 10, "{lost:?} is lost");
    let replayed = ada.get_events(&events, None).await?.rest().await?;
    let common = replayed.len() - 1;
    assert_eq!(bytes_of(&replayed), bytes_of(&[&seen[..common], &rest].concat()));
    Ok(())
}

#[tokio::test]
async fn a_finished_answer_is_replayed_from_anywhere_after_a_kill() -> Result<()> {
    let (mut application, ada, conversation) = start().await?;
    let whole = ask(&ada, &conversation, "slowly, please").await?.rest().await?;
    application.kill()?;
    application.resume().await?;
    let events = format!("{}/events", path_of(&conversation, &whole[0])?);
    let begun = Instant::now();
    assert_eq!(bytes_of(&ada.get_events(&events, Some("0")).await?.rest().await?), bytes_of(&whole));
    let before_last = whole[whole.len() - 2].id.clone();
    let rest = ada.get_events(&events, Some(&before_last)).await?.rest().await?;
    assert_eq!(bytes_of(&rest), bytes_of(&whole[whole.len() - 1..]));
    for (last, status) in [(whole.len(), 204), (whole.len() + 1000, 422)] {
        let request = ada.request(reqwest::Method::GET, &events).header("last-event-id", last.to_string());
        assert_eq!(testkit::send(request).await?.status, status, "{last}");
    }
    assert!(begun.elapsed() < Duration::from_secs(4), "nobody waits for what has ended");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_answer_lets_go_of_a_silent_provider() -> Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let word = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Well\"}}]}\n\n";
    let provider = Provider::start(move |asked| match &*asked.message {
        "say nothing" => vec![Act::Hold],
        "say no more" => vec![Act::Send(format!("{head}{word}").into_bytes()), Act::Hold],
        _ => vec![Act::Send(head.into()), Act::Hold],
    })
    .await?;
    let setup = Setup::default().variable("openai_url", provider.url()).variable("openai_model", "silent");
    let application = Application::start_with(setup.variable("default_model", "silent")).await?;
    let ada = application.user("ada").await?;
    for (content, text) in [("say nothing", ""), ("only listen", ""), ("say no more", "Well")] {
        let conversation = open_conversation(&ada, content).await?;
        let mut stream = ask(&ada, &conversation, content).await?;
        let started = stream.next().await?.context("an event")?;
        provider.until_asked(content).await?;
        if !text.is_empty() {
            assert_eq!(stream.next().await?.context("an event")?.json()["text"], text);
        }
        let begun = Instant::now();
        let cancelled =
            ada.post(&format!("{}/cancel", path_of(&conversation, &started)?), &json!({})).await?.expect(200);
        let took = provider.until_closed_by_client(content).await?.saturating_duration_since(begun);
        // 200 ms, and what a busy machine adds.
        assert!(took < Duration::from_millis(600), "{content}: closed after {took:?}");
        assert_eq!((&cancelled["status"], &cancelled["content"]), (&json!("cancelled"), &json!(text)));
        assert_eq!(cancelled["usage"]["estimated"], true, "{cancelled}");
        assert_eq!(stream.rest().await?.last().map(|event| event.name.clone()).as_deref(), Some("message.cancelled"));
    }
    Ok(())
}

#[tokio::test]
async fn a_second_message_meets_the_answer_to_the_first() -> Result<()> {
    let (_application, ada, conversation) = start().await?;
    let mut stream = ask(&ada, &conversation, "for ever").await?;
    let started = stream.next().await?.context("an event")?;
    let path = format!("{conversation}/messages");
    let refused = ada.post(&path, &json!({"content": "hello"})).await?;
    assert_eq!((refused.status, refused.problem()), (409, "answer_in_progress".to_owned()));
    assert_eq!(refused.json()["message_id"], started.json()["assistant_message"]["id"]);
    let answered = ada.post(&path, &json!({"content": "hello", "on_busy": "interrupt"})).await?.expect(201);
    assert_eq!(answered["assistant_message"]["finish_reason"], "stop");
    assert_eq!(stream.rest().await?.last().map(|event| event.name.clone()).as_deref(), Some("message.cancelled"));
    let statuses: Vec<Value> = messages(&ada, &conversation).await?.iter().map(|it| it["status"].clone()).collect();
    assert_eq!(statuses, ["completed", "cancelled", "completed", "completed"]);

    let _slow = ask(&ada, &conversation, "slowly, please").await?;
    ada.post(&path, &json!({"content": "hello", "on_busy": "queue"})).await?.expect(201);
    let stored = messages(&ada, &conversation).await?;
    assert_eq!((stored.len(), &stored[5]["status"]), (8, &json!("completed")));
    let stale = json!({"content": "hello", "expected_last_message_id": stored[5]["id"]});
    let refused = ada.post(&path, &stale).await?;
    assert_eq!((refused.status, refused.problem()), (409, "last_message_differs".to_owned()));
    assert_eq!(refused.json()["last_message_id"], stored[7]["id"]);
    Ok(())
}

#[tokio::test]
async fn whoever_follows_too_much_is_told_when_to_come_back_and_nobody_else_is_kept_waiting() -> Result<()> {
    let (application, ada, conversation) = start().await?;
    let mut live = ask(&ada, &conversation, "for ever").await?;
    let events = format!("{}/events", path_of(&conversation, &live.next().await?.context("an event")?)?);
    let mut followers = Vec::new();
    for _ in 0..64 {
        followers.push(ada.get_events(&events, None).await?);
    }
    let refused = ada.get(&events).await?;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "5"), "{}", refused.text());
    assert_eq!(refused.problem(), "too_many_streams");
    let bob = application.user("bob").await?;
    let other = open_conversation(&bob, "Streams").await?;
    let whole = ask(&bob, &other, "hello").await?.rest().await?;
    let path = format!("{}/events", path_of(&other, &whole[0])?);
    assert_eq!(bytes_of(&bob.get_events(&path, None).await?.rest().await?), bytes_of(&whole));
    followers.truncate(60);
    let deadline = Instant::now() + Duration::from_secs(5);
    while ada.get_events(&events, None).await.is_err() {
        anyhow::ensure!(Instant::now() < deadline, "a place is free when its reader has left");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
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
