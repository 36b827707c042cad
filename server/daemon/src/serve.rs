//! The daemon from its start to its end. Starting is recovering; stopping takes at most 2 s.

mod deadline;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gangplank_protocol::PROTOCOL_VERSION;
use gangplank_protocol::daemon::DaemonRecord;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::clock::now;
use crate::daemon::{About, Counters, Daemon, program};
use crate::instance::Instance;
use crate::listen::{Doors, TcpDoor, TcpError, UnixDoor};
use crate::operation::Operations;
use crate::place::{Place, PlaceError};
use crate::process::Processes;
use crate::store::Store;
use crate::trust::TrustStore;
use crate::workspace::Parts;
use crate::workspaces::Workspaces;
use crate::{identifier, log, rpc};

/// How long streams and answers have to end when the daemon stops.
const STOP_WITHIN: Duration = Duration::from_millis(1500);
/// How often it is made sure that clients find the daemon; they wait longer than that.
const LOOK_AFTER_RECORD: Duration = Duration::from_secs(2);
/// How long the daemon stays without activity when nothing else is said.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// How to serve.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Where state and socket go is worked out from these: `XDG_STATE_HOME`, `XDG_RUNTIME_DIR`, `HOME`.
    pub environment: BTreeMap<String, String>,
    /// A loopback address to listen on as well.
    pub tcp: Option<SocketAddr>,
    /// Origins that may connect; none by default.
    pub allowed_origins: Vec<String>,
    /// How long to stay without activity; `None` is for ever.
    pub idle_timeout: Option<Duration>,
    /// Log to standard error instead of the file.
    pub foreground: bool,
    /// The log's filter, as in `info`.
    pub log_level: String,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            environment: std::env::vars().collect(),
            tcp: None,
            allowed_origins: Vec::new(),
            idle_timeout: Some(IDLE_TIMEOUT),
            foreground: false,
            log_level: "info".into(),
        }
    }
}

/// Why the daemon does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Its places are not usable.
    #[error("the daemon has no safe place for its files")]
    Place(#[from] PlaceError),
    /// Something of its start failed.
    #[error("the daemon could not {action}")]
    Start {
        /// What.
        action: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The loopback port is not to be had.
    #[error("the daemon could not open its loopback port")]
    Tcp(#[from] TcpError),
    /// Two handlers have one name.
    #[error("the daemon's methods are not well declared: {0}")]
    Methods(String),
}

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// The daemon ran and ended.
    Ended,
    /// Another daemon of this user was there already; nothing was done.
    AnotherRuns,
}

/// Is the daemon until it is told to stop, or nothing has happened for long enough.
///
/// # Errors
/// [`ServeError`] when it cannot start.
pub async fn serve(options: ServeOptions) -> Result<Served, ServeError> {
    let start = |action| move |source| ServeError::Start { action, source };
    let place = Place::prepare(&options.environment)?;
    let Some(instance) = Instance::acquire(&place).map_err(start("lock its state directory"))? else {
        return Ok(Served::AnotherRuns);
    };
    let instance = Arc::new(instance);
    let log_path = place.state_file(log::NAME);
    log::start(&log_path, &options.log_level, options.foreground).map_err(start("open its log"))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(start("listen for SIGTERM"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(start("listen for SIGINT"))?;

    let unix = UnixDoor::open(&instance).map_err(start("listen on its socket"))?;
    let tcp = match options.tcp {
        Some(address) => Some(TcpDoor::open(&place, address).await?),
        None => None,
    };
    let about = About {
        started_at: now(),
        socket: place.socket.clone(),
        tcp: tcp.as_ref().map(|door| door.address.to_string()),
        log_path,
        idle_timeout: options.idle_timeout,
    };
    let record = DaemonRecord {
        pid: std::process::id(),
        socket: place.socket.clone(),
        version: program().version,
        protocol_version: PROTOCOL_VERSION,
        tcp: about.tcp.clone(),
        token_file: tcp.as_ref().map(|door| door.token_file.clone()),
    };
    let daemon = Arc::new(assemble(&place, about));
    let deadline = deadline::watch(daemon.stop.clone()).map_err(start("watch over its own end"))?;
    let methods = rpc::module(Arc::clone(&daemon)).map_err(|e| ServeError::Methods(e.to_string()))?;
    let (doors, rpc_server) = Doors::new(Arc::clone(&daemon), methods);
    let unix = tokio::spawn(doors.clone().serve_unix(unix, options.allowed_origins.clone()));
    let tcp = tcp.map(|door| tokio::spawn(doors.clone().serve_tcp(door, options.allowed_origins.clone())));
    instance.announce(&record).map_err(start("tell where it listens"))?;
    tracing::info!(pid = record.pid, socket = %place.socket.display(), tcp = ?record.tcp, version = record.version, "the daemon is there");

    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM: the daemon stops"),
        _ = interrupt.recv() => tracing::info!("SIGINT: the daemon stops"),
        () = daemon.stop.cancelled() => tracing::info!("the daemon was asked to stop"),
        () = keep_announced(&instance, &record) => tracing::warn!(
            "the state directory was deleted and another daemon has started in its place: this one stops"
        ),
        () = idle(&daemon) => tracing::info!("the daemon has been idle for long enough and stops"),
    }
    daemon.stop.cancel();
    daemon.operations.interrupt_all();
    let _ = rpc_server.stop();
    let ended = async {
        let _ = unix.await;
        if let Some(tcp) = tcp {
            let _ = tcp.await;
        }
        // The RPC server counts the doors among those that hold it.
        let streams = doors.into_streams();
        rpc_server.stopped().await;
        streams.close();
        streams.wait().await;
    };
    if tokio::time::timeout(STOP_WITHIN, ended).await.is_err() {
        tracing::info!("some clients did not let go in time");
    }
    drop(instance);
    drop(deadline);
    Ok(Served::Ended)
}

fn assemble(place: &Place, about: About) -> Daemon {
    let store = Store::new(place.clone());
    let operations = Operations::recover(store.clone());
    let trust = Arc::new(TrustStore::open(store.clone()));
    let processes = Processes::new(store.clone());
    let parts = Parts {
        operations: operations.clone(),
        trust: Arc::clone(&trust),
        store,
        processes: processes.clone(),
    };
    Daemon {
        epoch: identifier::random(""),
        engines: Default::default(),
        operations,
        processes,
        tickets: Default::default(),
        workspaces: Workspaces::new(parts),
        watches: Default::default(),
        trust,
        request_keys: Default::default(),
        counters: Counters::default(),
        stop: CancellationToken::new(),
        about,
    }
}

/// Sees to it that clients find this daemon and start no other: the lock and `daemon.json` are made again when they were
/// deleted or damaged. Ends when another daemon holds the lock.
async fn keep_announced(instance: &Instance, record: &DaemonRecord) {
    loop {
        tokio::time::sleep(LOOK_AFTER_RECORD).await;
        match instance.holds().and_then(|holds| holds.then(|| instance.announce(record)).transpose()) {
            Ok(None) => return,
            Ok(Some(true)) => tracing::info!("daemon.json was deleted or damaged; it is whole again"),
            Ok(Some(false)) => {}
            Err(error) => {
                tracing::warn!(%error, "daemon.lock or daemon.json was deleted or damaged and cannot be written");
            }
        }
    }
}

/// Ends when nothing has kept the daemon busy for its idle time.
async fn idle(daemon: &Daemon) {
    let Some(timeout) = daemon.about.idle_timeout else { return std::future::pending().await };
    let look_every = (timeout / 10).clamp(Duration::from_millis(50), Duration::from_secs(10));
    let mut idle_since = tokio::time::Instant::now();
    loop {
        tokio::time::sleep(look_every).await;
        if daemon.activity() != Default::default() {
            idle_since = tokio::time::Instant::now();
        } else if idle_since.elapsed() >= timeout {
            return;
        }
    }
}

/// A daemon without doors, for tests of what is behind them.
#[cfg(test)]
pub(crate) fn for_tests(home: &std::path::Path) -> Daemon {
    let environment = [("XDG_STATE_HOME".to_owned(), home.display().to_string())].into();
    let place = Place::prepare(&environment).unwrap();
    let about = About {
        started_at: 0,
        socket: place.socket.clone(),
        tcp: None,
        log_path: place.state_file(log::NAME),
        idle_timeout: None,
    };
    assemble(&place, about)
}
