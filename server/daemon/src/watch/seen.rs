//! What the kernel's events say happened: pure. A rename within the folder comes in three parts (its two halves, then the
//! whole) and is told once; a half that stays alone is something that came or went.

use std::path::{Path, PathBuf};

use notify::event::{CreateKind, ModifyKind, RemoveKind, RenameMode};
use notify::{Event, EventKind};

/// Something that happened to a path. What came or went is a directory, is none, or the kernel did not say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Appeared(PathBuf, Option<bool>),
    Gone(PathBuf, Option<bool>),
    Modified(PathBuf),
    Renamed { from: PathBuf, to: PathBuf },
}

/// Reads events in their order.
#[derive(Debug, Default)]
pub(super) struct Reader {
    left: Option<Half>,
}

/// A name that something left, while it is not known whether it got another within the folder.
#[derive(Debug)]
struct Half {
    tracker: usize,
    path: PathBuf,
}

impl Reader {
    /// What `event` says, after what is now known of the half before it.
    pub(super) fn read(&mut self, event: Event) -> Vec<Seen> {
        let tracker = event.tracker();
        let mut paths = event.paths.into_iter();
        let now = match event.kind {
            // Reading is no change; notify watches opens too.
            EventKind::Access(_) => return Vec::new(),
            EventKind::Modify(ModifyKind::Name(RenameMode::From)) => {
                // A directory tells its own move too, without a tracker; its parent has told it already.
                let Some(tracker) = tracker else { return Vec::new() };
                let before = self.settle();
                self.left = paths.next().map(|path| Half { tracker, path });
                return before.into_iter().collect();
            }
            EventKind::Modify(ModifyKind::Name(RenameMode::To)) => {
                if self.left.as_ref().is_some_and(|half| Some(half.tracker) == tracker) {
                    return Vec::new();
                }
                paths.next().map(|path| Seen::Appeared(path, None))
            }
            EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => {
                let same = self.left.take_if(|half| Some(half.tracker) == tracker);
                // Without its first half here, both halves were told for themselves.
                same.zip(paths.nth(1)).map(|(half, to)| Seen::Renamed { from: half.path, to })
            }
            EventKind::Create(kind) => {
                let is_directory = match kind {
                    CreateKind::Folder => Some(true),
                    CreateKind::File => Some(false),
                    CreateKind::Any | CreateKind::Other => None,
                };
                paths.next().map(|path| Seen::Appeared(path, is_directory))
            }
            EventKind::Remove(kind) => {
                let is_directory = match kind {
                    RemoveKind::Folder => Some(true),
                    RemoveKind::File => Some(false),
                    RemoveKind::Any | RemoveKind::Other => None,
                };
                paths.next().map(|path| Seen::Gone(path, is_directory))
            }
            EventKind::Modify(_) | EventKind::Any | EventKind::Other => {
                return self.settle().into_iter().chain(paths.map(Seen::Modified)).collect();
            }
        };
        self.settle().into_iter().chain(now).collect()
    }

    /// What a half comes to whose other did not follow: it went out of the folder.
    pub(super) fn settle(&mut self) -> Option<Seen> {
        self.left.take().map(|half| Seen::Gone(half.path, None))
    }

    /// The same, only for a half whose name is beneath `directory`.
    pub(super) fn settle_beneath(&mut self, directory: &Path) -> Option<Seen> {
        self.left.take_if(|half| half.path.starts_with(directory)).map(|half| Seen::Gone(half.path, None))
    }

    /// Whether a half waits for its other.
    pub(super) fn is_waiting(&self) -> bool {
        self.left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(mode: RenameMode, tracker: Option<usize>, paths: &[&str]) -> Event {
        let event = Event::new(EventKind::Modify(ModifyKind::Name(mode)));
        let event = paths.iter().fold(event, |event, path| event.add_path(path.into()));
        match tracker {
            Some(tracker) => event.set_tracker(tracker),
            None => event,
        }
    }

    fn created(path: &str) -> Event {
        Event::new(EventKind::Create(CreateKind::File)).add_path(path.into())
    }

    fn read(events: Vec<Event>) -> Vec<Seen> {
        let mut reader = Reader::default();
        let mut seen: Vec<Seen> = events.into_iter().flat_map(|event| reader.read(event)).collect();
        seen.extend(reader.settle());
        seen
    }

    #[test]
    fn a_rename_stands_once() {
        let events = vec![
            created("b"),
            name(RenameMode::From, Some(7), &["b"]),
            name(RenameMode::To, Some(7), &["c"]),
            name(RenameMode::Both, Some(7), &["b", "c"]),
            name(RenameMode::From, None, &["b"]),
        ];
        let renamed = Seen::Renamed { from: "b".into(), to: "c".into() };
        assert_eq!(read(events), [Seen::Appeared("b".into(), Some(false)), renamed]);
    }

    #[test]
    fn a_half_alone_came_from_outside_or_went_there() {
        assert_eq!(read(vec![name(RenameMode::To, Some(7), &["in"])]), [Seen::Appeared("in".into(), None)]);
        let out = vec![
            name(RenameMode::From, Some(7), &["out"]),
            name(RenameMode::From, Some(8), &["too"]),
            created("x"),
        ];
        assert_eq!(
            read(out),
            [
                Seen::Gone("out".into(), None),
                Seen::Gone("too".into(), None),
                Seen::Appeared("x".into(), Some(false))
            ]
        );
    }

    #[test]
    fn halves_that_another_event_parts_are_told_for_themselves() {
        let events = vec![
            name(RenameMode::From, Some(7), &["b"]),
            created("x"),
            name(RenameMode::To, Some(7), &["c"]),
            name(RenameMode::Both, Some(7), &["b", "c"]),
        ];
        assert_eq!(
            read(events),
            [
                Seen::Gone("b".into(), None),
                Seen::Appeared("x".into(), Some(false)),
                Seen::Appeared("c".into(), None)
            ]
        );
    }
}
