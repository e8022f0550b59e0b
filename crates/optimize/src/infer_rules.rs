//! InferRules: rules that a model reads off the examples, appended to the instructions.

use async_trait::async_trait;
use predict::python::random::PythonRandom;
use predict::{Example, Field, Settings, Signature, Type};
use serde::Serialize;

use crate::ask::{field_text, reason, shown};
use crate::bootstrap::BootstrapFewShot;
use crate::candidate::{Candidate, Pool};
use crate::evaluate::Evaluate;
use crate::event::Event;
use crate::optimizer::{OptimizeError, Optimizer, Task};
use crate::program::{Program, predictors, set_instructions};
use crate::study::Scope;

/// Bootstraps demonstrations on the trainset, then lets a model induce rules from it, several times over; the program
/// whose rules do best on the validation set wins.
///
/// Without a validation set the second half of the trainset is it, and only the first half is learned from.
#[derive(Clone, Serialize)]
pub struct InferRules {
    /// How demonstrations are made; its metric also judges the candidates, so that it must have one.
    pub bootstrap: BootstrapFewShot,
    /// How many sets of rules are tried.
    pub num_candidates: usize,
    /// Rules in a set.
    pub num_rules: usize,
}

impl InferRules {
    /// The defaults with a way to bootstrap.
    #[must_use]
    pub fn new(bootstrap: BootstrapFewShot) -> Self {
        Self { bootstrap, num_candidates: 10, num_rules: 10 }
    }

    fn signature(&self) -> Signature {
        let task = format!(
            "Read the examples of a task and write a list of {} rules for doing it: short, without repetition, each \
             telling what to do in a clearly described kind of case.",
            self.num_rules
        );
        let fields = vec![
            Field::input("examples_text", Type::Str).desc("Examples of the task"),
            Field::output("natural_language_rules", Type::Str).desc("The rules"),
        ];
        Signature::new("InduceRules", Some(&task), fields)
    }

    /// Rules from as many examples as the model's context holds.
    async fn induce(
        &self,
        signature: &Signature,
        examples: &[Example],
        settings: &Settings,
        scope: &Scope<'_>,
    ) -> Result<String, OptimizeError> {
        let mut shown = examples;
        loop {
            let inputs = predict::map! { "examples_text" => examples_text(signature, shown) };
            match reason(scope, &self.signature(), inputs, settings.clone()).await {
                Ok(answers) => {
                    let rules = answers.first().map(|answer| field_text(answer, "natural_language_rules"));
                    return Ok(rules.unwrap_or_default().trim().to_owned());
                }
                // Halving finds a size that fits with few refused calls.
                Err(OptimizeError::NoProposal { too_long: true, .. }) if shown.len() > 1 => {
                    shown = &shown[..shown.len() / 2];
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// The fields of a predictor in each example.
fn examples_text(signature: &Signature, examples: &[Example]) -> String {
    let lines = |example: &Example, inputs: bool| {
        let fields = signature.fields().iter().filter(|field| field.is_input() == inputs);
        let known = fields.filter_map(|field| example.get(&field.name).map(|value| (field, value)));
        known.map(|(field, value)| format!("{}: {}", field.name, shown(value))).collect::<Vec<_>>().join("\n")
    };
    let example = |e: &Example| {
        format!("Input Fields:\n{}\n\n=========\nOutput Fields:\n{}\n\n", lines(e, true), lines(e, false))
    };
    examples.iter().map(example).collect()
}

#[async_trait]
impl<P: Program> Optimizer<P> for InferRules {
    fn name(&self) -> &'static str {
        "InferRules"
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    async fn search(&self, student: &P, task: Task<'_, P>, pool: &mut Pool<'_, P>) -> Result<(), OptimizeError> {
        let Some(metric) = self.bootstrap.metric.clone() else {
            return Err(OptimizeError::Invalid("InferRules needs a metric to judge its candidates".to_owned()));
        };
        let (trainset, valset) = match task.valset {
            Some(valset) => (task.trainset, valset),
            None => task.trainset.split_at(task.trainset.len() / 2),
        };
        let base = self.bootstrap.apply(student, task.teacher, trainset, task.scope).await?;
        let evaluate = Evaluate { max_errors: self.bootstrap.max_errors, ..Evaluate::new(valset, &*metric) };
        let mut random = PythonRandom::new(0);
        for number in 0..self.num_candidates {
            let origin = format!("rules {number}");
            let scope = task.scope.child(&origin);
            task.scope.tell(Event::Phase { name: origin.clone() });
            let mut program = base.clone();
            for (index, (name, predictor)) in predictors(&base).into_iter().enumerate() {
                let settings = Settings::new().rollout_id(random.randint(0, 1_000_000_000)).temperature(1.0);
                let rules = self.induce(predictor.signature(), trainset, &settings, &scope.child(&name)).await?;
                let instructions = predictor.signature().instructions();
                let heading = "Please adhere to the following rules when making your prediction:";
                set_instructions(&mut program, index, &format!("{instructions}\n\n{heading}\n{rules}"));
            }
            let evaluation = evaluate.run_in(&program, &scope.child("evaluate")).await?;
            pool.push(Candidate::judged(origin, program, evaluation));
        }
        Ok(())
    }
}
