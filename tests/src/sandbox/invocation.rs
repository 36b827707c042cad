//! One run of `gangplank`: arguments, folder, environment and input, then either to its end or on a terminal.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::{Output, Sandbox, Terminal};
use crate::error::fail;
use crate::program;

/// Liveness only: no command of a test takes minutes, and one that hangs is a failure.
pub(super) const DEADLINE: Duration = Duration::from_secs(180);

/// A `gangplank` that is about to run.
#[derive(Debug)]
pub struct Invocation {
    command: Command,
    input: Vec<u8>,
}

impl Invocation {
    pub(super) fn new<I>(sandbox: &Sandbox, arguments: I) -> Invocation
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let mut command = Command::new(&sandbox.binary);
        command.args(arguments).env_clear().envs(sandbox.environment()).current_dir(sandbox.path("work"));
        Invocation { command, input: Vec::new() }
    }

    /// Runs in this folder instead.
    #[must_use]
    pub fn within(mut self, folder: impl AsRef<Path>) -> Invocation {
        self.command.current_dir(folder);
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Invocation {
        self.command.env(name, value);
        self
    }

    /// Takes a variable away.
    #[must_use]
    pub fn without_env(mut self, name: &str) -> Invocation {
        self.command.env_remove(name);
        self
    }

    /// Bytes for its standard input, which then ends. Without it the input is empty.
    #[must_use]
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Invocation {
        self.input = bytes.into();
        self
    }

    /// Runs it to its end, with pipes for its input and outputs.
    ///
    /// # Panics
    /// When it cannot be started or hangs.
    #[must_use]
    pub fn run(mut self) -> Output {
        let line = program::line(&self.command);
        let mut child =
            start(self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()));
        let input = std::mem::take(&mut self.input);
        let stdin = child.stdin.take();
        let feeder = std::thread::spawn(move || {
            // a command that does not read its input to the end is its own affair
            stdin.map(|mut stdin| stdin.write_all(&input))
        });
        let stdout = collect(child.stdout.take());
        let stderr = collect(child.stderr.take());
        let begun = Instant::now();
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) if begun.elapsed() < DEADLINE => std::thread::sleep(Duration::from_millis(2)),
                Ok(None) | Err(_) => break None,
            }
        };
        if status.is_none() {
            // it may have ended this moment
            let _ = child.kill();
            let _ = child.wait();
        }
        // what it left running may hold its outputs open; that is a fault too
        let left = |outputs: mpsc::Receiver<Vec<u8>>| outputs.recv_timeout(Duration::from_secs(20)).ok();
        let (stdout, stderr) = (left(stdout), left(stderr));
        let open = stdout.is_none() || stderr.is_none();
        let output =
            Output { line, status, stdout: stdout.unwrap_or_default(), stderr: stderr.unwrap_or_default() };
        assert!(output.status.is_some(), "hangs: {output}");
        assert!(!open, "ended, but something holds its outputs open: {output}");
        drop(feeder);
        output
    }

    /// Starts it in the background with pipes that the caller reads; the sandbox ends it at last.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn spawn(mut self) -> Child {
        start(self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    /// Starts it on a terminal of this size.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn on_terminal(self, columns: u16, rows: u16) -> Terminal {
        Terminal::start(&self.command, columns, rows)
    }
}

fn start(command: &mut Command) -> Child {
    match command.spawn() {
        Ok(child) => child,
        Err(error) => fail(format_args!("cannot start gangplank: {error}")),
    }
}

/// Reads a pipe to its end on a thread of its own.
fn collect(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // a pipe that breaks gives what came before
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        sender.send(bytes)
    });
    receiver
}
