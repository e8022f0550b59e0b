//! What the tests share: models that answer from a script, and texts in the chat protocol.

use std::future::Future;
use std::sync::Arc;

use predict::{Context, LmResponse, ScriptedLm, Usage};

/// Runs a future to its end.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    futures::executor::block_on(future)
}

/// A model with these answers, and a context that asks it.
pub(crate) fn scripted(answers: &[&str]) -> (Arc<ScriptedLm>, Context) {
    let usage = Usage { prompt_tokens: 10, completion_tokens: 5, cost_micro_usd: 3 };
    let answer = |text: &&str| Ok(LmResponse { usage, ..LmResponse::text(*text) });
    let lm = Arc::new(ScriptedLm::new(answers.iter().map(answer).collect::<Vec<_>>()));
    (lm.clone(), Context::new(lm))
}

/// One output field in the chat protocol.
pub(crate) fn answer(text: &str) -> String {
    section("answer", text)
}

/// A section of the chat protocol.
pub(crate) fn section(field: &str, text: &str) -> String {
    format!("[[ ## {field} ## ]]\n{text}\n\n")
}
