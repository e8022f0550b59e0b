//! GEPA: instructions evolved by reflection on feedback, with a Pareto front to keep what is good anywhere.
//!
//! Source: Agrawal et al., "GEPA: Reflective Prompt Evolution Can Outperform Reinforcement Learning" (2025). The loop
//! and its defaults are those of `dspy.GEPA` in DSPy 3.4.1 (engine `gepa` 0.1.4); the prompts are this crate's own.

use std::sync::Arc;

use async_trait::async_trait;
use predict::Example;
use predict::python::random::PythonRandom;
use serde::Serialize;

use crate::candidate::{Candidate, Pool};
use crate::evaluate::{Evaluate, Evaluation, mean};
use crate::event::Event;
use crate::metric::Metric;
use crate::mipro::Auto;
use crate::optimizer::{OptimizeError, Optimizer, Task};
use crate::program::{Program, instructions, predictors, set_all_instructions};
use crate::study::Scope;

mod merge;
mod minibatch;
pub mod pareto;
mod reflect;

use merge::{Lineage, Merger, test_instances};
use minibatch::Minibatches;
use pareto::ParetoFront;

/// How much a GEPA run may judge. A metric call is one program run on one example.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// About as much as MIPROv2 with the same setting would.
    Auto(Auto),
    /// As much as this many full passes over training and validation examples.
    FullEvals(usize),
    /// This many metric calls.
    MetricCalls(usize),
}

/// From which candidate the next one is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// One of the Pareto front, the likelier the more examples it wins.
    Pareto,
    /// The one with the best mean.
    CurrentBest,
}

/// Which predictors a new candidate changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Components {
    /// One, each in turn.
    RoundRobin,
    /// All at once.
    All,
}

/// Reflects on a few runs at a time and rewrites instructions; keeps a rewrite when it does better on those runs, and
/// judges it on all examples then.
///
/// The metric's feedback ([`crate::Score::because`]) is what reflection learns from: a metric that says what was wrong
/// is worth more than one that only counts.
#[derive(Clone, Serialize)]
pub struct Gepa {
    /// What is to be good.
    #[serde(serialize_with = "crate::metric::name")]
    pub metric: Arc<dyn Metric>,
    /// When to stop.
    pub effort: Effort,
    /// Runs to reflect on at a time.
    pub reflection_minibatch_size: usize,
    /// Where new candidates come from.
    pub candidate_selection: Selection,
    /// Which predictors change.
    pub component_selector: Components,
    /// Whether runs that are all perfect are passed over.
    pub skip_perfect_score: bool,
    /// The score of a perfect run.
    pub perfect_score: f64,
    /// The score of a failed run.
    pub failure_score: f64,
    /// Whether reflection sees completions that could not be read.
    pub add_format_failure_as_feedback: bool,
    /// Whether candidates with a common ancestor are merged.
    pub use_merge: bool,
    /// The most merges to accept.
    pub max_merge_invocations: usize,
    /// The seed of all choices.
    pub seed: i64,
}

impl Gepa {
    /// The defaults with a metric and an effort.
    #[must_use]
    pub fn new(metric: Arc<dyn Metric>, effort: Effort) -> Self {
        Self {
            metric,
            effort,
            reflection_minibatch_size: 3,
            candidate_selection: Selection::Pareto,
            component_selector: Components::RoundRobin,
            skip_perfect_score: true,
            perfect_score: 1.0,
            failure_score: 0.0,
            add_format_failure_as_feedback: false,
            use_merge: true,
            max_merge_invocations: 5,
            seed: 0,
        }
    }

    /// The metric calls that the effort allows.
    fn metric_calls(&self, predictors: usize, train: usize, val: usize, valset_given: bool) -> usize {
        match self.effort {
            Effort::MetricCalls(calls) => calls,
            Effort::FullEvals(passes) => passes * if valset_given { train + val } else { train },
            Effort::Auto(auto) => {
                const MINIBATCH: usize = 35;
                const FULL_EVAL_STEPS: usize = 5;
                let candidates = auto.candidates();
                let trials = Auto::trials(predictors * 2, candidates);
                let full = (trials + 1) / FULL_EVAL_STEPS + 1 + usize::from(trials < FULL_EVAL_STEPS);
                val + candidates * 5 + trials * MINIBATCH + full * val
            }
        }
    }
}

/// A candidate of the gene pool.
struct Member {
    /// Its position among all that was tried.
    index: usize,
    lineage: Lineage,
    /// Its score on each validation example.
    scores: Vec<f64>,
    /// The predictor that is changed next in its offspring.
    next_predictor: usize,
}

struct Evolution<'a, 'p, P> {
    gepa: &'a Gepa,
    student: &'a P,
    task: Task<'a, P>,
    pool: &'a mut Pool<'p, P>,
    members: Vec<Member>,
    front: ParetoFront,
    random: PythonRandom,
    minibatches: Minibatches,
    merger: Merger,
    merges_due: usize,
    merges_done: usize,
    /// Whether the last iteration brought a new member: merging is worth a try only then.
    news: bool,
    calls: usize,
}

impl<P: Program> Evolution<'_, '_, P> {
    fn program(&self, texts: &[String]) -> P {
        let mut program = self.student.clone();
        set_all_instructions(&mut program, texts);
        program
    }

    async fn evaluate(
        &mut self,
        program: &P,
        examples: &[Example],
        scope: &Scope<'_>,
    ) -> Result<Evaluation, OptimizeError> {
        self.calls += examples.len();
        let (max_errors, failure_score) = (usize::MAX, self.gepa.failure_score);
        Evaluate { max_errors, failure_score, ..Evaluate::new(examples, &*self.gepa.metric) }
            .run_in(program, scope)
            .await
    }

    /// Judges on all validation examples and takes the candidate into the gene pool.
    async fn admit(
        &mut self,
        texts: Vec<String>,
        parents: Vec<usize>,
        origin: String,
        scope: &Scope<'_>,
    ) -> Result<(), OptimizeError> {
        let program = self.program(&texts);
        let evaluation = self.evaluate(&program, self.task.judging_set(), &scope.child("validate")).await?;
        let scores = evaluation.scores();
        // Offspring of one parent goes on with the predictor after the one that was just changed.
        let next_predictor = parents.iter().map(|&parent| self.members[parent].next_predictor).max().unwrap_or(0);
        let known = parents.iter().map(|&parent| self.members[parent].index).collect();
        let candidate = Candidate::judged(origin, program, evaluation).from_parents(known);
        let index = self.pool.push(candidate);
        self.front.enter(self.members.len(), &scores);
        let lineage = Lineage { texts, parents, mean: mean(&scores) };
        self.members.push(Member { index, lineage, scores, next_predictor });
        Ok(())
    }

    fn means(&self) -> Vec<f64> {
        self.members.iter().map(|member| member.lineage.mean).collect()
    }

    fn select(&mut self) -> usize {
        let means = self.means();
        let best = (0..means.len()).rev().max_by(|&left, &right| means[left].total_cmp(&means[right])).unwrap_or(0);
        match self.gepa.candidate_selection {
            Selection::CurrentBest => best,
            Selection::Pareto => self.front.draw(&means, &mut self.random).unwrap_or(best),
        }
    }

    /// One attempt to merge; whether there was one.
    async fn merge(&mut self, scope: &Scope<'_>) -> Result<bool, OptimizeError> {
        if !(self.gepa.use_merge && self.merges_due > 0 && std::mem::take(&mut self.news)) {
            return Ok(false);
        }
        let eligible: Vec<usize> = self.front.undominated(&self.means()).into_iter().collect();
        let lineages: Vec<Lineage> = self.members.iter().map(|member| member.lineage.clone()).collect();
        let Some(merged) = self.merger.propose(&lineages, &eligible, &mut self.random) else { return Ok(false) };
        let (first, second) = merged.parents;
        let chosen = test_instances(&self.members[first].scores, &self.members[second].scores, &mut self.random);
        let examples: Vec<Example> = chosen.iter().map(|&i| self.task.judging_set()[i].clone()).collect();
        let sum = |member: &Member| chosen.iter().map(|&instance| member.scores[instance]).sum::<f64>();
        let bar = sum(&self.members[first]).max(sum(&self.members[second]));
        let program = self.program(&merged.texts);
        let tested = self.evaluate(&program, &examples, &scope.child("merge")).await?;
        let origin = format!("merge of {first} and {second} over {}", merged.ancestor);
        if tested.scores().iter().sum::<f64>() >= bar {
            self.admit(merged.texts, vec![first, second], origin, scope).await?;
            self.merges_due -= 1;
            self.merges_done += 1;
        } else {
            let parents = vec![self.members[first].index, self.members[second].index];
            self.pool.push(Candidate::judged(origin, program, tested).on_minibatch().from_parents(parents));
        }
        Ok(true)
    }

    /// One reflection: a parent, a minibatch, a rewrite, and the rewrite's test on the same minibatch.
    async fn mutate(&mut self, scope: &Scope<'_>) -> Result<(), OptimizeError> {
        let parent = self.select();
        let batch = self.minibatches.draw(&mut self.random);
        let examples: Vec<Example> = batch.iter().map(|&index| self.task.trainset[index].clone()).collect();
        let before = self.program(&self.members[parent].lineage.texts);
        let old = self.evaluate(&before, &examples, &scope.child("before")).await?;
        if self.gepa.skip_perfect_score && old.scores().iter().all(|&score| score >= self.gepa.perfect_score) {
            return Ok(());
        }
        let changing = self.components(parent);
        let mut texts = self.members[parent].lineage.texts.clone();
        let reflection =
            reflect::Reflection { gepa: self.gepa, program: &before, examples: &examples, evaluation: &old };
        let mut changed = Vec::new();
        for predictor in changing {
            let scope = scope.child(format_args!("reflect/{predictor}"));
            match reflection.rewrite(predictor, &texts[predictor], &mut self.random, &scope).await {
                Ok(Some(text)) => {
                    texts[predictor] = text;
                    changed.push(predictors(self.student)[predictor].0.clone());
                }
                Ok(None) => {}
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => scope.tell(Event::Warning { message: error.to_string() }),
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        let program = self.program(&texts);
        let new = self.evaluate(&program, &examples, &scope.child("after")).await?;
        let origin = format!("reflection on {} of {parent}", changed.join(", "));
        if new.scores().iter().sum::<f64>() > old.scores().iter().sum::<f64>() {
            self.admit(texts, vec![parent], origin, scope).await?;
            self.news = true;
            if self.merges_done < self.gepa.max_merge_invocations {
                self.merges_due += 1;
            }
        } else {
            let index = self.members[parent].index;
            self.pool.push(Candidate::judged(origin, program, new).on_minibatch().from_parents(vec![index]));
        }
        Ok(())
    }

    fn components(&mut self, parent: usize) -> Vec<usize> {
        let count = self.members[parent].lineage.texts.len();
        match self.gepa.component_selector {
            Components::All => (0..count).collect(),
            Components::RoundRobin => {
                let turn = &mut self.members[parent].next_predictor;
                let predictor = *turn;
                *turn = (predictor + 1) % count.max(1);
                vec![predictor]
            }
        }
    }
}

#[async_trait]
impl<P: Program> Optimizer<P> for Gepa {
    fn name(&self) -> &'static str {
        "GEPA"
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    async fn search(&self, student: &P, task: Task<'_, P>, pool: &mut Pool<'_, P>) -> Result<(), OptimizeError> {
        let own = instructions(student);
        if own.is_empty() {
            return Err(OptimizeError::Invalid(
                "the student has no predictor whose instructions could change".to_owned(),
            ));
        }
        let (train, val) = (task.trainset.len(), task.judging_set().len());
        if train == 0 {
            return Err(OptimizeError::Invalid("GEPA needs training examples".to_owned()));
        }
        let calls = self.metric_calls(own.len(), train, val, task.valset.is_some());
        let mut evolution = Evolution {
            gepa: self,
            student,
            task,
            pool,
            members: Vec::new(),
            front: ParetoFront::new(val),
            random: PythonRandom::new(self.seed),
            minibatches: Minibatches::new(train, self.reflection_minibatch_size),
            merger: Merger::default(),
            merges_due: 0,
            merges_done: 0,
            news: false,
            calls: 0,
        };
        evolution.admit(own, Vec::new(), "student".to_owned(), &task.scope.child("student")).await?;
        let mut iteration = 0;
        while evolution.calls < calls {
            iteration += 1;
            let before = evolution.calls;
            let scope = task.scope.child(iteration);
            task.scope.tell(Event::Phase { name: format!("iteration {iteration}") });
            if !evolution.merge(&scope).await? {
                evolution.mutate(&scope).await?;
            }
            debug_assert!(
                evolution.calls > before,
                "every iteration judges something, so that the effort is spent at last"
            );
        }
        Ok(())
    }
}
