//! The thread behind a watch: a kernel watch on each directory that counts, events gathered into batches, lost events
//! told. Directories beyond the kernel's limit are looked at every 2 s instead.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use gangplank_protocol::watch::{FileChangeKind, WatchEvent};
use notify::{Config, Event, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::batch::Batch;
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
/// How often directories without a kernel watch are looked at.
const POLL: Duration = Duration::from_secs(2);

enum Message {
    Event(notify::Result<Event>),
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
    kernel: RecommendedWatcher,
    /// Made when the kernel's limit is reached.
    poll: Option<PollWatcher>,
    sender: Sender<Message>,
    watched: HashSet<PathBuf>,
    limit_told: bool,
    reader: Reader,
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
        let events = sender.clone();
        let kernel = RecommendedWatcher::new(
            move |event| drop(events.send(Message::Event(event))),
            Config::default(),
        )?;
        Ok(Self {
            identity: identity(&root),
            rules: Rules::new(root.clone(), all),
            root,
            kernel,
            poll: None,
            sender,
            watched: HashSet::new(),
            limit_told: false,
            reader: Reader::default(),
            batch: Batch::default(),
            configurations: Vec::new(),
            feed,
        })
    }

    fn run(&mut self, messages: &Receiver<Message>) -> notify::Result<()> {
        self.add_tree(&self.root.clone(), false);
        self.tell_complaints();
        tell(&self.feed, WatchEvent::Ready { directories: self.watched.len() as u64 });
        let mut batch_since: Option<Instant> = None;
        loop {
            let wait = if batch_since.is_some() { QUIET } else { CHECK_ROOT };
            let message = messages.recv_timeout(wait);
            let quiet = matches!(message, Err(RecvTimeoutError::Timeout));
            match message {
                Ok(Message::Event(Ok(event))) => self.take(event),
                Ok(Message::Event(Err(error))) => self.lost(&format!("the kernel reported: {error}")),
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) if batch_since.is_none() && !self.check_root(messages) => {
                    return Ok(());
                }
                Err(RecvTimeoutError::Timeout) => {}
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
        match seen {
            Seen::Appeared(path) => self.appeared(&path),
            Seen::Gone(path) => self.gone(&path),
            Seen::Modified(path) => self.change(FileChangeKind::Modified, &path),
            Seen::Renamed { from, to } => self.renamed(&from, &to),
        }
    }

    fn change(&mut self, kind: FileChangeKind, path: &Path) {
        if path == self.root || !self.rules.counts(path, kind != FileChangeKind::Deleted && path.is_dir()) {
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

    fn appeared(&mut self, path: &Path) {
        self.change(FileChangeKind::Created, path);
        if path.is_dir() && !path.is_symlink() {
            self.add_tree(path, true);
        }
    }

    fn gone(&mut self, path: &Path) {
        self.change(FileChangeKind::Deleted, path);
        self.forget(path);
    }

    fn renamed(&mut self, from: &Path, to: &Path) {
        let is_directory = to.is_dir() && !to.is_symlink();
        let (before, after) = (self.rules.counts(from, is_directory), self.rules.counts(to, is_directory));
        self.forget(from);
        match (before, after) {
            (true, true) => {
                let (from, to) = (self.note(from), self.note(to));
                self.batch.add_rename(from, to);
            }
            (true, false) => self.change(FileChangeKind::Deleted, from),
            (false, _) => return self.appeared(to),
        }
        if is_directory {
            self.add_tree(to, false);
        }
    }

    /// Watches a directory and those beneath it that count. With `tell`, what is in them already is told as new: it came
    /// before the kernel's watch did.
    fn add_tree(&mut self, from: &Path, tell: bool) {
        let mut pending = vec![from.to_owned()];
        while let Some(directory) = pending.pop() {
            if directory != self.root && !self.rules.counts(&directory, true) {
                continue;
            }
            if !self.watched.contains(&directory) {
                self.add(&directory);
            }
            let Ok(entries) = std::fs::read_dir(&directory) else { continue };
            for entry in entries.flatten() {
                let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if tell {
                    self.change(FileChangeKind::Created, &entry.path());
                }
                if is_directory {
                    pending.push(entry.path());
                }
            }
        }
    }

    fn add(&mut self, directory: &Path) {
        match self.kernel.watch(directory, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.watched.insert(directory.to_owned());
            }
            Err(error) if matches!(error.kind, notify::ErrorKind::MaxFilesWatch) => {
                self.add_polled(directory);
            }
            // It may be gone already, or not be ours to read.
            Err(error) => {
                tracing::debug!(%error, directory = %directory.display(), "a directory is not watched");
            }
        }
    }

    fn add_polled(&mut self, directory: &Path) {
        if !std::mem::replace(&mut self.limit_told, true) {
            let reason = format!(
                "the kernel's limit of watches is reached after {} directories; the rest is looked at every {} s. \
                 Raise fs.inotify.max_user_watches (sysctl) to watch it all",
                self.watched.len(),
                POLL.as_secs()
            );
            tell(&self.feed, WatchEvent::Degraded { reason });
        }
        if self.poll.is_none() {
            let events = self.sender.clone();
            let config = Config::default().with_poll_interval(POLL);
            self.poll = PollWatcher::new(move |event| drop(events.send(Message::Event(event))), config).ok();
        }
        if let Some(poll) = &mut self.poll
            && poll.watch(directory, RecursiveMode::NonRecursive).is_ok()
        {
            self.watched.insert(directory.to_owned());
        }
    }

    fn forget(&mut self, path: &Path) {
        if !self.watched.contains(path) {
            return;
        }
        let beneath: Vec<PathBuf> =
            self.watched.iter().filter(|watched| watched.starts_with(path)).cloned().collect();
        for directory in beneath {
            self.watched.remove(&directory);
            // The kernel has dropped the watch of one that is gone by itself.
            let _ = self.kernel.unwatch(&directory);
        }
        self.rules.forget(path);
    }

    fn lost(&mut self, reason: &str) {
        self.batch = Batch::default();
        self.reader = Reader::default();
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
                Ok(Message::Event(_)) | Err(RecvTimeoutError::Timeout) => {}
            }
        }
        self.identity = identity(&self.root);
        self.forget(&self.root.clone());
        self.watched.clear();
        self.lost("the folder was replaced by another");
        true
    }
}

/// Device and inode, which tell a replaced folder apart.
fn identity(path: &Path) -> Option<(u64, u64)> {
    path.metadata().ok().filter(std::fs::Metadata::is_dir).map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Reader;

    struct Case {
        folder: tempfile::TempDir,
        reader: Reader<WatchEvent>,
        _stop: StopOnDrop,
    }

    async fn watching(prepare: impl Fn(&Path)) -> Case {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let feed = Feed::new(1000, 1_000_000);
        let reader = feed.read_since(None);
        let stop = start(folder.path().canonicalize().unwrap(), false, feed);
        let mut case = Case { folder, reader, _stop: stop };
        assert!(matches!(case.next().await, WatchEvent::Ready { .. }));
        case
    }

    impl Case {
        async fn next(&mut self) -> WatchEvent {
            tokio::time::timeout(Duration::from_secs(30), self.reader.next())
                .await
                .expect("an event")
                .unwrap()
                .event
        }

        /// Waits until all of `paths` were told as created.
        async fn sees_created(&mut self, mut paths: HashSet<String>) {
            while !paths.is_empty() {
                if let WatchEvent::Changes { changes } = self.next().await {
                    for change in changes.iter().filter(|change| change.kind == FileChangeKind::Created) {
                        paths.remove(&change.path);
                    }
                }
            }
        }
    }

    #[tokio::test]
    async fn files_in_fresh_directories_are_all_told() {
        let mut case = watching(|_| {}).await;
        let deep = case.folder.path().join("a/b/c");
        std::fs::create_dir_all(&deep).unwrap();
        let mut expected = HashSet::from(["a".to_owned()]);
        for number in 0..50 {
            std::fs::write(deep.join(number.to_string()), "x").unwrap();
            expected.insert(format!("a/b/c/{number}"));
        }
        case.sees_created(expected).await;
    }

    #[tokio::test]
    async fn rules_of_any_size_cost_little_and_are_told() {
        let mut case = watching(|_| {}).await;
        let rules = std::fs::File::create(case.folder.path().join(".gitignore")).unwrap();
        rules.set_len(1 << 40).unwrap();
        std::fs::write(case.folder.path().join("a.log"), "x").unwrap();
        let mut events = vec![case.next().await];
        while !matches!(events.last(), Some(WatchEvent::Degraded { .. })) {
            events.push(case.next().await);
        }
        let Some(WatchEvent::Degraded { reason }) = events.last() else { unreachable!() };
        assert!(reason.contains(".gitignore"), "{reason}");
    }

    #[tokio::test]
    async fn reading_and_ignored_files_are_silent_and_a_configuration_is_named() {
        let mut case = watching(|folder| {
            std::fs::write(folder.join(".gitignore"), "*.log\n").unwrap();
            std::fs::write(folder.join("read.me"), "x").unwrap();
            std::fs::create_dir(folder.join("node_modules")).unwrap();
        })
        .await;
        std::fs::read(case.folder.path().join("read.me")).unwrap();
        std::fs::write(case.folder.path().join("x.log"), "x").unwrap();
        std::fs::write(case.folder.path().join("node_modules/x"), "x").unwrap();
        std::fs::write(case.folder.path().join(".devcontainer.json"), "{}").unwrap();
        let WatchEvent::Changes { changes } = case.next().await else { panic!("changes come first") };
        assert!(changes.iter().all(|change| change.path == ".devcontainer.json"), "{changes:?}");
        assert_eq!(
            case.next().await,
            WatchEvent::ConfigurationChanged { paths: vec![".devcontainer.json".into()] }
        );
    }

    #[tokio::test]
    async fn a_rename_is_told_with_both_names() {
        let mut case = watching(|folder| std::fs::write(folder.join("old"), "x").unwrap()).await;
        std::fs::rename(case.folder.path().join("old"), case.folder.path().join("new")).unwrap();
        let WatchEvent::Changes { changes } = case.next().await else { panic!("changes come first") };
        let told: Vec<_> = changes
            .iter()
            .map(|change| (change.kind, change.from.as_deref(), change.path.as_str()))
            .collect();
        assert_eq!(told, [(FileChangeKind::Renamed, Some("old"), "new")]);
    }

    #[tokio::test]
    async fn a_directory_that_is_renamed_is_told_once_and_watched_on() {
        let mut case = watching(|folder| std::fs::create_dir(folder.join("old")).unwrap()).await;
        std::fs::rename(case.folder.path().join("old"), case.folder.path().join("new")).unwrap();
        let WatchEvent::Changes { changes } = case.next().await else { panic!("changes come first") };
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert_eq!(changes[0].kind, FileChangeKind::Renamed);
        std::fs::write(case.folder.path().join("new/file"), "x").unwrap();
        case.sees_created(HashSet::from(["new/file".to_owned()])).await;
    }

    #[tokio::test]
    async fn a_folder_that_is_replaced_is_watched_again() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().canonicalize().unwrap().join("root");
        std::fs::create_dir(&root).unwrap();
        let feed = Feed::new(1000, 1_000_000);
        let reader = feed.read_since(None);
        let stop = start(root.clone(), false, feed);
        let mut case = Case { folder: outer, reader, _stop: stop };
        assert!(matches!(case.next().await, WatchEvent::Ready { .. }));
        std::fs::remove_dir(&root).unwrap();
        while case.next().await != WatchEvent::FolderGone {}
        std::fs::create_dir(&root).unwrap();
        while !matches!(case.next().await, WatchEvent::Rescanned { .. }) {}
        std::fs::write(root.join("after"), "x").unwrap();
        case.sees_created(HashSet::from(["after".to_owned()])).await;
    }
}
