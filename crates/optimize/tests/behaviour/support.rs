//! A model that works by rules and can crash, a journal that can fail, and a task on which programs can improve.
//!
//! The task: questions like `What is 7?`, to be answered with the double. Without being told to double, by instructions
//! or by at least two demonstrations, the model repeats the number; and it never manages multiples of five on its first
//! try.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::executor::block_on;
use futures::future::{Either, pending, select};
use futures::{FutureExt as _, StreamExt as _};
use optimize::metric::answer::AnswerExactMatch;
use optimize::{Entry, Journal, JournalError, MemoryJournal, Metric, Outcome, Program};
use predict::{
    ChainOfThought, Choice, Content, Example, Lm, LmError, LmRequest, LmResponse, Message, Module, Predict, Usage, map,
    named_predictors,
};

/// Examples of the task.
pub(crate) fn examples(numbers: std::ops::Range<usize>) -> Vec<Example> {
    let example = |number: usize| {
        let values = map! { "question" => format!("What is {number}?"), "answer" => (2 * number).to_string() };
        Example::new(values).with_inputs(["question"])
    };
    numbers.map(example).collect()
}

pub(crate) fn exact_match() -> Arc<dyn Metric> {
    Arc::new(AnswerExactMatch::default())
}

pub(crate) fn student() -> Predict {
    Predict::new("question -> answer").unwrap()
}

/// A program of two predictors.
#[derive(Clone)]
pub(crate) struct TwoStep {
    pub(crate) plan: Predict,
    pub(crate) answer: ChainOfThought,
}

impl TwoStep {
    pub(crate) fn new() -> Self {
        let answer = ChainOfThought::new("question, plan -> answer").unwrap();
        Self { plan: Predict::new("question -> plan").unwrap(), answer }
    }
}

#[async_trait]
impl Module for TwoStep {
    async fn forward(
        &self,
        mut inputs: predict::Map,
        cx: &predict::Context,
    ) -> Result<predict::Prediction, predict::CallError> {
        let planned = self.plan.forward(inputs.clone(), cx).await?;
        inputs.insert("plan".to_owned(), planned["plan"].clone());
        self.answer.forward(inputs, cx).await
    }

    predict::parts!(plan, answer);
}

/// A model that answers by the rules of the task, counts its calls and may crash.
pub(crate) struct TaskLm {
    calls: AtomicUsize,
    /// The call that crashes, counted from 1 over the model's life; 0 for none.
    crash_at: usize,
    crashed: UnboundedSender<()>,
}

impl TaskLm {
    /// A model whose `crash_at`-th call never returns, and what hears of that.
    pub(crate) fn crashing_at(crash_at: usize) -> (Arc<Self>, UnboundedReceiver<()>) {
        let (crashed, receiver) = unbounded();
        (Arc::new(Self { calls: AtomicUsize::new(0), crash_at, crashed }), receiver)
    }

    pub(crate) fn reliable() -> Arc<Self> {
        Self::crashing_at(0).0
    }

    /// Calls that were answered.
    pub(crate) fn answered(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Lm for TaskLm {
    fn model(&self) -> &str {
        "task"
    }

    async fn complete(&self, request: &LmRequest) -> Result<LmResponse, LmError> {
        if self.crash_at > 0 && self.calls.load(Ordering::Relaxed) + 1 >= self.crash_at {
            // The process ends here: whoever listens drops everything that is going on.
            let _ = self.crashed.unbounded_send(());
            pending::<()>().await;
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        let count = request.settings.integer("n").unwrap_or(1);
        let choice = |number| Choice { text: Some(reply(request, number)), ..Choice::default() };
        let usage = Usage { prompt_tokens: 100, completion_tokens: 10, cost_micro_usd: 50 };
        Ok(LmResponse { choices: (0..count).map(choice).collect(), usage, model: None })
    }
}

fn text(message: &Message) -> &str {
    match &message.content {
        Content::Text(text) => text,
        _ => "",
    }
}

/// Names between backticks, in order, each once; `[[ ## name ## ]]` counts as `name`.
fn fields(ending: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for part in ending.split('`').skip(1).step_by(2) {
        let name = part.trim_start_matches("[[ ## ").trim_end_matches(" ## ]]").to_owned();
        if name != "completed" && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn reply(request: &LmRequest, completion: i64) -> String {
    let last = request.messages.last().map(text).unwrap_or_default();
    let variant = request.settings.integer("rollout_id").unwrap_or(0) + completion;
    if let Some(at) = last.rfind("Respond with a JSON object") {
        let object: predict::Map =
            fields(&last[at..]).into_iter().map(|name| (name.clone(), value(&name, request, variant).into())).collect();
        return serde_json::json!(object).to_string();
    }
    let at = last.rfind("Respond with the corresponding output fields").unwrap_or(0);
    let blocks =
        fields(&last[at..]).into_iter().map(|name| format!("[[ ## {name} ## ]]\n{}", value(&name, request, variant)));
    blocks.collect::<Vec<_>>().join("\n\n") + "\n\n[[ ## completed ## ]]"
}

fn value(field: &str, request: &LmRequest, variant: i64) -> String {
    let system = request.messages.first().map(text).unwrap_or_default();
    let last = request.messages.last().map(text).unwrap_or_default();
    match field {
        "answer" => answer(request, system, last, variant).to_string(),
        "proposed_instruction" if variant % 3 == 0 => format!("Answer with care, please (take {variant})."),
        "proposed_instruction" | "new_instruction" => format!("Give the double of the number (take {variant})."),
        "natural_language_rules" => format!("1. Always double. ({variant})"),
        "module_advice" => {
            let modules =
                ["self", "predict", "plan", "answer.predict"].map(|name| (name.to_owned(), "Always double.".into()));
            serde_json::json!(predict::Map::from_iter(modules)).to_string()
        }
        "score" | "recall" | "precision" | "completeness" | "groundedness" => "0.5".to_owned(),
        other => format!("some {other}"),
    }
}

fn answer(request: &LmRequest, system: &str, last: &str, variant: i64) -> usize {
    let after = last.split("What is ").nth(1).unwrap_or_default();
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    let number: usize = digits.parse().unwrap_or(0);
    let told = system.to_lowercase().contains("double");
    let shown = request.messages.len() >= 6;
    let hard = number.is_multiple_of(5) && variant == 0 && !told;
    if (told || shown || (variant + number as i64) % 4 == 3) && !hard { 2 * number } else { number }
}

/// A journal that fails at its `fail_at`-th append (0: never), before anything is written.
pub(crate) struct FailingJournal {
    pub(crate) inner: Arc<MemoryJournal>,
    pub(crate) fail_at: usize,
    pub(crate) appends: AtomicUsize,
}

#[async_trait]
impl Journal for FailingJournal {
    async fn entries(&self) -> Result<Vec<Entry>, JournalError> {
        self.inner.entries().await
    }

    async fn append(&self, entry: &Entry) -> Result<(), JournalError> {
        if self.appends.fetch_add(1, Ordering::Relaxed) + 1 == self.fail_at {
            return Err(JournalError::Unavailable("the disk is full".into()));
        }
        self.inner.append(entry).await
    }
}

/// Runs to the end, or to the crash, in which case everything is dropped where it stands.
pub(crate) fn until_crash<T>(work: impl Future<Output = T> + Send, mut crashed: UnboundedReceiver<()>) -> Option<T> {
    block_on(async {
        match select(Box::pin(work), crashed.next().fuse()).await {
            Either::Left((done, _)) => Some(done),
            Either::Right((Some(()), _)) => None,
            Either::Right((None, work)) => Some(work.await),
        }
    })
}

/// Everything about an outcome that must not depend on crashes or on how many examples run at once.
pub(crate) fn told<P: Program>(outcome: &Outcome<P>) -> String {
    let state = |program: &P| {
        let predictor = |(name, predictor): (String, &Predict)| {
            let demos: Vec<_> = predictor.demos.iter().map(|demo| serde_json::json!(demo.values).to_string()).collect();
            format!("{name}: {:?} {demos:?}", predictor.signature().instructions())
        };
        named_predictors(program).into_iter().map(predictor).collect::<Vec<_>>().join("; ")
    };
    let mut text = format!("{} {:?} {}\n", outcome.best, outcome.score, state(&outcome.program));
    for candidate in &outcome.candidates {
        let scores: Vec<f64> = candidate.rollouts.iter().map(|rollout| rollout.score.value).collect();
        let traces: Vec<usize> = candidate.rollouts.iter().map(|rollout| rollout.trace.len()).collect();
        text += &format!(
            "{} {:?} {:?} {} {scores:?} {traces:?} {}\n",
            candidate.origin,
            candidate.parents,
            candidate.score,
            candidate.complete,
            state(&candidate.program)
        );
    }
    text
}

/// A model that keeps what it was asked.
pub(crate) struct Recorder {
    inner: Arc<dyn Lm>,
    requests: std::sync::Mutex<Vec<LmRequest>>,
}

impl Recorder {
    pub(crate) fn new(inner: Arc<dyn Lm>) -> Self {
        Self { inner, requests: std::sync::Mutex::default() }
    }

    /// The texts of each request, joined.
    pub(crate) fn texts(&self) -> Vec<String> {
        let join = |request: &LmRequest| request.messages.iter().map(text).collect::<Vec<_>>().join("\n");
        self.requests.lock().unwrap().iter().map(join).collect()
    }
}

#[async_trait]
impl Lm for Recorder {
    fn model(&self) -> &str {
        self.inner.model()
    }

    async fn complete(&self, request: &LmRequest) -> Result<LmResponse, LmError> {
        self.requests.lock().unwrap().push(request.clone());
        self.inner.complete(request).await
    }
}

/// A program of two predictors that do not depend on each other.
#[derive(Clone)]
pub(crate) struct Pair {
    first: Predict,
    second: Predict,
}

impl Pair {
    pub(crate) fn new() -> Self {
        let predict = |signature| Predict::new(signature).unwrap();
        Self { first: predict("question -> first"), second: predict("question -> second") }
    }
}

#[async_trait]
impl Module for Pair {
    async fn forward(
        &self,
        inputs: predict::Map,
        cx: &predict::Context,
    ) -> Result<predict::Prediction, predict::CallError> {
        let mut prediction = self.first.forward(inputs.clone(), cx).await?.values;
        prediction.extend(self.second.forward(inputs, cx).await?.values);
        Ok(prediction.into())
    }

    predict::parts!(first, second);
}

/// Answers `told` when the instruction says so, and always proposes an instruction that does.
pub(crate) struct PairLm;

#[async_trait]
impl Lm for PairLm {
    fn model(&self) -> &str {
        "pair"
    }

    async fn complete(&self, request: &LmRequest) -> Result<LmResponse, LmError> {
        let (system, last) = (text(&request.messages[0]), request.messages.last().map(text).unwrap_or_default());
        if last.contains("`new_instruction`") {
            return Ok(LmResponse::text(r#"{"new_instruction": "Answer as told."}"#));
        }
        let field = if last.contains("[[ ## first ## ]]") { "first" } else { "second" };
        let answer = if system.contains("Answer as told.") { "told" } else { "guessed" };
        Ok(LmResponse::text(format!("[[ ## {field} ## ]]\n{answer}\n\n[[ ## completed ## ]]")))
    }
}

/// Embeds a text as its length, near the length of a two-digit question.
#[derive(Default)]
pub(crate) struct Lengths(AtomicUsize);

impl Lengths {
    pub(crate) fn calls(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl predict::Embedder for Lengths {
    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, LmError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        // On the unit circle, the angle between two texts grows with the difference of their lengths.
        let vector = |text: &String| vec![(text.len() as f32 / 10.0).cos(), (text.len() as f32 / 10.0).sin()];
        Ok(texts.iter().map(vector).collect())
    }
}
