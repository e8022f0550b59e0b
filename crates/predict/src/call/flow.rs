//! The flow of one call: prepare, format, ask, read; then feedback or the fallback adapter
//! (`docs/prompt-format.md#call-flow`).

use super::error::CallError;
use super::feedback::{Feedback, correction};
use super::native::Target;
use super::{native, outputs, response_format};
use crate::adapter::{Adapter, ParseError, ParseErrorKind};
use crate::cache::CacheKey;
use crate::context::Context;
use crate::example::Example;
use crate::lm::{LmError, LmErrorKind, LmRequest, LmResponse, Settings};
use crate::message::{Message, Role};
use crate::signature::Signature;
use crate::stream::{Event, Narrator};
use crate::trace::Exchange;
use crate::value::Map;

/// Everything about a call that its predictor decides.
pub(crate) struct Call<'a> {
    pub(crate) predictor: &'a str,
    pub(crate) signature: &'a Signature,
    pub(crate) demos: &'a [Example],
    pub(crate) inputs: &'a Map,
    /// The predictor's settings, which win over everything else.
    pub(crate) config: Settings,
    /// The model that the predictor was saved with, and its settings.
    pub(crate) model: Option<String>,
    pub(crate) model_settings: Settings,
    pub(crate) feedback: &'a Feedback,
}

/// Gives the outputs of every completion.
pub(crate) async fn run(cx: &Context, mut call: Call<'_>) -> Result<Vec<Map>, CallError> {
    let defaults = cx.lm_settings.over(&call.model_settings.over(&cx.lm.defaults()));
    vary_completions(&mut call.config, &defaults);
    let mut narrator = Narrator::default();
    let first = converse(cx, cx.adapter.as_ref(), &mut call, &defaults, &mut narrator).await;
    let Err(CallError::Parse { source, .. }) = &first else { return first };
    // A fallback would contradict what a listener has already been told (and DSPy's rule is the same).
    let mendable = !matches!(*source.kind, ParseErrorKind::Type { .. }) && !narrator.has_spoken();
    match cx.adapter.fallback().filter(|_| mendable && call.feedback.budget == 0) {
        Some(fallback) => converse(cx, fallback.as_ref(), &mut call, &defaults, &mut narrator).await,
        None => first,
    }
}

/// Several completions at a temperature near zero would all be the same.
fn vary_completions(config: &mut Settings, defaults: &Settings) {
    // Zero counts as unset here, as in Python's `or`.
    let set = |settings: &Settings, name| settings.number(name).filter(|number| *number != 0.0);
    let temperature = set(config, "temperature").or_else(|| defaults.number("temperature"));
    let completions = set(config, "n").or_else(|| set(defaults, "n")).or_else(|| set(defaults, "num_generations"));
    if completions.is_some_and(|n| n > 1.0) && temperature.is_none_or(|temperature| temperature <= 0.15) {
        config.insert("temperature", 0.7);
    }
}

/// One conversation through one adapter, corrections included.
async fn converse(
    cx: &Context,
    adapter: &dyn Adapter,
    call: &mut Call<'_>,
    defaults: &Settings,
    narrator: &mut Narrator,
) -> Result<Vec<Map>, CallError> {
    let (rendered, mut request) = prepare(cx, adapter, call, defaults)?;
    let mut refused = 0;
    loop {
        let response = ask(cx, adapter, call.predictor, &rendered, &request, narrator).await?;
        let read = read_all(adapter, &rendered, call.signature, &response);
        let reason = match &read {
            Err(error) if matches!(*error.kind, ParseErrorKind::Type { .. }) => None,
            Err(error) => Some(reason(error)),
            Ok(completions) if call.feedback.has_checks() => {
                completions.iter().find_map(|outputs| call.feedback.complaint(call.inputs, outputs))
            }
            Ok(_) => None,
        };
        let Some(reason) = reason else {
            return read.map_err(|source| parse_error(call.predictor, source)).inspect(|completions| {
                narrator.conclude(cx, call.predictor, call.signature, completions.first());
            });
        };
        if refused == call.feedback.budget {
            return Err(match read {
                Err(source) => parse_error(call.predictor, source),
                Ok(_) => CallError::Refused { predictor: call.predictor.to_owned(), attempts: refused + 1, reason },
            });
        }
        refused += 1;
        cx.tell(|| Event::Corrected { predictor: call.predictor.to_owned(), reason: reason.clone() });
        request.messages.push(Message::text(Role::Assistant, response.first_text()));
        request.messages.push(Message::text(Role::User, correction(&reason)));
    }
}

/// The signature as the prompt shows it, and the request.
fn prepare(
    cx: &Context,
    adapter: &dyn Adapter,
    call: &mut Call<'_>,
    defaults: &Settings,
) -> Result<(Signature, LmRequest), CallError> {
    let predictor = call.predictor;
    let capabilities = cx.lm.capabilities();
    let model = call.model.as_deref().unwrap_or(cx.lm.model());
    let target = Target { model, capabilities, defaults };
    let output_schema = response_format::prepare(adapter, capabilities, call.signature, &mut call.config);
    let rendered = native::prepare(adapter, &target, call.signature, call.inputs, &mut call.config)
        .map_err(|reason| CallError::Invalid { predictor: predictor.to_owned(), reason })?;
    let messages = adapter
        .format(&rendered, call.demos, call.inputs)
        .map_err(|source| CallError::Format { predictor: predictor.to_owned(), source })?;
    let asks_for_parallel_calls = call.config.get("parallel_tool_calls").is_some_and(|setting| !setting.is_null());
    if asks_for_parallel_calls && call.config.get("tool_choice").is_none() {
        call.config.insert("tool_choice", "auto");
    }
    let settings = call.config.over(defaults);
    Ok((rendered, LmRequest { model: call.model.clone(), messages, settings, output_schema }))
}

/// The model's answer, from the cache where it is known, piece by piece where somebody listens.
async fn ask(
    cx: &Context,
    adapter: &dyn Adapter,
    predictor: &str,
    signature: &Signature,
    request: &LmRequest,
    narrator: &mut Narrator,
) -> Result<LmResponse, CallError> {
    let model = request.model.as_deref().unwrap_or(cx.lm.model()).to_owned();
    let key = cx.cache.as_ref().map(|cache| (cache, CacheKey::of(&model, request)));
    let known = match &key {
        Some((cache, key)) => cache.get(key).await,
        None => None,
    };
    let cached = known.is_some();
    let response = match known {
        Some(response) => Ok(response),
        None if cx.events.is_some() && request.settings.integer("n").is_none_or(|n| n <= 1) => {
            narrator.begin(adapter, signature);
            cx.unless_cancelled(async { Ok(narrator.listen(cx, predictor, request).await) }).await?
        }
        None => cx.unless_cancelled(async { Ok(cx.lm.complete(request).await) }).await?,
    };
    if let (Some((cache, key)), Ok(response), false) = (&key, &response, cached) {
        cache.put(key, response).await;
    }
    cx.ledger.record(Exchange {
        predictor: predictor.to_owned(),
        adapter: adapter.name(),
        model,
        request: request.clone(),
        response: response.clone(),
        cached,
    });
    match response {
        Ok(response) if response.choices.is_empty() => {
            let source = LmError::new(LmErrorKind::Server, "the model gave no choice");
            Err(CallError::Lm { predictor: predictor.to_owned(), source })
        }
        response => response.map_err(|source| CallError::Lm { predictor: predictor.to_owned(), source }),
    }
}

fn read_all(
    adapter: &dyn Adapter,
    rendered: &Signature,
    declared: &Signature,
    response: &LmResponse,
) -> Result<Vec<Map>, ParseError> {
    response.choices.iter().map(|choice| outputs::read(adapter, rendered, declared, choice)).collect()
}

fn parse_error(predictor: &str, source: ParseError) -> CallError {
    CallError::Parse { predictor: predictor.to_owned(), source: Box::new(source) }
}

/// What is wrong with a completion, in words for the model.
fn reason(error: &ParseError) -> String {
    match error.kind.as_ref() {
        ParseErrorKind::Coercion { field, reason, .. } => format!("the field `{field}` is not valid. {reason}"),
        ParseErrorKind::Missing => {
            let missing = error.expected.iter().filter(|field| !error.parsed.contains_key(*field));
            format!("it lacks {}.", missing.map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}
