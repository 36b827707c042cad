//! One daemon per user and state directory: a lock decides who it is, `daemon.json` tells clients where it listens.
//!
//! The lock is held on `daemon.lock` in the state directory for the daemon's whole life, so whoever holds it may take
//! over a socket left behind by a dead one.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};

use gangplank_protocol::daemon::DaemonRecord;

use crate::host_file;
use crate::place::{Durability, Place, write_atomically};

/// The right to be the daemon.
#[derive(Debug)]
pub struct Instance {
    place: Place,
    // Held for its lock.
    _lock: File,
}

impl Instance {
    /// Becomes the daemon of this place; `None` when another already is.
    ///
    /// # Errors
    /// When the lock file cannot be made or locked.
    pub fn acquire(place: &Place) -> io::Result<Option<Self>> {
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(place.state_file("daemon.lock"))?;
        match rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { place: place.clone(), _lock: lock })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Tells clients where the daemon listens; false when that was told already.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn announce(&self, record: &DaemonRecord) -> io::Result<bool> {
        let text = serde_json::to_vec_pretty(record).map_err(io::Error::other)?;
        let path = self.place.state_file("daemon.json");
        if host_file::read(&path, text.len() as u64).is_ok_and(|told| told == text) {
            return Ok(false);
        }
        write_atomically(&path, &text, Durability::Kernel).map(|()| true)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // A client that still reads it would only learn from the lock that nobody is there.
        let _ = std::fs::remove_file(self.place.state_file("daemon.json"));
        // A start may have failed because something else stands in the socket's place: that is not ours to remove.
        if self.place.socket.symlink_metadata().is_ok_and(|metadata| metadata.file_type().is_socket()) {
            let _ = std::fs::remove_file(&self.place.socket);
        }
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
}
