//! Instructions grounded in the data, the program and its demonstrations.

use predict::python::random::PythonRandom;
use predict::{Example, Field, Map, Settings, Signature, Type, Value};

use super::MiproV2;
use super::demos::{DEMOS_IN_CONTEXT, DemoSet};
use crate::ask::{ask, field_text};
use crate::event::Event;
use crate::optimizer::OptimizeError;
use crate::program::{Program, describe, example_text, outline, predictors};
use crate::study::Scope;

/// Calls for reading the data, at most.
const MOST_VIEWS: usize = 10;
/// Views in a row that bring nothing new before reading stops.
const MOST_IDLE_VIEWS: usize = 5;
/// What the model answers when it has nothing to add.
const NOTHING_NEW: &str = "COMPLETE";
/// Pieces of advice on style; none is one of them.
const TIPS: [&str; 6] = [
    "",
    "Be creative: the instruction may look quite unlike the basic one.",
    "Keep the instruction short and clear.",
    "Make the instruction detailed, so that it says all there is to know about the task.",
    "Put the task into a situation with high stakes, where the answer must be right.",
    "Begin by giving the model a persona that suits the task (\"You are a ...\").",
];

/// What proposals know of program and data.
struct Grounds {
    dataset: Option<String>,
    program: Option<(String, String)>,
}

impl MiproV2 {
    /// For each predictor its own instruction and up to `count - 1` new ones, without repetitions.
    pub(super) async fn propose<P: Program>(
        &self,
        student: &P,
        scope: &Scope<'_>,
        trainset: &[Example],
        demos: &[DemoSet],
        count: usize,
        random: &mut PythonRandom,
    ) -> Result<Vec<Vec<String>>, OptimizeError> {
        let dataset = tolerated(self.describe_data(trainset, &scope.child("data")).await, scope)?.flatten();
        let mut grounds = Grounds { dataset, program: None };
        if self.program_aware {
            let code = describe(student);
            let sample = trainset.first().map(shown_example).unwrap_or_default();
            let told = self.describe_program(&code, &sample, &scope.child("program")).await;
            grounds.program = tolerated(told, scope)?.map(|description| (code, description));
        }
        let mut all = Vec::new();
        for (index, (name, predictor)) in predictors(student).into_iter().enumerate() {
            let signature = predictor.signature();
            let mut instructions = vec![signature.instructions()];
            for number in 1..count {
                let scope = scope.child(format_args!("propose/{name}/{number}"));
                let tip = if self.tip_aware { TIPS[random.choice(TIPS.len()).unwrap_or(0)] } else { "" };
                let rollout = random.randint(0, 1_000_000_000);
                let settings = Settings::new().rollout_id(rollout).temperature(self.init_temperature);
                let seen = if self.fewshot_aware { task_demos(signature, demos, index, number) } else { String::new() };
                let mut inputs = Map::new();
                let mut tell = |field: &str, text: &str| {
                    if !text.is_empty() {
                        inputs.insert(field.to_owned(), Value::from(text));
                    }
                };
                tell("dataset_description", grounds.dataset.as_deref().unwrap_or_default());
                if let Some((code, description)) = &grounds.program {
                    tell("program_code", code);
                    tell("program_description", description);
                    tell("module", &format!("{name}: {}", outline(signature)));
                }
                tell("task_demos", if seen.is_empty() { "No task demos provided." } else { &seen });
                tell("basic_instruction", &instructions[0]);
                tell("tip", tip);
                let told = ask(&scope, &proposal(&inputs), inputs, settings).await;
                let answer = tolerated(told, &scope)?.and_then(|answers| answers.into_iter().next());
                let text = answer.map(|answer| strip_label(&field_text(&answer, "proposed_instruction")));
                if let Some(text) = text.filter(|text| !text.is_empty() && !instructions.contains(text)) {
                    instructions.push(text);
                }
            }
            all.push(instructions);
        }
        Ok(all)
    }

    /// What the data is about, read batch by batch; `None` when that is switched off.
    async fn describe_data(&self, trainset: &[Example], scope: &Scope<'_>) -> Result<Option<String>, OptimizeError> {
        if self.view_data_batch_size == 0 {
            return Ok(None);
        }
        let (mut observations, mut idle) = (String::new(), 0);
        for (view, batch) in trainset.chunks(self.view_data_batch_size).take(MOST_VIEWS).enumerate() {
            let examples = batch.iter().map(shown_example).collect::<Vec<_>>().join("\n\n");
            let mut inputs = predict::map! { "examples" => examples };
            if !observations.is_empty() {
                inputs.insert("prior_observations".to_owned(), Value::from(observations.as_str()));
            }
            let settings = Settings::new().temperature(1.0);
            let answers = ask(&scope.child(view), &observation(&inputs), inputs, settings).await?;
            let seen = answers.first().map(|answer| field_text(answer, "observations")).unwrap_or_default();
            if seen.trim().to_uppercase().starts_with(NOTHING_NEW) {
                idle += 1;
                if idle >= MOST_IDLE_VIEWS {
                    break;
                }
                continue;
            }
            observations.push_str(seen.trim());
            observations.push('\n');
        }
        let task = "Sum observations on a data set up in two or three sentences that keep what matters for the task.";
        let fields = vec![
            Field::input("observations", Type::Str).desc("Observations on the data set"),
            Field::output("summary", Type::Str).desc("Two or three sentences with what matters"),
        ];
        let inputs = predict::map! { "observations" => observations };
        let signature = Signature::new("SummarizeObservations", Some(task), fields);
        let answers = ask(&scope.child("summary"), &signature, inputs, Settings::new()).await?;
        Ok(answers.first().map(|answer| strip_label(&field_text(answer, "summary"))))
    }

    async fn describe_program(&self, code: &str, sample: &str, scope: &Scope<'_>) -> Result<String, OptimizeError> {
        let task = "You see the modules of a program that solves a task by calling language models, and an example of \
                    the task. Say what the task seems to be and how the program goes about it, module by module.";
        let fields = vec![
            Field::input("program_code", Type::Str).desc("The modules of the program"),
            Field::input("program_example", Type::Str).desc("An example of the task"),
            Field::output("program_description", Type::Str)
                .desc("The task, how the program solves it, what each module does"),
        ];
        let inputs = predict::map! { "program_code" => code, "program_example" => sample };
        let signature = Signature::new("DescribeProgram", Some(task), fields);
        let answers = ask(scope, &signature, inputs, Settings::new()).await?;
        Ok(answers.first().map(|answer| strip_label(&field_text(answer, "program_description"))).unwrap_or_default())
    }
}

/// A proposal without one of its grounds is better than none, so a model's failure is only told.
fn tolerated<T>(result: Result<T, OptimizeError>, scope: &Scope<'_>) -> Result<Option<T>, OptimizeError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_fatal() => Err(error),
        Err(error) => {
            scope.tell(Event::Warning { message: error.to_string() });
            Ok(None)
        }
    }
}

fn observation(inputs: &Map) -> Signature {
    let task = format!(
        "You see some examples of a data set. Write down observations that hold for most or all of them: topics, form \
         of the content, what a good answer looks like. Where there are prior observations, add what they lack, or \
         answer {NOTHING_NEW} when nothing is missing."
    );
    let mut fields = vec![Field::input("examples", Type::Str).desc("Some examples of the data set")];
    if inputs.contains_key("prior_observations") {
        fields.push(Field::input("prior_observations", Type::Str).desc("What was observed before"));
    }
    fields.push(Field::output("observations", Type::Str).desc("What holds for most or all of the examples"));
    Signature::new("ObserveData", Some(&task), fields)
}

/// The signature of a proposal that knows these inputs.
fn proposal(inputs: &Map) -> Signature {
    let known = [
        ("dataset_description", "What the data is about"),
        ("program_code", "The modules of the program"),
        ("program_description", "What the program does and how"),
        ("module", "The module that the instruction is for"),
        ("task_demos", "What the module was given and what it gave"),
        ("basic_instruction", "The instruction it has now"),
        ("tip", "How to go about writing the new one"),
    ];
    let known = known.into_iter().filter(|(name, _)| inputs.contains_key(*name));
    let mut fields: Vec<Field> = known.map(|(name, meaning)| Field::input(name, Type::Str).desc(meaning)).collect();
    fields.push(Field::output("proposed_instruction", Type::Str).desc("The new instruction for the module"));
    let task = "Learn from what you are told about a task that language models are to do, then write a new instruction \
                with which a language model does it better.";
    Signature::new("ProposeInstruction", Some(task), fields)
}

/// Up to three demonstrations of successful runs from a set and those after it.
fn task_demos(signature: &Signature, demos: &[DemoSet], predictor: usize, set: usize) -> String {
    let sets = demos.iter().cycle().skip(set % demos.len().max(1)).take(demos.len());
    let runs = sets.flat_map(|set| &set[predictor]).filter(|demo| demo.values.contains_key("augmented"));
    runs.take(DEMOS_IN_CONTEXT).map(|demo| example_text(signature, demo)).collect::<Vec<_>>().join("\n\n")
}

fn shown_example(example: &Example) -> String {
    let values = example.values.iter().map(|(name, value)| format!("{name}: {}", crate::ask::shown(value)));
    values.collect::<Vec<_>>().join("\n")
}

/// Takes a label off that models like to begin with (`Proposed Instruction: ...`), and quotes around the whole.
fn strip_label(text: &str) -> String {
    let text = text.trim();
    let labeled = text.split_once(':').filter(|(label, _)| {
        let words = label.split_whitespace().count();
        (1..=3).contains(&words)
            && label.split_whitespace().all(|word| word.starts_with(char::is_uppercase))
            && ["instruction", "summary", "description"].iter().any(|word| label.to_lowercase().contains(word))
    });
    labeled.map_or(text, |(_, rest)| rest).trim().trim_matches('"').trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::strip_label;

    #[test]
    fn a_label_goes_and_a_colon_in_the_text_stays() {
        assert_eq!(strip_label("Proposed Instruction: Answer briefly."), "Answer briefly.");
        assert_eq!(strip_label("\"Answer: yes or no.\""), "Answer: yes or no.");
        assert_eq!(strip_label("Use these labels: a, b."), "Use these labels: a, b.");
    }
}
