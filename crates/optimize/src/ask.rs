//! Asking a model for help with the search itself: proposals, rules, advice.

use predict::python::repr;
use predict::{CallError, ChainOfThought, Context, JsonAdapter, Map, Module, Predict, Settings, Signature, Value};

use crate::optimizer::OptimizeError;
use crate::rollout::chain;
use crate::study::{Part, Scope};

/// Asks the proposing model and gives the outputs of each completion, at least one.
///
/// # Errors
/// [`OptimizeError::NoProposal`] when the model fails, which callers may do without; everything else is fatal.
pub(crate) async fn ask(
    scope: &Scope<'_>,
    signature: &Signature,
    inputs: Map,
    settings: Settings,
) -> Result<Vec<Map>, OptimizeError> {
    run(scope, scope.context(Part::Proposer, settings), &Predict::of(signature.clone()), inputs).await
}

/// As [`ask`], with reasoning first.
pub(crate) async fn reason(
    scope: &Scope<'_>,
    signature: &Signature,
    inputs: Map,
    settings: Settings,
) -> Result<Vec<Map>, OptimizeError> {
    run(scope, scope.context(Part::Proposer, settings), &ChainOfThought::of(signature.clone()), inputs).await
}

/// As [`ask`], in JSON whatever the study's adapter is.
pub(crate) async fn ask_in_json(
    scope: &Scope<'_>,
    signature: &Signature,
    inputs: Map,
) -> Result<Vec<Map>, OptimizeError> {
    let cx = scope.context(Part::Proposer, Settings::new()).with_adapter(JsonAdapter::default());
    run(scope, cx, &Predict::of(signature.clone()), inputs).await
}

async fn run(scope: &Scope<'_>, cx: Context, module: &dyn Module, inputs: Map) -> Result<Vec<Map>, OptimizeError> {
    let answer = cx.run(module, inputs).await.outcome;
    scope.check()?;
    let refused =
        |error: CallError| OptimizeError::NoProposal { message: chain(&error), too_long: error.is_context_window() };
    let prediction = answer.map_err(refused)?;
    Ok(if prediction.completions.is_empty() { vec![prediction.values] } else { prediction.completions })
}

/// A text output; empty when there is none.
pub(crate) fn field_text(answer: &Map, field: &str) -> String {
    answer.get(field).map(shown).unwrap_or_default()
}

/// A value as a prompt shows it to a model that is asked about it: text as it is, everything else as Python prints it.
pub(crate) fn shown(value: &Value) -> String {
    repr::str(value)
}
