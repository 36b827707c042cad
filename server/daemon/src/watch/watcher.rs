//! The thread behind a watch: a kernel watch on each directory that counts, events gathered into batches, lost events
//! told.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant, SystemTime};

use gangplank_protocol::watch::{FileChangeKind, WatchEvent};
use notify::Event;

use super::batch::Batch;
use super::catch_up::{missed, renamed_at};
use super::directories::Directories;
use super::moved::Moved;
use super::rules::{Rules, is_configuration};
use super::seen::{Reader, Seen};
use super::tell;
use crate::feed::Feed;

/// A batch is told after so much quiet,
const QUIET: Duration = Duration::from_millis(20);
/// or after so long at most.
const LONGEST_BATCH: Duration = Duration::from_millis(200);
/// How often it is checked that the folder is still the same one.
const CHECK_ROOT: Duration = Duration::from_secs(1);
/// How late the kernel's events may be here.
const LATENESS: Duration = Duration::from_secs(1);
/// How far the times of files may be behind the clock: the kernel sets them in steps.
const CLOCK_STEP: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) enum Message {
    Event(notify::Result<Event>),
    /// The watches of the first of the directories that moved are gone, and all that they told has come.
    Settled,
    Stop,
}

/// Ends the thread when it is dropped.
#[derive(Debug)]
pub(super) struct StopOnDrop(Sender<Message>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        // A thread that has ended already needs no word.
        let _ = self.0.send(Message::Stop);
    }
}

/// Watches `root` until the value returned is dropped.
pub(super) fn start(root: PathBuf, all: bool, feed: Feed<WatchEvent>) -> StopOnDrop {
    let (sender, receiver) = channel();
    let stop = StopOnDrop(sender.clone());
    let failed = feed.clone();
    let thread = std::thread::Builder::new().name("watch".into()).spawn(move || {
        let told = feed.clone();
        if let Err(error) =
            Watcher::new(root, all, feed, sender).and_then(|mut watcher| watcher.run(&receiver))
        {
            tell(&told, WatchEvent::Degraded { reason: format!("the folder cannot be watched: {error}") });
        }
        told.close();
    });
    if let Err(error) = thread {
        tell(
            &failed,
            WatchEvent::Degraded { reason: format!("no thread can be started for the watch: {error}") },
        );
        failed.close();
    }
    stop
}

struct Watcher {
    root: PathBuf,
    identity: Option<(u64, u64)>,
    rules: Rules,
    directories: Directories,
    sender: Sender<Message>,
    reader: Reader,
    moved: Moved,
    /// Directories that were watched and have left the name they moved to as well, before they could be watched there.
    adrift: Vec<PathBuf>,
    /// What happened before this has been told, or was before the watch.
    told_until: SystemTime,
    batch: Batch,
    configurations: Vec<String>,
    feed: Feed<WatchEvent>,
}

impl Watcher {
    fn new(
        root: PathBuf,
        all: bool,
        feed: Feed<WatchEvent>,
        sender: Sender<Message>,
    ) -> notify::Result<Self> {
        Ok(Self {
            identity: identity(&root),
            rules: Rules::new(root.clone(), all),
            root,
            directories: Directories::new(sender.clone())?,
            sender,
            reader: Reader::default(),
            moved: Moved::default(),
            adrift: Vec::new(),
            told_until: before(CLOCK_STEP),
            batch: Batch::default(),
            configurations: Vec::new(),
            feed,
        })
    }

    fn run(&mut self, messages: &Receiver<Message>) -> notify::Result<()> {
        self.add_tree(&self.root.clone(), false);
        self.tell_complaints();
        tell(&self.feed, WatchEvent::Ready { directories: self.directories.count() as u64 });
        let mut batch_since: Option<Instant> = None;
        loop {
            let wait = if batch_since.is_some() { QUIET } else { CHECK_ROOT };
            let message = messages.recv_timeout(wait);
            let quiet = matches!(message, Err(RecvTimeoutError::Timeout));
            match message {
                Ok(Message::Event(Ok(event))) => self.take(event),
                Ok(Message::Settled) => self.settled(),
                Ok(Message::Event(Err(error))) => self.lost(&format!("the kernel reported: {error}")),
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) if batch_since.is_none() && !self.check_root(messages) => {
                    return Ok(());
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if quiet {
                self.told_until = self.told_until.max(before(LATENESS));
            }
            self.tell_complaints();
            let pending = !self.batch.is_empty() || self.reader.is_waiting();
            let due = batch_since.is_some_and(|since| since.elapsed() > LONGEST_BATCH);
            if pending && (due || quiet) {
                self.flush();
                batch_since = None;
            } else if pending {
                batch_since.get_or_insert_with(Instant::now);
            } else {
                batch_since = None;
            }
        }
    }

    fn tell_complaints(&mut self) {
        for reason in self.rules.complaints() {
            tell(&self.feed, WatchEvent::Degraded { reason });
        }
    }

    fn flush(&mut self) {
        if let Some(gone) = self.reader.settle() {
            self.tell_seen(gone);
        }
        match self.batch.take() {
            Some(changes) if changes.is_empty() => {}
            Some(changes) => tell(&self.feed, WatchEvent::Changes { changes }),
            None => tell(
                &self.feed,
                WatchEvent::Rescanned { reason: "too much changed at once to tell it one by one".into() },
            ),
        }
        if !self.configurations.is_empty() {
            tell(
                &self.feed,
                WatchEvent::ConfigurationChanged { paths: std::mem::take(&mut self.configurations) },
            );
        }
    }

    fn take(&mut self, event: Event) {
        if event.need_rescan() {
            self.lost("the kernel's queue of events overflowed");
            return;
        }
        for seen in self.reader.read(event) {
            self.tell_seen(seen);
        }
    }

    fn tell_seen(&mut self, seen: Seen) {
        match self.moved.follow(seen) {
            None => {}
            Some(Seen::Appeared(path, is_directory)) => self.appeared(&path, is_directory),
            Some(Seen::Gone(path, is_directory)) => self.gone(&path, is_directory),
            Some(Seen::Modified(path)) => self.change(FileChangeKind::Modified, &path, None),
            Some(Seen::Renamed { from, to }) => self.renamed(&from, &to),
        }
    }

    /// Tells a change of `path`, when it counts. Of something gone that may have been either, it must count as a file and
    /// as a directory: what was ignored was never told.
    fn change(&mut self, kind: FileChangeKind, path: &Path, is_directory: Option<bool>) {
        let counts = match is_directory {
            Some(is_directory) => self.rules.counts(path, is_directory),
            None if kind == FileChangeKind::Deleted => {
                self.rules.counts(path, false) && self.rules.counts(path, true)
            }
            None => self.rules.counts(path, path.is_dir()),
        };
        if path == self.root || !counts {
            return;
        }
        let shown = self.note(path);
        self.batch.add(kind, shown);
    }

    /// The path as it is told; a configuration file is remembered as changed.
    fn note(&mut self, path: &Path) -> String {
        let relative = path.strip_prefix(&self.root).unwrap_or(path);
        let shown = relative.to_string_lossy().into_owned();
        if is_configuration(relative) && !self.configurations.contains(&shown) {
            self.configurations.push(shown.clone());
        }
        if self.rules.changed(path) {
            // What a new rule shows must be watched as well.
            self.add_tree(&self.root.clone(), false);
        }
        shown
    }

    fn appeared(&mut self, path: &Path, is_directory: Option<bool>) {
        self.change(FileChangeKind::Created, path, is_directory);
        if is_real_directory(path) {
            self.add_tree(path, true);
        }
    }

    fn gone(&mut self, path: &Path, is_directory: Option<bool>) {
        let watched = self.directories.contains(path);
        self.change(FileChangeKind::Deleted, path, if watched { Some(true) } else { is_directory });
        self.leave(path, None);
    }

    fn renamed(&mut self, from: &Path, to: &Path) {
        // It may have gone on already.
        let is_there = is_real_directory(to);
        let is_directory =
            is_there || self.directories.contains(from) || self.adrift.iter().any(|known| known == from);
        let (before, after) = (self.rules.counts(from, is_directory), self.rules.counts(to, is_directory));
        if !before {
            self.leave(from, None);
            return self.appeared(to, Some(is_directory));
        }
        if !after {
            self.change(FileChangeKind::Deleted, from, Some(is_directory));
            self.leave(from, None);
            return;
        }
        let (shown_from, shown_to) = (self.note(from), self.note(to));
        self.batch.add_rename(shown_from, shown_to);
        let (known, was_adrift) = self.leave(from, Some(to));
        if known.is_empty() {
            if is_there {
                self.add_tree(to, true);
            }
            return;
        }
        self.add_tree(to, false);
        // It has been without watches since the first of its new names.
        let since = if was_adrift { None } else { renamed_at(to) };
        self.catch_up(to, &known, since);
        self.adrift.extend(known.into_iter().filter(|known| !self.directories.contains(known)));
    }

    /// Watches no longer what was at `from`; gives the directories of it that were watched, by their names beneath `to`,
    /// and whether some of them were not any more.
    fn leave(&mut self, from: &Path, to: Option<&Path>) -> (HashSet<PathBuf>, bool) {
        let mut left = self.directories.forget(from);
        let watched = left.len();
        left.extend(self.adrift.extract_if(.., |known| known.starts_with(from)));
        if left.is_empty() {
            return (HashSet::new(), false);
        }
        self.rules.forget(from);
        self.moved.add(from, to);
        // What the watches have told is on its way already; this comes after it.
        let _ = self.sender.send(Message::Settled);
        let was_adrift = left.len() > watched;
        let renamed = |known: PathBuf| Some(to?.join(known.strip_prefix(from).ok()?));
        (left.into_iter().filter_map(renamed).collect(), was_adrift)
    }

    fn settled(&mut self) {
        if let Some(gone) = self.moved.first().and_then(|from| self.reader.settle_beneath(from)) {
            self.tell_seen(gone);
        }
        self.moved.settle();
    }

    /// Tells what happened in a directory while it had no watch: since it was renamed, or at the longest since all was
    /// told.
    fn catch_up(&mut self, directory: &Path, known: &HashSet<PathBuf>, since: Option<SystemTime>) {
        let since = since.map_or(self.told_until, |since| since.max(self.told_until));
        let missed = missed(directory, known, since);
        for path in missed.created {
            self.appeared(&path, None);
        }
        for path in missed.modified {
            self.change(FileChangeKind::Modified, &path, Some(false));
        }
        if missed.more {
            let reason = "something was deleted from a directory while it was renamed".into();
            tell(&self.feed, WatchEvent::Rescanned { reason });
        }
    }

    /// Watches a directory and those beneath it that count. With `is_new`, what is in them already is told as new: it came
    /// before the kernel's watch did.
    fn add_tree(&mut self, from: &Path, is_new: bool) {
        let mut pending = vec![from.to_owned()];
        while let Some(directory) = pending.pop() {
            if directory != self.root && !self.rules.counts(&directory, true) {
                continue;
            }
            if !self.directories.contains(&directory)
                && let Some(reason) = self.directories.add(&directory)
            {
                tell(&self.feed, WatchEvent::Degraded { reason });
            }
            let Ok(entries) = std::fs::read_dir(&directory) else { continue };
            for entry in entries.flatten() {
                let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if is_new {
                    self.change(FileChangeKind::Created, &entry.path(), Some(is_directory));
                }
                if is_directory {
                    pending.push(entry.path());
                }
            }
        }
    }

    /// Begins anew: which directory a watch is on may have changed as well.
    fn lost(&mut self, reason: &str) {
        self.batch = Batch::default();
        self.reader = Reader::default();
        self.adrift.clear();
        self.leave(&self.root.clone(), None);
        self.add_tree(&self.root.clone(), false);
        tell(&self.feed, WatchEvent::Rescanned { reason: reason.to_owned() });
    }

    /// Notices a folder that is gone or was replaced, and waits for it; false when the watch is to end meanwhile.
    fn check_root(&mut self, messages: &Receiver<Message>) -> bool {
        let now = identity(&self.root);
        if now == self.identity && now.is_some() {
            return true;
        }
        if now.is_none() {
            tell(&self.feed, WatchEvent::FolderGone);
        }
        while identity(&self.root).is_none() {
            match messages.recv_timeout(CHECK_ROOT) {
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
                Ok(Message::Settled) => self.settled(),
                Ok(Message::Event(_)) | Err(RecvTimeoutError::Timeout) => {}
            }
        }
        self.identity = identity(&self.root);
        self.lost("the folder was replaced by another");
        true
    }
}

fn before(span: Duration) -> SystemTime {
    SystemTime::now().checked_sub(span).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn is_real_directory(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
}

/// Device and inode, which tell a replaced folder apart.
fn identity(path: &Path) -> Option<(u64, u64)> {
    path.metadata().ok().filter(std::fs::Metadata::is_dir).map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests;
