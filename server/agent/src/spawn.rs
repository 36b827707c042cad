//! Starts processes, each the leader of a session of its own, with a terminal or with pipes.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::Stdio;

use gangplank_agent_protocol::message::{Refusal, Refused, Size, Start};
use process_wrap::tokio::{ChildWrapper, CommandWrap, ProcessSession};
use pty_process::{OwnedReadPty, OwnedWritePty};
use rustix::fs::Access;
use rustix::io::Errno;
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};

use crate::environment::compose;

/// A process just started.
#[derive(Debug)]
pub(crate) struct Spawned {
    pub(crate) pid: i32,
    pub(crate) child: Box<dyn ChildWrapper>,
    pub(crate) streams: Streams,
    /// Its terminal.
    pub(crate) terminal: Option<OwnedFd>,
}

/// What its bytes go through.
#[derive(Debug)]
pub(crate) enum Streams {
    /// A terminal.
    Terminal(OwnedReadPty, OwnedWritePty),
    /// Pipes.
    Pipes(Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>),
}

/// Makes the answer to a request that is not done.
pub(crate) fn refused(refusal: Refusal, message: impl Into<String>) -> Refused {
    Refused { refusal, message: message.into() }
}

/// Starts it.
pub(crate) fn spawn(start: &Start) -> Result<Spawned, Refused> {
    let (program, arguments) = start
        .argv
        .split_first()
        .ok_or_else(|| refused(Refusal::Invalid, "there is no program to start: argv is empty"))?;
    let directory = start.cwd.as_deref().unwrap_or("/");
    check_directory(directory)?;
    let variables = compose(std::env::vars_os(), &start.environment, &start.unset, start.tty.is_some())
        .map_err(|entry| refused(Refusal::Invalid, format!("{entry:?} is not of the form NAME=value")))?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory).env_clear().envs(variables);
    match start.tty {
        Some(size) => with_terminal(command, size, program),
        None => with_pipes(command, start.interactive).map_err(|error| classify(&error, program)),
    }
}

/// Told apart from a program that is not there, for which the kernel has the same error.
fn check_directory(directory: &str) -> Result<(), Refused> {
    let not_entered = |error: io::Error| {
        refused(Refusal::Directory, format!("the directory {directory} cannot be entered: {error}"))
    };
    let seen = std::fs::metadata(directory).map_err(not_entered)?;
    if !seen.is_dir() {
        return Err(not_entered(Errno::NOTDIR.into()));
    }
    rustix::fs::access(directory, Access::EXEC_OK).map_err(|error| not_entered(error.into()))
}

fn with_pipes(mut command: Command, interactive: bool) -> io::Result<Spawned> {
    let stdin = if interactive { Stdio::piped() } else { Stdio::null() };
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    // The wrapper would wait for the whole group; background children are nobody's business.
    let mut child = CommandWrap::from(command).wrap(ProcessSession).spawn()?.into_inner();
    let streams = Streams::Pipes(child.stdin().take(), child.stdout().take(), child.stderr().take());
    Ok(Spawned { pid: pid(child.id())?, child, streams, terminal: None })
}

fn with_terminal(command: Command, size: Size, program: &str) -> Result<Spawned, Refused> {
    let none =
        |error: io::Error| refused(Refusal::Exhausted, format!("there is no terminal to be had: {error}"));
    let (pty, pts) = pty_process::open().map_err(|error| none(plain(error)))?;
    let terminal = pty.as_fd().try_clone_to_owned().map_err(none)?;
    resize(&terminal, size).map_err(none)?;
    let child =
        pty_process::Command::from(command).spawn(pts).map_err(|error| classify(&plain(error), program))?;
    let (reader, writer) = pty.into_split();
    let pid = pid(child.id()).map_err(|error| classify(&error, program))?;
    let streams = Streams::Terminal(reader, writer);
    Ok(Spawned { pid, child: Box::new(child), streams, terminal: Some(terminal) })
}

/// Gives a terminal this size.
pub(crate) fn resize(terminal: &OwnedFd, size: Size) -> io::Result<()> {
    let size = Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
    Ok(tcsetwinsize(terminal, size)?)
}

fn pid(id: Option<u32>) -> io::Result<i32> {
    id.and_then(|id| i32::try_from(id).ok()).ok_or_else(|| Errno::SRCH.into())
}

fn plain(error: pty_process::Error) -> io::Error {
    match error {
        pty_process::Error::Io(error) => error,
        pty_process::Error::Rustix(error) => error.into(),
        other => io::Error::other(other.to_string()),
    }
}

fn classify(error: &io::Error, program: &str) -> Refused {
    let refusal = match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG | Errno::LOOP) => Refusal::ProgramNotFound,
        Some(Errno::AGAIN | Errno::NOMEM | Errno::MFILE | Errno::NFILE) => Refusal::Exhausted,
        // A NUL in an argument or a variable never reaches the kernel.
        None if error.kind() == io::ErrorKind::InvalidInput => Refusal::Invalid,
        _ => Refusal::ProgramNotRunnable,
    };
    refused(refusal, format!("{program} cannot be started: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_kernel_are_told_apart() {
        let of = |error: Errno| classify(&error.into(), "x").refusal;
        assert_eq!(of(Errno::NOENT), Refusal::ProgramNotFound);
        assert_eq!(of(Errno::ACCESS), Refusal::ProgramNotRunnable);
        assert_eq!(of(Errno::NOEXEC), Refusal::ProgramNotRunnable);
        assert_eq!(of(Errno::AGAIN), Refusal::Exhausted);
        assert_eq!(of(Errno::MFILE), Refusal::Exhausted);
        assert_eq!(classify(&io::ErrorKind::InvalidInput.into(), "x").refusal, Refusal::Invalid);
    }

    #[test]
    fn a_directory_that_cannot_be_entered_is_said_to_be_that() {
        assert!(check_directory("/").is_ok());
        for directory in ["/nonexistent", "/etc/passwd"] {
            assert_eq!(check_directory(directory).map_err(|error| error.refusal), Err(Refusal::Directory));
        }
    }
}
