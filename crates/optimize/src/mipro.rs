//! MIPROv2: instructions proposed from data, program and demonstrations, and a Bayesian search for the combination of
//! instructions and demonstrations that works best.
//!
//! Source: Opsahl-Ong et al., "Optimizing Instructions and Demonstrations for Multi-Stage Language Model Programs"
//! (2024). The procedure and its defaults are those of DSPy 3.4.1; prompts and random draws are this crate's own.

use std::sync::Arc;

use async_trait::async_trait;
use predict::Example;
use predict::python::random::PythonRandom;
use serde::Serialize;

use crate::candidate::{Candidate, Pool};
use crate::evaluate::Evaluate;
use crate::event::Event;
use crate::metric::Metric;
use crate::optimizer::{OptimizeError, Optimizer, Task};
use crate::program::{Program, predictors};

mod demos;
mod propose;
mod search;
pub mod tpe;

use search::{Choices, Search};

/// How much to spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Auto {
    /// 6 candidates, at most 100 validation examples.
    Light,
    /// 12 candidates, at most 300 validation examples.
    Medium,
    /// 18 candidates, at most 1,000 validation examples.
    Heavy,
}

impl Auto {
    pub(crate) fn candidates(self) -> usize {
        match self {
            Self::Light => 6,
            Self::Medium => 12,
            Self::Heavy => 18,
        }
    }

    fn valset_limit(self) -> usize {
        match self {
            Self::Light => 100,
            Self::Medium => 300,
            Self::Heavy => 1000,
        }
    }

    /// The trials that `variables` choices among `candidates` are worth.
    pub(crate) fn trials(variables: usize, candidates: usize) -> usize {
        let candidates = candidates.max(1) as f64;
        (2.0 * variables as f64 * candidates.log2()).max(1.5 * candidates) as usize
    }
}

/// The size of the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// By a rule of thumb.
    Auto(Auto),
    /// As given.
    Exactly {
        /// Sets of demonstrations, and instructions, for each predictor.
        candidates: usize,
        /// Combinations to try, minibatch or full.
        trials: usize,
        /// Whether trials are judged on minibatches, with full evaluations now and then.
        minibatch: bool,
    },
}

/// Validation sets larger than this are judged in minibatches by [`Size::Auto`].
const MINIBATCH_FROM: usize = 50;

/// Searches instructions and demonstrations together.
#[derive(Clone, Serialize)]
pub struct MiproV2 {
    /// What is to be good.
    #[serde(serialize_with = "crate::metric::name")]
    pub metric: Arc<dyn Metric>,
    /// The least score of a run worth demonstrating.
    pub metric_threshold: Option<f64>,
    /// How much to try.
    pub size: Size,
    /// The most demonstrations from runs; with [`MiproV2::max_labeled_demos`] 0 as well, only instructions are
    /// searched.
    pub max_bootstrapped_demos: usize,
    /// The most demonstrations for each predictor.
    pub max_labeled_demos: usize,
    /// The seed of all choices.
    pub seed: i64,
    /// The temperature of proposals.
    pub init_temperature: f64,
    /// Examples in a minibatch.
    pub minibatch_size: usize,
    /// Minibatch trials between full evaluations.
    pub minibatch_full_eval_steps: usize,
    /// Examples that the model reads at a time to describe the data; 0 leaves the description out.
    pub view_data_batch_size: usize,
    /// Whether proposals know the program.
    pub program_aware: bool,
    /// Whether proposals get a random piece of advice on style.
    pub tip_aware: bool,
    /// Whether proposals see demonstrations.
    pub fewshot_aware: bool,
    /// The failed example that ends bootstrapping, or the evaluation of the student, with an error.
    pub max_errors: usize,
}

impl MiproV2 {
    /// The defaults with a metric: a light search.
    #[must_use]
    pub fn new(metric: Arc<dyn Metric>) -> Self {
        Self {
            metric,
            metric_threshold: None,
            size: Size::Auto(Auto::Light),
            max_bootstrapped_demos: 4,
            max_labeled_demos: 4,
            seed: 9,
            init_temperature: 1.0,
            minibatch_size: 35,
            minibatch_full_eval_steps: 5,
            view_data_batch_size: 10,
            program_aware: true,
            tip_aware: true,
            fewshot_aware: true,
            max_errors: 10,
        }
    }

    /// Whether only instructions are searched.
    fn is_zero_shot(&self) -> bool {
        self.max_bootstrapped_demos == 0 && self.max_labeled_demos == 0
    }
}

/// The numbers of one search.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Plan {
    instructions: usize,
    demo_sets: usize,
    trials: usize,
    minibatch: bool,
}

impl MiproV2 {
    fn plan(&self, predictors: usize, valset: usize) -> Plan {
        match self.size {
            Size::Exactly { candidates, trials, minibatch } => {
                Plan { instructions: candidates, demo_sets: candidates, trials, minibatch }
            }
            Size::Auto(auto) => {
                let candidates = auto.candidates();
                // With demonstrations to choose as well, half as many instructions leave more trials for the others.
                let (instructions, variables) =
                    if self.is_zero_shot() { (candidates, predictors) } else { (candidates / 2, predictors * 2) };
                let trials = Auto::trials(variables, candidates);
                Plan { instructions, demo_sets: candidates, trials, minibatch: valset > MINIBATCH_FROM }
            }
        }
    }

    /// Training and validation examples: without a validation set most of the trainset is it.
    fn split<P>(
        &self,
        task: Task<'_, P>,
        random: &mut PythonRandom,
    ) -> Result<(Vec<Example>, Vec<Example>), OptimizeError> {
        let (train, val) = match task.valset {
            Some([]) => return Err(OptimizeError::Invalid("the validation set is empty".to_owned())),
            Some(val) => (task.trainset, val),
            None if task.trainset.len() < 2 => {
                let reason = "MIPROv2 needs two training examples when there is no validation set";
                return Err(OptimizeError::Invalid(reason.to_owned()));
            }
            None => task.trainset.split_at(task.trainset.len() - (task.trainset.len() * 4 / 5).clamp(1, 1000)),
        };
        let val = match self.size {
            Size::Auto(auto) => {
                let drawn = random.sample(val.len(), auto.valset_limit());
                drawn.into_iter().map(|index| val[index].clone()).collect()
            }
            Size::Exactly { .. } => val.to_vec(),
        };
        Ok((train.to_vec(), val))
    }
}

#[async_trait]
impl<P: Program> Optimizer<P> for MiproV2 {
    fn name(&self) -> &'static str {
        "MIPROv2"
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    async fn search(&self, student: &P, task: Task<'_, P>, pool: &mut Pool<'_, P>) -> Result<(), OptimizeError> {
        let mut random = PythonRandom::new(self.seed);
        let (trainset, valset) = self.split(task, &mut random)?;
        let plan = self.plan(predictors(student).len(), valset.len());
        if plan.minibatch && self.minibatch_size > valset.len() {
            let reason = format!("a minibatch of {} examples needs as many to validate with", self.minibatch_size);
            return Err(OptimizeError::Invalid(reason));
        }
        // Judged first, the student is there to fall back on if the budget ends.
        let evaluate = Evaluate { max_errors: self.max_errors, ..Evaluate::new(&valset, &*self.metric) };
        let evaluation = evaluate.run_in(student, &task.scope.child("student")).await?;
        let baseline = evaluation.score;
        pool.push(Candidate::judged("student", student.clone(), evaluation));
        task.scope.tell(Event::Phase { name: "bootstrap".to_owned() });
        let demos = self.demo_sets(student, task, &trainset, plan.demo_sets, &mut random).await?;
        task.scope.tell(Event::Phase { name: "propose".to_owned() });
        let instructions = self.propose(student, task.scope, &trainset, &demos, plan.instructions, &mut random).await?;
        let demos = if self.is_zero_shot() { Vec::new() } else { demos };
        let choices = Choices { student, instructions, demos };
        task.scope.tell(Event::Phase { name: "search".to_owned() });
        Search::new(self, choices, task.scope, &valset, pool, random).run(baseline, &plan).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::metric;

    #[test]
    fn the_rule_of_thumb_is_that_of_dspy() {
        let mipro = MiproV2::new(metric("any", |_, _| true));
        // Two predictors, few-shot: 4 variables, 2 * 4 * log2(6) = 20.67.
        let plan = Plan { instructions: 3, demo_sets: 6, trials: 20, minibatch: true };
        assert_eq!(mipro.plan(2, 51), plan);
        let zero_shot = MiproV2 { max_bootstrapped_demos: 0, max_labeled_demos: 0, ..mipro };
        let plan = Plan { instructions: 6, demo_sets: 6, trials: 9, minibatch: false };
        assert_eq!(zero_shot.plan(1, 50), plan);
    }
}
