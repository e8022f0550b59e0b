//! How much of a conversation a model gets to read.

use llm::{
    estimate_tokens,
    wire::{ChatMessage, Role},
};

use crate::message::{Author, Said, Status};

/// The most messages of the past that are looked at.
pub(crate) const MAX_MESSAGES: i64 = 50;

/// Tokens that a message takes besides its text: OpenAI's chat format has three, and a margin.
const TOKENS_PER_MESSAGE: u64 = 4;

/// The model's context is too small for the new message alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// What a model with a context of `context_tokens` is asked: the instructions, as many of the newest exchanges of `history` as
/// fit, and `message`. A quarter of the context is left for the answer.
///
/// An exchange, a message with its answer, goes in whole or not at all. One whose answer failed, is empty or is still being
/// written does not count: the model would see a question that it seems to have ignored.
pub(crate) fn window(
    instructions: Option<&str>,
    history: &[Said],
    message: &str,
    context_tokens: u64,
) -> Result<Vec<ChatMessage>, TooLong> {
    let budget = context_tokens - context_tokens / 4;
    let fixed = instructions.map_or(0, tokens) + tokens(message);
    let mut left = budget.checked_sub(fixed).ok_or(TooLong)?;
    let mut exchanges = Vec::new();
    for (question, answer) in exchanges_of(history).rev() {
        let Some(rest) = left.checked_sub(tokens(&question.content) + tokens(&answer.content)) else { break };
        left = rest;
        exchanges.push((question, answer));
    }
    let instructions = instructions.map(|text| ChatMessage::new(Role::System, text));
    let past = exchanges.into_iter().rev().flat_map(|(question, answer)| {
        [ChatMessage::new(Role::User, &*question.content), ChatMessage::new(Role::Assistant, &*answer.content)]
    });
    Ok(instructions.into_iter().chain(past).chain([ChatMessage::new(Role::User, message)]).collect())
}

fn exchanges_of(history: &[Said]) -> impl DoubleEndedIterator<Item = (&Said, &Said)> {
    let pairs = history.iter().zip(history.iter().skip(1));
    pairs.filter(|(question, answer)| {
        let stands = matches!(answer.status, Status::Completed | Status::Cancelled) && !answer.content.is_empty();
        question.author == Author::User && answer.author == Author::Assistant && stands
    })
}

fn tokens(text: &str) -> u64 {
    estimate_tokens(text) + TOKENS_PER_MESSAGE
}

#[cfg(test)]
mod tests;
