//! What can go wrong between a client and its daemon.

use std::path::PathBuf;
use std::time::Duration;

use gangplank_protocol::daemon::ProtocolVersion;
use gangplank_protocol::stream::FrameError;
use gangplank_protocol::{ErrorData, ErrorKind};

use crate::place::PlaceError;

/// A failed call, feed or stream.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no home directory that could say where the daemon is.
    #[error("neither XDG_STATE_HOME nor HOME says where the daemon is")]
    NoPlace,
    /// The file that says where the daemon is cannot be read.
    #[error("could not read {path}")]
    Record {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The daemon's socket is not safe to use.
    #[error("the daemon's socket was not used, because others could have put it there")]
    Place(#[source] PlaceError),
    /// No daemon runs, and none was to be started.
    #[error("no daemon is running")]
    NotRunning,
    /// A daemon should have been started and does not answer.
    #[error("the daemon does not answer: {why}")]
    DaemonUnavailable {
        /// The program that was started, or the socket that was tried.
        tried: PathBuf,
        /// What happened.
        why: String,
        /// What it said of that, outermost first, or the last lines it wrote.
        said: Vec<String>,
        /// Its log.
        log_path: PathBuf,
    },
    /// The daemon answered with an error.
    #[error("{}", .0.message)]
    Rpc(Box<ErrorData>),
    /// The daemon speaks another major version of the protocol.
    #[error("the running daemon {daemon} speaks protocol version {}.{}, this client {}.{}", theirs.major, theirs.minor, ours.major, ours.minor)]
    ProtocolVersion {
        /// The daemon's build.
        daemon: String,
        /// The version it speaks.
        theirs: ProtocolVersion,
        /// The version this client speaks.
        ours: ProtocolVersion,
    },
    /// The connection ended; what was asked for may have happened or not.
    #[error("the connection to the daemon was lost")]
    ConnectionLost,
    /// The client did not read a feed as fast as it came; subscribe again from the last cursor.
    #[error("the feed came faster than it was read")]
    Lagged,
    /// The daemon did not answer a call.
    #[error("the daemon did not answer {method} within {} s", limit.as_secs())]
    Timeout {
        /// The method.
        method: &'static str,
        /// The time allowed.
        limit: Duration,
    },
    /// The bytes on the connection are not what the protocol says.
    #[error("the daemon's {what} could not be understood")]
    Malformed {
        /// The method, feed or frame.
        what: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The connection could not be made or used.
    #[error("the connection to the daemon failed")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The stream of a process ended before the process.
    #[error("the stream ended before the process did")]
    StreamEnded,
    /// The daemon was stopped and let go of the stream of a process.
    #[error("the daemon was stopped")]
    DaemonStopped,
    /// The daemon ended a stream because of what was sent on it.
    #[error("the daemon ended the stream: {0}")]
    StreamRefused(String),
    /// A message on a stream is no frame.
    #[error("the stream carries something else than frames")]
    Frame(#[source] FrameError),
}

impl ClientError {
    /// The kind, where the daemon or the protocol gives one.
    #[must_use]
    pub fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Rpc(data) => Some(data.kind),
            Self::ProtocolVersion { .. } => Some(ErrorKind::ProtocolVersionMismatch),
            Self::Timeout { .. } => Some(ErrorKind::Timeout),
            _ => None,
        }
    }

    /// True when the connection is gone and a new one may do better.
    #[must_use]
    pub fn is_lost_connection(&self) -> bool {
        matches!(self, Self::ConnectionLost | Self::Transport(_) | Self::Lagged)
    }

    /// The error in the protocol's own form, for callers that print or pass on both alike.
    #[must_use]
    pub fn to_data(&self) -> ErrorData {
        if let Self::Rpc(data) = self {
            return (**data).clone();
        }
        let mut data = ErrorData::new(self.kind().unwrap_or(ErrorKind::Io), self.to_string());
        if let Some(source) = std::error::Error::source(self) {
            data = data.caused_by(source);
        }
        match self {
            Self::DaemonUnavailable { said, log_path, .. } => {
                data.causes.extend(said.iter().cloned());
                data.log_path = Some(log_path.display().to_string());
                data.hint("`gangplank doctor` checks what a daemon needs")
            }
            Self::ProtocolVersion { .. } => {
                data.hint("end it with `gangplank daemon stop`, after what it runs has ended")
            }
            Self::Place(_) => data.hint("remove it, or let XDG_RUNTIME_DIR name a directory of your own"),
            Self::NoPlace => data.hint("set HOME"),
            Self::StreamEnded | Self::DaemonStopped => {
                data.hint("the daemon ended, or was ended; what it had started may go on in the container")
            }
            Self::ConnectionLost => {
                data.hint("what was asked for may have happened: look before asking again")
            }
            _ => data,
        }
    }
}
