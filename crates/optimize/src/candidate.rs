//! What was tried: every candidate with its score and the runs behind it, and the best of them.

use crate::budget::{Limit, Spend};
use crate::evaluate::Evaluation;
use crate::event::Event;
use crate::rollout::Rollout;
use crate::study::Scope;

/// One program that was tried.
#[derive(Debug, Clone)]
pub struct Candidate<P> {
    /// Where it comes from, in words: `seed -2`, `trial 7`, `merge`.
    pub origin: String,
    /// The candidates it was made from, by position; none for those made from the student itself.
    pub parents: Vec<usize>,
    /// The program.
    pub program: P,
    /// Its mean score as a percentage with two decimals; `None` when it was not judged.
    pub score: Option<f64>,
    /// Whether it was judged on all examples rather than on a minibatch; only such a candidate can win.
    pub complete: bool,
    /// The runs it was judged by, in the order of the examples, with scores and traces.
    pub rollouts: Vec<Rollout>,
}

impl<P> Candidate<P> {
    /// A candidate that was judged on all examples.
    #[must_use]
    pub fn judged(origin: impl Into<String>, program: P, evaluation: Evaluation) -> Self {
        let (score, rollouts) = (Some(evaluation.score), evaluation.rollouts);
        Self { origin: origin.into(), parents: Vec::new(), program, score, complete: true, rollouts }
    }

    /// The same candidate, judged on some examples only.
    #[must_use]
    pub fn on_minibatch(mut self) -> Self {
        self.complete = false;
        self
    }

    /// The same candidate with the candidates it was made from.
    #[must_use]
    pub fn from_parents(mut self, parents: Vec<usize>) -> Self {
        self.parents = parents;
        self
    }
}

/// What an optimizer found.
#[derive(Debug, Clone)]
pub struct Outcome<P> {
    /// The best program.
    pub program: P,
    /// Its score as a percentage; `None` when the optimizer judges nothing.
    pub score: Option<f64>,
    /// Its position among the candidates.
    pub best: usize,
    /// Everything tried, in the order in which it was tried.
    pub candidates: Vec<Candidate<P>>,
    /// The limit that ended the search early, if one did.
    pub stopped: Option<Limit>,
    /// What the study has spent so far.
    pub spend: Spend,
}

impl<P: Clone> Outcome<P> {
    pub(crate) fn new(candidates: Vec<Candidate<P>>, stopped: Option<Limit>, spend: Spend) -> Option<Self> {
        let best = best_of(&candidates)?;
        let winner = &candidates[best];
        Some(Self { program: winner.program.clone(), score: winner.score, best, candidates, stopped, spend })
    }
}

impl<P> Outcome<P> {
    /// Positions of the fully judged candidates, best first; equal ones in the order in which they were tried.
    #[must_use]
    pub fn ranking(&self) -> Vec<usize> {
        let mut order: Vec<usize> =
            (0..self.candidates.len()).filter(|&index| self.candidates[index].complete).collect();
        let score = |index: usize| self.candidates[index].score.unwrap_or(f64::NEG_INFINITY);
        order.sort_by(|&left, &right| score(right).total_cmp(&score(left)));
        order
    }
}

/// Collects candidates while an optimizer searches.
pub struct Pool<'a, P> {
    scope: &'a Scope<'a>,
    candidates: Vec<Candidate<P>>,
}

impl<'a, P> Pool<'a, P> {
    /// An empty pool that reports to the listener of a study.
    #[must_use]
    pub fn new(scope: &'a Scope<'a>) -> Self {
        Self { scope, candidates: Vec::new() }
    }

    /// Adds a candidate and returns its position.
    pub fn push(&mut self, candidate: Candidate<P>) -> usize {
        let index = self.candidates.len();
        let (origin, score) = (candidate.origin.clone(), candidate.score);
        self.candidates.push(candidate);
        let best = self.best() == Some(index);
        self.scope.tell(Event::Candidate { index, origin, score, best });
        index
    }

    /// The position of the best complete candidate so far; of equal ones the earliest.
    #[must_use]
    pub fn best(&self) -> Option<usize> {
        best_of(&self.candidates)
    }

    /// The candidates so far.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate<P>] {
        &self.candidates
    }

    pub(crate) fn into_candidates(self) -> Vec<Candidate<P>> {
        self.candidates
    }
}

fn best_of<P>(candidates: &[Candidate<P>]) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (index, candidate) in candidates.iter().enumerate().filter(|(_, candidate)| candidate.complete) {
        let score = candidate.score.unwrap_or(f64::NEG_INFINITY);
        if best.is_none_or(|(_, highest)| score > highest) {
            best = Some((index, score));
        }
    }
    best.map(|(index, _)| index)
}
