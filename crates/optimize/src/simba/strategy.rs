//! How a variant learns from the runs of one example.

use predict::{Example, Field, Map, Settings, Signature, Type, Value};

use crate::ask::{ask, shown};
use crate::bootstrap::demo_of;
use crate::optimizer::OptimizeError;
use crate::program::{Program, describe, predictors, predictors_mut, set_instructions};
use crate::rollout::Rollout;
use crate::study::Scope;

/// The runs of one example, best first.
pub(super) struct Bucket {
    example: Example,
    runs: Vec<Rollout>,
}

impl From<(Example, Vec<Rollout>)> for Bucket {
    fn from((example, mut runs): (Example, Vec<Rollout>)) -> Self {
        runs.sort_by(|left, right| right.score.value.total_cmp(&left.score.value));
        Self { example, runs }
    }
}

/// How much there is to learn from a bucket, compared member by member.
#[derive(Debug, Clone, Copy)]
pub(super) struct Promise([f64; 3]);

impl Promise {
    pub(super) fn total_cmp(&self, other: &Self) -> std::cmp::Ordering {
        let pairs = self.0.iter().zip(&other.0);
        pairs
            .map(|(left, right)| left.total_cmp(right))
            .find(|order| order.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    }
}

impl Bucket {
    pub(super) fn scores(&self) -> Vec<f64> {
        self.runs.iter().map(|run| run.score.value).collect()
    }

    /// The gap between best and worst, then the best, then the gap between best and mean.
    pub(super) fn promise(&self) -> Promise {
        let scores = self.scores();
        let (best, worst) = (scores.first().copied().unwrap_or(0.0), scores.last().copied().unwrap_or(0.0));
        Promise([best - worst, best, best - crate::evaluate::mean(&scores)])
    }
}

/// What to add to a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strategy {
    /// The best run as a demonstration for each predictor.
    Demo,
    /// Advice to each predictor, from the contrast of best and worst run.
    Rule,
}

impl Strategy {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Demo => "a demonstration",
            Self::Rule => "advice",
        }
    }

    /// Changes the program. Where the runs have nothing to teach (`bounds` are the 10th and 90th percentile of the
    /// batch's scores) it stays as it is.
    pub(super) async fn apply<P: Program>(
        self,
        bucket: &Bucket,
        program: &mut P,
        bounds: (f64, f64),
        longest_input: usize,
        scope: &Scope<'_>,
    ) -> Result<(), OptimizeError> {
        let (Some(best), Some(worst)) = (bucket.runs.first(), bucket.runs.last()) else { return Ok(()) };
        if best.score.value <= bounds.0 {
            return Ok(());
        }
        match self {
            Self::Demo => {
                add_demo(best, program, longest_input);
                Ok(())
            }
            Self::Rule if worst.score.value >= bounds.1 => Ok(()),
            Self::Rule => add_advice(bucket, best, worst, bounds, program, scope).await,
        }
    }
}

fn add_demo<P: Program>(run: &Rollout, program: &mut P, longest_input: usize) {
    let names: Vec<String> = predictors(program).into_iter().map(|(name, _)| name).collect();
    for (name, predictor) in names.iter().zip(predictors_mut(program)) {
        let mut steps = run.trace.iter().filter(|step| step.predictor == *name && !step.outputs.is_empty());
        if let Some(step) = steps.next_back() {
            let mut step = step.clone();
            for value in step.inputs.values_mut() {
                let text = shown(value);
                if text.chars().count() > longest_input {
                    let kept: String = text.chars().take(longest_input).collect();
                    *value = Value::from(format!("{kept}\n\t\t... <TRUNCATED FOR BREVITY>"));
                }
            }
            predictor.demos.push(demo_of(&step));
        }
    }
}

async fn add_advice<P: Program>(
    bucket: &Bucket,
    best: &Rollout,
    worst: &Rollout,
    bounds: (f64, f64),
    program: &mut P,
    scope: &Scope<'_>,
) -> Result<(), OptimizeError> {
    // Runs that all scored the same make no contrast; then only the side that the score speaks for is shown.
    let same = best.score.value <= worst.score.value;
    let good = best.score.value > bounds.1;
    let better = (!same || good).then_some(best);
    let worse = (!same || !good).then_some(worst);
    let names: Vec<String> = predictors(program).into_iter().map(|(name, _)| name).collect();
    let mut inputs = predict::map! {
        "program_code" => describe(program),
        "program_inputs" => json(&bucket.example.inputs()),
        "oracle_metadata" => json(&bucket.example.labels()),
    };
    for (side, run) in [("worse", worse), ("better", better)] {
        let known = |text: Option<String>| text.unwrap_or_else(|| "N/A".to_owned());
        let trajectory = run.map(|run| serde_json::to_string_pretty(&run.trace).unwrap_or_default());
        let outputs = run.map(|run| json(&run.prediction.clone().unwrap_or_default()));
        let reward = run.map(|run| run.score.value.to_string());
        let feedback = run.and_then(|run| run.score.feedback.clone());
        inputs.insert(format!("{side}_program_trajectory"), known(trajectory).into());
        inputs.insert(format!("{side}_program_outputs"), known(outputs).into());
        inputs.insert(format!("{side}_reward_value"), known(reward).into());
        inputs.insert(format!("{side}_reward_info"), known(feedback).into());
    }
    inputs.insert("module_names".to_owned(), names.clone().into());
    let answers = ask(scope, &signature(&inputs), inputs, Settings::new()).await?;
    let advice = answers.first().and_then(|answer| answer.get("module_advice")).and_then(Value::as_map).cloned();
    for (index, name) in names.iter().enumerate() {
        let advice = advice.as_ref().and_then(|advice| advice.get(name)).and_then(Value::as_str);
        if let Some(advice) = advice.filter(|advice| !advice.trim().is_empty()) {
            let instructions = predictors(program)[index].1.signature().instructions();
            set_instructions(program, index, &format!("{instructions}\n\n{advice}"));
        }
    }
    Ok(())
}

fn json(values: &Map) -> String {
    serde_json::to_string_pretty(values).unwrap_or_default()
}

fn signature(inputs: &Map) -> Signature {
    let task = "You see two runs of a program made of language model modules, one with a better and one with a worse \
                reward. Advise its modules so that they earn more on inputs like these.\n\n\
                A module will not see its earlier runs, only your advice: be concrete, and general enough for other \
                inputs. Leave out what any model would do anyway. Give each module advice for its own part of the \
                work, from what the better run did differently. Every module name is a key of the advice exactly \
                once.";
    let meaning = |name: &str| match name {
        "program_code" => "The modules of the program",
        "program_inputs" => "What the program was given",
        "oracle_metadata" => "What is known about the right answer; the program does not see it",
        "module_names" => "The modules that want advice",
        "worse_program_trajectory" | "better_program_trajectory" => "What each module was given and gave",
        "worse_program_outputs" | "better_program_outputs" => "What the program answered",
        "worse_reward_value" | "better_reward_value" => "The reward for that",
        _ => "What explains the reward",
    };
    let ty = |name: &str| if name == "module_names" { Type::list(Type::Str) } else { Type::Str };
    let mut fields: Vec<Field> = inputs.keys().map(|name| Field::input(name, ty(name)).desc(meaning(name))).collect();
    fields.push(Field::output("discussion", Type::Str).desc("Which module went wrong where, if one did"));
    let advice = "For each module: when it is given such and such, it should do this and not that";
    fields.push(Field::output("module_advice", Type::dict(Type::Str, Type::Str)).desc(advice));
    Signature::new("OfferAdvice", Some(task), fields)
}
