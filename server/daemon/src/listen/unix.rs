//! The Unix socket: 0600 in a verified 0700 directory, peers of our own user only (T4).

use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt};
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};

use crate::place::{Place, own_uid};

/// How often the socket is looked after: session managers delete runtime directories under living daemons.
const LOOK_AFTER: Duration = Duration::from_secs(5);

/// The listening socket.
#[derive(Debug)]
pub struct UnixDoor {
    place: Place,
    listener: UnixListener,
    inode: u64,
}

impl UnixDoor {
    /// Listens on the place's socket. The caller holds the instance lock, so a socket that is there was left behind.
    ///
    /// # Errors
    /// When the directory is not safe, something else stands in the socket's place, or it cannot be bound.
    pub fn open(place: &Place) -> io::Result<Self> {
        place.prepare_runtime().map_err(io::Error::other)?;
        remove_stale(&place.socket)?;
        let before =
            rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO | rustix::fs::Mode::XUSR);
        let listener = UnixListener::bind(&place.socket);
        rustix::process::umask(before);
        let listener = listener?;
        let metadata = place.socket.symlink_metadata()?;
        if metadata.permissions().mode() & 0o777 != 0o600 {
            std::fs::set_permissions(&place.socket, std::fs::Permissions::from_mode(0o600))?;
        }
        Ok(Self { place: place.clone(), listener, inode: metadata.ino() })
    }

    /// The next connection of our own user; others are dropped. Binds again when the socket has been deleted.
    ///
    /// # Errors
    /// When accepting fails for good.
    pub async fn accept(&mut self) -> io::Result<UnixStream> {
        loop {
            match tokio::time::timeout(LOOK_AFTER, self.listener.accept()).await {
                Ok(Ok((stream, _))) => match stream.peer_cred() {
                    Ok(peer) if peer.uid() == own_uid() => return Ok(stream),
                    Ok(peer) => tracing::warn!(uid = peer.uid(), "a connection of another user was refused"),
                    Err(e) => tracing::warn!(error = %e, "a connection whose user is not known was refused"),
                },
                Ok(Err(e)) => return Err(e),
                Err(_) => self.look_after(),
            }
        }
    }

    fn look_after(&mut self) {
        let still_there =
            self.place.socket.symlink_metadata().is_ok_and(|metadata| metadata.ino() == self.inode);
        if still_there {
            return;
        }
        match Self::open(&self.place) {
            Ok(again) => {
                tracing::info!(socket = %self.place.socket.display(), "the socket was deleted; listening again");
                *self = again;
            }
            Err(e) => {
                tracing::warn!(socket = %self.place.socket.display(), error = %e, "the socket was deleted and cannot be bound again yet");
            }
        }
    }
}

fn remove_stale(socket: &PathBuf) -> io::Result<()> {
    match socket.symlink_metadata() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
        Ok(metadata) if metadata.file_type().is_socket() && metadata.uid() == own_uid() => {
            std::fs::remove_file(socket)
        }
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("{} is not a socket of ours; remove it", socket.display()),
        )),
    }
}
