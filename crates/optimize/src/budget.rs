//! What a run may spend, and what it has spent.

use predict::Usage;
use serde::{Deserialize, Serialize};

/// Limits of a run in calls, tokens and money; what is `None` is not limited.
///
/// A limit is checked before each call. The calls that are already under way when tokens or money run out are finished,
/// so that these two may be exceeded by as many calls as run at once; the number of calls is exact.
///
/// ```
/// use optimize::Budget;
///
/// let budget = Budget { calls: Some(500), cost_micro_usd: Some(2_000_000), ..Budget::default() };
/// assert_eq!(budget.tokens, None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Budget {
    /// The most model calls.
    pub calls: Option<u64>,
    /// The most tokens, read and written together.
    pub tokens: Option<u64>,
    /// The most money, in millionths of a US dollar, as far as models tell their price.
    pub cost_micro_usd: Option<u64>,
}

/// Which limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Limit {
    /// [`Budget::calls`].
    Calls,
    /// [`Budget::tokens`].
    Tokens,
    /// [`Budget::cost_micro_usd`].
    Money,
}

/// What a run has used so far, over all its attempts: what the journal holds counts from the start.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Spend {
    /// Answered model calls.
    pub calls: u64,
    /// How many of them earlier attempts paid for, by the journal.
    pub earlier: u64,
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// Money in millionths of a US dollar.
    pub cost_micro_usd: u64,
}

impl Spend {
    /// Calls that this attempt has paid for.
    #[must_use]
    pub fn paid(&self) -> u64 {
        self.calls - self.earlier
    }

    pub(crate) fn add(&mut self, usage: Usage) {
        self.calls += 1;
        self.prompt_tokens += usage.prompt_tokens;
        self.completion_tokens += usage.completion_tokens;
        self.cost_micro_usd += usage.cost_micro_usd;
    }
}

impl Budget {
    /// The limit that forbids one more call after `spend` and `under_way` unanswered calls.
    pub(crate) fn forbids(&self, spend: &Spend, under_way: u64) -> Option<Limit> {
        let reached = |limit: Option<u64>, used: u64| limit.is_some_and(|limit| used >= limit);
        if reached(self.calls, spend.calls + under_way) {
            Some(Limit::Calls)
        } else if reached(self.tokens, spend.prompt_tokens + spend.completion_tokens) {
            Some(Limit::Tokens)
        } else if reached(self.cost_micro_usd, spend.cost_micro_usd) {
            Some(Limit::Money)
        } else {
            None
        }
    }
}
