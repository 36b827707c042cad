//! Reading files that somebody else wrote: the user's, the repository's, a container's. Such a path may be a pipe that
//! nobody writes to, a device, a file without end, or lie on a file system that does not answer; none of them may hold
//! up the daemon or fill its memory.

use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;

/// How long a file system may take to give a file.
const PATIENCE: Duration = Duration::from_secs(5);

/// The content of a regular file of at most `most` bytes. It may wait for the file system, so not for tasks: they take
/// [`read_async`].
///
/// # Errors
/// Those of opening and reading; `InvalidInput` for what is no regular file, `FileTooLarge` for what is longer.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // Opening a pipe waits for its other end, unless told otherwise. What `path` names may change at any time, so what
    // was opened is asked what it is.
    let flags = OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let custom = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file = std::fs::OpenOptions::new().read(true).custom_flags(custom).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::new(ErrorKind::IsADirectory, "it is a directory"));
    }
    if !metadata.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is no regular file"));
    }
    let too_large = || io::Error::new(ErrorKind::FileTooLarge, format!("it is longer than {most} bytes"));
    if metadata.len() > most {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // It may grow meanwhile, and some file systems give no size.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(too_large());
    }
    Ok(bytes)
}

/// The same for tasks: on a thread of its own, and given up when the file system does not answer.
///
/// # Errors
/// Those of [`read`]; `TimedOut`.
pub async fn read_async(path: impl Into<PathBuf>, most: u64) -> io::Result<Vec<u8>> {
    let path = path.into();
    let reading = tokio::task::spawn_blocking(move || read(&path, most));
    match tokio::time::timeout(PATIENCE, reading).await {
        Ok(read) => read.map_err(io::Error::other)?,
        Err(_) => Err(io::Error::new(
            ErrorKind::TimedOut,
            format!("its file system did not give it within {} s", PATIENCE.as_secs()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_regular_files_of_a_bounded_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "12345").unwrap();
        assert_eq!(read(&at("file"), 5).unwrap(), b"12345");
        assert_eq!(read_async(at("file"), 5).await.unwrap(), b"12345");
        assert_eq!(read(&at("file"), 4).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(read(&at("missing"), 4).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(read(folder.path(), 4).unwrap_err().kind(), ErrorKind::IsADirectory);

        std::fs::File::create(at("sparse")).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(read(&at("sparse"), 1 << 20).unwrap_err().kind(), ErrorKind::FileTooLarge);
        // Said to be empty, and is not.
        assert!(!read(Path::new("/proc/self/status"), 1 << 20).unwrap().is_empty());
        assert_eq!(read(Path::new("/proc/self/status"), 3).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_pipe_that_nobody_writes_to_a_device_and_a_socket_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        std::os::unix::fs::symlink(&pipe, folder.path().join("link")).unwrap();
        for path in [pipe.as_path(), &folder.path().join("link"), Path::new("/dev/zero")] {
            assert_eq!(read(path, 10).unwrap_err().kind(), ErrorKind::InvalidInput, "{}", path.display());
        }
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert!(read(&socket, 10).is_err());
    }
}
