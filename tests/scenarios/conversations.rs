//! Conversations and their messages.

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use scenarios::{all, messages, open_conversation, say, text_of};
use serde_json::{Value, json};
use testkit::{Application, send};

#[tokio::test]
async fn a_signed_in_user_chats_and_finds_the_conversation_again_after_a_restart() -> Result<()> {
    let mut application = Application::start().await?;
    let ada = application.user("ada").await?;
    let conversation = open_conversation(&ada, "First steps").await?;
    let stream =
        ada.post_events(&format!("{conversation}/messages"), &json!({"content": "Hello!", "stream": true})).await?;
    let events = stream.rest().await?;
    assert_eq!(events.first().map(|event| event.name.as_str()), Some("message.started"));
    let last = events.last().expect("a stream has a last event").json();
    assert_eq!(last["content"], text_of(&events));
    assert_eq!((&last["role"], &last["status"]), (&json!("assistant"), &json!("completed")));
    application.stop()?;
    application.resume().await?;
    let stored = messages(&ada, &conversation).await?;
    assert_eq!(stored.len(), 2);
    assert_eq!((&stored[0]["role"], &stored[0]["content"]), (&json!("user"), &json!("Hello!")));
    assert_eq!(stored[1], last);
    Ok(())
}

#[tokio::test]
async fn an_answer_knows_what_was_said_before() -> Result<()> {
    let script = json!({"rules": [{"contains": "my name is Ada", "answer": "Nice to meet you."}]});
    let application =
        Application::start_with(testkit::Setup::default().variable("llm_script", script.to_string())).await?;
    let ada = application.user("ada").await?;
    let conversation = open_conversation(&ada, "Names").await?;
    let first = say(&ada, &conversation, "my name is Ada").await?;
    assert_eq!(first["assistant_message"]["content"], "Nice to meet you.");
    assert_eq!(first["user_message"]["content"], "my name is Ada");
    let stored = messages(&ada, &conversation).await?;
    assert_eq!(stored, [first["user_message"].clone(), first["assistant_message"].clone()]);
    Ok(())
}

#[tokio::test]
async fn a_conversation_is_listed_renamed_and_deleted_by_its_owner_alone() -> Result<()> {
    let application = Application::start().await?;
    let (ada, bob) = (application.user("ada").await?, application.user("bob").await?);
    let conversation = open_conversation(&ada, "Mine").await?;
    say(&ada, &conversation, "a secret").await?;
    for answer in [
        bob.get(&conversation).await?,
        bob.get(&format!("{conversation}/messages")).await?,
        bob.patch(&conversation, &json!({"title": "Stolen"})).await?,
        bob.delete(&conversation).await?,
        bob.post(&format!("{conversation}/messages"), &json!({"content": "x"})).await?,
    ] {
        assert_eq!(answer.status, 404, "{}", answer.text());
    }
    assert_eq!(all(&bob, "/v1/conversations?limit=20").await?.len(), 0);
    assert_eq!(ada.patch(&conversation, &json!({"title": "Renamed"})).await?.expect(200)["title"], "Renamed");
    assert_eq!(all(&ada, "/v1/conversations?limit=20").await?[0]["title"], "Renamed");
    assert_eq!(ada.delete(&conversation).await?.status, 204);
    assert_eq!(ada.get(&conversation).await?.status, 404);
    assert_eq!(ada.get(&format!("{conversation}/messages")).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn pages_are_stable_while_conversations_are_added() -> Result<()> {
    let application = Application::start().await?;
    let ada = application.user("ada").await?;
    for number in 0..25 {
        open_conversation(&ada, &format!("Number {number}")).await?;
    }
    let first = ada.get("/v1/conversations?limit=10").await?.expect(200);
    open_conversation(&ada, "A late one").await?;
    let cursor = first["next_cursor"].as_str().context("there are more")?;
    let second = ada.get(&format!("/v1/conversations?limit=100&cursor={cursor}")).await?.expect(200);
    let titles = |page: &Value| -> Vec<String> {
        let items = page["data"].as_array().into_iter().flatten();
        items.map(|it| it["title"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let mut seen = titles(&first);
    assert_eq!(seen.len(), 10);
    seen.extend(titles(&second));
    seen.sort();
    let mut expected: Vec<String> = (0..25).map(|number| format!("Number {number}")).collect();
    expected.sort();
    assert_eq!(seen, expected, "nothing is missed, doubled, or pushed in between");
    Ok(())
}

#[tokio::test]
async fn two_hundred_clients_at_once_lose_and_double_nothing() -> Result<()> {
    const CLIENTS: usize = 200;
    let application = Application::start().await?;
    let ada = application.user("ada").await?;
    let shared = open_conversation(&ada, "Everybody").await?;
    stream::iter(0..CLIENTS)
        .map(|number| {
            let (ada, shared) = (ada.clone(), shared.clone());
            async move {
                let path = format!("{shared}/messages");
                let body = json!({"content": format!("message {number}"), "on_busy": "queue"});
                loop {
                    let request = ada.request(Method::POST, &path).header("idempotency-key", number).json(&body);
                    let answer = send(request).await?;
                    // Who has queued for a minute on a busy machine queues again.
                    if (answer.status, answer.problem().as_str()) != (409, "answer_in_progress") {
                        answer.expect(201);
                        return anyhow::Ok(());
                    }
                }
            }
        })
        .buffer_unordered(CLIENTS)
        .try_collect::<()>()
        .await?;
    let stored = messages(&ada, &shared).await?;
    assert_eq!(stored.len(), 2 * CLIENTS);
    let mut said: Vec<String> = Vec::new();
    for pair in stored.chunks(2) {
        assert_eq!((&pair[0]["role"], &pair[1]["role"]), (&json!("user"), &json!("assistant")));
        said.push(pair[0]["content"].as_str().unwrap_or_default().to_owned());
    }
    said.sort();
    let mut expected: Vec<String> = (0..CLIENTS).map(|number| format!("message {number}")).collect();
    expected.sort();
    assert_eq!(said, expected);
    Ok(())
}
