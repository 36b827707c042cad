//! What is still told under the old name of a directory that has left it. The kernel's watches report the name under
//! which they were made until they are gone, and what they have reported by then is still on its way.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::seen::Seen;

/// Directories that have left their names, in the order in which they did.
#[derive(Debug, Default)]
pub(super) struct Moved(VecDeque<(PathBuf, Option<PathBuf>)>);

impl Moved {
    /// A directory left `from` for `to`, or for good.
    pub(super) fn add(&mut self, from: &Path, to: Option<&Path>) {
        self.0.push_back((from.to_owned(), to.map(Path::to_owned)));
    }

    /// The name that was left first of those that are not settled.
    pub(super) fn first(&self) -> Option<&Path> {
        self.0.front().map(|(from, _)| from.as_path())
    }

    /// Nothing more comes under the name that was left first.
    pub(super) fn settle(&mut self) {
        self.0.pop_front();
    }

    /// What was seen, under the name that it has now; `None` when it is somebody else's to tell.
    pub(super) fn follow(&self, seen: Seen) -> Option<Seen> {
        Some(match seen {
            Seen::Appeared(path, kind) => Seen::Appeared(self.now(path)?, kind),
            Seen::Gone(path, kind) => Seen::Gone(self.now(path)?, kind),
            // A directory tells its own changes too, and the one that it is in now has told them.
            Seen::Modified(path) if self.0.iter().any(|(from, _)| *from == path) => return None,
            Seen::Modified(path) => Seen::Modified(self.now(path)?),
            Seen::Renamed { from, to } => match (self.now(from), self.now(to)) {
                (Some(from), Some(to)) => Seen::Renamed { from, to },
                (Some(from), None) => Seen::Gone(from, None),
                (None, Some(to)) => Seen::Appeared(to, None),
                (None, None) => return None,
            },
        })
    }

    /// The name itself may be another's by now; what is beneath it cannot, since nothing there is watched before this
    /// is settled.
    fn now(&self, path: PathBuf) -> Option<PathBuf> {
        self.0.iter().try_fold(path, |path, (from, to)| match path.strip_prefix(from) {
            Ok(beneath) if !beneath.as_os_str().is_empty() => to.as_ref().map(|to| to.join(beneath)),
            _ => Some(path),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_late_is_told_under_the_present_name_or_not_at_all() {
        let mut moved = Moved::default();
        moved.add(Path::new("a"), Some(Path::new("b")));
        moved.add(Path::new("b"), Some(Path::new("c/d")));
        moved.add(Path::new("out"), None);
        let modified = |path: &str| Seen::Modified(path.into());
        let follow = |moved: &Moved, path: &str| moved.follow(modified(path));
        assert_eq!(follow(&moved, "a/x/y"), Some(modified("c/d/x/y")));
        assert_eq!(follow(&moved, "b/x"), Some(modified("c/d/x")));
        assert_eq!(follow(&moved, "ab/x"), Some(modified("ab/x")));
        assert_eq!(follow(&moved, "out/x"), None);
        assert_eq!(follow(&moved, "a"), None);
        assert_eq!(moved.follow(Seen::Appeared("a".into(), None)), Some(Seen::Appeared("a".into(), None)));
        let renamed = |from: &str, to: &str| Seen::Renamed { from: from.into(), to: to.into() };
        assert_eq!(moved.follow(renamed("b/x", "b/y")), Some(renamed("c/d/x", "c/d/y")));
        assert_eq!(moved.follow(renamed("out/x", "y")), Some(Seen::Appeared("y".into(), None)));
        moved.settle();
        assert_eq!(follow(&moved, "a/x"), Some(modified("a/x")));
        assert_eq!(follow(&moved, "b/x"), Some(modified("c/d/x")));
    }
}
