//! The books of a study: every call to a model goes through here, is answered from the journal or paid, written down
//! and counted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::channel::mpsc::UnboundedSender;
use predict::{CacheKey, Capabilities, Lm, LmError, LmErrorKind, LmRequest, LmResponse, Settings};
use sha2::{Digest as _, Sha256};

use crate::budget::{Budget, Limit, Spend};
use crate::event::Event;
use crate::journal::{Entry, Journal, JournalError};
use crate::optimizer::OptimizeError;
use crate::rollout::Rollout;

/// What is known from the journal, what was spent, and why nothing more may be spent.
#[derive(Default)]
struct Books {
    answers: HashMap<(String, String, u32), LmResponse>,
    rollouts: HashMap<String, Rollout>,
    embeddings: HashMap<String, Vec<Vec<f32>>>,
    tasks: HashMap<String, String>,
    spend: Spend,
    under_way: u64,
    halt: Option<Halt>,
}

/// Why a study cannot go on. Everything that is going on in it learns the same reason.
enum Halt {
    Budget(Limit),
    Journal(Arc<JournalError>),
}

/// The books, the journal behind them, the limits and the listener.
pub(crate) struct Ledger {
    journal: Option<Arc<dyn Journal>>,
    budget: Budget,
    listener: Option<UnboundedSender<Event>>,
    books: Mutex<Books>,
}

impl Ledger {
    /// Opens the books with what the journal holds already.
    pub(crate) async fn open(
        journal: Option<Arc<dyn Journal>>,
        budget: Budget,
        listener: Option<UnboundedSender<Event>>,
    ) -> Result<Self, JournalError> {
        let mut books = Books::default();
        let entries = match &journal {
            Some(journal) => journal.entries().await?,
            None => Vec::new(),
        };
        for entry in entries {
            match entry {
                Entry::Began { scope, fingerprint } => drop(books.tasks.insert(scope, fingerprint)),
                Entry::Answered { scope, request, repetition, response } => {
                    books.spend.add(response.usage);
                    books.spend.earlier += 1;
                    books.answers.insert((scope, request, repetition), response);
                }
                Entry::Finished { scope, rollout } => drop(books.rollouts.insert(scope, *rollout)),
                Entry::Embedded { request, vectors } => drop(books.embeddings.insert(request, vectors)),
            }
        }
        Ok(Self { journal, budget, listener, books: Mutex::new(books) })
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the listener, if there still is one.
    pub(crate) fn tell(&self, event: Event) {
        if let Some(listener) = &self.listener {
            let _ = listener.unbounded_send(event);
        }
    }

    /// What was spent so far.
    pub(crate) fn spend(&self) -> Spend {
        self.books().spend
    }

    /// Fails when the budget is spent or the journal has failed: then nothing more can be found out.
    pub(crate) fn check(&self) -> Result<(), OptimizeError> {
        match &self.books().halt {
            None => Ok(()),
            Some(Halt::Budget(limit)) => Err(OptimizeError::OutOfBudget { limit: *limit }),
            Some(Halt::Journal(error)) => Err(OptimizeError::Journal(Arc::clone(error))),
        }
    }

    /// Notes that a task begins, or checks that the journal's task of this scope is the same one.
    pub(crate) async fn begin(&self, scope: &str, fingerprint: String) -> Result<(), OptimizeError> {
        match self.books().tasks.get(scope) {
            Some(known) if *known == fingerprint => return Ok(()),
            Some(_) => return Err(JournalError::OfAnotherRun { scope: scope.to_owned() }.into()),
            None => {}
        }
        self.write(Entry::Began { scope: scope.to_owned(), fingerprint }).await
    }

    /// The finished rollout of this scope, if the journal has it.
    pub(crate) fn finished(&self, scope: &str) -> Option<Rollout> {
        self.books().rollouts.get(scope).cloned()
    }

    /// Writes a finished rollout down, unless writing would change it (a tool or an image among its values).
    pub(crate) async fn finish(&self, scope: &str, rollout: &Rollout) -> Result<(), OptimizeError> {
        if self.journal.is_none() || !rollout.survives_json() {
            return Ok(());
        }
        self.write(Entry::Finished { scope: scope.to_owned(), rollout: Box::new(rollout.clone()) }).await
    }

    /// The vectors that the journal has for these texts.
    pub(crate) fn embedded(&self, request: &str) -> Option<Vec<Vec<f32>>> {
        self.books().embeddings.get(request).cloned()
    }

    /// Appends an entry; a failure stops the whole study.
    pub(crate) async fn write(&self, entry: Entry) -> Result<(), OptimizeError> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let Err(error) = journal.append(&entry).await else { return Ok(()) };
        let error = Arc::new(error);
        self.books().halt = Some(Halt::Journal(Arc::clone(&error)));
        Err(OptimizeError::Journal(error))
    }

    /// Appends an entry from within a call, where a failure is one of the model's as far as the caller can tell.
    /// Whoever runs the program learns the reason from [`Ledger::check`].
    pub(crate) async fn write_in_call(&self, entry: Entry) -> Result<(), LmError> {
        self.write(entry).await.map_err(|error| LmError::new(LmErrorKind::Cancelled, error.to_string()))
    }

    /// Leave to make one call, or the reason why not.
    fn admit(&self) -> Result<UnderWay<'_>, LmError> {
        let mut books = self.books();
        if books.halt.is_none()
            && let Some(limit) = self.budget.forbids(&books.spend, books.under_way)
        {
            books.halt = Some(Halt::Budget(limit));
            drop(books);
            self.tell(Event::OutOfBudget { limit });
            return Err(LmError::new(LmErrorKind::Budget, format!("the budget of {limit} is spent")));
        }
        match &books.halt {
            Some(Halt::Budget(limit)) => {
                Err(LmError::new(LmErrorKind::Budget, format!("the budget of {limit} is spent")))
            }
            Some(Halt::Journal(_)) => Err(LmError::new(LmErrorKind::Cancelled, "the journal has failed")),
            None => {
                books.under_way += 1;
                Ok(UnderWay(self))
            }
        }
    }
}

/// A call that was admitted and has no answer yet; it ends also when its future is dropped.
struct UnderWay<'a>(&'a Ledger);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.books().under_way -= 1;
    }
}

/// A model whose calls belong to one part of a study.
pub(crate) struct BookedLm {
    inner: Arc<dyn Lm>,
    ledger: Arc<Ledger>,
    scope: String,
    /// How often each request was made: repetitions are told apart by their number.
    asked: Mutex<HashMap<String, u32>>,
}

impl BookedLm {
    pub(crate) fn new(inner: Arc<dyn Lm>, ledger: Arc<Ledger>, scope: String) -> Self {
        Self { inner, ledger, scope, asked: Mutex::default() }
    }

    /// The request's digest and how often it came before.
    fn identify(&self, request: &LmRequest) -> (String, u32) {
        let digest = CacheKey::of(self.inner.model(), request).as_str().to_owned();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let times = asked.entry(digest.clone()).or_default();
        let repetition = *times;
        *times += 1;
        (digest, repetition)
    }

    fn tell(&self, replayed: bool) {
        let spend = self.ledger.spend();
        let model = self.inner.model().to_owned();
        self.ledger.tell(Event::Called { scope: self.scope.clone(), model, replayed, spend });
    }
}

#[async_trait]
impl Lm for BookedLm {
    fn model(&self) -> &str {
        self.inner.model()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn defaults(&self) -> Settings {
        self.inner.defaults()
    }

    async fn complete(&self, request: &LmRequest) -> Result<LmResponse, LmError> {
        let (digest, repetition) = self.identify(request);
        let key = (self.scope.clone(), digest, repetition);
        let known = self.ledger.books().answers.get(&key).cloned();
        if let Some(response) = known {
            self.tell(true);
            return Ok(response);
        }
        let under_way = self.ledger.admit()?;
        let response = self.inner.complete(request).await?;
        let (scope, request, repetition) = key;
        let entry = Entry::Answered { scope, request, repetition, response: response.clone() };
        // An answer that is not written down is not used: what follows from it could not be repeated.
        self.ledger.write_in_call(entry).await?;
        self.ledger.books().spend.add(response.usage);
        drop(under_way);
        self.tell(false);
        Ok(response)
    }
}

/// Hexadecimal SHA-256 over parts that cannot run into each other.
pub(crate) fn digest_of<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
