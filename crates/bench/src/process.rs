//! What a process and its children cost, as Linux counts it.

use std::{fs, time::Duration};

use anyhow::{Context, Result};

/// Linux counts processor time in ticks of a hundredth of a second on every platform that we run on (`man 5 proc`).
const TICK: Duration = Duration::from_millis(10);
const PAGE_BYTES: u64 = 4096;

/// What a group of processes has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Processor time, user and system.
    pub(crate) cpu: Duration,
    /// Resident memory.
    pub(crate) rss_bytes: u64,
}

impl Usage {
    /// The usage of all processes of the group that `leader` leads: with Spin, the one that serves is its child.
    pub(crate) fn of_group(leader: u32) -> Result<Self> {
        let mut total = Self::default();
        for entry in fs::read_dir("/proc")? {
            let path = entry?.path();
            // A process may end while we read.
            let Ok(stat) = fs::read_to_string(path.join("stat")) else { continue };
            if let Some(usage) = parse(&stat, leader) {
                total.cpu += usage.cpu;
                total.rss_bytes += usage.rss_bytes;
            }
        }
        (total.rss_bytes > 0).then_some(total).context("the server has ended")
    }
}

/// Reads a line of `/proc/<pid>/stat`, if it is of a process of the group `leader`. The name, in parentheses, may hold anything.
fn parse(stat: &str, leader: u32) -> Option<Usage> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok());
    (number(2)? == u64::from(leader)).then_some(())?;
    let ticks = u32::try_from(number(11)? + number(12)?).ok()?;
    Some(Usage { cpu: TICK * ticks, rss_bytes: number(21)? * PAGE_BYTES })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_proc_is_read_whatever_the_process_is_called() {
        let stat = "7 (a) b) S 1 5 5 0 -1 4194560 0 0 0 0 150 50 0 0 20 0 1 0 100 8192 10 18446744073709551615";
        let usage = parse(stat, 5).unwrap();
        assert_eq!((usage.cpu, usage.rss_bytes), (Duration::from_secs(2), 40_960));
        assert!(parse(stat, 6).is_none());
    }
}
