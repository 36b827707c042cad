//! The Unix socket: 0600 in a verified 0700 directory, peers of our own user only (T4).

use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};

use crate::instance::Instance;
use crate::place::own_uid;

/// How often the socket is looked after: session managers delete runtime directories under living daemons.
const LOOK_AFTER: Duration = Duration::from_secs(5);

/// The listening socket.
#[derive(Debug)]
pub struct UnixDoor {
    instance: Arc<Instance>,
    listener: UnixListener,
    /// Device and inode of the socket, which tell it from another daemon's.
    identity: (u64, u64),
}

impl UnixDoor {
    /// Listens on the place's socket. `instance` holds the lock, so a socket that is there was left behind.
    ///
    /// # Errors
    /// When the directory is not safe, something else stands in the socket's place, or it cannot be bound.
    pub fn open(instance: &Arc<Instance>) -> io::Result<Self> {
        let place = instance.place();
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
        Ok(Self { instance: Arc::clone(instance), listener, identity: (metadata.dev(), metadata.ino()) })
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
        // The socket of a daemon that has taken this one's place is not to be touched.
        if self.is_at_its_place() || !self.instance.holds().unwrap_or(false) {
            return;
        }
        let socket = self.instance.place().socket.clone();
        match Self::open(&self.instance) {
            Ok(again) => {
                tracing::info!(socket = %socket.display(), "the socket was deleted; listening again");
                *self = again;
            }
            Err(e) => {
                tracing::warn!(socket = %socket.display(), error = %e, "the socket was deleted and cannot be bound again yet");
            }
        }
    }

    fn is_at_its_place(&self) -> bool {
        let metadata = self.instance.place().socket.symlink_metadata();
        metadata.is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == self.identity)
    }
}

impl Drop for UnixDoor {
    fn drop(&mut self) {
        // While it listens its inode is nobody else's.
        if self.is_at_its_place() {
            let _ = std::fs::remove_file(&self.instance.place().socket);
        }
    }
}

fn remove_stale(socket: &Path) -> io::Result<()> {
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
