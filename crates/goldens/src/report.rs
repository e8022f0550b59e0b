//! What came of a folder of records.

use std::fmt;

use indexmap::IndexMap;

/// How many misses of one file are shown.
const SHOWN: usize = 20;

/// The outcome of every file.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// By name of file.
    pub files: Vec<FileReport>,
}

/// The outcome of one file.
#[derive(Debug, Clone)]
pub struct FileReport {
    /// The file's name.
    pub name: String,
    /// Counts by tier, in order of appearance.
    pub tiers: IndexMap<String, Tally>,
    /// The records that do not match.
    pub misses: Vec<Miss>,
}

/// How many records match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Those that do.
    pub matched: usize,
    /// All.
    pub total: usize,
}

/// A record that does not match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// Its tier.
    pub tier: String,
    /// Its id and label.
    pub record: String,
    /// The first difference.
    pub difference: String,
}

impl FileReport {
    pub(crate) fn new(name: String) -> Self {
        Self { name, tiers: IndexMap::new(), misses: Vec::new() }
    }

    pub(crate) fn count(&mut self, tier: &str, record: &str, verdict: Result<(), String>) {
        let tally = self.tiers.entry(tier.to_owned()).or_default();
        tally.total += 1;
        match verdict {
            Ok(()) => tally.matched += 1,
            Err(difference) => {
                self.misses.push(Miss { tier: tier.to_owned(), record: record.to_owned(), difference });
            }
        }
    }
}

impl Report {
    /// How many records of tier core do not match.
    #[must_use]
    pub fn core_misses(&self) -> usize {
        self.files.iter().flat_map(|file| &file.misses).filter(|miss| miss.tier == "core").count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in &self.files {
            for (tier, Tally { matched, total }) in &file.tiers {
                writeln!(formatter, "{:<22} {tier:<7} {matched}/{total}", file.name)?;
            }
            for Miss { tier, record, difference } in file.misses.iter().take(SHOWN) {
                writeln!(formatter, "  [{tier}] {record}\n    {}", difference.replace('\n', "\n    "))?;
            }
            if file.misses.len() > SHOWN {
                writeln!(formatter, "  and {} more", file.misses.len() - SHOWN)?;
            }
        }
        Ok(())
    }
}
