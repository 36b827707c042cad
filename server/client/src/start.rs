//! Starting a daemon on demand, and waiting until one answers.
//!
//! Any number of clients may do this at once: the daemon's lock lets one daemon live, the others end quietly, and
//! every client connects to the one that `daemon.json` names. So a child that ended without an error is no failure; but
//! the one that had the lock may have been about to end itself, so after a while another one is started.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::net::UnixStream;

use crate::environment::kept_by_daemon;
use crate::error::ClientError;
use crate::locate;
use crate::place::Place;
use gangplank_protocol::ErrorData;
use gangplank_protocol::daemon::DaemonRecord;
use serde::Deserialize;

/// Names the program to start as a daemon, in place of the running one.
pub const DAEMON_VARIABLE: &str = "GANGPLANK_DAEMON";

/// How long a daemon may take until it answers.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// How long a daemon that has the lock may take to listen before another one is started beside it, which changes
/// nothing unless the first is ending.
const AGAIN: Duration = Duration::from_millis(500);

/// How often a daemon that drops the connection before anything was asked of it is tried again,
const MOST_ATTEMPTS: u32 = 20;
/// and how long is waited in between.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(50);

const LOG_LINES: usize = 20;

/// Connects to the daemon; starts one when none answers and `start` is true.
///
/// # Errors
/// [`ClientError::NotRunning`] when none answers and none is to be started, [`ClientError::DaemonUnavailable`] when
/// the started one does not answer in time, and those of [`locate`].
pub async fn connect(place: &Place, start: bool) -> Result<(DaemonRecord, UnixStream), ClientError> {
    if let Some(found) = try_once(place).await? {
        return Ok(found);
    }
    if start { start_and_connect(place).await } else { Err(ClientError::NotRunning) }
}

/// Opens a connection with `open`, again where it is lost at once and a daemon may be started: one that is just ending
/// may still take the connection and drop it. Nothing was asked of it yet, so the next one is asked.
pub(crate) async fn persistently<T, F>(start: bool, open: impl Fn() -> F) -> Result<T, ClientError>
where
    F: Future<Output = Result<T, ClientError>>,
{
    let mut attempts = 1;
    loop {
        match open().await {
            Err(error) if error.is_lost_connection() && start && attempts < MOST_ATTEMPTS => {
                attempts += 1;
                tokio::time::sleep(BETWEEN_ATTEMPTS).await;
            }
            outcome => return outcome,
        }
    }
}

async fn try_once(place: &Place) -> Result<Option<(DaemonRecord, UnixStream)>, ClientError> {
    let Some(record) = locate::record(place)? else { return Ok(None) };
    Ok(locate::connect(&record).await?.map(|stream| (record, stream)))
}

async fn start_and_connect(place: &Place) -> Result<(DaemonRecord, UnixStream), ClientError> {
    let mut child = Started::spawn(place)?;
    let begun = Instant::now();
    let mut last_start = begun;
    let mut pause = Duration::from_millis(2);
    loop {
        // a record that is half written or a socket that is just being replaced is looked at again
        let last = match try_once(place).await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        match child.ended() {
            Some(status) if !status.success() => {
                return Err(child.unavailable(place, format!("it ended with {status}")));
            }
            Some(_) if last_start.elapsed() > AGAIN => {
                child = Started::spawn(place)?;
                last_start = Instant::now();
            }
            _ => {}
        }
        if begun.elapsed() > DEADLINE {
            return Err(last.unwrap_or_else(|| {
                child.unavailable(place, format!("nothing listens {} s after its start", DEADLINE.as_secs()))
            }));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_millis(100));
    }
}

/// A daemon that was just started.
struct Started {
    program: PathBuf,
    child: Child,
    /// Why it failed, in the protocol's form. Like the next a file without a name, so that it may write there for ever
    /// and never break.
    answer: Option<File>,
    /// What else it says before it has a log.
    complaints: Option<File>,
}

/// What a daemon that failed answers, as every verb does.
#[derive(Deserialize)]
struct FailureAnswer {
    error: ErrorData,
}

impl Started {
    fn spawn(place: &Place) -> Result<Started, ClientError> {
        let program = program().map_err(|error| ClientError::Transport(error.into()))?;
        let (answer, complaints) = (nameless_file(), nameless_file());
        let into = |file: &Option<File>| {
            file.as_ref().and_then(|file| file.try_clone().ok()).map_or_else(Stdio::null, Stdio::from)
        };
        let kept = std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(kept_by_daemon));
        let mut command = Command::new(&program);
        command.args(["serve", "--detached", "--format", "json"]).env_clear();
        // the daemon must come to the same place as this process, also where that is known from the user database
        if let Ok(home) = etcetera::home_dir() {
            command.env("HOME", home);
        }
        let child = command
            .envs(kept)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(into(&answer))
            .stderr(into(&complaints))
            // `--detached` has it begin a session of its own; a group of its own would forbid that
            .spawn()
            .map_err(|error| ClientError::DaemonUnavailable {
                tried: program.clone(),
                why: format!("{} could not be started: {error}", program.display()),
                said: Vec::new(),
                log_path: place.log(),
            })?;
        Ok(Started { program, child, answer, complaints })
    }

    /// How it ended, when it has.
    fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    fn unavailable(&mut self, place: &Place, why: String) -> ClientError {
        let mut said = self.answer.as_mut().and_then(reasons).unwrap_or_default();
        if said.is_empty() {
            said = self.complaints.as_mut().map(tail).unwrap_or_default();
        }
        if said.is_empty() {
            said = File::open(place.log()).map(|mut log| tail(&mut log)).unwrap_or_default();
        }
        ClientError::DaemonUnavailable { tried: self.program.clone(), why, said, log_path: place.log() }
    }
}

/// The failure that was answered, outermost first.
fn reasons(answer: &mut File) -> Option<Vec<String>> {
    let text = tail(answer).pop()?;
    let FailureAnswer { error } = serde_json::from_str(&text).ok()?;
    Some([vec![error.message], error.causes].concat())
}

fn program() -> std::io::Result<PathBuf> {
    std::env::var_os(DAEMON_VARIABLE)
        .filter(|name: &OsString| !name.is_empty())
        .map_or_else(std::env::current_exe, |named| Ok(PathBuf::from(named)))
}

fn nameless_file() -> Option<File> {
    let file = rustix::fs::memfd_create("gangplank-daemon", rustix::fs::MemfdFlags::CLOEXEC).ok()?;
    Some(File::from(file))
}

/// The last lines of a file; empty when it cannot be read.
fn tail(file: &mut File) -> Vec<String> {
    const BYTES: u64 = 16 * 1024;
    let length = file.metadata().map(|metadata| metadata.len()).unwrap_or(0);
    let mut bytes = Vec::new();
    let read = file
        .seek(SeekFrom::Start(length.saturating_sub(BYTES)))
        .and_then(|_| file.take(BYTES).read_to_end(&mut bytes));
    if read.is_err() {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].iter().map(|line| (*line).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_tail_is_the_last_lines() {
        let mut file = nameless_file().unwrap();
        for line in 0..5000 {
            writeln!(file, "line {line}").unwrap();
        }
        let tail = tail(&mut file);
        assert_eq!(tail.len(), LOG_LINES);
        assert_eq!(tail.last().map(String::as_str), Some("line 4999"));
    }
}
