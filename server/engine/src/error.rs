//! What can go wrong with an engine, by kind, so that callers decide by matching and never by reading messages.
//!
//! Engines answer with an HTTP status and free text; `classify` is the one place that turns these into kinds.
//! Messages are the engine's own words, escaped.

mod classify;

use std::fmt;
use std::time::Duration;

pub(crate) use classify::{pull_failure, refusal};

/// What sort of thing a name names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// The engine itself.
    Engine,
    /// An image.
    Image,
    /// A container.
    Container,
    /// An exec instance.
    Exec,
    /// A volume.
    Volume,
    /// A network.
    Network,
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Engine => "engine",
            Self::Image => "image",
            Self::Container => "container",
            Self::Exec => "exec",
            Self::Volume => "volume",
            Self::Network => "network",
        })
    }
}

/// One place where an engine was looked for, and why it did not serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The address, context or file that was tried.
    pub what: String,
    /// Why it did not serve.
    pub why: String,
}

impl Attempt {
    pub(crate) fn new(what: impl Into<String>, why: impl fmt::Display) -> Self {
        Self { what: what.into(), why: crate::text::escaped(&why.to_string()) }
    }
}

/// A failed call: what failed, on what, and in the engine's own (escaped) words why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// No engine answered, or the connection to it broke.
    #[error(
        "no container engine answered ({}); is it running, and may this user connect to it?",
        Tried(tried)
    )]
    Unavailable {
        /// Everything that was tried, in order.
        tried: Vec<Attempt>,
    },
    /// The thing does not exist.
    #[error("no such {kind}: {name}")]
    NotFound {
        /// Its kind.
        kind: ObjectKind,
        /// Its name or id as asked for.
        name: String,
    },
    /// The container exists, but what was asked for needs it to run.
    #[error("container {container} is not running")]
    NotRunning {
        /// The container as asked for.
        container: String,
    },
    /// The container runs, and what was asked for needs it not to.
    #[error("container {container} is running")]
    StillRunning {
        /// The container as asked for.
        container: String,
    },
    /// Another container has this name.
    #[error("the name {name} is in use: {message}")]
    NameInUse {
        /// The wanted name.
        name: String,
        /// The engine's words.
        message: String,
    },
    /// A port to be published is taken on the engine's host.
    #[error("cannot {what}: a port is in use: {message}")]
    PortInUse {
        /// What was being done.
        what: String,
        /// The engine's words.
        message: String,
    },
    /// The source of a bind mount does not exist on the engine's host.
    #[error("cannot {what}: the source of a mount does not exist: {message}")]
    MountSourceMissing {
        /// What was being done.
        what: String,
        /// The engine's words.
        message: String,
    },
    /// The state of the thing forbids what was asked for.
    #[error("cannot {what}: {message}")]
    Conflict {
        /// What was being done.
        what: String,
        /// The engine's words.
        message: String,
    },
    /// The image is neither here nor, when it was pulled, in its registry.
    #[error("no such image: {image}: {message}")]
    ImageNotFound {
        /// The reference as asked for.
        image: String,
        /// The engine's words.
        message: String,
    },
    /// The registry could not be reached by the engine.
    #[error("the registry of {image} cannot be reached: {message}")]
    RegistryUnreachable {
        /// The reference as asked for.
        image: String,
        /// The engine's words.
        message: String,
    },
    /// The registry wants credentials, or other ones.
    #[error("the registry of {image} wants you to log in (`docker login`): {message}")]
    AuthRequired {
        /// The reference as asked for.
        image: String,
        /// The engine's words.
        message: String,
    },
    /// A program could not be run in the container.
    #[error("cannot {what}: {message}")]
    CommandNotRunnable {
        /// What was being done.
        what: String,
        /// The runtime's words.
        message: String,
        /// The exit code a shell would give: 127 (not found) or 126 (not executable).
        exit_code: u8,
    },
    /// The engine, or this crate before it, refused a parameter.
    #[error("cannot {what}: {message}")]
    InvalidParameter {
        /// What was being done.
        what: String,
        /// What is wrong with it.
        message: String,
    },
    /// The call took longer than it may.
    #[error("{what}: no answer from the engine within {} s", limit.as_secs())]
    Timeout {
        /// What was being done.
        what: String,
        /// The limit.
        limit: Duration,
    },
    /// This engine cannot do it.
    #[error("the engine cannot {what}: {message}")]
    Unsupported {
        /// What was asked for.
        what: String,
        /// Why not.
        message: String,
    },
    /// The engine's answer is not what its API promises.
    #[error("cannot {what}: the engine's answer is malformed: {message}")]
    Malformed {
        /// What was being done.
        what: String,
        /// What is wrong with the answer.
        message: String,
    },
    /// Anything else that the engine said.
    #[error("cannot {what}: {message}")]
    Other {
        /// What was being done.
        what: String,
        /// The HTTP status, when there was one.
        status: Option<u16>,
        /// The engine's words.
        message: String,
    },
}

impl EngineError {
    /// The one-attempt form of [`EngineError::Unavailable`].
    pub(crate) fn unavailable(what: impl Into<String>, why: impl fmt::Display) -> Self {
        Self::Unavailable { tried: vec![Attempt::new(what, why)] }
    }

    /// Whether this says that the engine is not there, rather than that it said no.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// Whether this says that the thing is not there (an image included).
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::ImageNotFound { .. })
    }
}

/// The attempts as one line.
struct Tried<'a>(&'a [Attempt]);

impl fmt::Display for Tried<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, attempt) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "; " };
            write!(f, "{comma}{}: {}", attempt.what, attempt.why)?;
        }
        Ok(())
    }
}

/// What a call does to what: the subject of its errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Action {
    verb: &'static str,
    pub(crate) kind: ObjectKind,
    pub(crate) name: String,
}

impl Action {
    pub(crate) fn new(verb: &'static str, kind: ObjectKind, name: impl Into<String>) -> Self {
        Self { verb, kind, name: name.into() }
    }

    pub(crate) fn malformed(&self, why: impl fmt::Display) -> EngineError {
        EngineError::Malformed { what: self.to_string(), message: crate::text::escaped(&why.to_string()) }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.kind)?;
        if self.name.is_empty() { Ok(()) } else { write!(f, " {}", crate::text::escaped(&self.name)) }
    }
}
