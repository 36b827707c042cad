//! What runs in a container: started, attached to, signalled, listed, closed. Its bytes travel on a stream of their own
//! ([`crate::stream`]).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::EngineId;
use crate::workspace::{Trust, WorkspaceSelector};

/// Size of a terminal, in character cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TerminalSize {
    /// Columns, from 1.
    pub columns: u16,
    /// Rows, from 1.
    pub rows: u16,
}

/// Leave to open one stream, once, from the same user, within 10 s.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct StreamTicket {
    /// The `id` in the stream's path, `/stream/{id}`.
    pub stream_id: String,
    /// The offset of the first byte of output that the stream will carry.
    pub offset: u64,
}

/// Where a process runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase", tag = "type", deny_unknown_fields)]
pub enum ProcessTarget {
    /// In a workspace's container, as its `remoteUser`, in its workspace folder, with its remote environment.
    #[serde(rename_all = "camelCase")]
    Workspace {
        /// Which workspace.
        workspace: WorkspaceSelector,
    },
    /// In any running container, with what its image and configuration label say.
    #[serde(rename_all = "camelCase")]
    Container {
        /// Id, a beginning of the id that only one has, or name.
        container: String,
    },
}

/// Parameters of `process/start`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessStartParams {
    /// The engine; the client's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineId>,
    /// Where it runs.
    pub target: ProcessTarget,
    /// Program and arguments, passed on unchanged; empty means the user's login shell.
    pub argv: Vec<String>,
    /// Give it a terminal.
    #[serde(default)]
    pub tty: bool,
    /// Keep standard input open; without it the process reads end of input at once.
    #[serde(default)]
    pub interactive: bool,
    /// Leave it running without a stream.
    #[serde(default)]
    pub detach: bool,
    /// A directory in the container, or a host directory beneath the workspace folder (`hostDirectory`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// A directory of this machine to be mapped into the container, used when `cwd` is absent; one that is not mounted
    /// there counts as the workspace folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_directory: Option<String>,
    /// Variables on top of the remote environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// A name to find it by in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its terminal is closed when nobody was attached for so many seconds and only its shell is there, waiting for a
    /// command; 86,400 without this, never with 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout_seconds: Option<u64>,
    /// Another user than the target's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Size of the terminal, with `tty`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<TerminalSize>,
    /// The client's environment, for `${localEnv:…}` in `remoteEnv`. In memory only; a variable that was not allowed for
    /// this container by a `workspace/up` is refused with `untrusted`.
    #[serde(default)]
    pub client_environment: BTreeMap<String, String>,
    /// Who decides about such a variable: `grant` gives it this once; nobody can be asked here, so `ask` refuses.
    #[serde(default)]
    pub trust: Trust,
    /// The same key again gives the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_key: Option<String>,
}

/// Result of `process/start`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct ProcessStarted {
    /// The process's id in this daemon.
    pub process_id: String,
    /// The container it runs in.
    pub container_id: String,
    /// Its stream, unless it was detached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamTicket>,
}

/// Parameters of `process/attach`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessAttachParams {
    /// The process.
    pub process_id: String,
    /// The first byte of output that this client lacks; what is still held from the start of it without this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

/// Result of `process/attach`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct ProcessAttachResult {
    /// The process as it is now.
    pub process: Process,
    /// Its stream.
    pub stream: StreamTicket,
    /// Bytes of input that the process has taken from all its clients so far; absent when nobody counts them. So a client
    /// that comes back knows which of its own are still to be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_bytes: Option<u64>,
}

/// Parameters of `process/signal`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessSignalParams {
    /// The process.
    pub process_id: String,
    /// POSIX name without `SIG`, as in `INT`.
    pub signal: String,
    /// The same key again gives the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_key: Option<String>,
}

/// Parameters of `process/list`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessListParams {
    /// Only those of this container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_id: Option<String>,
}

/// Result of `process/list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ProcessListResult {
    /// The processes started through this daemon, and those that outlived earlier ones, oldest first; ended ones are kept
    /// for a while.
    pub processes: Vec<Process>,
}

/// A process in a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// Its id; never given twice.
    pub process_id: String,
    /// The engine of its container.
    pub engine: EngineId,
    /// Its container.
    pub container_id: String,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// True when it has a terminal.
    pub tty: bool,
    /// When it was started.
    pub started_at: u64,
    /// How many clients are attached.
    pub clients: u32,
    /// The process id, on the daemon's machine, of the program that asked for its stream last; absent for one that came by
    /// TCP. So an editor finds the process behind a terminal of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_pid: Option<u32>,
    /// Bytes of output so far.
    pub output_bytes: u64,
    /// True when it outlives this daemon: an agent in its container hosts it.
    pub resumable: bool,
    /// The name it was given when it was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What its own program calls the terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The directory its shell is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// The name of what runs in its terminal's foreground.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreground: Option<String>,
    /// The last commands of its shell, oldest first, where that marks them (OSC 133 or 633); the last may still run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<ProcessCommand>,
    /// How it ended, when it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<ProcessExit>,
}

/// One command line of a shell, as the shell's own marks tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct ProcessCommand {
    /// The line, where the shell told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// When it began.
    pub started_at: u64,
    /// How long it took, in milliseconds; absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Its exit code, where the shell told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Offset of its first byte of output.
    pub output_offset: u64,
}

/// How a process ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct ProcessExit {
    /// Its exit code: 0 to 255, 128 + signal for a signal, absent when nobody could learn it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// Why, where it was not by itself: `containerStopped`, `outOfMemory`, `engineUnavailable`,
    /// `agentEnded`, `closed`, `idle`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Parameters of `process/close`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessCloseParams {
    /// The process.
    pub process_id: String,
    /// The same key again gives the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_key: Option<String>,
}

/// Result of `process/close`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ProcessCloseResult {
    /// False when it had ended already.
    pub closed: bool,
    /// Processes of its session that made sessions of their own and go on.
    pub remaining: Vec<String>,
}
