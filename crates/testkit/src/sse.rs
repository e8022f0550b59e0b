//! Server-sent events, read so that every byte can be compared.

use std::pin::Pin;

use anyhow::{Context, Result, ensure};
use futures::{Stream, StreamExt};
use reqwest::RequestBuilder;
use serde_json::Value;

/// One event, with the very bytes it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The whole block, with the blank line that ends it.
    pub raw: String,
    /// Its `id`.
    pub id: String,
    /// Its type.
    pub name: String,
    /// Its data.
    pub data: String,
}

impl Event {
    /// The data as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or(Value::Null)
    }

    /// True for the event after which there is none.
    pub fn is_last(&self) -> bool {
        matches!(self.name.as_str(), "message.completed" | "message.cancelled" | "message.failed")
    }

    fn parse(raw: &str) -> Self {
        let field = |name: &str| {
            let lines = raw.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            lines.collect::<Vec<_>>().join("\n")
        };
        Self { raw: raw.to_owned(), id: field("id"), name: field("event"), data: field("data") }
    }
}

/// `block` from its first line that is no comment. Where a heartbeat stands inside an event it stays, to be seen by whoever
/// compares bytes.
fn without_comments(block: &str) -> &str {
    let mut block = block;
    while block.starts_with(':') {
        block = block.split_once('\n').map_or("", |(_, rest)| rest);
    }
    block
}

/// An open stream of events. Dropping it cuts the connection.
pub struct EventStream {
    bytes: Pin<Box<dyn Stream<Item = reqwest::Result<Vec<u8>>> + Send>>,
    buffer: Vec<u8>,
}

impl EventStream {
    /// Sends `request`, which has to be answered with a stream of events.
    pub async fn open(request: RequestBuilder) -> Result<Self> {
        let response = request.header("accept", "text/event-stream").send().await?;
        let status = response.status();
        let kind =
            response.headers().get("content-type").and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
        if !kind.starts_with("text/event-stream") {
            anyhow::bail!("{status} {kind}: {}", response.text().await?);
        }
        ensure!(status.is_success(), "{status}");
        let bytes = response.bytes_stream().map(|piece| piece.map(|bytes| bytes.to_vec()));
        Ok(Self { bytes: Box::pin(bytes), buffer: Vec::new() })
    }

    /// The next event; `None` when the stream has ended. Heartbeats are left out.
    pub async fn next(&mut self) -> Result<Option<Event>> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let raw: Vec<u8> = self.buffer.drain(..end + 2).collect();
                let raw = String::from_utf8(raw).context("events are UTF-8")?;
                let raw = without_comments(&raw);
                if !raw.trim().is_empty() {
                    return Ok(Some(Event::parse(raw)));
                }
                continue;
            }
            match self.bytes.next().await {
                Some(piece) => self.buffer.extend(piece?),
                None => return Ok(None),
            }
        }
    }

    /// All events up to and with the last one.
    pub async fn rest(mut self) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await? {
            let is_last = event.is_last();
            events.push(event);
            if is_last {
                break;
            }
        }
        Ok(events)
    }
}
