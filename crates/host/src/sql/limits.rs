//! How much of everything one instance may have.

use std::time::Duration;

/// How much of everything one instance may have.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long a call may take, from checking a connection out to the last row, and a transaction, to its commit.
    pub call: Duration,
    /// How long anybody waits for one connection to be opened. Whatever still happens then happens without them.
    pub open: Duration,
    /// The most rows that a query may read.
    pub rows: usize,
    /// The most connections at once, those included that are being opened or wait to be closed.
    pub connections: usize,
    /// The most connections that are being opened at once. Spin opens those of an instance one after the other anyway, and who
    /// waits for the next one is mostly served by one that has become idle meanwhile.
    pub opens: usize,
    /// The most connections that wait for work.
    pub idle: usize,
    /// A connection that has waited for work for longer is closed.
    pub idle_for: Duration,
    /// A connection that has waited for longer is tried before a write is given to it.
    pub fresh_for: Duration,
    /// A connection that is older is closed instead of being kept.
    pub age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(10),
            open: Duration::from_secs(3),
            rows: 10_000,
            connections: 64,
            opens: 2,
            idle: 16,
            idle_for: Duration::from_secs(60),
            fresh_for: Duration::from_secs(5),
            age: Duration::from_secs(15 * 60),
        }
    }
}
