//! Many calls of modules at a time.

use futures::stream::{self, StreamExt as _};

use crate::call::CallError;
use crate::context::Context;
use crate::prediction::Prediction;
use crate::program::Module;
use crate::value::Map;

/// Calls modules with many inputs, a bounded number at a time, and keeps the order.
///
/// Where DSPy uses threads, the calls are futures of one task: they overlap while they wait for models. A time limit
/// belongs to the model's port; there is no second request for a slow last item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parallel {
    /// How many calls may be under way at a time; at least 1.
    pub concurrency: usize,
    /// How many calls may fail. Those that have not started by then are not made.
    pub max_errors: usize,
}

/// What came of the calls of [`Parallel`].
#[derive(Debug, Clone, PartialEq)]
pub struct ParallelOutcome {
    /// The outcome of each call, in order; `None` for calls that were not made because too many had failed.
    pub outcomes: Vec<Option<Result<Prediction, CallError>>>,
}

impl Default for Parallel {
    /// Eight at a time, ten errors: DSPy's defaults.
    fn default() -> Self {
        Self { concurrency: 8, max_errors: 10 }
    }
}

impl Parallel {
    /// Calls one module with every input.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use predict::{Context, Parallel, Predict, ScriptedLm, map};
    ///
    /// let lm = ScriptedLm::texts(["[[ ## answer ## ]]\nMadrid", "[[ ## answer ## ]]\n12"]);
    /// let qa = Predict::new("question -> answer")?;
    /// let inputs = vec![map! {"question" => "Capital of Spain?"}, map! {"question" => "3*4?"}];
    /// let cx = Context::new(Arc::new(lm));
    /// let done = futures::executor::block_on(Parallel::default().each(&qa, inputs, &cx));
    /// assert_eq!(done.predictions()?[0].text("answer"), Some("Madrid"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn each(&self, module: &dyn Module, inputs: Vec<Map>, cx: &Context) -> ParallelOutcome {
        self.pairs(inputs.into_iter().map(|inputs| (module, inputs)).collect(), cx).await
    }

    /// Calls each module with its inputs. The steps appear in the trace in the order of the pairs.
    pub async fn pairs(&self, pairs: Vec<(&dyn Module, Map)>, cx: &Context) -> ParallelOutcome {
        let failures = std::sync::atomic::AtomicUsize::new(0);
        let (failures, max_errors) = (&failures, self.max_errors);
        let call = |(module, inputs): (_, Map)| {
            let attempt = cx.attempt();
            call_unless_failed(module, inputs, attempt, failures, max_errors)
        };
        let calls: Vec<_> = pairs.into_iter().map(call).collect();
        let done: Vec<_> = stream::iter(calls).buffered(self.concurrency.max(1)).collect().await;
        let outcomes = done.into_iter().map(|(attempt, outcome)| {
            cx.adopt(&attempt);
            outcome
        });
        ParallelOutcome { outcomes: outcomes.collect() }
    }
}

async fn call_unless_failed(
    module: &dyn Module,
    inputs: Map,
    cx: Context,
    failures: &std::sync::atomic::AtomicUsize,
    max_errors: usize,
) -> (Context, Option<Result<Prediction, CallError>>) {
    use std::sync::atomic::Ordering::Relaxed;
    if failures.load(Relaxed) > max_errors {
        return (cx, None);
    }
    let outcome = module.forward(inputs, &cx).await;
    match &outcome {
        // Nobody may go on after a final error.
        Err(error) if error.is_final() => failures.store(usize::MAX, Relaxed),
        Err(_) => drop(failures.fetch_add(1, Relaxed)),
        Ok(_) => {}
    }
    (cx, Some(outcome))
}

impl ParallelOutcome {
    /// The predictions, if every call was made and succeeded.
    ///
    /// # Errors
    /// The first failure.
    pub fn predictions(self) -> Result<Vec<Prediction>, CallError> {
        // A call that was not made comes after the failures that prevented it, so the first failure is found before it.
        self.outcomes.into_iter().flatten().collect()
    }
}
