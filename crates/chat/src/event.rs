//! The events of an answer: numbered, rendered once, stored, and sent as they were stored.

pub(crate) mod repo;

use ids::CorrelationId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::message::{Failure, Message, Status};

/// An event of an answer. Two events of the same answer with the same number are the same to the byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number: from 1 without gaps, but that the last one of an answer whose writer died is above all that can have been shown.
    pub seq: u64,
    /// What happened.
    pub name: EventName,
    /// JSON, on one line.
    pub data: String,
}

/// What happened to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumString, strum::IntoStaticStr)]
pub enum EventName {
    /// It was begun: always event 1.
    #[strum(serialize = "message.started")]
    Started,
    /// It grew; the data is `{"text": ...}`.
    #[strum(serialize = "message.delta")]
    Delta,
    /// It came to its end.
    #[strum(serialize = "message.completed")]
    Completed,
    /// Somebody stopped it.
    #[strum(serialize = "message.cancelled")]
    Cancelled,
    /// It broke off.
    #[strum(serialize = "message.failed")]
    Failed,
}

impl EventName {
    /// True where no event comes after one of this name.
    pub fn is_last(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Failed)
    }
}

/// Writes the data of events: each is JSON in the form in which clients see messages and problems.
pub trait EventFormat: Send + Sync {
    /// The data of `message.started`: a message and its answer, which is empty yet.
    fn started(&self, question: &Message, answer: &Message) -> String;

    /// The data of `message.completed` and `message.cancelled`: the answer as it is stored.
    fn ended(&self, answer: &Message) -> String;

    /// The data of `message.failed`: why, as a problem, and the answer as it is stored, which a client puts in place of what it
    /// shows. `correlation_id` is that of the request that found it out.
    fn failed(&self, failure: &Failure, answer: &Message, correlation_id: &CorrelationId) -> String;
}

/// The data of `message.delta`.
#[derive(Serialize, Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    text: std::borrow::Cow<'a, str>,
}

/// The event `message.started` of `answer`, however far that has come.
pub(crate) fn started(question: &Message, answer: &Message, format: &dyn EventFormat) -> Event {
    Event { seq: 1, name: EventName::Started, data: format.started(question, &answer.begun()) }
}

/// A new event `message.delta`.
pub(crate) fn delta(seq: u64, text: &str) -> Event {
    let data = serde_json::to_string(&Delta { text: text.into() }).expect("a text can be written as JSON");
    Event { seq, name: EventName::Delta, data }
}

/// What the deltas among `events` say together.
pub(crate) fn text_of(events: &[Event]) -> Result<String, serde_json::Error> {
    let deltas = events.iter().filter(|event| event.name == EventName::Delta);
    deltas.map(|event| serde_json::from_str::<Delta<'_>>(&event.data).map(|delta| delta.text.into_owned())).collect()
}

/// Events of one row as the row holds them: `[["message.delta", {"text": "a"}], ...]`. Their data is kept to the byte.
pub(crate) fn pack(events: &[Event]) -> String {
    let pair = |event: &Event| format!("[\"{}\",{}]", event.name, event.data);
    format!("[{}]", events.iter().map(pair).collect::<Vec<_>>().join(","))
}

/// The events of a row, of which the first has the number `first_seq`.
pub(crate) fn unpack(first_seq: u64, row: &str) -> Result<Vec<Event>, serde_json::Error> {
    let pairs: Vec<(&str, &RawValue)> = serde_json::from_str(row)?;
    let event = |(seq, (name, data)): (u64, (&str, &RawValue))| {
        let name = name.parse().map_err(serde::de::Error::custom)?;
        Ok(Event { seq, name, data: data.get().to_owned() })
    };
    (first_seq..).zip(pairs).map(event).collect()
}

/// The last event of `answer`, if that has come to its end. It is told from the answer's row alone, whoever asks, so that what an
/// answer says is stored once.
pub(crate) fn ended(answer: &Message, format: &dyn EventFormat) -> Option<Event> {
    let (name, data) = match answer.status {
        Status::InProgress => return None,
        Status::Completed => (EventName::Completed, format.ended(answer)),
        Status::Cancelled => (EventName::Cancelled, format.ended(answer)),
        Status::Failed => {
            let failure = answer.why_failed().unwrap_or(Failure::Interrupted);
            let correlation_id = answer.trail.correlation_id.clone().unwrap_or_else(|| CorrelationId::of(answer.id));
            (EventName::Failed, format.failed(&failure, answer, &correlation_id))
        }
    };
    let seq = answer.trail.last_seq.unwrap_or(2 + u64::from(!answer.content.is_empty()));
    Some(Event { seq, name, data })
}

/// The deltas of an answer that has ended and of which none is stored: all of it in one. It was shown to nobody in others, or
/// they were deleted with their partition.
pub(crate) fn whole(answer: &Message) -> Option<Event> {
    (answer.status != Status::InProgress && !answer.content.is_empty()).then(|| delta(2, &answer.content))
}

#[cfg(test)]
mod tests;
