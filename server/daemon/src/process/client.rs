//! A client attached to a process, whoever hosts that.

use std::sync::Arc;

use bytes::Bytes;
use gangplank_agent_protocol::output::Source;
use gangplank_protocol::process::ProcessExit;

use super::ProcessHandle;
use super::hosted::HostedClient;
use super::running::RunningClient;

/// What a client's stream carries next.
#[derive(Debug)]
pub enum StreamItem {
    /// Bytes of output.
    Output {
        /// Where they begin.
        offset: u64,
        /// Which stream of the process.
        source: Source,
        /// The bytes.
        bytes: Bytes,
    },
    /// Bytes before this offset are gone.
    Gap(u64),
    /// A part of the screen as it was at an offset; those of one offset follow each other.
    Screen {
        /// Bytes of output it stands for.
        offset: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// The process ended and everything was sent.
    Exited(ProcessExit),
}

/// An attached client. Dropping it detaches.
#[derive(Debug)]
pub enum Client {
    /// To a process of the engine.
    Engine(RunningClient),
    /// To a process in an agent.
    Agent(HostedClient),
}

impl Client {
    /// The process it is attached to.
    pub fn process(&self) -> ProcessHandle {
        match self {
            Self::Engine(client) => ProcessHandle::Engine(Arc::clone(client.process())),
            Self::Agent(client) => ProcessHandle::Agent(Arc::clone(client.process())),
        }
    }

    /// The offset of the next byte it gets.
    pub fn position(&self) -> u64 {
        match self {
            Self::Engine(client) => client.position(),
            Self::Agent(client) => client.position(),
        }
    }

    /// Bytes of input that the process had taken when this was attached; none when nobody counts them.
    pub fn input(&self) -> Option<u64> {
        match self {
            Self::Engine(_) => None,
            Self::Agent(client) => client.input(),
        }
    }

    /// Notes that everything before `offset` was taken.
    pub fn acknowledge(&self, offset: u64) {
        match self {
            Self::Engine(client) => client.acknowledge(offset),
            Self::Agent(client) => client.acknowledge(offset),
        }
    }

    /// What its stream carries next; waits for output and for credit. Nothing is lost when this is dropped before it is
    /// done.
    pub async fn next(&mut self) -> StreamItem {
        match self {
            Self::Engine(client) => client.next().await,
            Self::Agent(client) => client.next().await,
        }
    }
}
