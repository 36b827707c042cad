//! What can go wrong while the harness sets something up.

use std::path::PathBuf;

/// A failed set-up. Tests let it fail them; `cargo demo` and `cargo verify` print it with its causes.
#[derive(Debug, thiserror::Error)]
pub enum HarnessError {
    /// Something that only the person at this machine can provide.
    #[error("{what}\n  {hint}")]
    Missing {
        /// What is missing, on what.
        what: String,
        /// What to do about it.
        hint: String,
    },
    /// A host program ended badly.
    #[error("`{program}` failed ({status})\n{tail}")]
    Program {
        /// The program with its arguments.
        program: String,
        /// The exit status, as the system puts it.
        status: String,
        /// The end of what it printed.
        tail: String,
    },
    /// A file or a process could not be handled.
    #[error("cannot {action} {subject}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        subject: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A service was started and did not answer.
    #[error("{service} did not answer; the end of its log:\n{tail}")]
    NoAnswer {
        /// Which service.
        service: String,
        /// The end of its log.
        tail: String,
    },
    /// A service did not end when its last user had gone.
    #[error("{service} is still running (process {process})")]
    StillRunning {
        /// Which service.
        service: String,
        /// Its process id.
        process: u32,
    },
    /// The engine's API could not be reached or spoke no HTTP.
    #[error("{request} on {socket}: no answer")]
    Transport {
        /// Method and path.
        request: String,
        /// The engine's socket.
        socket: PathBuf,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The engine refused a request, or reported a failure within its answer.
    #[error("{request}: the engine answered {status}: {message}")]
    Refused {
        /// Method and path.
        request: String,
        /// HTTP status.
        status: u16,
        /// The engine's own words.
        message: String,
    },
}

/// Fails the running test.
#[track_caller]
#[expect(clippy::panic, reason = "a harness fails the test that it serves")]
pub(crate) fn fail(message: impl std::fmt::Display) -> ! {
    panic!("{message}")
}

impl HarnessError {
    /// For `map_err`: an [`HarnessError::Io`] about `subject`.
    pub fn io(
        action: &'static str,
        subject: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> HarnessError {
        let subject = subject.into();
        move |source| HarnessError::Io { action, subject, source }
    }
}

/// The message of an error with all its causes, one a line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}\n  because: {cause}"))
}
