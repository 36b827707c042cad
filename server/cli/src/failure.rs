//! Why a verb failed, whatever the cause: the daemon's answer, the way to it, the command line, the user.

use gangplank_client::ClientError;
use gangplank_protocol::error::ErrorDetails;
use gangplank_protocol::{ErrorData, ErrorKind};

use crate::exit;

/// A verb that did not do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The daemon said no, or could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// An operation ended without success.
    #[error(transparent)]
    Operation(Box<ErrorData>),
    /// The command line asks for what makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The user interrupted it.
    #[error("interrupted")]
    Interrupted,
    /// Nobody reads standard output any more; nothing is to be said about it.
    #[error("standard output is closed")]
    BrokenPipe,
    /// Something of this machine failed.
    #[error("could not {what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Failure {
    /// For `map_err`: what could not be done, as in `read the terminal's settings`.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Failure {
        let what = what.into();
        move |source| Failure::Io { what, source }
    }

    /// For `map_err` where bytes are written to standard output.
    pub(crate) fn output(source: std::io::Error) -> Failure {
        match source.kind() {
            std::io::ErrorKind::BrokenPipe => Failure::BrokenPipe,
            _ => Failure::Io { what: "write the answer".to_owned(), source },
        }
    }

    /// The error in the protocol's form; nothing where there is nothing to say.
    pub(crate) fn data(&self) -> Option<ErrorData> {
        match self {
            Self::Client(error) => Some(error.to_data()),
            Self::Operation(data) => Some((**data).clone()),
            Self::Usage(message) => Some(ErrorData::new(ErrorKind::InvalidParams, message)),
            Self::Interrupted => Some(ErrorData::new(ErrorKind::Cancelled, "interrupted")),
            Self::BrokenPipe => None,
            Self::Io { source, .. } => {
                Some(ErrorData::new(ErrorKind::Io, self.to_string()).caused_by(source))
            }
        }
    }

    /// The exit code for Gangplank's own verbs.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Client(error) => error.kind().map_or(exit::FAILED, exit::of_kind),
            Self::Operation(data) => exit::of_kind(data.kind),
            Self::Usage(_) => exit::USAGE,
            Self::Interrupted => exit::INTERRUPTED,
            Self::BrokenPipe => exit::BROKEN_PIPE,
            Self::Io { .. } => exit::FAILED,
        }
    }

    /// The exit code where the reference CLI's count: 1, except for what a shell or a signal gives.
    pub(crate) fn reference_exit_code(&self) -> u8 {
        match self {
            Self::Interrupted | Self::BrokenPipe => self.exit_code(),
            // Of an operation no command of the user's is the subject.
            Self::Operation(_) => exit::FAILED,
            _ => self.command_exit_code().unwrap_or(exit::FAILED),
        }
    }

    /// The exit code of a command that could not be run, as a shell gives it: 126 or 127.
    pub(crate) fn command_exit_code(&self) -> Option<u8> {
        let data = self.data().filter(|data| data.kind == ErrorKind::CommandNotExecutable)?;
        let code = match data.details {
            Some(ErrorDetails::Command { exit_code, .. }) => {
                exit_code.and_then(|code| u8::try_from(code).ok())
            }
            _ => None,
        };
        Some(code.filter(|code| *code != exit::OK).unwrap_or(exit::COMMAND_NOT_FOUND))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(kind: ErrorKind) -> Failure {
        Failure::Operation(Box::new(ErrorData::new(kind, "x")))
    }

    #[test]
    fn the_references_verbs_exit_with_1_for_every_error_of_theirs() {
        for kind in ErrorKind::ALL {
            assert_eq!(failed(*kind).reference_exit_code(), 1, "{kind:?}");
        }
        let exec = ErrorData::new(ErrorKind::CommandNotExecutable, "x");
        assert_eq!(Failure::Client(ClientError::Rpc(Box::new(exec))).reference_exit_code(), 127);
        assert_eq!(Failure::Interrupted.reference_exit_code(), 130);
    }

    #[test]
    fn a_command_that_may_not_be_executed_keeps_its_code() {
        let details = ErrorDetails::Command { exit_code: Some(126), last_output: vec![], container_id: None };
        let data = ErrorData::new(ErrorKind::CommandNotExecutable, "x").details(details);
        assert_eq!(Failure::Operation(Box::new(data)).exit_code(), 127);
        let details = ErrorDetails::Command { exit_code: Some(126), last_output: vec![], container_id: None };
        let data = ErrorData::new(ErrorKind::CommandNotExecutable, "x").details(details);
        assert_eq!(Failure::Operation(Box::new(data)).command_exit_code(), Some(126));
    }
}
