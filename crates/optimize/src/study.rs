//! A study: the models, the journal, the budget and the listener that optimizers and evaluations work with.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use predict::{Context, Lm, Settings};

use crate::budget::{Budget, Spend};
use crate::event::Event;
use crate::journal::{Journal, JournalError};
use crate::ledger::{BookedLm, Ledger, digest_of};
use crate::optimizer::OptimizeError;

/// What a model is asked to do in a study.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Run the program that is being optimized.
    Task,
    /// Run the program that demonstrations are taken from.
    Teacher,
    /// Write instructions, rules and advice.
    Proposer,
    /// Grade answers.
    Judge,
}

/// Everything that a run needs from outside, gathered before it starts.
pub struct StudyBuilder {
    task: Context,
    teacher: Option<Arc<dyn Lm>>,
    proposer: Option<Arc<dyn Lm>>,
    judge: Option<Arc<dyn Lm>>,
    journal: Option<Arc<dyn Journal>>,
    budget: Budget,
    concurrency: usize,
    listener: Option<UnboundedSender<Event>>,
}

impl StudyBuilder {
    /// The model that runs demonstrating programs; the task model unless given.
    #[must_use]
    pub fn teacher(mut self, lm: Arc<dyn Lm>) -> Self {
        self.teacher = Some(lm);
        self
    }

    /// The model that writes instructions, rules and advice; the task model unless given.
    #[must_use]
    pub fn proposer(mut self, lm: Arc<dyn Lm>) -> Self {
        self.proposer = Some(lm);
        self
    }

    /// The model that grades for metrics that ask one; the task model unless given.
    #[must_use]
    pub fn judge(mut self, lm: Arc<dyn Lm>) -> Self {
        self.judge = Some(lm);
        self
    }

    /// Where to write what was paid for, so that the study can be resumed.
    #[must_use]
    pub fn journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = Some(journal);
        self
    }

    /// What may be spent, over all attempts that share the journal.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// How many examples run at once; 1 unless given. Results do not depend on it.
    #[must_use]
    pub fn concurrency(mut self, examples: usize) -> Self {
        self.concurrency = examples.max(1);
        self
    }

    /// A stream of what happens. It ends when the study is dropped; events are kept until they are read.
    pub fn events(&mut self) -> UnboundedReceiver<Event> {
        let (sender, receiver) = unbounded();
        self.listener = Some(sender);
        receiver
    }

    /// Reads the journal and opens the study.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn open(self) -> Result<Study, JournalError> {
        let ledger = Ledger::open(self.journal, self.budget, self.listener).await?;
        let or_task = |lm: Option<Arc<dyn Lm>>| lm.unwrap_or_else(|| Arc::clone(self.task.lm()));
        Ok(Study {
            teacher: or_task(self.teacher),
            proposer: or_task(self.proposer),
            judge: or_task(self.judge),
            task: self.task,
            ledger: Arc::new(ledger),
            concurrency: self.concurrency,
            tasks: AtomicUsize::new(0),
        })
    }
}

/// The models, the journal, the budget and the listener of one or several tasks that belong together.
///
/// A study with a journal is resumed by opening one with the same journal and running the same tasks in the same order.
pub struct Study {
    task: Context,
    teacher: Arc<dyn Lm>,
    proposer: Arc<dyn Lm>,
    judge: Arc<dyn Lm>,
    ledger: Arc<Ledger>,
    concurrency: usize,
    /// Tasks begun so far; their numbers keep their entries in the journal apart.
    tasks: AtomicUsize,
}

impl fmt::Debug for Study {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let model = self.task.lm().model();
        formatter.debug_struct("Study").field("task", &model).field("spend", &self.spend()).finish_non_exhaustive()
    }
}

impl Study {
    /// Prepares a study whose programs run on this model.
    #[must_use]
    pub fn on(lm: Arc<dyn Lm>) -> StudyBuilder {
        Self::within(Context::new(lm))
    }

    /// Prepares a study whose programs run in these surroundings: model, adapter, settings, cancellation. A cache among
    /// them answers before the journal is asked, so a study with a journal should do without.
    #[must_use]
    pub fn within(cx: Context) -> StudyBuilder {
        StudyBuilder {
            task: cx,
            teacher: None,
            proposer: None,
            judge: None,
            journal: None,
            budget: Budget::default(),
            concurrency: 1,
            listener: None,
        }
    }

    /// What was spent so far, by this attempt and those before it.
    #[must_use]
    pub fn spend(&self) -> Spend {
        self.ledger.spend()
    }

    /// A new task's part of the study.
    pub(crate) fn task(&self, name: &str) -> Scope<'_> {
        let number = self.tasks.fetch_add(1, Ordering::Relaxed);
        Scope { study: self, path: format!("{number}:{name}") }
    }
}

/// A named part of a study; what happens in it is booked under its path.
#[derive(Debug, Clone)]
pub struct Scope<'a> {
    study: &'a Study,
    path: String,
}

impl<'a> Scope<'a> {
    /// A part of this part. Every piece of work has a path of its own, the same in each attempt.
    #[must_use]
    pub fn child(&self, name: impl fmt::Display) -> Self {
        Self { study: self.study, path: format!("{}/{name}", self.path) }
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// How many examples run at once.
    #[must_use]
    pub fn concurrency(&self) -> usize {
        self.study.concurrency
    }

    /// The surroundings for a part of the work: its calls are booked under this scope and carry these settings.
    #[must_use]
    pub fn context(&self, part: Part, settings: Settings) -> Context {
        let inner = match part {
            Part::Task => self.study.task.lm(),
            Part::Teacher => &self.study.teacher,
            Part::Proposer => &self.study.proposer,
            Part::Judge => &self.study.judge,
        };
        let booked = BookedLm::new(Arc::clone(inner), Arc::clone(&self.study.ledger), self.path.clone());
        self.study.task.clone().with_lm(Arc::new(booked)).with_lm_settings(settings)
    }

    /// Tells the listener.
    pub fn tell(&self, event: Event) {
        self.study.ledger.tell(event);
    }

    /// Fails when the study cannot go on.
    ///
    /// # Errors
    /// [`OptimizeError::OutOfBudget`] or the journal's failure.
    pub fn check(&self) -> Result<(), OptimizeError> {
        self.study.ledger.check()
    }

    pub(crate) fn ledger(&self) -> &'a Arc<Ledger> {
        &self.study.ledger
    }

    /// Notes that this task begins, or checks that the journal's task is the same one with the same models.
    pub(crate) async fn begin(&self, fingerprint: String) -> Result<(), OptimizeError> {
        let Study { task, teacher, proposer, judge, .. } = self.study;
        let models = [task.lm(), teacher, proposer, judge].map(|lm| lm.model());
        let fingerprint = digest_of(models.into_iter().chain([fingerprint.as_str()]));
        self.study.ledger.begin(&self.path, fingerprint).await
    }
}
