//! What a running daemon is made of. Each part owns its own state; this only holds them together.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gangplank_protocol::daemon::{DaemonActivity, DaemonStatus, Program};
use tokio_util::sync::CancellationToken;

use crate::engines::Engines;
use crate::operation::Operations;
use crate::process::{Processes, Tickets};
use crate::request_key::RequestKeys;
use crate::trust::TrustStore;
use crate::watch::Watches;
use crate::workspaces::Workspaces;

/// The daemon's parts.
#[derive(Debug)]
pub struct Daemon {
    /// Names this life of the daemon.
    pub epoch: String,
    /// The engines in use.
    pub engines: Engines,
    /// Long work.
    pub operations: Operations,
    /// What runs in containers.
    pub processes: Processes,
    /// Leave to open streams.
    pub tickets: Tickets,
    /// Folders with their containers.
    pub workspaces: Workspaces,
    /// File changes.
    pub watches: Watches,
    /// What the user trusted.
    pub trust: Arc<TrustStore>,
    /// Calls that may come twice.
    pub request_keys: RequestKeys,
    /// Counts for the status.
    pub counters: Counters,
    /// Cancelled when the daemon is to end.
    pub stop: CancellationToken,
    /// What does not change while it runs.
    pub about: About,
}

/// What does not change while the daemon runs.
#[derive(Debug, Clone)]
pub struct About {
    /// When it started.
    pub started_at: u64,
    /// Its socket.
    pub socket: PathBuf,
    /// Its loopback address.
    pub tcp: Option<String>,
    /// Its log.
    pub log_path: PathBuf,
    /// After how long without activity it ends; `None` is never.
    pub idle_timeout: Option<Duration>,
}

/// Counts of connections, and of what was refused or went wrong.
#[derive(Debug, Default)]
pub struct Counters {
    /// Open `/rpc` connections.
    pub connections: AtomicU64,
    /// Open streams.
    pub streams: AtomicU64,
    /// Requests refused at the door.
    pub connections_refused: AtomicU64,
    /// Calls refused because too many were in flight.
    pub calls_refused: AtomicU64,
    /// Panics caught in handlers.
    pub panics: AtomicU64,
}

/// Counts something while it lives.
#[derive(Debug)]
pub struct Counted<'a>(&'a AtomicU64);

impl<'a> Counted<'a> {
    /// Adds one until the value is dropped.
    pub fn one(counter: &'a AtomicU64) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Name and version of this build.
pub fn program() -> Program {
    Program { name: "gangplank".into(), version: env!("CARGO_PKG_VERSION").into() }
}

impl Daemon {
    /// What keeps the daemon from ending by itself.
    pub fn activity(&self) -> DaemonActivity {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        DaemonActivity {
            connections: self.counters.connections.load(Ordering::Relaxed),
            operations: count(self.operations.running()),
            processes: count(self.processes.running()),
            streams: self.counters.streams.load(Ordering::Relaxed),
            watches: count(self.watches.running()),
        }
    }

    /// The answer to `daemon/status`.
    pub fn status(&self) -> DaemonStatus {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = [
            ("connectionsRefused", read(&self.counters.connections_refused)),
            ("callsRefused", read(&self.counters.calls_refused)),
            ("panics", read(&self.counters.panics)),
            ("agentsRefused", self.processes.agents().violations()),
        ];
        DaemonStatus {
            daemon: program(),
            epoch: self.epoch.clone(),
            pid: std::process::id(),
            started_at: self.about.started_at,
            socket: self.about.socket.display().to_string(),
            tcp: self.about.tcp.clone(),
            log_path: self.about.log_path.display().to_string(),
            engines: self.engines.status(),
            activity: self.activity(),
            idle_timeout_seconds: self.about.idle_timeout.map_or(0, |timeout| timeout.as_secs()),
            counters: counters
                .into_iter()
                .map(|(name, count)| (name.to_owned(), count))
                .collect::<BTreeMap<_, _>>(),
        }
    }
}
