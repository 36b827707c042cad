//! What happened in a directory while it had no watch, from its change of name until it was watched under the new one:
//! told by the times that the file system keeps.

use std::collections::HashSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What came about.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Missed {
    /// Files that are new, and directories, whose content is new too.
    pub(super) created: Vec<PathBuf>,
    /// Files with another content, other attributes or another name than before.
    pub(super) modified: Vec<PathBuf>,
    /// Something else happened as well: no time is kept of what was deleted.
    pub(super) more: bool,
}

/// What happened since `since` in `directory` and beneath it. `known` are the directories of it that were watched before.
pub(super) fn missed(directory: &Path, known: &HashSet<PathBuf>, since: SystemTime) -> Missed {
    let mut missed = Missed::default();
    let mut pending = vec![directory.to_owned()];
    while let Some(directory) = pending.pop() {
        let Ok(entries) = std::fs::read_dir(&directory) else { continue };
        let changed = directory
            .metadata()
            .and_then(|metadata| metadata.modified())
            .is_ok_and(|modified| modified >= since);
        let mut explained = false;
        for entry in entries.flatten() {
            let path = entry.path();
            if known.contains(&path) {
                pending.push(path);
                continue;
            }
            // It may be gone again; its events tell that.
            let Ok(metadata) = entry.metadata() else { continue };
            let touched = status_changed(&metadata) >= since;
            explained |= touched;
            // Not every file system knows when a file was made.
            let created = metadata.created().map_or(true, |created| created >= since);
            if metadata.is_dir() || (touched && created) {
                missed.created.push(path);
            } else if touched {
                missed.modified.push(path);
            }
        }
        missed.more |= changed && !explained;
    }
    missed
}

/// When `directory` got its present name, as far as that can be told.
pub(super) fn renamed_at(directory: &Path) -> Option<SystemTime> {
    let metadata = directory.symlink_metadata().ok()?;
    let status = status_changed(&metadata);
    // A new name is a change of status alone; a new entry is one of the content too, and hides when the name changed.
    (status > metadata.modified().ok()?).then_some(status)
}

fn status_changed(metadata: &Metadata) -> SystemTime {
    let seconds = u64::try_from(metadata.ctime()).unwrap_or_default();
    let nanoseconds = u32::try_from(metadata.ctime_nsec()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_came_since_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for directory in ["known", "quiet"] {
            std::fs::create_dir(at(directory)).unwrap();
        }
        for file in ["known/old", "known/written", "quiet/gone", "quiet/old"] {
            std::fs::write(at(file), "x").unwrap();
        }
        let known: HashSet<_> = ["known", "quiet"].map(at).into();
        let old = SystemTime::UNIX_EPOCH;
        for directory in [folder.path().to_owned(), at("known"), at("quiet")] {
            std::fs::File::open(directory).unwrap().set_modified(old).unwrap();
        }
        // Later than all of that, by the file system's own clock.
        let clock = || {
            let probe = tempfile::tempdir().unwrap();
            status_changed(&probe.path().metadata().unwrap())
        };
        let before = clock();
        while clock() == before {}
        let since = clock();

        let missed_now = || missed(folder.path(), &known, since);
        assert_eq!(missed_now(), Missed::default());
        std::fs::write(at("known/written"), "y").unwrap();
        std::fs::write(at("known/new"), "x").unwrap();
        std::fs::create_dir(at("fresh")).unwrap();
        let told = missed_now();
        assert_eq!(
            told.created.iter().cloned().collect::<HashSet<_>>(),
            ["known/new", "fresh"].map(at).into()
        );
        assert_eq!(told.modified, [at("known/written")]);
        assert!(!told.more);
        std::fs::remove_file(at("quiet/gone")).unwrap();
        assert!(missed_now().more);
    }
}
