//! Several attempts, of which the best one counts.

use std::sync::Arc;

use async_trait::async_trait;

use crate::call::CallError;
use crate::context::Context;
use crate::lm::Settings;
use crate::prediction::Prediction;
use crate::program::{Module, Part, PartMut};
use crate::trace::Warning;
use crate::value::Map;

/// How good a prediction is for its inputs; higher is better.
pub type Reward = Arc<dyn Fn(&Map, &Prediction) -> f64 + Send + Sync>;

/// Runs a module up to `n` times at temperature 1, each time with a rollout id of its own, and gives the first prediction
/// whose reward reaches the threshold, else the best one (of equals, the earliest).
///
/// An attempt that fails is passed over, within DSPy's rule for how many may: see [`BestOfN::allow_failures`]. Where DSPy
/// gives `None` because no attempt succeeded, the last failure is the error.
///
/// ```
/// use std::sync::Arc;
///
/// use predict::{BestOfN, Context, Module, Predict, ScriptedLm, map};
///
/// let lm = ScriptedLm::texts(["[[ ## answer ## ]]\nIt is four.", "[[ ## answer ## ]]\n4"]);
/// let one_word = |_: &_, prediction: &predict::Prediction| {
///     f64::from(prediction.text("answer").is_some_and(|answer| !answer.contains(' ')))
/// };
/// let short = BestOfN::new(Predict::new("question -> answer")?, 3, one_word, 1.0);
/// let cx = Context::new(Arc::new(lm));
/// let prediction = futures::executor::block_on(short.forward(map! {"question" => "2+2?"}, &cx))?;
/// assert_eq!(prediction.text("answer"), Some("4"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct BestOfN {
    /// The module that is tried.
    pub module: Box<dyn Module>,
    n: usize,
    reward: Reward,
    threshold: f64,
    allowed_failures: usize,
}

impl BestOfN {
    /// Tries `module` up to `n` times.
    pub fn new(
        module: impl Module + 'static,
        n: usize,
        reward: impl Fn(&Map, &Prediction) -> f64 + Send + Sync + 'static,
        threshold: f64,
    ) -> Self {
        Self { module: Box::new(module), n, reward: Arc::new(reward), threshold, allowed_failures: n }
    }

    /// The same with another allowance for failures, which is `n` at first.
    ///
    /// The rule is DSPy's: attempt number `i` (from 0) that fails ends everything if `i` exceeds the allowance, else takes
    /// one from it. Failures at the beginning are thus forgiven more easily than late ones.
    #[must_use]
    pub fn allow_failures(mut self, failures: usize) -> Self {
        self.allowed_failures = failures;
        self
    }
}

/// The attempts of one run, shared with [`super::Refine`].
pub(super) struct Attempts {
    start: i64,
    failures: usize,
    allowance: i64,
    best: Option<(f64, Prediction, Context)>,
    last_failure: Option<CallError>,
}

impl Attempts {
    pub(super) fn new(cx: &Context, allowed_failures: usize) -> Self {
        let defaults = cx.lm_settings.over(&cx.lm.defaults());
        Self {
            start: defaults.integer("rollout_id").unwrap_or(0),
            failures: 0,
            allowance: count(allowed_failures),
            best: None,
            last_failure: None,
        }
    }

    /// The surroundings of attempt `index`: its own trace, rollout id and temperature.
    pub(super) fn context(&self, cx: &Context, index: usize) -> Context {
        let rollout_id = self.start.saturating_add(count(index));
        cx.attempt().with_lm_settings(Settings::new().rollout_id(rollout_id).temperature(1.0))
    }

    /// Keeps the prediction if it is the best so far.
    pub(super) fn succeeded(&mut self, reward: f64, prediction: Prediction, cx: Context) {
        if self.best.as_ref().is_none_or(|(best, ..)| reward > *best) {
            self.best = Some((reward, prediction, cx));
        }
    }

    /// Passes a failure over, unless it is final or one too many.
    pub(super) fn failed(&mut self, index: usize, error: CallError, cx: &Context) -> Result<(), CallError> {
        if error.is_final() || count(index) > self.allowance {
            return Err(error);
        }
        self.allowance -= 1;
        self.failures += 1;
        cx.ledger.warn(Warning::AttemptFailed { error: error.clone() });
        self.last_failure = Some(error);
        Ok(())
    }

    /// The best prediction, its steps taken over into the trace of the run.
    pub(super) fn conclude(self, cx: &Context) -> Result<Prediction, CallError> {
        if let Some((_, prediction, attempt)) = self.best {
            cx.adopt(&attempt);
            return Ok(prediction);
        }
        Err(match self.last_failure {
            Some(last) => CallError::NoAttemptSucceeded { attempts: self.failures, last: Box::new(last) },
            None => CallError::Invalid { predictor: "BestOfN".into(), reason: "it may not make any attempt".into() },
        })
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[async_trait]
impl Module for BestOfN {
    async fn forward(&self, inputs: Map, cx: &Context) -> Result<Prediction, CallError> {
        let mut attempts = Attempts::new(cx, self.allowed_failures);
        for index in 0..self.n {
            let attempt = attempts.context(cx, index);
            match self.module.forward(inputs.clone(), &attempt).await {
                Ok(prediction) => {
                    let reward = (self.reward)(&inputs, &prediction);
                    attempts.succeeded(reward, prediction, attempt);
                    if reward >= self.threshold {
                        break;
                    }
                }
                Err(error) => attempts.failed(index, error, cx)?,
            }
        }
        attempts.conclude(cx)
    }

    fn parts(&self) -> Vec<Part<'_>> {
        vec![Part { name: "module".into(), module: self.module.as_ref() }]
    }

    fn parts_mut(&mut self) -> Vec<PartMut<'_>> {
        vec![PartMut { name: "module".into(), module: self.module.as_mut() }]
    }

    fn clone_box(&self) -> Box<dyn Module> {
        Box::new(self.clone())
    }
}
