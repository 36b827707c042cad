//! Where a daemon can be found: the contract between the daemon, which writes, and its clients, which read.
//!
//! The state directory (`$XDG_STATE_HOME/gangplank`, else `$HOME/.local/state/gangplank`, mode 0700) holds
//! `daemon.lock`, locked by the living daemon, and `daemon.json` (mode 0600), written after the socket is bound and
//! removed at a clean end. A client takes the socket's path from `daemon.json` and from nowhere else, so that the
//! daemon alone decides where a short and safe path is.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

/// Longest path of a Unix socket in bytes; longer ones are cut off silently by some runtimes.
pub const MAX_SOCKET_PATH: usize = 107;

/// The directory with a user's daemon in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    state: PathBuf,
}

impl Place {
    /// The place that this process's environment names. Nothing when it has no home directory.
    #[must_use]
    pub fn of_this_user() -> Option<Place> {
        let state = etcetera::base_strategy::Xdg::new().ok()?.state_dir()?;
        Some(Place::at(state.join("gangplank")))
    }

    /// The place in this state directory.
    #[must_use]
    pub fn at(state: impl Into<PathBuf>) -> Place {
        Place { state: state.into() }
    }

    /// The state directory.
    #[must_use]
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The file that says where the daemon listens.
    #[must_use]
    pub fn record(&self) -> PathBuf {
        self.state.join("daemon.json")
    }

    /// The daemon's log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.state.join("daemon.log")
    }
}

/// Why a path cannot be a daemon's socket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// It is longer than the kernel takes.
    #[error("the socket's path {path} has {length} bytes, more than {MAX_SOCKET_PATH}")]
    TooLong {
        /// The path.
        path: PathBuf,
        /// Its length.
        length: usize,
    },
    /// It does not begin at the root or has no directory.
    #[error("the socket's path {0} is not absolute")]
    NotAbsolute(PathBuf),
    /// What is there is of another type.
    #[error("{path} is not a {expected}")]
    WrongType {
        /// The path.
        path: PathBuf,
        /// What should be there.
        expected: &'static str,
    },
    /// It belongs to another user.
    #[error("{path} belongs to user {owner}, not to user {expected}")]
    WrongOwner {
        /// The path.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Whose it should be.
        expected: u32,
    },
    /// Others can reach it.
    #[error("{path} has mode {mode:04o} where only its owner may have access")]
    TooOpen {
        /// The path.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

/// What `lstat` says about a file, as far as the check needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileFacts {
    /// What it is.
    pub kind: FileKind,
    /// The id of the user that owns it.
    pub owner: u32,
    /// The permission bits.
    pub mode: u32,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A directory, not a symbolic link to one.
    Directory,
    /// A Unix socket.
    Socket,
    /// Anything else, symbolic links included.
    Other,
}

/// The directory of a socket whose path can be used.
///
/// # Errors
/// [`PlaceError`] when it is too long or not absolute.
pub fn directory_of(socket: &Path) -> Result<&Path, PlaceError> {
    let length = socket.as_os_str().len();
    if length > MAX_SOCKET_PATH {
        return Err(PlaceError::TooLong { path: socket.to_owned(), length });
    }
    match socket.parent() {
        Some(directory) if socket.is_absolute() => Ok(directory),
        _ => Err(PlaceError::NotAbsolute(socket.to_owned())),
    }
}

/// Checks that only the user `uid` can have put the socket there and can reach it.
///
/// # Errors
/// [`PlaceError`] that names what is wrong.
pub fn check(socket: &Path, directory: FileFacts, own: FileFacts, uid: u32) -> Result<(), PlaceError> {
    let parent = directory_of(socket)?;
    expect(parent, directory, FileKind::Directory, "directory", uid)?;
    if directory.mode & 0o077 != 0 {
        return Err(PlaceError::TooOpen { path: parent.to_owned(), mode: directory.mode });
    }
    expect(socket, own, FileKind::Socket, "socket", uid)
}

fn expect(
    path: &Path,
    facts: FileFacts,
    kind: FileKind,
    expected: &'static str,
    uid: u32,
) -> Result<(), PlaceError> {
    if facts.kind != kind {
        return Err(PlaceError::WrongType { path: path.to_owned(), expected });
    }
    if facts.owner != uid {
        return Err(PlaceError::WrongOwner { path: path.to_owned(), owner: facts.owner, expected: uid });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use gangplank_protocol::daemon::DaemonRecord;

    use super::*;

    const DIRECTORY: FileFacts = FileFacts { kind: FileKind::Directory, owner: 1000, mode: 0o700 };
    const SOCKET: FileFacts = FileFacts { kind: FileKind::Socket, owner: 1000, mode: 0o600 };

    fn verdict(path: &str, directory: FileFacts, socket: FileFacts) -> Result<(), PlaceError> {
        check(Path::new(path), directory, socket, 1000)
    }

    #[test]
    fn only_the_users_own_socket_in_a_closed_directory_passes() {
        let path = "/run/user/1000/gangplank/daemon.sock";
        assert_eq!(verdict(path, DIRECTORY, SOCKET), Ok(()));
        for mode in [0o710, 0o701, 0o770, 0o777] {
            let open = FileFacts { mode, ..DIRECTORY };
            assert!(matches!(verdict(path, open, SOCKET), Err(PlaceError::TooOpen { .. })), "{mode:o}");
        }
        let link = FileFacts { kind: FileKind::Other, ..DIRECTORY };
        assert!(matches!(verdict(path, link, SOCKET), Err(PlaceError::WrongType { .. })));
        let file = FileFacts { kind: FileKind::Other, ..SOCKET };
        assert!(matches!(verdict(path, DIRECTORY, file), Err(PlaceError::WrongType { .. })));
        for (directory, socket) in
            [(FileFacts { owner: 0, ..DIRECTORY }, SOCKET), (DIRECTORY, FileFacts { owner: 1001, ..SOCKET })]
        {
            assert!(matches!(verdict(path, directory, socket), Err(PlaceError::WrongOwner { .. })));
        }
    }

    #[test]
    fn a_path_that_would_be_cut_off_is_refused() {
        let path = |length: usize| format!("/{}", "s".repeat(length - 1));
        assert!(directory_of(Path::new(&path(MAX_SOCKET_PATH))).is_ok());
        assert!(matches!(
            directory_of(Path::new(&path(MAX_SOCKET_PATH + 1))),
            Err(PlaceError::TooLong { length: 108, .. })
        ));
        assert!(matches!(directory_of(Path::new("run/daemon.sock")), Err(PlaceError::NotAbsolute(_))));
    }

    #[test]
    fn the_record_is_read_without_what_is_optional_and_with_what_is_new() {
        let record: DaemonRecord = serde_json::from_str(
            r#"{"pid":4711,"socket":"/run/user/1000/gangplank/daemon.sock","version":"0.1.0",
                "protocolVersion":{"major":1,"minor":0},"new":true}"#,
        )
        .unwrap();
        assert_eq!(record.pid, 4711);
        assert_eq!(record.tcp, None);
    }
}
