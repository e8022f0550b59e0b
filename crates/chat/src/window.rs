//! How much of a conversation a model gets to read.

use llm::{
    estimate_tokens,
    wire::{ChatMessage, Role},
};

use crate::message::{Exchange, Status};

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
    history: &[Exchange],
    message: &str,
    context_tokens: u64,
) -> Result<Vec<ChatMessage>, TooLong> {
    let budget = context_tokens - context_tokens / 4;
    let fixed = instructions.map_or(0, tokens) + tokens(message);
    let mut left = budget.checked_sub(fixed).ok_or(TooLong)?;
    let mut kept = Vec::new();
    for exchange in history.iter().rev().filter(|exchange| counts(exchange)) {
        let Some(rest) = left.checked_sub(tokens(&exchange.question) + tokens(&exchange.answer)) else { break };
        left = rest;
        kept.push(exchange);
    }
    let instructions = instructions.map(|text| ChatMessage::new(Role::System, text));
    let past = kept.into_iter().rev().flat_map(|Exchange { question, answer, .. }| {
        [ChatMessage::new(Role::User, &**question), ChatMessage::new(Role::Assistant, &**answer)]
    });
    Ok(instructions.into_iter().chain(past).chain([ChatMessage::new(Role::User, message)]).collect())
}

fn counts(exchange: &Exchange) -> bool {
    matches!(exchange.status, Status::Completed | Status::Cancelled) && !exchange.answer.is_empty()
}

fn tokens(text: &str) -> u64 {
    estimate_tokens(text) + TOKENS_PER_MESSAGE
}

#[cfg(test)]
mod tests;
