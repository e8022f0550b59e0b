//! BootstrapFewShotWithRandomSearch: several bootstrapped programs from differently shuffled data, the best of which
//! wins.

use std::sync::Arc;

use async_trait::async_trait;
use predict::python::random::PythonRandom;
use serde::Serialize;

use crate::bootstrap::BootstrapFewShot;
use crate::candidate::{Candidate, Pool};
use crate::evaluate::Evaluate;
use crate::labeled::LabeledFewShot;
use crate::metric::Metric;
use crate::optimizer::{OptimizeError, Optimizer, Task};
use crate::program::{Program, reset_copy};

/// Tries the student without demonstrations (`seed -3`), with labeled ones (`seed -2`), bootstrapped on the data as it
/// is (`seed -1`) and bootstrapped on shuffled data with a random number of demonstrations (`seed 0`, `seed 1`, ...).
///
/// Each candidate is judged on all examples; the first of the best wins. Makes the choices of DSPy 3.4.1, bit for bit.
#[derive(Clone, Serialize)]
pub struct BootstrapFewShotWithRandomSearch {
    /// What is to be good.
    #[serde(serialize_with = "crate::metric::name")]
    pub metric: Arc<dyn Metric>,
    /// The least score of a run worth demonstrating.
    pub metric_threshold: Option<f64>,
    /// The most examples that a candidate demonstrates.
    pub max_bootstrapped_demos: usize,
    /// The most demonstrations for each predictor.
    pub max_labeled_demos: usize,
    /// The most runs for each example while bootstrapping.
    pub max_rounds: usize,
    /// How many candidates from shuffled data.
    pub num_candidate_programs: usize,
    /// The failed example that ends a bootstrap or an evaluation, and with it everything.
    pub max_errors: usize,
    /// A percentage that is good enough to stop.
    pub stop_at_score: Option<f64>,
}

impl BootstrapFewShotWithRandomSearch {
    /// The defaults with a metric.
    #[must_use]
    pub fn new(metric: Arc<dyn Metric>) -> Self {
        Self {
            metric,
            metric_threshold: None,
            max_bootstrapped_demos: 4,
            max_labeled_demos: 16,
            max_rounds: 1,
            num_candidate_programs: 16,
            max_errors: 10,
            stop_at_score: None,
        }
    }

    fn bootstrap(&self, demos: usize) -> BootstrapFewShot {
        BootstrapFewShot {
            metric: Some(Arc::clone(&self.metric)),
            metric_threshold: self.metric_threshold,
            max_bootstrapped_demos: demos,
            max_labeled_demos: self.max_labeled_demos,
            max_rounds: self.max_rounds,
            max_errors: self.max_errors,
        }
    }

    async fn candidate<P: Program>(&self, seed: i64, student: &P, task: Task<'_, P>) -> Result<P, OptimizeError> {
        let scope = task.scope.child(format_args!("seed {seed}"));
        match seed {
            -3 => Ok(reset_copy(student)),
            -2 => Ok(LabeledFewShot::new(self.max_labeled_demos).apply(student, task.trainset)),
            -1 => self.bootstrap(self.max_bootstrapped_demos).apply(student, task.teacher, task.trainset, &scope).await,
            _ => {
                let mut shuffled = task.trainset.to_vec();
                PythonRandom::new(seed).shuffle(&mut shuffled);
                let most = i64::try_from(self.max_bootstrapped_demos).unwrap_or(i64::MAX);
                let demos = PythonRandom::new(seed).randint(most.min(1), most) as usize;
                self.bootstrap(demos).apply(student, task.teacher, &shuffled, &scope).await
            }
        }
    }
}

#[async_trait]
impl<P: Program> Optimizer<P> for BootstrapFewShotWithRandomSearch {
    fn name(&self) -> &'static str {
        "BootstrapFewShotWithRandomSearch"
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    async fn search(&self, student: &P, task: Task<'_, P>, pool: &mut Pool<'_, P>) -> Result<(), OptimizeError> {
        let evaluate = Evaluate { max_errors: self.max_errors, ..Evaluate::new(task.judging_set(), &*self.metric) };
        for seed in -3..self.num_candidate_programs as i64 {
            let origin = format!("seed {seed}");
            let program = self.candidate(seed, student, task).await?;
            let evaluation = evaluate.run_in(&program, &task.scope.child(&origin).child("evaluate")).await?;
            let score = evaluation.score;
            pool.push(Candidate::judged(origin, program, evaluation));
            if self.stop_at_score.is_some_and(|enough| score >= enough) {
                break;
            }
        }
        Ok(())
    }
}
