//! LabeledFewShot: demonstrations straight from the training set, without asking a model.

use async_trait::async_trait;
use predict::Example;
use predict::python::random::PythonRandom;
use serde::Serialize;

use crate::candidate::Pool;
use crate::optimizer::{OptimizeError, Optimizer, Task, unjudged};
use crate::program::{Program, predictors_mut, reset_copy};

/// Gives each predictor up to `k` training examples as demonstrations.
///
/// All predictors draw from one generator seeded with 0, one after the other, so that their demonstrations differ and
/// are those that DSPy 3.4.1 picks.
#[derive(Debug, Clone, Serialize)]
pub struct LabeledFewShot {
    /// The most demonstrations for each predictor.
    pub k: usize,
    /// Whether to draw them at random; otherwise the first `k` are taken.
    pub sample: bool,
}

impl Default for LabeledFewShot {
    fn default() -> Self {
        Self { k: 16, sample: true }
    }
}

impl LabeledFewShot {
    /// Up to `k` drawn demonstrations.
    #[must_use]
    pub fn new(k: usize) -> Self {
        Self { k, ..Self::default() }
    }

    pub(crate) fn apply<P: Program>(&self, student: &P, trainset: &[Example]) -> P {
        let mut program = reset_copy(student);
        let mut random = PythonRandom::new(0);
        for predictor in predictors_mut(&mut program) {
            let count = self.k.min(trainset.len());
            predictor.demos = if self.sample {
                random.sample(trainset.len(), count).into_iter().map(|index| trainset[index].clone()).collect()
            } else {
                trainset[..count].to_vec()
            };
        }
        program
    }
}

#[async_trait]
impl<P: Program> Optimizer<P> for LabeledFewShot {
    fn name(&self) -> &'static str {
        "LabeledFewShot"
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    async fn search(&self, student: &P, task: Task<'_, P>, pool: &mut Pool<'_, P>) -> Result<(), OptimizeError> {
        pool.push(unjudged("labeled", self.apply(student, task.trainset)));
        Ok(())
    }
}
