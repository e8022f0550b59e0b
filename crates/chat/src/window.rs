//! How much of a conversation a model gets to read.

use llm::{
    BYTES_PER_TOKEN, estimate_tokens,
    wire::{ChatMessage, Content, Role},
};

use crate::history::Exchange;

/// Tokens that a message takes besides its text: OpenAI's chat format has three, and a margin.
const TOKENS_PER_MESSAGE: u64 = 4;

/// The model's context is too small for the new message alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// What a model with a context of `context_tokens` is asked: the instructions, as many of the newest exchanges of `history` as
/// fit, and `message`. A quarter of the context is left for the answer.
///
/// An exchange, a message with its answer, goes in whole or not at all.
pub(crate) fn window(
    instructions: Option<&str>,
    history: &[Exchange],
    message: &str,
    context_tokens: u64,
) -> Result<Vec<ChatMessage>, TooLong> {
    let budget = readable(context_tokens);
    let fixed = instructions.map_or(0, tokens) + tokens(message);
    let mut left = budget.checked_sub(fixed).ok_or(TooLong)?;
    let mut kept = Vec::new();
    for exchange in history.iter().rev() {
        let Some(rest) = left.checked_sub(tokens(&exchange.question) + tokens(&exchange.answer)) else { break };
        left = rest;
        kept.push(exchange);
    }
    let instructions = instructions.map(|text| ChatMessage::new(Role::System, text));
    let past = kept.into_iter().rev().flat_map(|Exchange { question, answer }| {
        [ChatMessage::new(Role::User, &**question), ChatMessage::new(Role::Assistant, &**answer)]
    });
    Ok(instructions.into_iter().chain(past).chain([ChatMessage::new(Role::User, message)]).collect())
}

/// How many tokens of a context are there to be read.
fn readable(context_tokens: u64) -> u64 {
    context_tokens - context_tokens / 4
}

/// The most that a model with a context of `context_tokens` can read, in bytes.
pub(crate) fn readable_bytes(context_tokens: u64) -> usize {
    usize::try_from(readable(context_tokens)).unwrap_or(usize::MAX).saturating_mul(BYTES_PER_TOKEN)
}

/// An estimate of what a model has to read of `messages`.
pub(crate) fn prompt_tokens(messages: &[ChatMessage]) -> u64 {
    messages.iter().map(|message| tokens(&message.content.as_ref().map(Content::text).unwrap_or_default())).sum()
}

/// Leaves out the oldest exchanges of what [`window`] made, until half of what they take is left, or less.
pub(crate) fn forget_half(messages: &mut Vec<ChatMessage>) {
    let past = past(messages);
    let half = prompt_tokens(&messages[past.clone()]) / 2;
    let mut oldest = past.start;
    while oldest < past.end && prompt_tokens(&messages[oldest..past.end]) > half {
        oldest += 2;
    }
    messages.drain(past.start..oldest.min(past.end));
}

/// Leaves out all exchanges of what [`window`] made: the instructions and the new message are left.
pub(crate) fn forget_past(messages: &mut Vec<ChatMessage>) {
    messages.drain(past(messages));
}

/// Where the exchanges are in what [`window`] made.
fn past(messages: &[ChatMessage]) -> std::ops::Range<usize> {
    let has_instructions = messages.first().is_some_and(|message| message.role == Role::System);
    let first = usize::from(has_instructions);
    first..messages.len().saturating_sub(1).max(first)
}

fn tokens(text: &str) -> u64 {
    estimate_tokens(text) + TOKENS_PER_MESSAGE
}

#[cfg(test)]
mod tests;
