//! Events as lines.

use std::{
    io::Write,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use ids::Timestamp;
use tracing::{
    Event, Level, Metadata, Subscriber,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
};
use tracing_core::span::Current;

use super::{
    fields::Fields,
    spans::{self, Spans},
};

/// What every line has after its time and its level, in this order; `null` where nobody said.
const ALWAYS: [&str; 6] = ["correlation_id", "trace_id", "module", "message", "user_id", "execution_time"];

/// Gives each event as a line of JSON, with its line break, to a function.
///
/// Every request is a span and a line, so this does without the registry of `tracing-subscriber`, which is made for many
/// threads and layers and would cost a request more than its answer does.
pub struct JsonLines<W> {
    level: Level,
    write: W,
    /// Never held while somebody else's code runs, which may log.
    spans: Mutex<Spans>,
}

impl<W: Fn(&[u8]) + Send + Sync + 'static> JsonLines<W> {
    /// Lines from `level` on, for `write`.
    pub fn new(level: Level, write: W) -> Self {
        Self { level, write, spans: Mutex::default() }
    }

    fn spans(&self) -> MutexGuard<'_, Spans> {
        // Nothing that can panic happens under it.
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Fn(&[u8]) + Send + Sync + 'static> Subscriber for JsonLines<W> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::from_level(self.level))
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut fields = self.spans().blank();
        if let Some(outer) = outer(attributes.parent(), attributes.is_contextual()) {
            fields.extend(self.spans().fields(&outer));
        }
        attributes.record(&mut fields);
        self.spans().open(attributes.metadata(), fields)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let mut fields = self.spans().blank();
        values.record(&mut fields);
        let mut spans = self.spans();
        spans.fields_mut(id).extend(&fields);
        spans.recycle(fields);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = self.spans().blank();
        event.record(&mut fields);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
        let mut spans = self.spans();
        let outer = outer(event.parent(), event.is_contextual());
        let line = line(now, event.metadata(), &fields, outer.as_ref().map(|outer| spans.fields(outer)));
        spans.recycle(fields);
        drop(spans);
        (self.write)(&line);
    }

    fn enter(&self, id: &Id) {
        spans::enter(id);
    }

    fn exit(&self, id: &Id) {
        spans::exit(id);
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.spans().hold(id);
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        self.spans().release(&id)
    }

    fn current_span(&self) -> Current {
        match spans::innermost() {
            Some(id) => {
                let metadata = self.spans().metadata(&id);
                Current::new(id, metadata)
            }
            None => Current::none(),
        }
    }
}

/// The span around a span or an event: the one that it names, or where it names none and is no root, the innermost one.
fn outer(named: Option<&Id>, is_contextual: bool) -> Option<Id> {
    named.cloned().or_else(|| is_contextual.then(spans::innermost).flatten())
}

/// The line that says `own`, and of `outer` what every line says.
fn line(now: Timestamp, metadata: &Metadata<'_>, own: &Fields, outer: Option<&Fields>) -> Vec<u8> {
    let mut line = Vec::with_capacity(512);
    // Writing to a vector does not fail; levels and the paths of modules need no escaping.
    let _ = write!(line, r#"{{"timestamp":"{now}","level":"{}""#, metadata.level().as_str());
    for name in ALWAYS {
        if name == "module" {
            let _ = write!(line, r#","module":"{}""#, metadata.target());
            continue;
        }
        let said = own.get(name).or_else(|| outer.and_then(|outer| outer.get(name)));
        member(&mut line, name, said.unwrap_or(b"null"));
    }
    for (name, value) in own.iter().filter(|(name, _)| !ALWAYS.contains(name)) {
        member(&mut line, name, value);
    }
    line.extend_from_slice(b"}\n");
    line
}

/// Adds a member to an object; its name is an identifier of ours, and its value is JSON.
fn member(line: &mut Vec<u8>, name: &str, value: &[u8]) {
    for part in [b",\"", name.as_bytes(), b"\":", value] {
        line.extend_from_slice(part);
    }
}
