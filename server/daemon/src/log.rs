//! The daemon's log: a file of ours (0600) in the state directory, five of at most 10 MiB. Environments, parameters and
//! the bytes of processes never go into it.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Files kept, the present one included.
const MOST_FILES: u32 = 5;
/// Largest file in bytes.
const LARGEST: u64 = 10 * 1024 * 1024;

/// Libraries that would write requests, environments included, at their finer levels.
const LIBRARIES: &str =
    "jsonrpsee=info,soketto=info,tungstenite=info,tokio_tungstenite=info,hyper=info,bollard=info";

/// Where the log is in the state directory.
pub const NAME: &str = "daemon.log";

/// Writes the log from now on. `level` is a filter of the form `info` or `gangplank_daemon=debug`.
///
/// # Errors
/// When the file cannot be opened.
pub fn start(path: &Path, level: &str, also_on_stderr: bool) -> io::Result<()> {
    let file = Rotating::open(path)?;
    let filter =
        EnvFilter::try_new(format!("{level},{LIBRARIES}")).unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_target(false);
    let started = if also_on_stderr {
        subscriber.with_writer(io::stderr).try_init()
    } else {
        subscriber.with_writer(file).try_init()
    };
    started.map_err(io::Error::other)
}

#[derive(Debug)]
struct Rotating {
    path: PathBuf,
    current: Mutex<(File, u64)>,
}

impl Rotating {
    fn open(path: &Path) -> io::Result<Self> {
        let current = append_to(path)?;
        Ok(Self { path: path.to_owned(), current: Mutex::new(current) })
    }

    fn rotate(&self) -> io::Result<(File, u64)> {
        for number in (1..MOST_FILES).rev() {
            let from = if number == 1 { self.path.clone() } else { numbered(&self.path, number - 1) };
            // A file that is not there yet leaves nothing to move.
            let _ = std::fs::rename(from, numbered(&self.path, number));
        }
        append_to(&self.path)
    }
}

fn append_to(path: &Path) -> io::Result<(File, u64)> {
    let file = File::options().create(true).append(true).mode(0o600).open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    path.with_extension(format!("log.{number}"))
}

/// A line of the log on its way to the file.
#[derive(Debug)]
pub struct Line<'a>(&'a Rotating);

impl<'a> MakeWriter<'a> for Rotating {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line(self)
    }
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.1 + bytes.len() as u64 > LARGEST {
            *current = self.0.rotate()?;
        }
        let written = current.0.write(bytes)?;
        current.1 += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner).0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_bounded_in_size_and_number() {
        let folder = tempfile::tempdir().unwrap();
        let log = Rotating::open(&folder.path().join(NAME)).unwrap();
        let line = vec![b'x'; 1024 * 1024];
        for _ in 0..70 {
            log.make_writer().write_all(&line).unwrap();
        }
        let sizes: Vec<u64> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .collect();
        assert_eq!(sizes.len(), MOST_FILES as usize);
        assert!(sizes.iter().all(|size| *size <= LARGEST));
    }
}
