//! COPRO: instructions proposed by a model, round after round, each round knowing how the earlier ones scored.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use indexmap::IndexMap;
use predict::{Field, Map, Settings, Signature, Type, map};
use serde::Serialize;

use crate::ask::{ask, field_text};
use crate::candidate::{Candidate, Pool};
use crate::evaluate::{Evaluate, Evaluation};
use crate::event::Event;
use crate::metric::Metric;
use crate::optimizer::{OptimizeError, Optimizer, Task};
use crate::program::{Program, instructions, set_instructions};
use crate::study::Scope;

/// Coordinate ascent over instructions: predictor after predictor gets the best of the instructions proposed for it
/// while the others keep theirs.
///
/// As in DSPy 3.4.1, with two differences. Nothing is proposed for output prefixes, which reach no prompt any more. And
/// a combination of instructions that was judged before is not judged again.
#[derive(Clone, Serialize)]
pub struct Copro {
    /// What is to be good.
    #[serde(serialize_with = "crate::metric::name")]
    pub metric: Arc<dyn Metric>,
    /// Instructions for each predictor and round, at least 2; in the first round the student's own is one of them.
    pub breadth: usize,
    /// Rounds.
    pub depth: usize,
    /// The temperature of proposals.
    pub init_temperature: f64,
}

/// The instructions tried for one predictor and the best score that each was part of.
type Tried = IndexMap<String, f64>;

impl Copro {
    /// The defaults with a metric.
    #[must_use]
    pub fn new(metric: Arc<dyn Metric>) -> Self {
        Self { metric, breadth: 10, depth: 3, init_temperature: 1.4 }
    }

    /// `count` new instructions, or fewer when the model repeats itself.
    async fn propose(&self, inputs: Map, count: usize, scope: &Scope<'_>) -> Result<Vec<String>, OptimizeError> {
        let known = inputs.contains_key("attempted_instructions");
        let signature = if known { improve_signature() } else { rewrite_signature() };
        let mut settings = Settings::default();
        settings.insert("n", count);
        settings.insert("temperature", self.init_temperature);
        let answers = ask(scope, &signature, inputs, settings).await?;
        Ok(answers.iter().map(|answer| clean(&field_text(answer, "proposed_instruction"))).collect())
    }
}

fn rewrite_signature() -> Signature {
    let task = "You improve the instructions of language models. Write an instruction that makes a good language model \
                do the task described by the basic instruction well. Be creative.";
    let basic = Field::input("basic_instruction", Type::Str).desc("The instruction that is used now");
    Signature::new("RewriteInstruction", Some(task), vec![basic, proposed()])
}

fn improve_signature() -> Signature {
    let task = "You improve the instructions of language models. You see instructions that were tried for a task, from \
                the lowest score to the highest. Write a new instruction that scores higher than all of them. Be \
                creative.";
    let attempts = Field::input("attempted_instructions", Type::list(Type::Str)).desc("Instructions with their scores");
    Signature::new("ImproveInstruction", Some(task), vec![attempts, proposed()])
}

fn proposed() -> Field {
    Field::output("proposed_instruction", Type::Str).desc("The improved instruction for the language model")
}

/// Models like to put a proposal in quotes.
fn clean(instruction: &str) -> String {
    instruction.trim().trim_matches('"').trim().to_owned()
}

/// The search with what it has learned.
struct Ascent<'a, 'p, P> {
    copro: &'a Copro,
    task: Task<'a, P>,
    pool: &'a mut Pool<'p, P>,
    current: P,
    tried: Vec<Tried>,
    /// Evaluations of whole combinations.
    judged: HashMap<Vec<String>, Evaluation>,
}

impl<P: Program> Ascent<'_, '_, P> {
    async fn judge(&mut self, origin: &str) -> Result<f64, OptimizeError> {
        let combination = instructions(&self.current);
        if let Some(known) = self.judged.get(&combination) {
            return Ok(known.score);
        }
        // A proposal may be useless; only the student's own failures, which come first, say that something is broken.
        let max_errors = if self.judged.is_empty() { 10 } else { usize::MAX };
        let evaluate = Evaluate { max_errors, ..Evaluate::new(self.task.trainset, &*self.copro.metric) };
        let evaluation = evaluate.run_in(&self.current, &self.task.scope.child(origin)).await?;
        self.judged.insert(combination, evaluation.clone());
        let score = evaluation.score;
        self.pool.push(Candidate::judged(origin, self.current.clone(), evaluation));
        Ok(score)
    }

    /// Tries instructions for one predictor and leaves it with the best one known.
    async fn climb(&mut self, round: usize, predictor: usize, proposals: &[String]) -> Result<(), OptimizeError> {
        for (index, instruction) in proposals.iter().enumerate() {
            set_instructions(&mut self.current, predictor, instruction);
            let score = self.judge(&format!("round {round}/predictor {predictor}/instruction {index}")).await?;
            let best = self.tried[predictor].entry(instruction.clone()).or_insert(score);
            *best = best.max(score);
        }
        if let Some(best) = ranked(&self.tried[predictor]).first() {
            set_instructions(&mut self.current, predictor, best.0);
        }
        Ok(())
    }
}

/// Instructions with their scores, best first, earlier ones first among equals.
fn ranked(tried: &Tried) -> Vec<(&str, f64)> {
    let mut ranked: Vec<(&str, f64)> = tried.iter().map(|(text, score)| (text.as_str(), *score)).collect();
    ranked.sort_by(|left, right| right.1.total_cmp(&left.1));
    ranked
}

/// What the proposer sees of the best attempts, in ascending order.
fn attempts(tried: &Tried, count: usize) -> Vec<String> {
    let best: Vec<(&str, f64)> = ranked(tried).into_iter().take(count).collect();
    let lines = best.iter().rev().enumerate().flat_map(|(index, (instruction, score))| {
        let number = index + 1;
        [format!("Instruction #{number}: {instruction}"), format!("Resulting Score #{number}: {score}")]
    });
    lines.collect()
}

#[async_trait]
impl<P: Program> Optimizer<P> for Copro {
    fn name(&self) -> &'static str {
        "COPRO"
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    async fn search(&self, student: &P, task: Task<'_, P>, pool: &mut Pool<'_, P>) -> Result<(), OptimizeError> {
        if self.breadth < 2 {
            return Err(OptimizeError::Invalid("COPRO needs a breadth of at least 2".to_owned()));
        }
        let own = instructions(student);
        let (tried, judged) = (vec![Tried::new(); own.len()], HashMap::new());
        let mut ascent = Ascent { copro: self, task, pool, current: student.clone(), tried, judged };
        // The student itself comes first: whatever happens later, there is a result.
        ascent.judge("student").await?;
        let mut latest: Vec<Vec<String>> = vec![Vec::new(); own.len()];
        let mut all = latest.clone();
        for round in 0..self.depth {
            task.scope.tell(Event::Phase { name: format!("round {round}") });
            for predictor in 0..own.len() {
                let scope = task.scope.child(format_args!("propose/{round}/{predictor}"));
                let first = round == 0;
                let inputs = match first {
                    true => map! { "basic_instruction" => own[predictor].as_str() },
                    false => map! { "attempted_instructions" => attempts(&ascent.tried[predictor], self.breadth) },
                };
                let count = if first { self.breadth - 1 } else { self.breadth };
                latest[predictor] = self.propose(inputs, count, &scope).await?;
                if first {
                    latest[predictor].push(own[predictor].clone());
                }
                all[predictor].extend(latest[predictor].clone());
            }
            for predictor in 0..own.len() {
                // What is best for one predictor depends on the others, so with several all proposals are tried again.
                let proposals = if own.len() > 1 { &all } else { &latest };
                ascent.climb(round, predictor, &proposals[predictor]).await?;
            }
        }
        Ok(())
    }
}
