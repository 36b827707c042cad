//! What a burst of events comes to: pure. Order is kept; what a client would do twice stands once.

use gangplank_protocol::watch::{FileChange, FileChangeKind};

/// Changes in one batch beyond which it is told as a loss instead.
pub(super) const LARGEST: usize = 10_000;

/// Changes gathered until they are told.
#[derive(Debug, Default)]
pub(super) struct Batch {
    changes: Vec<FileChange>,
    overfull: bool,
}

impl Batch {
    /// Adds a change of `path`.
    pub(super) fn add(&mut self, kind: FileChangeKind, path: String) {
        self.push(FileChange { kind, path, from: None });
    }

    /// Adds a change of name.
    pub(super) fn add_rename(&mut self, from: String, path: String) {
        self.push(FileChange { kind: FileChangeKind::Renamed, path, from: Some(from) });
    }

    fn push(&mut self, change: FileChange) {
        use FileChangeKind::{Created, Deleted, Modified, Renamed};
        if self.overfull {
            return;
        }
        // Only what comes close together is joined; looking back without end would cost time for nothing.
        let last = self
            .changes
            .iter_mut()
            .rev()
            .take(64)
            .find(|last| last.path == change.path || last.from.as_ref() == Some(&change.path));
        if let Some(last) = last.filter(|last| last.path == change.path) {
            match (last.kind, change.kind) {
                (Created | Modified | Renamed, Modified) | (Created, Created) | (Deleted, Deleted) => return,
                (Modified, Deleted) => {
                    last.kind = Deleted;
                    return;
                }
                (Deleted, Created) => {
                    last.kind = Modified;
                    return;
                }
                (Created, Deleted) => {
                    let path = change.path;
                    self.changes.retain(|known| known.path != path || known.kind != Created);
                    return;
                }
                _ => {}
            }
        }
        self.changes.push(change);
        self.overfull = self.changes.len() > LARGEST;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changes in order; `None` when there were too many to tell one by one.
    pub(super) fn take(&mut self) -> Option<Vec<FileChange>> {
        let changes = std::mem::take(&mut self.changes);
        (!std::mem::take(&mut self.overfull)).then_some(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use FileChangeKind::{Created, Deleted, Modified, Renamed};

    fn told(changes: &[(FileChangeKind, &str)]) -> Vec<(FileChangeKind, String)> {
        let mut batch = Batch::default();
        for (kind, path) in changes {
            match kind {
                Renamed => {
                    let (from, to) = path.split_once('>').unwrap();
                    batch.add_rename(from.into(), to.into());
                }
                kind => batch.add(*kind, (*path).into()),
            }
        }
        batch.take().unwrap().into_iter().map(|change| (change.kind, change.path)).collect()
    }

    #[test]
    fn repeated_changes_stand_once_and_order_is_kept() {
        let same = |kind, path: &str| (kind, path.to_owned());
        assert_eq!(
            told(&[(Created, "a"), (Modified, "a"), (Modified, "b"), (Modified, "a")]),
            [same(Created, "a"), same(Modified, "b")]
        );
        assert_eq!(told(&[(Created, "a"), (Deleted, "a")]), []);
        assert_eq!(told(&[(Modified, "a"), (Deleted, "a")]), [same(Deleted, "a")]);
        assert_eq!(told(&[(Deleted, "a"), (Created, "a")]), [same(Modified, "a")]);
        assert_eq!(
            told(&[(Modified, "a"), (Renamed, "a>b"), (Modified, "b")]),
            [same(Modified, "a"), same(Renamed, "b")]
        );
        assert_eq!(told(&[(Renamed, "a>b"), (Created, "a")]), [same(Renamed, "b"), same(Created, "a")]);
    }

    #[test]
    fn too_many_changes_are_a_loss() {
        let mut batch = Batch::default();
        for number in 0..=LARGEST {
            batch.add(Created, number.to_string());
        }
        assert_eq!(batch.take(), None);
        assert!(batch.is_empty());
    }
}
