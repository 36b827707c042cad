//! A process, whoever hosts it.

use std::sync::Arc;

use bytes::Bytes;
use gangplank_protocol::ErrorData;
use gangplank_protocol::process::{Process, ProcessCloseResult, TerminalSize};

use super::hosted::HostedProcess;
use super::{Client, RunningProcess};

/// A process; cheap to clone.
#[derive(Debug, Clone)]
pub enum ProcessHandle {
    /// The engine hosts it.
    Engine(Arc<RunningProcess>),
    /// An agent in its container does.
    Agent(Arc<HostedProcess>),
}

impl ProcessHandle {
    /// Its id.
    pub fn id(&self) -> String {
        match self {
            Self::Engine(process) => process.id().to_owned(),
            Self::Agent(process) => process.id(),
        }
    }

    /// Its container.
    pub fn container_id(&self) -> &str {
        match self {
            Self::Engine(process) => process.container_id(),
            Self::Agent(process) => process.container_id(),
        }
    }

    /// The process as it is now.
    pub async fn describe(&self) -> Process {
        match self {
            Self::Engine(process) => process.describe(),
            Self::Agent(process) => process.describe(process.report().await.as_ref()),
        }
    }

    /// Notes which program has it now.
    pub fn taken_by(&self, pid: Option<u32>) {
        match self {
            Self::Engine(process) => process.taken_by(pid),
            Self::Agent(process) => process.taken_by(pid),
        }
    }

    /// Attaches a client at `offset` of the output, or at the oldest byte still held. From now on the flow of output
    /// heeds it, until the client is dropped.
    ///
    /// # Errors
    /// `notResumable` when its host does not know it any more.
    pub async fn attach(&self, offset: Option<u64>) -> Result<Client, ErrorData> {
        match self {
            Self::Engine(process) => Ok(Client::Engine(process.attach(offset))),
            Self::Agent(process) => Ok(Client::Agent(process.attach(offset).await?)),
        }
    }

    /// Gives it bytes of input; waits while it does not take them.
    pub async fn input(&self, bytes: Bytes) {
        match self {
            Self::Engine(process) => process.input(bytes).await,
            Self::Agent(process) => process.input(bytes).await,
        }
    }

    /// Ends its input.
    pub async fn end_input(&self) {
        match self {
            Self::Engine(process) => process.end_input().await,
            Self::Agent(process) => process.end_input(),
        }
    }

    /// Resizes its terminal. Of several clients the last one's size counts.
    pub async fn resize(&self, size: TerminalSize) {
        match self {
            Self::Engine(process) => process.resize(size).await,
            Self::Agent(process) => process.resize(size).await,
        }
    }

    /// Sends it a signal, by its POSIX name without `SIG`.
    ///
    /// # Errors
    /// `unsupported` when signals cannot reach it; `conflict` when it has ended.
    pub async fn signal(&self, name: &str) -> Result<(), ErrorData> {
        match self {
            Self::Engine(process) => process.signal(name).await,
            Self::Agent(process) => process.signal(name).await,
        }
    }

    /// Ends it with its session, as a terminal that is closed; what begins in the session meanwhile too.
    ///
    /// # Errors
    /// `unsupported` when it cannot be reached, `conflict` when something of it lives on, the host's.
    pub async fn end(&self) -> Result<(), ErrorData> {
        match self {
            Self::Engine(process) => process.end().await,
            Self::Agent(process) => process.close().await.map(drop),
        }
    }

    pub(super) async fn close(&self) -> Result<ProcessCloseResult, ErrorData> {
        match self {
            Self::Engine(process) => process.close().await,
            Self::Agent(process) => process.close().await,
        }
    }
}
