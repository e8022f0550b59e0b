//! Sets of demonstrations to choose from, made as random search makes its candidates.

use std::sync::Arc;

use predict::Example;
use predict::python::random::PythonRandom;

use super::MiproV2;
use crate::bootstrap::BootstrapFewShot;
use crate::labeled::LabeledFewShot;
use crate::optimizer::{OptimizeError, Task};
use crate::program::{Program, predictors};

/// Demonstrations that a proposal sees when the program itself is to have none.
pub(super) const DEMOS_IN_CONTEXT: usize = 3;

/// The demonstrations of each predictor.
pub(super) type DemoSet = Vec<Vec<Example>>;

impl MiproV2 {
    /// `count` sets: none, labeled ones, bootstrapped ones from the data as it is and from shuffled data.
    pub(super) async fn demo_sets<P: Program>(
        &self,
        student: &P,
        task: Task<'_, P>,
        trainset: &[Example],
        count: usize,
        random: &mut PythonRandom,
    ) -> Result<Vec<DemoSet>, OptimizeError> {
        let (bootstrapped, labeled) = match self.is_zero_shot() {
            true => (DEMOS_IN_CONTEXT, 0),
            false => (self.max_bootstrapped_demos, self.max_labeled_demos),
        };
        let bootstrap = |max_bootstrapped_demos: usize| BootstrapFewShot {
            metric: Some(Arc::clone(&self.metric)),
            metric_threshold: self.metric_threshold,
            max_bootstrapped_demos,
            max_labeled_demos: labeled,
            max_rounds: 1,
            max_errors: self.max_errors,
        };
        let mut sets = Vec::with_capacity(count);
        for number in 0..count {
            let scope = task.scope.child(format_args!("demos {number}"));
            let program = match number {
                0 => {
                    sets.push(vec![Vec::new(); predictors(student).len()]);
                    continue;
                }
                1 if labeled > 0 => LabeledFewShot::new(labeled).apply(student, trainset),
                2 => bootstrap(bootstrapped).apply(student, task.teacher, trainset, &scope).await?,
                _ => {
                    let mut shuffled = trainset.to_vec();
                    random.shuffle(&mut shuffled);
                    let most = i64::try_from(bootstrapped).unwrap_or(i64::MAX);
                    let size = random.randint(most.min(1), most) as usize;
                    bootstrap(size).apply(student, task.teacher, &shuffled, &scope).await?
                }
            };
            sets.push(predictors(&program).into_iter().map(|(_, predictor)| predictor.demos.clone()).collect());
        }
        Ok(sets)
    }
}
