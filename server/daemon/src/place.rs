//! Where the daemon keeps its state and its socket, and the checks that make those places safe (T4): every directory
//! is ours, a real directory, closed to others, and no ancestor lets another user swap it.
//!
//! The socket's name carries a hash of the state directory, so that daemons of different state directories of one user
//! never meet, and its path is short: Node cuts longer ones without a word.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, Metadata};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Longest socket path given out; the kernel's own limit is 107.
const LONGEST_SOCKET_PATH: usize = 100;

/// Why a place cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Neither `XDG_STATE_HOME` nor `HOME` says where state goes.
    #[error(
        "neither XDG_STATE_HOME nor HOME is an absolute path, so there is no place for the daemon's state"
    )]
    NoHome,
    /// A file or directory could not be made or read.
    #[error("could not {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// It exists, but is not safe.
    #[error("{path} is not safe for the daemon: {reason}")]
    Unsafe {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
}

impl PlaceError {
    fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }
}

/// The directories of one daemon.
#[derive(Debug, Clone)]
pub struct Place {
    /// State that outlives the daemon; 0700.
    pub state: PathBuf,
    /// Where the socket is; 0700.
    pub runtime: PathBuf,
    /// The socket.
    pub socket: PathBuf,
}

impl Place {
    /// Works out the places from the environment and makes the state directory.
    ///
    /// # Errors
    /// [`PlaceError`] when there is no home, or a directory is not safe.
    pub fn prepare(environment: &BTreeMap<String, String>) -> Result<Self, PlaceError> {
        let state = absolute(environment, "XDG_STATE_HOME")
            .or_else(|| Some(absolute(environment, "HOME")?.join(".local/state")))
            .ok_or(PlaceError::NoHome)?
            .join("gangplank");
        private_directory(&state)?;
        let name = format!("daemon-{}.sock", short_hash(&state));
        let preferred = absolute(environment, "XDG_RUNTIME_DIR")
            .filter(|dir| dir.is_dir())
            .map(|dir| dir.join("gangplank"));
        let runtime = preferred
            .filter(|dir| dir.join(&name).as_os_str().len() <= LONGEST_SOCKET_PATH)
            .unwrap_or_else(|| PathBuf::from(format!("/tmp/gangplank-{}", own_uid())));
        Ok(Self { socket: runtime.join(name), state, runtime })
    }

    /// Makes the socket's directory, or checks the one that is there.
    ///
    /// # Errors
    /// [`PlaceError`] when it cannot be made or is not safe.
    pub fn prepare_runtime(&self) -> Result<(), PlaceError> {
        private_directory(&self.runtime)
    }

    /// A path beneath the state directory.
    pub fn state_file(&self, name: &str) -> PathBuf {
        self.state.join(name)
    }
}

/// The user this daemon serves.
pub fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn absolute(environment: &BTreeMap<String, String>, name: &str) -> Option<PathBuf> {
    environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn short_hash(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    blake3::hash(path.as_os_str().as_bytes()).to_hex()[..8].to_owned()
}

/// Makes `path` a directory that only we can enter, or checks that it is one.
///
/// # Errors
/// [`PlaceError`] when it cannot be made or is not safe.
pub fn private_directory(path: &Path) -> Result<(), PlaceError> {
    if let Some(parent) = path.parent() {
        if !parent.exists() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(parent)
                .map_err(|e| PlaceError::io("make", parent, e))?;
        }
        check_ancestors(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        Err(e) => return Err(PlaceError::io("make", path, e)),
    }
    let metadata = path.symlink_metadata().map_err(|e| PlaceError::io("read", path, e))?;
    let refuse = |reason: String| Err(PlaceError::Unsafe { path: path.to_owned(), reason });
    if metadata.is_symlink() || !metadata.is_dir() {
        return refuse(
            "it is not a directory of its own (a symbolic link or file stands in its place)".into(),
        );
    }
    if metadata.uid() != own_uid() {
        return refuse(format!("it belongs to user {}, not to us ({})", metadata.uid(), own_uid()));
    }
    if metadata.mode() & 0o077 != 0 {
        return refuse(format!(
            "others may enter it (mode {:04o}); run `chmod 700` on it",
            metadata.mode() & 0o7777
        ));
    }
    Ok(())
}

/// Nobody but root and us may be able to replace a directory on the way; a sticky one (like `/tmp`) is fine.
fn check_ancestors(from: &Path) -> Result<(), PlaceError> {
    let real = from.canonicalize().map_err(|e| PlaceError::io("resolve", from, e))?;
    for ancestor in real.ancestors() {
        let metadata = ancestor.metadata().map_err(|e| PlaceError::io("read", ancestor, e))?;
        if others_may_replace_entries(&metadata) {
            return Err(PlaceError::Unsafe {
                path: ancestor.to_owned(),
                reason: format!(
                    "another user could replace what is in it (owner {}, mode {:04o})",
                    metadata.uid(),
                    metadata.mode() & 0o7777
                ),
            });
        }
    }
    Ok(())
}

fn others_may_replace_entries(metadata: &Metadata) -> bool {
    let sticky = metadata.mode() & 0o1000 != 0;
    let foreign = metadata.uid() != own_uid() && metadata.uid() != 0;
    (metadata.mode() & 0o022 != 0 && !sticky) || (foreign && metadata.mode() & 0o200 != 0)
}

/// What a written file must outlive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// This process.
    Kernel,
    /// A power cut.
    Disk,
}

/// Writes a file of ours (0600) so that readers see the old or the new content, never a part: a temporary file beside
/// it, then renamed.
///
/// # Errors
/// The failing step's error; the old content then still stands.
pub fn write_atomically(path: &Path, content: &[u8], durability: Durability) -> io::Result<()> {
    let mut random = [0_u8; 6];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let temporary = path.with_extension(format!("tmp-{}", crate::identifier::hex(&random)));
    let written = (|| {
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(content)?;
        if durability == Durability::Disk {
            file.sync_all()?;
        }
        std::fs::rename(&temporary, path)
    })();
    if written.is_err() {
        // The error of the write is the one that matters; the leftover is only litter.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn environment(state: &Path, runtime: Option<&Path>) -> BTreeMap<String, String> {
        let mut environment = BTreeMap::from([("XDG_STATE_HOME".to_owned(), state.display().to_string())]);
        if let Some(runtime) = runtime {
            environment.insert("XDG_RUNTIME_DIR".into(), runtime.display().to_string());
        }
        environment
    }

    #[test]
    fn a_long_runtime_directory_gives_a_short_socket_path() {
        let home = tempfile::tempdir().unwrap();
        let long = home.path().join("x".repeat(120));
        std::fs::create_dir(&long).unwrap();
        let place = Place::prepare(&environment(home.path(), Some(&long))).unwrap();
        assert!(place.socket.as_os_str().len() <= LONGEST_SOCKET_PATH);
        assert!(place.socket.starts_with(format!("/tmp/gangplank-{}", own_uid())));
    }

    #[test]
    fn different_state_directories_have_different_sockets() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let socket = |home: &Path| Place::prepare(&environment(home, None)).unwrap().socket;
        assert_ne!(socket(one.path()), socket(two.path()));
    }

    #[test]
    fn a_symbolic_link_an_open_mode_and_a_missing_home_are_refused() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(home.path().join("elsewhere"), home.path().join("gangplank")).unwrap();
        let refused = Place::prepare(&environment(home.path(), None)).unwrap_err();
        assert!(refused.to_string().contains("not a directory of its own"), "{refused}");

        std::fs::remove_file(home.path().join("gangplank")).unwrap();
        std::fs::create_dir(home.path().join("gangplank")).unwrap();
        std::fs::set_permissions(home.path().join("gangplank"), std::fs::Permissions::from_mode(0o755))
            .unwrap();
        let refused = Place::prepare(&environment(home.path(), None)).unwrap_err();
        assert!(refused.to_string().contains("chmod 700"), "{refused}");

        assert!(matches!(Place::prepare(&BTreeMap::new()), Err(PlaceError::NoHome)));
    }

    #[test]
    fn an_ancestor_that_others_may_write_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let open = home.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(Place::prepare(&environment(&open, None)), Err(PlaceError::Unsafe { .. })));
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o1777)).unwrap();
        assert!(Place::prepare(&environment(&open, None)).is_ok());
    }
}
