//! BootstrapFewShot: demonstrations from a teacher's own successful runs, filled up with labeled examples.

use std::sync::Arc;

use async_trait::async_trait;
use predict::python::random::PythonRandom;
use predict::{Example, Map, Settings, Value};
use serde::Serialize;

use crate::candidate::Pool;
use crate::labeled::LabeledFewShot;
use crate::ledger::digest_of;
use crate::metric::Metric;
use crate::optimizer::{OptimizeError, Optimizer, Task, Teacher, Work, unjudged};
use crate::program::{Program, check_same_structure, predictors, predictors_mut, reset_copy, same_example};
use crate::rollout::{Roll, Rollout, TraceStep, roll};
use crate::study::{Part, Scope};

/// Runs a teacher on the training examples and turns the traces of successful runs into demonstrations.
///
/// Makes the choices of DSPy 3.4.1, bit for bit, unless one predictor runs several times for one example: DSPy then
/// seeds a coin with a hash of pickled objects, which has no meaning outside of one Python process; here the coin is
/// seeded with the demonstrations' content.
#[derive(Clone, Serialize)]
pub struct BootstrapFewShot {
    /// Which runs are successes; without one all are.
    #[serde(serialize_with = "crate::metric::optional_name")]
    pub metric: Option<Arc<dyn Metric>>,
    /// The least score of a success; without one every score but 0 is.
    pub metric_threshold: Option<f64>,
    /// How many examples to demonstrate.
    pub max_bootstrapped_demos: usize,
    /// The most demonstrations for each predictor, labeled ones included; also how many labeled ones the teacher gets.
    pub max_labeled_demos: usize,
    /// The most runs for each example. Those after the first are sampled at temperature 1.
    pub max_rounds: usize,
    /// The failed example that ends it all with an error.
    pub max_errors: usize,
}

impl Default for BootstrapFewShot {
    fn default() -> Self {
        Self {
            metric: None,
            metric_threshold: None,
            max_bootstrapped_demos: 4,
            max_labeled_demos: 16,
            max_rounds: 1,
            max_errors: 10,
        }
    }
}

/// What one pass over the trainset found.
struct Harvest {
    /// For each predictor, its demonstrations in the order of the examples.
    demos: Vec<Vec<Example>>,
    /// The examples that nothing was demonstrated for, shuffled.
    rest: Vec<Example>,
}

impl BootstrapFewShot {
    /// The defaults with a metric.
    #[must_use]
    pub fn new(metric: Arc<dyn Metric>) -> Self {
        Self { metric: Some(metric), ..Self::default() }
    }

    /// A compiled copy of the student. When the study cannot go on, the error comes with what was found until then.
    pub(crate) async fn apply<P: Program>(
        &self,
        student: &P,
        teacher: Option<&Teacher<P>>,
        trainset: &[Example],
        scope: &Scope<'_>,
    ) -> Result<P, OptimizeError> {
        let (program, interrupted) = self.apply_until_halt(student, teacher, trainset, scope).await?;
        interrupted.map_or(Ok(program), Err)
    }

    async fn apply_until_halt<P: Program>(
        &self,
        student: &P,
        teacher: Option<&Teacher<P>>,
        trainset: &[Example],
        scope: &Scope<'_>,
    ) -> Result<(P, Option<OptimizeError>), OptimizeError> {
        let mut program = reset_copy(student);
        let compiled = teacher.is_some_and(|teacher| teacher.compiled);
        let mut teacher = teacher.map_or_else(|| student.clone(), |teacher| teacher.program.clone());
        check_same_structure(&program, &teacher)?;
        if self.max_labeled_demos > 0 && !compiled {
            teacher = LabeledFewShot::new(self.max_labeled_demos).apply(&teacher, trainset);
        }
        let (harvest, interrupted) = self.harvest(teacher, trainset, scope).await?;
        self.plant(&mut program, &harvest);
        Ok((program, interrupted))
    }

    async fn harvest<P: Program>(
        &self,
        mut teacher: P,
        trainset: &[Example],
        scope: &Scope<'_>,
    ) -> Result<(Harvest, Option<OptimizeError>), OptimizeError> {
        let names: Vec<String> = predictors(&teacher).into_iter().map(|(name, _)| name).collect();
        let mut harvest = Harvest { demos: vec![Vec::new(); names.len()], rest: Vec::new() };
        let mut demonstrated = vec![false; trainset.len()];
        let (mut successes, mut errors, mut interrupted) = (0, 0, None);
        'examples: for (index, example) in trainset.iter().enumerate() {
            if successes >= self.max_bootstrapped_demos {
                break;
            }
            for round in 0..self.max_rounds {
                let scope = scope.child(format_args!("bootstrap/{index}/{round}"));
                let attempt = match self.attempt(&mut teacher, example, round, &scope).await {
                    Ok(attempt) => attempt,
                    Err(halt) => {
                        interrupted = Some(halt);
                        break 'examples;
                    }
                };
                if let Some(last) = attempt.failure {
                    errors += 1;
                    if errors >= self.max_errors {
                        return Err(OptimizeError::TooManyErrors { during: Work::Bootstrapping, count: errors, last });
                    }
                } else if self.metric.is_none() || attempt.score.succeeds(self.metric_threshold) {
                    successes += 1;
                    demonstrated[index] = true;
                    collect(&mut harvest.demos, &names, &attempt.trace);
                    break;
                }
            }
        }
        let rest = trainset.iter().zip(demonstrated).filter(|(_, demonstrated)| !demonstrated);
        harvest.rest = rest.map(|(example, _)| example.clone()).collect();
        PythonRandom::new(0).shuffle(&mut harvest.rest);
        Ok((harvest, interrupted))
    }

    /// One run of the teacher, which does not see the example among its demonstrations.
    async fn attempt<P: Program>(
        &self,
        teacher: &mut P,
        example: &Example,
        round: usize,
        scope: &Scope<'_>,
    ) -> Result<Rollout, OptimizeError> {
        let mut blind = teacher.clone();
        for predictor in predictors_mut(&mut blind) {
            predictor.demos.retain(|demo| !same_example(demo, example));
        }
        let sampled = Settings::new().rollout_id(round as i64).temperature(1.0);
        let settings = if round > 0 { sampled } else { Settings::new() };
        let plan = Roll {
            metric: self.metric.as_deref(),
            part: Part::Teacher,
            settings,
            bootstrapping: true,
            ..Roll::default()
        };
        let rollout = roll(&blind, example, &plan, scope).await?;
        if rollout.prediction.is_none() {
            // DSPy restores the removed demonstrations only after a run that did not fail. Its later prompts show it,
            // so it is kept.
            *teacher = blind;
        }
        Ok(rollout)
    }

    /// Gives each predictor its demonstrations and fills up with labeled examples.
    fn plant<P: Program>(&self, program: &mut P, harvest: &Harvest) {
        let mut random = PythonRandom::new(0);
        for (predictor, demos) in predictors_mut(program).into_iter().zip(&harvest.demos) {
            let mut demos: Vec<Example> = demos.iter().take(self.max_bootstrapped_demos).cloned().collect();
            let labeled = self.max_labeled_demos.saturating_sub(demos.len()).min(harvest.rest.len());
            let drawn = random.sample(harvest.rest.len(), labeled);
            demos.extend(drawn.into_iter().map(|index| harvest.rest[index].clone()));
            predictor.demos = demos;
        }
    }
}

/// Adds one demonstration for each predictor that ran.
fn collect(demos: &mut [Vec<Example>], names: &[String], trace: &[TraceStep]) {
    for (name, demos) in names.iter().zip(demos) {
        let runs: Vec<Example> = trace.iter().filter(|step| step.predictor == *name).map(demo_of).collect();
        demos.extend(pick(runs));
    }
}

/// A step as a demonstration.
pub(crate) fn demo_of(step: &TraceStep) -> Example {
    let mut values = Map::new();
    values.insert("augmented".to_owned(), Value::Bool(true));
    values.extend(step.inputs.clone());
    values.extend(step.outputs.clone());
    Example::new(values)
}

/// Of several runs for one example either the last or one of those before it.
fn pick(mut runs: Vec<Example>) -> Option<Example> {
    let last = runs.pop()?;
    if runs.is_empty() {
        return Some(last);
    }
    let text = |demo: &Example| serde_json::json!(demo.values).to_string();
    let digest = digest_of(runs.iter().chain([&last]).map(text).collect::<Vec<_>>().iter().map(String::as_str));
    let seed = u64::from_str_radix(&digest[..15], 16).expect("a digest is hexadecimal");
    let mut random = PythonRandom::new(seed as i64);
    if random.random() < 0.5 { random.choice(runs.len()).map(|index| runs.swap_remove(index)) } else { Some(last) }
}

#[async_trait]
impl<P: Program> Optimizer<P> for BootstrapFewShot {
    fn name(&self) -> &'static str {
        "BootstrapFewShot"
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    async fn search(&self, student: &P, task: Task<'_, P>, pool: &mut Pool<'_, P>) -> Result<(), OptimizeError> {
        let (program, interrupted) = self.apply_until_halt(student, task.teacher, task.trainset, task.scope).await?;
        pool.push(unjudged("bootstrap", program));
        interrupted.map_or(Ok(()), Err)
    }
}
