//! What scenarios do again and again, in the words of a user.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use testkit::{Client, Event};

/// Opens a conversation and returns its path: `/v1/conversations/conv_...`.
pub async fn open_conversation(client: &Client, title: &str) -> Result<String> {
    let conversation = client.post("/v1/conversations", &json!({"title": title})).await?.expect(201);
    let id = conversation["id"].as_str().context("a conversation has an id")?;
    Ok(format!("/v1/conversations/{id}"))
}

/// Sends `content` and waits for the whole answer: `{user_message, assistant_message}`.
pub async fn say(client: &Client, conversation: &str, content: &str) -> Result<Value> {
    let body = json!({"content": content, "stream": false});
    Ok(client.post(&format!("{conversation}/messages"), &body).await?.expect(201))
}

/// All messages of a conversation, page by page.
pub async fn messages(client: &Client, conversation: &str) -> Result<Vec<Value>> {
    all(client, &format!("{conversation}/messages?limit=100")).await
}

/// All items of a list, page by page. `path` has a query already.
pub async fn all(client: &Client, path: &str) -> Result<Vec<Value>> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client.get(&format!("{path}{cursor}")).await?.expect(200);
        items.extend(page["data"].as_array().context("a list has data")?.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(items),
        }
    }
}

/// The text that the deltas among `events` add up to.
pub fn text_of(events: &[Event]) -> String {
    let deltas = events.iter().filter(|event| event.name == "message.delta");
    deltas.map(|event| event.json()["text"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The very bytes of `events`, one after the other.
pub fn bytes_of(events: &[Event]) -> String {
    events.iter().map(|event| event.raw.as_str()).collect()
}
