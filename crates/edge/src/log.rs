//! Logs are JSON lines on standard output, one for each event.
//!
//! Every line has `timestamp level correlation_id trace_id module message user_id execution_time` and what its event adds.
//! What identifies the request comes from the span that the access log opens, so that nobody has to repeat it.

use std::{
    fmt::{self, Write as _},
    time::SystemTime,
};

use ids::Timestamp;
use serde_json::Value;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
};
use tracing_subscriber::{Layer, layer::Context, prelude::*, registry::LookupSpan};

use crate::stdout;

/// Writes all logs of this instance to standard output, from `level` on: `error`, `warn`, `info` (if nothing or nonsense is
/// given), `debug` or `trace`. Only the first call has an effect.
pub fn install(level: Option<&str>) {
    let level = level.and_then(|level| level.parse().ok()).unwrap_or(Level::INFO);
    let lines = JsonLines { write: stdout::write_line };
    let subscriber = tracing_subscriber::registry().with(LevelFilter::from_level(level)).with(lines);
    // A second call fails, and means that the first one has done what is wanted.
    let _ = subscriber.try_init();
}

/// A layer that gives each event, as a line of JSON, to `write`.
pub struct JsonLines<W> {
    /// Takes a line without its line break.
    pub write: W,
}

/// What every line has, in this order; `null` where nobody said.
const ALWAYS: [&str; 8] =
    ["timestamp", "level", "correlation_id", "trace_id", "module", "message", "user_id", "execution_time"];

/// The fields of an event, or of a span and those around it.
#[derive(Clone, Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    fn set(&mut self, field: &Field, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == field.name()) {
            Some((_, known)) => *known = value,
            None => self.0.push((field.name(), value)),
        }
    }
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(&str) + 'static,
{
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let outer = span.parent().and_then(|parent| parent.extensions().get::<Fields>().cloned());
        let mut fields = outer.unwrap_or_default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
        fields.0.push(("timestamp", now.to_string().into()));
        fields.0.push(("level", event.metadata().level().as_str().into()));
        fields.0.push(("module", event.metadata().target().into()));
        let span = context.event_span(event);
        let line = match span.as_ref().map(|span| span.extensions()) {
            Some(extensions) => line(&fields, extensions.get()),
            None => line(&fields, None),
        };
        (self.write)(&line);
    }
}

/// The line that says `own`, and of `outer` what every line says.
fn line(own: &Fields, outer: Option<&Fields>) -> String {
    let of_all = ALWAYS.iter().map(|name| {
        let said = own.get(name).or_else(|| outer.and_then(|outer| outer.get(name)));
        (*name, said.unwrap_or(&Value::Null))
    });
    let of_this = own.0.iter().filter(|(name, _)| !ALWAYS.contains(name)).map(|(name, value)| (*name, value));
    let mut line = String::with_capacity(320);
    for (name, value) in of_all.chain(of_this) {
        // Field names are identifiers of ours, which need no escaping; a value's Display is JSON. Neither write fails.
        let _ = write!(line, "{}\"{name}\":{value}", if line.is_empty() { '{' } else { ',' });
    }
    line.push('}');
    line
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}").into());
    }
}
