//! Telling the model what was wrong with its answer, within a budget.
//!
//! DSPy repeats a call that could not be parsed once, blindly, through another adapter. With feedback the model sees its
//! own completion and the reason it was refused, in the same conversation, and so do checks of the caller's own. (What
//! DSPy's removed assertions were for; asked for in its issues 7693, 7783 and 7805.)

use std::fmt;
use std::sync::Arc;

use crate::value::Map;

/// Says what is wrong with the outputs of a call; gets the inputs and the outputs.
pub type Check = Arc<dyn Fn(&Map, &Map) -> Result<(), String> + Send + Sync>;

/// How often a model may be told to correct itself, and what is checked beyond the types.
///
/// While a budget is set, it takes the place of the adapter's fallback: an unreadable completion is answered with the
/// reason instead of being thrown away.
///
/// ```
/// use std::sync::Arc;
///
/// use predict::{Context, Feedback, Module, Predict, ScriptedLm, map};
///
/// let lm = ScriptedLm::texts([
///     "[[ ## year ## ]]\nnineteen sixty-five",
///     "[[ ## year ## ]]\n1066",
///     "[[ ## year ## ]]\n1965",
/// ]);
/// let recent = Feedback::new(2).check(|_inputs, outputs| match outputs["year"].as_i64() {
///     Some(year) if year < 1900 => Err("the book is not that old".into()),
///     _ => Ok(()),
/// });
/// let dating = Predict::new("book -> year: int")?.with_feedback(recent);
/// let dated = futures::executor::block_on(dating.forward(map! {"book" => "Dune"}, &Context::new(Arc::new(lm))))?;
/// assert_eq!(dated["year"].as_i64(), Some(1965));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Feedback {
    /// How many further requests one call may make.
    pub budget: u32,
    checks: Vec<Check>,
}

impl Feedback {
    /// Allows `budget` further requests for each call.
    #[must_use]
    pub fn new(budget: u32) -> Self {
        Self { budget, checks: Vec::new() }
    }

    /// The same checks with another budget.
    #[must_use]
    pub fn with_budget(self, budget: u32) -> Self {
        Self { budget, ..self }
    }

    /// Adds a check. Its error is what the model reads, so it should say what would be right.
    #[must_use]
    pub fn check(mut self, check: impl Fn(&Map, &Map) -> Result<(), String> + Send + Sync + 'static) -> Self {
        self.checks.push(Arc::new(check));
        self
    }

    /// The first complaint of the checks.
    pub(super) fn complaint(&self, inputs: &Map, outputs: &Map) -> Option<String> {
        self.checks.iter().find_map(|check| check(inputs, outputs).err())
    }

    /// Whether completions are looked at beyond their types.
    pub(super) fn has_checks(&self) -> bool {
        !self.checks.is_empty()
    }
}

impl fmt::Debug for Feedback {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Feedback").field("budget", &self.budget).field("checks", &self.checks.len()).finish()
    }
}

/// What the model is told about its refused completion.
pub(super) fn correction(reason: &str) -> String {
    format!(
        "Your previous reply cannot be used: {reason}\n\nReply again in full and in the same form, with that corrected."
    )
}
