//! The directories that are watched: by the kernel, and beyond its limit by looking at them every 2 s.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::time::Duration;

use notify::{Config, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::watcher::Message;

/// How often directories without a kernel watch are looked at.
const POLL: Duration = Duration::from_secs(2);

/// Directories watched, each for itself.
pub(super) struct Directories {
    kernel: RecommendedWatcher,
    /// Made when the kernel's limit is reached.
    poll: Option<PollWatcher>,
    events: Sender<Message>,
    watched: HashSet<PathBuf>,
    limit_told: bool,
}

impl Directories {
    /// None yet; what happens in them is sent to `events`.
    pub(super) fn new(events: Sender<Message>) -> notify::Result<Self> {
        let sender = events.clone();
        let kernel = RecommendedWatcher::new(
            move |event| drop(sender.send(Message::Event(event))),
            Config::default(),
        )?;
        Ok(Self { kernel, poll: None, events, watched: HashSet::new(), limit_told: false })
    }

    pub(super) fn count(&self) -> usize {
        self.watched.len()
    }

    pub(super) fn contains(&self, directory: &Path) -> bool {
        self.watched.contains(directory)
    }

    /// Watches a directory; gives a notice when the kernel's limit is reached for the first time.
    pub(super) fn add(&mut self, directory: &Path) -> Option<String> {
        match self.kernel.watch(directory, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.watched.insert(directory.to_owned());
                None
            }
            Err(error) if matches!(error.kind, notify::ErrorKind::MaxFilesWatch) => {
                let before = self.watched.len();
                self.add_polled(directory);
                (!std::mem::replace(&mut self.limit_told, true)).then(|| {
                    format!(
                        "the kernel's limit of watches is reached after {before} directories; the rest is looked at \
                         every {} s. Raise fs.inotify.max_user_watches (sysctl) to watch it all",
                        POLL.as_secs()
                    )
                })
            }
            // It may be gone already, or not be ours to read.
            Err(error) => {
                tracing::debug!(%error, directory = %directory.display(), "a directory is not watched");
                None
            }
        }
    }

    fn add_polled(&mut self, directory: &Path) {
        if self.poll.is_none() {
            let events = self.events.clone();
            let config = Config::default().with_poll_interval(POLL);
            self.poll = PollWatcher::new(move |event| drop(events.send(Message::Event(event))), config).ok();
        }
        if let Some(poll) = &mut self.poll
            && poll.watch(directory, RecursiveMode::NonRecursive).is_ok()
        {
            self.watched.insert(directory.to_owned());
        }
    }

    /// Watches no longer what is at `path` and beneath it; gives what that was.
    pub(super) fn forget(&mut self, path: &Path) -> Vec<PathBuf> {
        if !self.watched.contains(path) {
            return Vec::new();
        }
        let beneath: Vec<PathBuf> = self.watched.extract_if(|watched| watched.starts_with(path)).collect();
        for directory in &beneath {
            // The kernel has dropped the watch of one that is gone by itself.
            let _ = self.kernel.unwatch(directory);
            if let Some(poll) = &mut self.poll {
                // Only some are its.
                let _ = poll.unwatch(directory);
            }
        }
        beneath
    }
}
