//! Faults that a test can ask for and real Spin cannot give.

use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// One `--fault`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An instance dies while it serves its Nth request.
    KillInstanceAfter(usize),
    /// Every request gets an instance of its own.
    FreshInstances,
    /// Every call of a host interface takes longer by this much.
    HostLatency(Duration),
    /// The connection of every Nth MySQL statement is cut before the statement runs.
    DropDatabaseEvery(u64),
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let number = || match value.parse::<u64>() {
            Ok(n) if n > 0 => Ok(n),
            _ => Err(format!("`{name}` needs a number above 0, as in `{name}=3`")),
        };
        match name {
            "kill-instance-after" => {
                Ok(Self::KillInstanceAfter(usize::try_from(number()?).map_err(|e| e.to_string())?))
            }
            "fresh-instances" if value.is_empty() => Ok(Self::FreshInstances),
            "host-latency-ms" => Ok(Self::HostLatency(Duration::from_millis(number()?))),
            "drop-database-every" => Ok(Self::DropDatabaseEvery(number()?)),
            _ => Err(format!(
                "unknown fault `{text}`; known: kill-instance-after=N, fresh-instances, host-latency-ms=K, \
                 drop-database-every=N"
            )),
        }
    }
}

/// All faults of a run.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) kill_instance_after: Option<usize>,
    pub(crate) fresh_instances: bool,
    host_latency: Option<Duration>,
    drop_database_every: Option<u64>,
    statements: AtomicU64,
}

impl Faults {
    /// Puts the faults of the command line together; of the same fault the last one counts.
    pub(crate) fn new(faults: &[Fault]) -> Self {
        let mut all = Self::default();
        for fault in faults {
            match *fault {
                Fault::KillInstanceAfter(requests) => all.kill_instance_after = Some(requests),
                Fault::FreshInstances => all.fresh_instances = true,
                Fault::HostLatency(latency) => all.host_latency = Some(latency),
                Fault::DropDatabaseEvery(statements) => all.drop_database_every = Some(statements),
            }
        }
        all
    }

    /// Waits as long as a host call is to be delayed.
    pub(crate) async fn delay(&self) {
        if let Some(latency) = self.host_latency {
            tokio::time::sleep(latency).await;
        }
    }

    /// Whether the MySQL statement that is about to run is one that loses its connection.
    pub(crate) fn drops_database_now(&self) -> bool {
        self.drop_database_every
            .is_some_and(|every| (self.statements.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(every))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_what_it_needs() {
        assert_eq!("kill-instance-after=3".parse(), Ok(Fault::KillInstanceAfter(3)));
        assert_eq!("host-latency-ms=20".parse(), Ok(Fault::HostLatency(Duration::from_millis(20))));
        assert!("drop-database-every".parse::<Fault>().unwrap_err().contains("drop-database-every=3"));
        assert!("host-latency-ms=0".parse::<Fault>().is_err());
        assert!("earthquake".parse::<Fault>().unwrap_err().contains("fresh-instances"));
    }

    #[test]
    fn every_third_statement_loses_its_connection() {
        let faults = Faults::new(&[Fault::DropDatabaseEvery(3)]);
        let dropped: Vec<bool> = (0..6).map(|_| faults.drops_database_now()).collect();
        assert_eq!(dropped, [false, false, true, false, false, true]);
        assert!(!Faults::default().drops_database_now());
    }
}
