//! What `cargo xtask up --watch` looks at: the files that components are made of.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

use anyhow::Result;

/// What components are made of, from the root.
const WATCHED: [&str; 7] = ["Cargo.toml", "Cargo.lock", "spin.toml", "components", "crates", "migrations", "wit"];

/// The state of all watched files, which differs from an earlier one exactly if a file was written, added, renamed or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot(u64);

impl Snapshot {
    /// How the files are now.
    pub(crate) fn take(root: &Path) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        for name in WATCHED {
            note(&root.join(name), &mut hasher)?;
        }
        Ok(Self(hasher.finish()))
    }
}

/// Adds names and times below `path`. What vanishes meanwhile is left out, and so makes a difference.
fn note(path: &Path, hasher: &mut DefaultHasher) -> Result<()> {
    let Ok(metadata) = fs::metadata(path) else { return Ok(()) };
    path.hash(hasher);
    if !metadata.is_dir() {
        metadata.modified()?.hash(hasher);
        return Ok(());
    }
    let mut entries: Vec<_> = fs::read_dir(path)?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries.iter().try_for_each(|entry| note(entry, hasher))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn every_kind_of_change_is_seen_and_looking_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let file = root.join("components/a/src/lib.rs");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "one").unwrap();
        let mut last = Snapshot::take(root).unwrap();
        assert_eq!(Snapshot::take(root).unwrap(), last);

        let mut differs = |what: &str| {
            let now = Snapshot::take(root).unwrap();
            assert_ne!(now, last, "{what}");
            last = now;
        };
        let handle = fs::File::options().write(true).open(&file).unwrap();
        handle.set_modified(SystemTime::now() + Duration::from_secs(1)).unwrap();
        differs("written");
        let renamed = file.with_file_name("main.rs");
        fs::rename(&file, &renamed).unwrap();
        differs("renamed");
        fs::write(root.join("spin.toml"), "").unwrap();
        differs("added");
        fs::remove_file(renamed).unwrap();
        differs("removed");
    }

    #[test]
    fn other_files_do_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let before = Snapshot::take(folder.path()).unwrap();
        fs::write(folder.path().join("README.md"), "").unwrap();
        assert_eq!(Snapshot::take(folder.path()).unwrap(), before);
    }
}
