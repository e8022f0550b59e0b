//! The strict mode: what Spin would answer with a hang or a panic becomes loud and counts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long a statement may wait for a connection whose rows nobody reads before the strict mode calls it a hang.
pub(crate) const HANG: Duration = Duration::from_secs(10);

/// Whether the strict mode is on, and what it has seen.
#[derive(Debug)]
pub(crate) struct Strict {
    on: bool,
    violations: AtomicU64,
}

impl Strict {
    pub(crate) fn new(on: bool) -> Self {
        Self { on, violations: AtomicU64::new(0) }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.on
    }

    /// Records and prints a violation; does nothing when the mode is off. Lines after the first are indented, so that a
    /// reader of the log knows where a report ends.
    pub(crate) fn report(&self, component: &str, what: &str) {
        if self.on {
            self.violations.fetch_add(1, Ordering::Relaxed);
            let what = what.trim_end().replace('\n', "\n    ");
            eprintln!("devhost: strict: component {component}: {what}");
        }
    }

    pub(crate) fn violations(&self) -> u64 {
        self.violations.load(Ordering::Relaxed)
    }
}
