//! What a call needs beside its inputs: the model, the adapter, the cache, and where its trace goes. Nothing is global.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use crate::adapter::{Adapter, ChatAdapter};
use crate::cache::Cache;
use crate::call::CallError;
use crate::lm::{Lm, Settings};
use crate::modules::Predict;
use crate::program::{Module, named_predictors};
use crate::stream::Event;
use crate::trace::{Ledger, Run, Trace};
use crate::value::Map;

mod cancel;

pub use cancel::{CancelHandle, Cancelled, cancellation};

/// The surroundings of a call. Cloning is cheap; the `with_` methods give changed copies, so that one part of a program
/// can run with another model than the rest.
///
/// ```
/// use std::sync::Arc;
///
/// use predict::{Context, JsonAdapter, Module, Predict, ScriptedLm, Settings, map};
///
/// let lm = Arc::new(ScriptedLm::texts([r#"{"answer": "4"}"#]));
/// let cx = Context::new(lm).with_adapter(JsonAdapter::default()).with_lm_settings(Settings::new().temperature(0.0));
/// let qa = Predict::new("question -> answer")?;
/// let run = futures::executor::block_on(cx.run(&qa, map! {"question" => "2+2?"}));
/// assert_eq!(run.outcome?["answer"].as_str(), Some("4"));
/// assert_eq!(run.trace.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Context {
    pub(crate) lm: Arc<dyn Lm>,
    pub(crate) adapter: Arc<dyn Adapter>,
    pub(crate) cache: Option<Arc<dyn Cache>>,
    pub(crate) lm_settings: Settings,
    pub(crate) cancelled: Cancelled,
    pub(crate) events: Option<Arc<dyn Fn(Event) + Send + Sync>>,
    pub(crate) hints: Arc<HashMap<PredictorId, String>>,
    pub(crate) names: Arc<HashMap<PredictorId, String>>,
    pub(crate) trace: Arc<Trace>,
    pub(crate) ledger: Arc<Ledger>,
}

/// A predictor by where it lies in memory, which does not change while a program that holds it is borrowed for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PredictorId(usize);

impl PredictorId {
    pub(crate) fn of(predict: &Predict) -> Self {
        Self(std::ptr::from_ref(predict).addr())
    }
}

impl Context {
    /// Calls `lm` through the [`ChatAdapter`], without a cache.
    #[must_use]
    pub fn new(lm: Arc<dyn Lm>) -> Self {
        Self {
            lm,
            adapter: Arc::new(ChatAdapter::default()),
            cache: None,
            lm_settings: Settings::new(),
            cancelled: Cancelled::never(),
            events: None,
            hints: Arc::default(),
            names: Arc::default(),
            trace: Arc::default(),
            ledger: Arc::default(),
        }
    }

    /// The same with another model.
    #[must_use]
    pub fn with_lm(mut self, lm: Arc<dyn Lm>) -> Self {
        self.lm = lm;
        self
    }

    /// The same with another adapter.
    #[must_use]
    pub fn with_adapter(self, adapter: impl Adapter + 'static) -> Self {
        self.with_shared_adapter(Arc::new(adapter))
    }

    /// The same with another adapter that others hold as well.
    #[must_use]
    pub fn with_shared_adapter(mut self, adapter: Arc<dyn Adapter>) -> Self {
        self.adapter = adapter;
        self
    }

    /// The same with a cache: a request that it knows is not made again.
    #[must_use]
    pub fn with_cache(mut self, cache: Arc<dyn Cache>) -> Self {
        self.cache = Some(cache);
        self
    }

    /// The same with settings laid over the model's defaults and those of a predictor's saved model; a predictor's own
    /// `config` still wins. This is how a run gets its rollout id and temperature.
    #[must_use]
    pub fn with_lm_settings(mut self, settings: Settings) -> Self {
        self.lm_settings = settings.over(&self.lm_settings);
        self
    }

    /// The same, ending as [`CallError::Cancelled`] once `cancelled` is so.
    #[must_use]
    pub fn with_cancel(mut self, cancelled: Cancelled) -> Self {
        self.cancelled = cancelled;
        self
    }

    /// The same, streaming: models are asked for their replies piece by piece, and `sink` hears of every field as it grows
    /// and ends. [`crate::stream()`] gives the events as a stream.
    #[must_use]
    pub fn with_events(mut self, sink: impl Fn(Event) + Send + Sync + 'static) -> Self {
        self.events = Some(Arc::new(sink));
        self
    }

    /// The model.
    #[must_use]
    pub fn lm(&self) -> &Arc<dyn Lm> {
        &self.lm
    }

    /// The adapter.
    #[must_use]
    pub fn adapter(&self) -> &dyn Adapter {
        self.adapter.as_ref()
    }

    /// Runs a program and gives what it predicted together with everything that happened: the trace, the requests and
    /// their cost, also when it failed. Predictors carry their names in this program.
    pub async fn run(&self, program: &dyn Module, inputs: Map) -> Run {
        let names = named_predictors(program).into_iter().map(|(name, predict)| (PredictorId::of(predict), name));
        let cx =
            Self { names: Arc::new(names.collect()), trace: Arc::default(), ledger: Arc::default(), ..self.clone() };
        let outcome = cx.unless_cancelled(program.forward(inputs, &cx)).await;
        let (history, usage, warnings) = cx.ledger.take();
        Run { outcome, trace: cx.trace.take(), usage, history, warnings }
    }

    /// A copy with a trace of its own, for an attempt that may be thrown away. Requests and their cost are still counted.
    pub(crate) fn attempt(&self) -> Self {
        Self { trace: Arc::default(), ..self.clone() }
    }

    /// Takes the steps of an attempt over.
    pub(crate) fn adopt(&self, attempt: &Self) {
        self.trace.extend(attempt.trace.take());
    }

    /// The predictor's name in the program that runs; its signature's name when it was not found there.
    pub(crate) fn name_of(&self, predict: &Predict) -> String {
        let name = self.names.get(&PredictorId::of(predict));
        name.cloned().unwrap_or_else(|| predict.signature().name().to_owned())
    }

    /// The future's outcome, or [`CallError::Cancelled`] if that comes first.
    pub(crate) async fn unless_cancelled<T>(
        &self,
        work: impl Future<Output = Result<T, CallError>> + Send,
    ) -> Result<T, CallError> {
        self.cancelled.or(work).await.unwrap_or(Err(CallError::Cancelled))
    }

    pub(crate) fn tell(&self, event: impl FnOnce() -> Event) {
        if let Some(sink) = &self.events {
            sink(event());
        }
    }
}
