//! The daemon itself: who it is, how it does, how to end it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::engine::EngineId;

/// A protocol version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProtocolVersion {
    /// Equal majors understand each other.
    pub major: u32,
    /// Grows with additions.
    pub minor: u32,
}

/// Name and version of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Program {
    /// Its name, as in `gangplank` or `gangplank-vscode`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Parameters of `daemon/hello`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DaemonHelloParams {
    /// The version the client speaks.
    pub protocol_version: ProtocolVersion,
    /// Who is calling.
    pub client: Program,
    /// Those variables of the client's environment that lead to an engine and to credentials: `DOCKER_*`, `HOME`,
    /// `PATH`, `XDG_RUNTIME_DIR`, `SSH_AUTH_SOCK`. Kept in memory for this connection only.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// A Docker context that goes before everything in the environment (`--context`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

/// Result of `daemon/hello`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct DaemonHelloResult {
    /// The version the daemon speaks.
    pub protocol_version: ProtocolVersion,
    /// The daemon's build.
    pub daemon: Program,
    /// Names this life of the daemon: another value means that it was started again.
    pub epoch: String,
    /// What this daemon can do beyond the methods of its version.
    pub capabilities: Vec<String>,
    /// The engine the client's environment leads to; absent when none was found at once. Requests that name no engine
    /// use it, and look again when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineId>,
}

/// The content of `daemon.json` in the state directory, by which clients find the daemon. Written once it listens,
/// removed when it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct DaemonRecord {
    /// The daemon's process id.
    pub pid: u32,
    /// Its socket, absolute, at most 100 bytes.
    pub socket: PathBuf,
    /// Its build.
    pub version: String,
    /// The protocol it speaks.
    pub protocol_version: ProtocolVersion,
    /// The loopback address it listens on as well, if it was asked to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<String>,
    /// The file that holds the bearer token for that address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
}

/// Parameters of methods that need none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Empty {}

/// Result of `daemon/status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct DaemonStatus {
    /// The daemon's build.
    pub daemon: Program,
    /// Names this life of the daemon.
    pub epoch: String,
    /// Its process id on the host.
    pub pid: u32,
    /// When it started.
    pub started_at: u64,
    /// The socket it listens on.
    pub socket: String,
    /// The loopback address it listens on, if it was asked to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<String>,
    /// Its log.
    pub log_path: String,
    /// The engines it has used, with their state.
    pub engines: Vec<EngineStatus>,
    /// Counts of what keeps it from exiting when idle.
    pub activity: DaemonActivity,
    /// Seconds without activity after which it ends by itself; 0 means never.
    pub idle_timeout_seconds: u64,
    /// Requests refused and panics caught since it started, by name.
    pub counters: BTreeMap<String, u64>,
}

/// What the daemon is busy with. It ends by itself only when all are 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct DaemonActivity {
    /// Client connections.
    pub connections: u64,
    /// Running operations.
    pub operations: u64,
    /// Processes that have not ended.
    pub processes: u64,
    /// Open streams.
    pub streams: u64,
    /// Watched workspaces.
    pub watches: u64,
}

/// An engine the daemon has used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct EngineStatus {
    /// Its id.
    pub engine: EngineId,
    /// Whether it answers.
    pub available: bool,
    /// Why it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
