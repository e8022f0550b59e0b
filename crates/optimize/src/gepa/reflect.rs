//! Reflection: a model reads what a predictor did on some examples and what was wrong, and rewrites its instruction.

use predict::python::random::PythonRandom;
use predict::{Example, Field, Map, Prediction, Settings, Signature, Type};

use super::Gepa;
use crate::ask::{ask_in_json, field_text, shown};
use crate::evaluate::Evaluation;
use crate::metric::Case;
use crate::optimizer::OptimizeError;
use crate::program::{Program, predictors};
use crate::rollout::{Rollout, TraceStep};
use crate::study::{Part, Scope};

/// What there is to reflect on.
pub(super) struct Reflection<'a, P> {
    pub(super) gepa: &'a Gepa,
    pub(super) program: &'a P,
    pub(super) examples: &'a [Example],
    /// The program's runs on these examples.
    pub(super) evaluation: &'a Evaluation,
}

impl<P: Program> Reflection<'_, P> {
    /// A new instruction for a predictor; `None` when it took part in none of the runs.
    pub(super) async fn rewrite(
        &self,
        predictor: usize,
        instruction: &str,
        random: &mut PythonRandom,
        scope: &Scope<'_>,
    ) -> Result<Option<String>, OptimizeError> {
        let name = predictors(self.program)[predictor].0.clone();
        let mut cases = String::new();
        for (index, (example, rollout)) in self.examples.iter().zip(&self.evaluation.rollouts).enumerate() {
            let Some(step) = self.step_of(&name, rollout, random) else { continue };
            let feedback = self.feedback(&name, example, rollout, step, &scope.child(index)).await;
            scope.check()?;
            cases.push_str(&case(index + 1, step, &feedback));
        }
        if cases.is_empty() {
            return Ok(None);
        }
        let inputs = predict::map! { "current_instruction" => instruction, "examples_with_feedback" => cases };
        // Instructions quote field markers, which the chat adapter would take for fields of the answer itself.
        let answers = ask_in_json(scope, &signature(), inputs).await?;
        let text = answers.first().map(|answer| field_text(answer, "new_instruction")).unwrap_or_default();
        let text = text.trim();
        if text.is_empty() {
            return Err(OptimizeError::NoProposal {
                message: "the new instruction is empty".to_owned(),
                too_long: false,
            });
        }
        Ok(Some(text.to_owned()))
    }

    /// The call to show: one that could not be read if those are wanted, else any of those that were.
    fn step_of<'r>(&self, name: &str, rollout: &'r Rollout, random: &mut PythonRandom) -> Option<&'r TraceStep> {
        let steps: Vec<&TraceStep> = rollout.trace.iter().filter(|step| step.predictor == name).collect();
        let unreadable = steps.iter().find(|step| step.unreadable.is_some());
        if let Some(step) = unreadable.filter(|_| self.gepa.add_format_failure_as_feedback) {
            return Some(step);
        }
        let readable: Vec<&TraceStep> = steps.into_iter().filter(|step| !step.outputs.is_empty()).collect();
        random.choice(readable.len()).map(|index| readable[index])
    }

    async fn feedback(
        &self,
        name: &str,
        example: &Example,
        rollout: &Rollout,
        step: &TraceStep,
        scope: &Scope<'_>,
    ) -> String {
        if step.unreadable.is_some() {
            let signature = predictors(self.program).into_iter().find(|(known, _)| known == name);
            let fields = signature.map(|(_, predictor)| {
                let names: Vec<_> = predictor.signature().outputs().map(|field| format!("`{}`", field.name)).collect();
                names.join(", ")
            });
            let fields = fields.unwrap_or_default();
            return format!(
                "This output could not be read. It must give the fields {fields} in the form that was asked for."
            );
        }
        let score = match (&rollout.prediction, self.gepa.metric.explains_predictors()) {
            (Some(values), true) => {
                let (prediction, judge) =
                    (Prediction::from(values.clone()), scope.context(Part::Judge, Settings::new()));
                let case = Case {
                    example,
                    prediction: &prediction,
                    trace: &rollout.trace,
                    bootstrapping: true,
                    predictor: Some(name),
                    judge: &judge,
                };
                self.gepa.metric.score(&case).await.ok()
            }
            _ => None,
        };
        let feedback = score.and_then(|score| score.feedback).or_else(|| rollout.score.feedback.clone());
        let failure = || rollout.failure.as_ref().map(|failure| format!("The program failed: {}", failure.message));
        feedback.or_else(failure).unwrap_or_else(|| format!("This run got a score of {}.", rollout.score.value))
    }
}

fn signature() -> Signature {
    let task = "An assistant follows an instruction. You see the instruction, examples of what the assistant was given \
                and what it produced, and feedback on how that could be better.\n\n\
                Write a new instruction for the assistant.\n\n\
                First find out from the inputs what form they have and what exactly the task is. Take every fact about \
                the task and its domain from the feedback into the instruction: the assistant will not see the \
                feedback, and may not know these facts. If the assistant used a strategy that works in general, \
                describe that as well. Keep what is right in the current instruction.";
    let fields = vec![
        Field::input("current_instruction", Type::Str).desc("The instruction that the assistant follows now"),
        Field::input("examples_with_feedback", Type::Str).desc("What the assistant did, with feedback"),
        Field::output("new_instruction", Type::Str).desc("The new instruction, complete"),
    ];
    Signature::new("RewriteByReflection", Some(task), fields)
}

/// One example in Markdown.
fn case(number: usize, step: &TraceStep, feedback: &str) -> String {
    let fields = |map: &Map| {
        let lines = map.iter().map(|(name, value)| format!("### {name}\n{}\n\n", shown(value)));
        lines.collect::<String>()
    };
    let outputs = match &step.unreadable {
        Some(completion) => format!("{completion}\n\n"),
        None => fields(&step.outputs),
    };
    let inputs = fields(&step.inputs);
    format!("# Example {number}\n## Inputs\n{inputs}## Generated Outputs\n{outputs}## Feedback\n{feedback}\n\n")
}
