//! Containers of an engine, as plain Docker knows them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::EngineId;
use crate::process::{ProcessStarted, StreamTicket, TerminalSize};

/// Parameters of `container/run`, which answers with an operation whose result is [`ContainerRunResult`].
///
/// The fields are `docker run`'s flags; host paths in `volumes` are absolute.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerRunParams {
    /// The engine; the client's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineId>,
    /// The image; pulled first when the engine does not have it.
    pub image: String,
    /// Command and arguments; the image's own when empty.
    #[serde(default)]
    pub command: Vec<String>,
    /// `--name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `-i`: keep standard input open.
    #[serde(default)]
    pub interactive: bool,
    /// `-t`: give it a terminal.
    #[serde(default)]
    pub tty: bool,
    /// `-d`: leave it in the background; the result then has no process.
    #[serde(default)]
    pub detach: bool,
    /// `--rm`: remove it when it ends.
    #[serde(default)]
    pub remove: bool,
    /// `-v`, each as Docker's: `host:container[:ro]` (a missing host folder is made), `volume:container`, `container`.
    #[serde(default)]
    pub volumes: Vec<String>,
    /// `-e`, each `NAME=value`.
    #[serde(default)]
    pub environment: Vec<String>,
    /// `-w`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,
    /// `-u`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// `-p`, each as Docker's: without an address the port is published on all of the host's.
    #[serde(default)]
    pub publish: Vec<String>,
    /// `-l`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// `--entrypoint`; empty text means none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<String>,
    /// `--hostname`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// `--network`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// `--init`.
    #[serde(default)]
    pub init: bool,
    /// Size of the terminal, with `tty`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<TerminalSize>,
    /// The same key again gives the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_key: Option<String>,
}

/// What `container/run` comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct ContainerRunResult {
    /// The container's id.
    pub container_id: String,
    /// Its main process, unless it was detached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessStarted>,
    /// What the engine warned of.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// Parameters of `container/list`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerListParams {
    /// The engine; the client's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineId>,
    /// Also those that do not run.
    #[serde(default)]
    pub all: bool,
    /// Only those with all these labels, each `name` or `name=value`.
    #[serde(default)]
    pub labels: Vec<String>,
}

/// Result of `container/list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ContainerListResult {
    /// The engine that answered.
    pub engine: EngineId,
    /// Its containers, newest first.
    pub containers: Vec<ContainerSummary>,
}

/// One container, in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ContainerSummary {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The image it was made from, as it was named then.
    pub image: String,
    /// What it runs.
    pub command: String,
    /// When it was made.
    pub created_at: u64,
    /// `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`.
    pub state: String,
    /// The same for people, as in `Exited (0) 3 minutes ago`.
    pub status: String,
    /// Its ports.
    pub ports: Vec<PortMapping>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// A port of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct PortMapping {
    /// The port in the container.
    pub container_port: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
    /// The address on the host, when it is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_address: Option<String>,
    /// The port on the host, when it is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_port: Option<u16>,
}

/// Names one container of an engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerParams {
    /// The engine; the client's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineId>,
    /// Id, a beginning of the id that only one has, or name.
    pub container: String,
    /// The same key again gives the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_key: Option<String>,
}

/// Result of `container/inspect`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct ContainerDetails {
    /// The engine it is on.
    pub engine: EngineId,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The image it was made from, as it was named then.
    pub image: String,
    /// The id of that image.
    pub image_id: String,
    /// When it was made: the engine's own text.
    pub created: String,
    /// As in [`ContainerSummary::state`].
    pub state: String,
    /// When it was last started: the engine's own text.
    pub started_at: String,
    /// How its main process ended, when it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// True when it was ended for want of memory.
    pub oom_killed: bool,
    /// The engine's error, when it could not start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Its environment; values may be secret.
    pub environment: Vec<String>,
    /// The user its processes run as; empty means root.
    pub user: String,
    /// The directory its processes start in.
    pub working_directory: String,
    /// True when its main process has a terminal.
    pub tty: bool,
    /// What is mounted in it.
    pub mounts: Vec<MountPoint>,
    /// Its ports.
    pub ports: Vec<PortMapping>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// Something mounted in a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct MountPoint {
    /// `bind`, `volume` or `tmpfs`.
    pub kind: String,
    /// The host path or the volume's name; empty for `tmpfs`.
    pub source: String,
    /// Where it is in the container.
    pub target: String,
    /// True when the container may not write.
    pub read_only: bool,
}

/// Parameters of `container/stop`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerStopParams {
    /// The engine; the client's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineId>,
    /// Id, a beginning of the id that only one has, or name.
    pub container: String,
    /// Seconds between the polite signal and the kill; the container's own setting without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
    /// The same key again gives the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_key: Option<String>,
}

/// Parameters of `container/remove`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerRemoveParams {
    /// The engine; the client's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineId>,
    /// Id, a beginning of the id that only one has, or name.
    pub container: String,
    /// Kill it first when it runs.
    #[serde(default)]
    pub force: bool,
    /// Remove its anonymous volumes with it.
    #[serde(default)]
    pub volumes: bool,
    /// The same key again gives the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_key: Option<String>,
}

/// Result of `container/start`, `container/stop` and `container/remove`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ContainerChanged {
    /// The container's id.
    pub container_id: String,
    /// False when it was so already.
    pub changed: bool,
}

/// Parameters of `container/logs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerLogsParams {
    /// The engine; the client's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineId>,
    /// Id, a beginning of the id that only one has, or name.
    pub container: String,
    /// Go on with what comes.
    #[serde(default)]
    pub follow: bool,
    /// Only so many of the last lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<u32>,
    /// Put the engine's time before each line.
    #[serde(default)]
    pub timestamps: bool,
}

/// Result of `container/logs`: a stream that carries the output from offset 0 and ends with `exited`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ContainerLogsResult {
    /// Where to read it.
    pub stream: StreamTicket,
}
