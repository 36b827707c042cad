//! One daemon per user and state directory: a lock decides who it is, `daemon.json` tells clients where it listens.
//!
//! The lock is held on `daemon.lock` in the state directory for the daemon's whole life, so whoever holds it may take
//! over a socket left behind by a dead one.

use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use gangplank_protocol::daemon::DaemonRecord;

use crate::host_file;
use crate::place::{Durability, Place, private_directory, write_atomically};

const LOCK: &str = "daemon.lock";
const RECORD: &str = "daemon.json";
/// Longest record that is read.
const MOST_RECORD_BYTES: u64 = 64 * 1024;

/// The right to be the daemon.
#[derive(Debug)]
pub struct Instance {
    place: Place,
    lock: Mutex<File>,
}

impl Instance {
    /// Becomes the daemon of this place; `None` when another already is.
    ///
    /// # Errors
    /// When the lock file cannot be made or locked.
    pub fn acquire(place: &Place) -> io::Result<Option<Self>> {
        let lock = lock(&place.state_file(LOCK))?;
        Ok(lock.map(|lock| Self { place: place.clone(), lock: Mutex::new(lock) }))
    }

    /// Where this daemon is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Whether this is still the daemon of its place. A lock that was deleted keeps nobody out, so it is made and taken
    /// anew, its directory with it; false when another daemon was faster.
    ///
    /// # Errors
    /// When the state directory or the lock file cannot be made or locked.
    pub fn holds(&self) -> io::Result<bool> {
        // The file is replaced as a whole: a panic in between leaves one or the other.
        let mut held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.place.state_file(LOCK);
        if is_at(&held, &path)? {
            return Ok(true);
        }
        private_directory(&self.place.state).map_err(io::Error::other)?;
        let Some(again) = lock(&path)? else { return Ok(false) };
        *held = again;
        Ok(true)
    }

    /// Tells clients where the daemon listens; false when that was told already.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn announce(&self, record: &DaemonRecord) -> io::Result<bool> {
        let text = serde_json::to_vec_pretty(record).map_err(io::Error::other)?;
        let path = self.place.state_file(RECORD);
        if host_file::read(&path, text.len() as u64).is_ok_and(|told| told == text) {
            return Ok(false);
        }
        write_atomically(&path, &text, Durability::Kernel).map(|()| true)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let path = self.place.state_file(RECORD);
        // Another daemon's stands there when this one lost its place to it.
        let ours = host_file::read(&path, MOST_RECORD_BYTES).is_ok_and(|told| {
            serde_json::from_slice::<DaemonRecord>(&told).map_or(true, |told| told.pid == std::process::id())
        });
        if ours {
            // A client that still reads it would only learn from the lock that nobody is there.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// The lock at `path`, made where there is none; `None` when another process holds it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    loop {
        let lock = File::options().create(true).truncate(false).write(true).mode(0o600).open(path)?;
        match rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            // One that was deleted between opening and locking keeps nobody out.
            Ok(()) if is_at(&lock, path)? => return Ok(Some(lock)),
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(e) => return Err(e.into()),
        }
    }
}

/// Whether `file` is the one that `path` leads to.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match path.metadata() {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_the_daemon_until_it_ends() {
        let home = tempfile::tempdir().unwrap();
        let environment = [("XDG_STATE_HOME".to_owned(), home.path().display().to_string())].into();
        let place = Place::prepare(&environment).unwrap();
        let first = Instance::acquire(&place).unwrap().unwrap();
        assert!(Instance::acquire(&place).unwrap().is_none());
        drop(first);
        assert!(Instance::acquire(&place).unwrap().is_some());
    }

    fn record(place: &Place, pid: u32) -> DaemonRecord {
        DaemonRecord {
            pid,
            socket: place.socket.clone(),
            version: "0".into(),
            protocol_version: gangplank_protocol::PROTOCOL_VERSION,
            tcp: None,
            token_file: None,
        }
    }

    #[test]
    fn a_state_directory_that_was_deleted_is_made_whole_unless_another_was_faster() {
        let home = tempfile::tempdir().unwrap();
        let environment = [("XDG_STATE_HOME".to_owned(), home.path().display().to_string())].into();
        let place = Place::prepare(&environment).unwrap();
        let first = Instance::acquire(&place).unwrap().unwrap();
        assert!(first.holds().unwrap());

        std::fs::remove_dir_all(&place.state).unwrap();
        assert!(first.holds().unwrap());
        assert!(Instance::acquire(&place).unwrap().is_none());
        assert_eq!(place.state.metadata().unwrap().mode() & 0o777, 0o700);

        std::fs::remove_dir_all(&place.state).unwrap();
        Place::prepare(&environment).unwrap();
        let second = Instance::acquire(&place).unwrap().unwrap();
        assert!(!first.holds().unwrap());
        assert!(second.holds().unwrap());
        // What the other told stays.
        let path = place.state_file(RECORD);
        second.announce(&record(&place, std::process::id() + 1)).unwrap();
        drop(first);
        assert!(path.exists());
        second.announce(&record(&place, std::process::id())).unwrap();
        drop(second);
        assert!(!path.exists());
    }
}
