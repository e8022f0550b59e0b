//! Logs are JSON lines on standard output, one for each event.
//!
//! Every line has `timestamp level correlation_id trace_id module message user_id execution_time` and what its event adds.
//! What identifies the request comes from the span that the access log opens, so that nobody has to repeat it.

use std::{fmt, time::SystemTime};

use ids::Timestamp;
use serde_json::{Map, Value};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
};
use tracing_subscriber::{Layer, layer::Context, prelude::*, registry::LookupSpan};

/// Writes all logs of this instance to standard output, from `level` on: `error`, `warn`, `info` (if nothing or nonsense is
/// given), `debug` or `trace`. Only the first call has an effect.
pub fn install(level: Option<&str>) {
    let level = level.and_then(|level| level.parse().ok()).unwrap_or(Level::INFO);
    let lines = JsonLines { write: |line: &str| println!("{line}") };
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(LevelFilter::from_level(level)));
    // A second call fails, and means that the first one has done what is wanted.
    let _ = subscriber.try_init();
}

/// A layer that gives each event, as a line of JSON, to `write`.
pub struct JsonLines<W> {
    /// Takes a line without its line break.
    pub write: W,
}

/// The fields of a span, from the span itself and those around it.
#[derive(Clone, Default)]
struct Fields(Map<String, Value>);

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
        let span = context.event_span(event);
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut line = Map::new();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
        line.insert("timestamp".to_owned(), now.to_string().into());
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        for name in ["correlation_id", "trace_id"] {
            line.insert(name.to_owned(), Value::Null);
        }
        line.insert("module".to_owned(), event.metadata().target().into());
        for name in ["message", "user_id", "execution_time"] {
            line.insert(name.to_owned(), Value::Null);
        }
        if let Some(span) = span
            && let Some(outer) = span.extensions().get::<Fields>()
        {
            line.extend(outer.0.clone());
        }
        line.extend(fields.0);
        (self.write)(&Value::Object(line).to_string());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }
}
