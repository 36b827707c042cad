//! File changes of workspaces: one watch for each folder, shared by all who follow it, told as one ordered feed.
//!
//! The kernel's events are hints (they get lost in fresh directories, at its limits and when its queue overflows), so
//! new directories are read, and a loss is told as what it is. Every watch is a thread of its own (`watcher`) over its
//! `directories`; which paths count is decided by `rules`, what a burst comes to by `batch`, and what happens in a
//! directory while it is renamed by `moved` and `catch_up`.

mod batch;
mod catch_up;
mod directories;
mod moved;
mod rules;
mod seen;
mod watcher;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gangplank_protocol::feed::Cursor;
use gangplank_protocol::watch::WatchEvent;
use gangplank_protocol::{ErrorData, ErrorKind};

use crate::feed::{Feed, Reader};
use watcher::StopOnDrop;

/// Events kept for followers that come back.
const MOST_EVENTS: usize = 4096;
/// The same in bytes, about.
const MOST_EVENT_BYTES: usize = 4 * 1024 * 1024;
/// How long a watch that nobody follows goes on, for a client whose connection was lost.
const LINGER: Duration = Duration::from_secs(30);
/// Folders watched at once.
const MOST_WATCHES: usize = 256;

/// The folder, and whether ignored paths count.
type Key = (PathBuf, bool);

#[derive(Debug)]
struct Watch {
    feed: Feed<WatchEvent>,
    followers: AtomicUsize,
    _thread: StopOnDrop,
}

/// The watches; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Watches(Arc<Mutex<BTreeMap<Key, Arc<Watch>>>>);

/// A watch followed.
#[derive(Debug)]
pub struct Followed {
    /// Its events.
    pub reader: Reader<WatchEvent>,
    /// Keeps the watch alive.
    pub held: Follower,
}

/// Somebody who follows a watch.
#[derive(Debug)]
pub struct Follower {
    watches: Watches,
    key: Key,
    watch: Arc<Watch>,
}

impl Watches {
    fn all(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<Watch>>> {
        // Inserts and removals of whole entries: a panic in between leaves a valid map.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows the changes in `folder`; `all` counts ignored paths too.
    ///
    /// # Errors
    /// `invalidParams` for a path that is not absolute, `notFound` for a folder that is not there, `busy` when too many
    /// are watched.
    pub fn follow(&self, folder: &str, all: bool, since: Option<&Cursor>) -> Result<Followed, ErrorData> {
        let path = PathBuf::from(folder);
        if !path.is_absolute() {
            return Err(ErrorData::new(
                ErrorKind::InvalidParams,
                format!("{folder} is not an absolute path"),
            ));
        }
        let root = path
            .canonicalize()
            .ok()
            .filter(|path| path.is_dir())
            .ok_or_else(|| ErrorData::new(ErrorKind::NotFound, format!("there is no folder {folder}")))?;
        let key = (root.clone(), all);
        let mut watches = self.all();
        if watches.len() >= MOST_WATCHES && !watches.contains_key(&key) {
            return Err(ErrorData::new(
                ErrorKind::Busy,
                format!("{MOST_WATCHES} folders are watched already"),
            ));
        }
        let watch = Arc::clone(watches.entry(key.clone()).or_insert_with(|| {
            let feed = Feed::new(MOST_EVENTS, MOST_EVENT_BYTES);
            let thread = watcher::start(root, all, feed.clone());
            Arc::new(Watch { feed, followers: AtomicUsize::new(0), _thread: thread })
        }));
        watch.followers.fetch_add(1, Ordering::SeqCst);
        let reader = watch.feed.read_since(since);
        Ok(Followed { reader, held: Follower { watches: self.clone(), key, watch: Arc::clone(&watch) } })
    }

    /// How many are followed.
    pub fn running(&self) -> usize {
        self.all().values().filter(|watch| watch.followers.load(Ordering::SeqCst) > 0).count()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        if self.watch.followers.fetch_sub(1, Ordering::SeqCst) > 1 {
            return;
        }
        let (watches, key) = (self.watches.clone(), self.key.clone());
        let forget = async move {
            tokio::time::sleep(LINGER).await;
            let mut all = watches.all();
            if all.get(&key).is_some_and(|watch| watch.followers.load(Ordering::SeqCst) == 0) {
                all.remove(&key);
            }
        };
        // Without a runtime the daemon is ending, and its watches with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(forget);
        }
    }
}

/// Tells an event to a feed, with its weight.
fn tell(feed: &Feed<WatchEvent>, event: WatchEvent) {
    let weight = match &event {
        WatchEvent::Changes { changes } => changes.iter().map(|change| change.path.len() + 40).sum(),
        _ => 100,
    };
    feed.publish(event, weight);
}
