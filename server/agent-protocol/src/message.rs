//! Requests and answers. [`Request::List`], [`Request::Attach`], [`Request::Detach`] and [`Request::Handover`] with their
//! answers are the frozen core: containers and their terminals outlive many upgrades, so every daemon understands
//! these of every agent. The others belong to the version that both agreed on. Unknown fields are ignored, and fields
//! that are added have defaults.

use serde::{Deserialize, Serialize};

/// What a bridge that starts an agent reads first from its standard input, after its length as a frame. Not in arguments,
/// environment or a file, where others in the container could read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seed {
    /// The agent's key.
    pub key: crate::handshake::Key,
    /// Whose agent it is.
    pub identity: crate::handshake::Identity,
}

/// The agent's first frame after the handshake.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Welcome {
    /// The agent's build.
    pub agent: String,
    /// The version agreed on; none: only the frozen core.
    pub version: Option<u16>,
    /// Its process id in the container.
    pub pid: i32,
    /// Its user id in the container.
    pub uid: u32,
}

/// What the daemon asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "request")]
pub enum Request {
    /// Frozen. All processes: [`Answer::Processes`].
    List,
    /// Frozen. Send a process's output from an offset on: [`Answer::Attached`].
    Attach(Attach),
    /// Frozen. Send nothing more of an attachment: [`Answer::Done`].
    Detach(Detach),
    /// Frozen. Start nothing more and end when the last process has: [`Answer::Done`]. A later agent takes over.
    Handover,
    /// Start a process: [`Answer::Started`]. Asked again with the same process, it starts nothing and attaches.
    Start(Start),
    /// A process's input ends at an offset: [`Answer::Done`].
    EndInput(EndInput),
    /// Its terminal has this size: [`Answer::Done`].
    Resize(Resize),
    /// Signal it: [`Answer::Done`], or [`Refusal::Ended`].
    Signal(Signal),
    /// Hang up its session, and kill what is left of it after 2 s: [`Answer::Closed`], at once.
    Close(Close),
    /// Forget a process that has ended, with its output: [`Answer::Done`].
    Forget(Close),
}

/// Parameters of [`Request::Attach`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attach {
    /// The process.
    pub process: u64,
    /// The daemon's number for this attachment, not in use on this bridge.
    pub attachment: u32,
    /// The first byte wanted; the oldest there is when absent. Where the output before it is gone, a gap or, for a
    /// terminal, a snapshot comes first.
    #[serde(default)]
    pub offset: Option<u64>,
}

/// Parameters of [`Request::Detach`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Detach {
    /// The attachment.
    pub attachment: u32,
}

/// Size of a terminal in cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Size {
    /// Columns, from 1.
    pub columns: u16,
    /// Rows, from 1.
    pub rows: u16,
}

/// Parameters of [`Request::Start`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Start {
    /// The daemon's random number for the process.
    pub process: u64,
    /// Program and arguments, at least one.
    pub argv: Vec<String>,
    /// A terminal of this size; none: pipes.
    pub tty: Option<Size>,
    /// Whether its input stays open; without a terminal only.
    pub interactive: bool,
    /// Its directory; `/` when absent.
    pub cwd: Option<String>,
    /// `NAME=value` each, on top of the agent's own environment, which is the container's.
    pub environment: Vec<String>,
    /// Names it must not have.
    pub unset: Vec<String>,
    /// Attach to it from its first byte on, under this number.
    pub attachment: Option<u32>,
    /// What it is for, in the daemon's words; comes back in lists.
    pub purpose: String,
    /// The user's name for it; comes back in lists.
    pub name: Option<String>,
    /// End its terminal's session when nobody was attached for so many seconds and nothing runs in it but its idle shell.
    pub idle_seconds: Option<u64>,
}

/// Parameters of [`Request::EndInput`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndInput {
    /// The process.
    pub process: u64,
    /// Bytes of input in all.
    pub offset: u64,
}

/// Parameters of [`Request::Resize`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resize {
    /// The process.
    pub process: u64,
    /// The size.
    pub size: Size,
}

/// Parameters of [`Request::Signal`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Signal {
    /// The process.
    pub process: u64,
    /// POSIX name without `SIG`.
    pub name: String,
}

/// Parameters of [`Request::Close`] and [`Request::Forget`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Close {
    /// The process.
    pub process: u64,
}

/// What comes of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "answer")]
pub enum Answer {
    /// It was done.
    Done,
    /// It runs.
    Started(Started),
    /// Output comes from now on.
    Attached(Attached),
    /// The session was hung up.
    Closed(Closed),
    /// All processes, oldest first.
    Processes(Processes),
    /// It was not done.
    Refused(Refused),
}

/// A process that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// Its process id in the container.
    pub pid: i32,
}

/// An attachment that begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attached {
    /// Where output goes on; later than asked for when what was before is gone.
    pub offset: u64,
    /// Bytes of input taken so far.
    pub input: u64,
}

/// A session that is being ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Closed {
    /// False when the process had ended already.
    pub closed: bool,
    /// Names of descendants that made sessions of their own and go on.
    pub remaining: Vec<String>,
}

/// The processes of an agent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Processes {
    /// Oldest first; at most as many as a frame holds.
    pub processes: Vec<Process>,
}

/// A process and what is known of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Process {
    /// The daemon's number for it.
    pub process: u64,
    /// Its process id in the container.
    pub pid: i32,
    /// Program and arguments; long ones are cut.
    #[serde(skip_serializing_if = "is_default")]
    pub argv: Vec<String>,
    /// The terminal's size, when it has one.
    #[serde(skip_serializing_if = "is_default")]
    pub tty: Option<Size>,
    /// As in [`Start::purpose`].
    #[serde(skip_serializing_if = "is_default")]
    pub purpose: String,
    /// As in [`Start::name`].
    #[serde(skip_serializing_if = "is_default")]
    pub name: Option<String>,
    /// When it was started, in milliseconds since 1970 by the container's clock.
    #[serde(skip_serializing_if = "is_default")]
    pub started_at: u64,
    /// Offset of the oldest byte of output that is kept.
    #[serde(skip_serializing_if = "is_default")]
    pub output_start: u64,
    /// Bytes of output so far.
    #[serde(skip_serializing_if = "is_default")]
    pub output_end: u64,
    /// Attachments of all bridges.
    #[serde(skip_serializing_if = "is_default")]
    pub attachments: u32,
    /// What the terminal's own program calls it (OSC 0 and 2).
    #[serde(skip_serializing_if = "is_default")]
    pub title: Option<String>,
    /// The shell's directory, by its own word (OSC 7, 633) or else the kernel's.
    #[serde(skip_serializing_if = "is_default")]
    pub cwd: Option<String>,
    /// The name of what runs in the terminal's foreground.
    #[serde(skip_serializing_if = "is_default")]
    pub foreground: Option<String>,
    /// Commands as the shell marked them (OSC 133, 633): the last ones, oldest first; the last may still run.
    #[serde(skip_serializing_if = "is_default")]
    pub commands: Vec<Command>,
    /// How it ended, when it has.
    #[serde(skip_serializing_if = "is_default")]
    pub exit: Option<Exit>,
}

/// What is left out is as by default.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// One command line of a shell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Command {
    /// The line, where the shell told it.
    #[serde(skip_serializing_if = "is_default")]
    pub line: Option<String>,
    /// When it began, in milliseconds since 1970.
    #[serde(skip_serializing_if = "is_default")]
    pub started_at: u64,
    /// How long it took, in milliseconds; none while it runs.
    #[serde(skip_serializing_if = "is_default")]
    pub duration_ms: Option<u64>,
    /// Its exit code, where the shell told it.
    #[serde(skip_serializing_if = "is_default")]
    pub exit_code: Option<i32>,
    /// Offset of its first byte of output.
    #[serde(skip_serializing_if = "is_default")]
    pub output: u64,
}

/// How a process ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Exit {
    /// Its exit code, where it ended by itself.
    pub code: Option<i32>,
    /// The number of the signal that ended it.
    pub signal: Option<i32>,
    /// Why: `closed`, `idle`; absent when it ended by itself.
    pub reason: Option<String>,
}

/// The end of an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The attachment.
    pub attachment: u32,
    /// How its process ended.
    pub exit: Exit,
}

/// A request that was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// The same for people.
    pub message: String,
}

/// Why a request was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Refusal {
    /// There is no such process.
    Unknown,
    /// It has ended.
    Ended,
    /// The program is not there: exit code 127.
    ProgramNotFound,
    /// The program cannot be run: exit code 126.
    ProgramNotRunnable,
    /// The directory cannot be entered.
    Directory,
    /// The agent or the container has no room for it.
    Exhausted,
    /// The request makes no sense, or not to this agent.
    Invalid,
}
