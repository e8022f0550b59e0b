//! Which combination of instructions and demonstrations is best: trials by a Bayesian search, on minibatches with full
//! evaluations of the most promising ones in between.

use indexmap::IndexMap;
use predict::Example;
use predict::python::random::PythonRandom;

use super::demos::DemoSet;
use super::tpe::ChoiceSearch;
use super::{MiproV2, Plan};
use crate::candidate::{Candidate, Pool};
use crate::evaluate::{Evaluate, mean};
use crate::optimizer::OptimizeError;
use crate::program::{Program, predictors_mut};
use crate::study::Scope;

/// What there is to choose from.
pub(super) struct Choices<'a, P> {
    pub(super) student: &'a P,
    /// For each predictor; the first is its own.
    pub(super) instructions: Vec<Vec<String>>,
    /// Empty when demonstrations are not searched.
    pub(super) demos: Vec<DemoSet>,
}

impl<P: Program> Choices<'_, P> {
    /// One number for each predictor's instructions, then one for each predictor's demonstrations.
    fn sizes(&self) -> Vec<usize> {
        let instructions = self.instructions.iter().map(Vec::len);
        let demos = self.instructions.iter().filter(|_| !self.demos.is_empty()).map(|_| self.demos.len());
        instructions.chain(demos).collect()
    }

    fn program(&self, choice: &[usize]) -> P {
        let mut program = self.student.clone();
        let count = self.instructions.len();
        for (index, predictor) in predictors_mut(&mut program).into_iter().enumerate() {
            predictor.set_instructions(self.instructions[index][choice[index]].as_str());
            if let Some(&set) = choice.get(count + index) {
                predictor.demos = self.demos[set][index].clone();
            }
        }
        program
    }
}

/// The search with what it has learned.
pub(super) struct Search<'a, 'p, P> {
    mipro: &'a MiproV2,
    choices: Choices<'a, P>,
    scope: &'a Scope<'a>,
    valset: &'a [Example],
    pool: &'a mut Pool<'p, P>,
    random: PythonRandom,
    estimator: ChoiceSearch,
    /// Minibatch scores of each combination tried.
    tried: IndexMap<Vec<usize>, Vec<f64>>,
    /// Combinations that were judged on everything.
    settled: Vec<Vec<usize>>,
}

impl<'a, 'p, P: Program> Search<'a, 'p, P> {
    pub(super) fn new(
        mipro: &'a MiproV2,
        choices: Choices<'a, P>,
        scope: &'a Scope<'a>,
        valset: &'a [Example],
        pool: &'a mut Pool<'p, P>,
        random: PythonRandom,
    ) -> Self {
        let estimator = ChoiceSearch::new(choices.sizes(), mipro.seed);
        let (tried, settled) = (IndexMap::new(), Vec::new());
        Self { mipro, choices, scope, valset, pool, random, estimator, tried, settled }
    }

    /// Tries combinations; `baseline` is the score of the student, which is the combination of all first choices.
    pub(super) async fn run(mut self, baseline: f64, plan: &Plan) -> Result<(), OptimizeError> {
        self.estimator.observe(vec![0; self.choices.sizes().len()], baseline);
        for trial in 1..=plan.trials {
            let choice = self.estimator.suggest();
            let program = self.choices.program(&choice);
            let drawn;
            let examples = match plan.minibatch {
                false => self.valset,
                true => {
                    let picked = self.random.sample(self.valset.len(), self.mipro.minibatch_size);
                    drawn = picked.into_iter().map(|index| self.valset[index].clone()).collect::<Vec<_>>();
                    &drawn
                }
            };
            let score = self.judge(format!("trial {trial}"), program, examples, !plan.minibatch).await?;
            self.estimator.observe(choice.clone(), score);
            self.tried.entry(choice).or_default().push(score);
            let steps = self.mipro.minibatch_full_eval_steps.max(1);
            if plan.minibatch && (trial % steps == 0 || trial == plan.trials) {
                self.settle(trial).await?;
            }
        }
        Ok(())
    }

    /// Judges the combination with the best mean that was not judged on everything yet.
    async fn settle(&mut self, trial: usize) -> Result<(), OptimizeError> {
        let open = self.tried.iter().filter(|(choice, _)| !self.settled.contains(choice));
        let mut best: Option<(&Vec<usize>, f64)> = None;
        for (choice, scores) in open {
            let score = mean(scores);
            if best.is_none_or(|(_, highest)| score > highest) {
                best = Some((choice, score));
            }
        }
        let Some((choice, _)) = best else { return Ok(()) };
        let choice = choice.clone();
        let program = self.choices.program(&choice);
        let origin = format!("full evaluation after trial {trial}");
        let score = self.judge(origin, program, self.valset, true).await?;
        self.estimator.observe(choice.clone(), score);
        self.settled.push(choice);
        Ok(())
    }

    async fn judge(
        &mut self,
        origin: String,
        program: P,
        examples: &[Example],
        complete: bool,
    ) -> Result<f64, OptimizeError> {
        // A combination that fails everywhere is a bad combination, no reason to stop.
        let evaluate = Evaluate { max_errors: usize::MAX, ..Evaluate::new(examples, &*self.mipro.metric) };
        let evaluation = evaluate.run_in(&program, &self.scope.child(&origin)).await?;
        let score = evaluation.score;
        let candidate = Candidate::judged(origin, program, evaluation);
        self.pool.push(if complete { candidate } else { candidate.on_minibatch() });
        Ok(score)
    }
}
