//! SIMBA: mini-batch ascent that looks where the program's own runs differ most, and learns from its best or from the
//! contrast between best and worst.
//!
//! The procedure and its defaults are those of DSPy 3.4.1 (`dspy.SIMBA`, stochastic introspective mini-batch ascent);
//! random draws and prompts are this crate's own.

use std::sync::Arc;

use async_trait::async_trait;
use futures::TryStreamExt as _;
use predict::python::random::PythonRandom;
use predict::{Example, Settings};
use serde::Serialize;

use crate::candidate::{Candidate, Pool};
use crate::evaluate::{Evaluate, Evaluation, mean};
use crate::event::Event;
use crate::metric::Metric;
use crate::optimizer::{OptimizeError, Optimizer, Task};
use crate::program::{Program, predictors, predictors_mut};
use crate::rollout::{Job, Roll, Rollout, roll_all};
use crate::study::{Part, Scope};

mod draw;
mod strategy;

use draw::{percentile, poisson, softmax_choice};
use strategy::{Bucket, Strategy};

/// Improves a program step by step: runs several variants on a minibatch, picks the examples on which runs differ most,
/// and makes a new variant from each of them by adding a demonstration of the best run or advice drawn from best and
/// worst.
///
/// Unlike in DSPy the student is judged on the whole trainset at the beginning rather than at the end.
#[derive(Clone, Serialize)]
pub struct Simba {
    /// What is to be good.
    #[serde(serialize_with = "crate::metric::name")]
    pub metric: Arc<dyn Metric>,
    /// Examples in a minibatch.
    pub bsize: usize,
    /// Runs of each example in a step; one more is the number of new variants.
    pub num_candidates: usize,
    /// Steps.
    pub max_steps: usize,
    /// About how many demonstrations a predictor keeps; with 0 only advice is added.
    pub max_demos: usize,
    /// The longest text of an input in a demonstration, in characters.
    pub demo_input_field_maxlen: usize,
    /// How far sampling prefers good variants: the lower, the more.
    pub temperature_for_sampling: f64,
    /// The same for choosing what to improve.
    pub temperature_for_candidates: f64,
    /// The seed of all choices.
    pub seed: i64,
}

impl Simba {
    /// The defaults with a metric.
    #[must_use]
    pub fn new(metric: Arc<dyn Metric>) -> Self {
        Self {
            metric,
            bsize: 32,
            num_candidates: 6,
            max_steps: 8,
            max_demos: 4,
            demo_input_field_maxlen: 100_000,
            temperature_for_sampling: 0.2,
            temperature_for_candidates: 0.2,
            seed: 0,
        }
    }
}

/// A variant of the program and its scores so far.
struct Variant<P> {
    program: P,
    scores: Vec<f64>,
    /// Its position among all candidates.
    index: usize,
}

struct Climb<'a, 'p, P> {
    simba: &'a Simba,
    pool: &'a mut Pool<'p, P>,
    variants: Vec<Variant<P>>,
    random: PythonRandom,
}

impl<P: Program> Climb<'_, '_, P> {
    /// The best variants by mean score and the student.
    fn front(&self) -> Vec<usize> {
        let score = |index: usize| mean(&self.variants[index].scores);
        let mut order: Vec<usize> = (0..self.variants.len()).collect();
        order.sort_by(|&left, &right| score(right).total_cmp(&score(left)));
        order.truncate(self.simba.num_candidates.max(1));
        if !order.contains(&0) {
            order.pop();
            order.push(0);
        }
        order
    }

    fn choose(&mut self, temperature: f64) -> usize {
        let front = self.front();
        let scores: Vec<f64> = front.iter().map(|&index| mean(&self.variants[index].scores)).collect();
        front[softmax_choice(&scores, temperature, &mut self.random)]
    }

    /// Runs variants drawn by their scores: several runs for each example of the batch.
    async fn sample(&mut self, batch: &[Example], scope: &Scope<'_>) -> Result<Vec<Bucket>, OptimizeError> {
        let mut drawn = Vec::new();
        for run in 0..self.simba.num_candidates {
            for example in 0..batch.len() {
                drawn.push((run, example, self.choose(self.simba.temperature_for_sampling)));
            }
        }
        let jobs = drawn.iter().map(|&(run, example, variant)| {
            let settings = Settings::new().rollout_id(run as i64).temperature(1.0);
            // The teacher, if it is another model, makes the first run of each example.
            let part = if run == 0 { Part::Teacher } else { Part::Task };
            Job {
                program: &self.variants[variant].program,
                example: &batch[example],
                plan: Roll { metric: Some(&*self.simba.metric), part, settings, ..Roll::default() },
                scope: scope.child(format_args!("run {run}/{example}")),
            }
        });
        let rollouts: Vec<Rollout> = roll_all(jobs.collect(), scope.concurrency()).try_collect().await?;
        let mut runs: Vec<Vec<Rollout>> = vec![Vec::new(); batch.len()];
        for (&(_, example, _), rollout) in drawn.iter().zip(rollouts) {
            runs[example].push(rollout);
        }
        let mut buckets: Vec<Bucket> = batch.iter().cloned().zip(runs).map(Bucket::from).collect();
        buckets.sort_by(|left, right| right.promise().total_cmp(&left.promise()));
        Ok(buckets)
    }

    /// A new variant that learns from a bucket; `None` when there was nothing to learn.
    async fn improve(
        &mut self,
        bucket: &Bucket,
        bounds: (f64, f64),
        scope: &Scope<'_>,
    ) -> Result<Option<Candidate<P>>, OptimizeError> {
        let source = self.choose(self.simba.temperature_for_candidates);
        let mut program = self.variants[source].program.clone();
        self.drop_demos(&mut program);
        let strategies: &[Strategy] =
            if self.simba.max_demos > 0 { &[Strategy::Demo, Strategy::Rule] } else { &[Strategy::Rule] };
        let strategy = strategies[self.random.choice(strategies.len()).unwrap_or(0)];
        match strategy.apply(bucket, &mut program, bounds, self.simba.demo_input_field_maxlen, scope).await {
            Ok(()) => {}
            Err(error) if error.is_fatal() => return Err(error),
            Err(error) => {
                scope.tell(Event::Warning { message: error.to_string() });
                return Ok(None);
            }
        }
        let evaluation = Evaluation { score: 0.0, rollouts: Vec::new() };
        let parents = vec![self.variants[source].index];
        Ok(Some(Candidate::judged(strategy.name(), program, evaluation).on_minibatch().from_parents(parents)))
    }

    /// Forgets some demonstrations, the same positions in every predictor: more the more there are.
    fn drop_demos(&mut self, program: &mut P) {
        let most = predictors(program).into_iter().map(|(_, predictor)| predictor.demos.len()).max().unwrap_or(0);
        let room = if self.simba.max_demos > 0 { self.simba.max_demos } else { 3 };
        let drawn = poisson(most as f64 / room as f64, &mut self.random);
        let count = drawn.max(usize::from(most >= room)).min(most);
        let dropped: Vec<usize> = (0..count).filter_map(|_| self.random.choice(most)).collect();
        for predictor in predictors_mut(program) {
            let mut position = 0;
            predictor.demos.retain(|_| {
                position += 1;
                !dropped.contains(&(position - 1))
            });
        }
    }

    /// One step: sample, improve, judge the new variants on the same batch. Gives the best of them.
    async fn step(&mut self, batch: &[Example], scope: &Scope<'_>) -> Result<Option<P>, OptimizeError> {
        let buckets = self.sample(batch, &scope.child("sample")).await?;
        let all: Vec<f64> = buckets.iter().flat_map(Bucket::scores).collect();
        let bounds = (percentile(&all, 10.0), percentile(&all, 90.0));
        let mut made = Vec::new();
        for (number, bucket) in buckets.iter().enumerate() {
            let scope = scope.child(format_args!("bucket {number}"));
            made.extend(self.improve(bucket, bounds, &scope).await?);
            if made.len() > self.simba.num_candidates {
                break;
            }
        }
        let mut best: Option<(f64, P)> = None;
        for (number, mut candidate) in made.into_iter().enumerate() {
            let evaluate = Evaluate { max_errors: usize::MAX, ..Evaluate::new(batch, &*self.simba.metric) };
            let scope = scope.child(format_args!("candidate {number}"));
            let evaluation = evaluate.run_in(&candidate.program, &scope).await?;
            let (scores, average) = (evaluation.scores(), evaluation.mean());
            if best.as_ref().is_none_or(|(highest, _)| average > *highest) {
                best = Some((average, candidate.program.clone()));
            }
            (candidate.score, candidate.rollouts) = (Some(evaluation.score), evaluation.rollouts);
            let program = candidate.program.clone();
            let index = self.pool.push(candidate);
            self.variants.push(Variant { program, scores, index });
        }
        Ok(best.map(|(_, program)| program))
    }
}

/// Positions spread evenly over `0..=last`, at most `count`, both ends among them (rounded half to even, as Python
/// does).
fn spread(last: usize, count: usize) -> Vec<usize> {
    if last == 0 || count < 2 {
        return vec![0];
    }
    let position = |step: usize| (step as f64 * last as f64 / (count - 1) as f64).round_ties_even() as usize;
    let mut positions: Vec<usize> = (0..count).map(position).collect();
    positions.dedup();
    positions
}

#[async_trait]
impl<P: Program> Optimizer<P> for Simba {
    fn name(&self) -> &'static str {
        "SIMBA"
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    async fn search(&self, student: &P, task: Task<'_, P>, pool: &mut Pool<'_, P>) -> Result<(), OptimizeError> {
        let examples = task.trainset;
        if self.bsize == 0 || examples.len() < self.bsize {
            let reason =
                format!("SIMBA needs at least as many training examples as a batch has, {}", self.bsize.max(1));
            return Err(OptimizeError::Invalid(reason));
        }
        let mut random = PythonRandom::new(self.seed);
        let mut order: Vec<usize> = (0..examples.len()).collect();
        random.shuffle(&mut order);
        let evaluate = Evaluate { max_errors: usize::MAX, ..Evaluate::new(examples, &*self.metric) };
        // Judged first, the student is there to fall back on if the budget ends, and competes with a score of its own.
        let evaluation = evaluate.run_in(student, &task.scope.child("student")).await?;
        let scores = evaluation.scores();
        let index = pool.push(Candidate::judged("student", student.clone(), evaluation));
        let baseline = Variant { program: student.clone(), scores, index };
        let mut climb = Climb { simba: self, pool, variants: vec![baseline], random };
        let (mut winners, mut next) = (vec![student.clone()], 0);
        for number in 0..self.max_steps {
            task.scope.tell(Event::Phase { name: format!("step {number}") });
            if next + self.bsize > examples.len() {
                climb.random.shuffle(&mut order);
                next = 0;
            }
            let batch: Vec<Example> =
                order[next..next + self.bsize].iter().map(|&index| examples[index].clone()).collect();
            next += self.bsize;
            let scope = task.scope.child(format_args!("step {number}"));
            winners.extend(climb.step(&batch, &scope).await?);
        }
        for position in spread(winners.len() - 1, self.num_candidates + 1).into_iter().filter(|&position| position > 0)
        {
            let origin = format!("winner {position}");
            let evaluation = evaluate.run_in(&winners[position], &task.scope.child(&origin)).await?;
            climb.pool.push(Candidate::judged(origin, winners[position].clone(), evaluation));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn finalists_are_spread_over_the_steps() {
        assert_eq!(spread(8, 7), [0, 1, 3, 4, 5, 7, 8]);
        assert_eq!(spread(2, 7), [0, 1, 2]);
        assert_eq!(spread(0, 7), [0]);
    }
}
