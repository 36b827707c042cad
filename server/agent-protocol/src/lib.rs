//! What the daemon and its agent in a container say to each other. Pure: bytes in, values out; both ends do the IO.
//!
//! One byte stream, the standard input and output of a bridge that the engine runs, carries frames, each after its
//! length as 32 bits, big endian (`docs/agent-protocol.md` has the wire as a whole). In reading order:
//! - [`handshake`]: both sides prove a key before the first frame.
//! - [`frame`]: everything after it; bytes that have an order, and messages.
//! - [`message`]: requests and answers. A frozen core of them never changes; the rest is negotiated.
//! - [`output`]: what a process has written, by offset; the agent keeps it, and the daemon where there is no agent.
//! - [`session`]: which processes are a session's, from what the kernel tells of each.

pub mod frame;
pub mod handshake;
pub mod message;
pub mod output;
pub mod session;

/// Bytes of output that may be on their way on one bridge without the daemon having confirmed them: so few that no echo
/// waits behind much of another's flood.
pub const BRIDGE_WINDOW: u64 = 64 * 1024;

/// Bytes of output that one attachment may be sent without acknowledging them, and of input that one process may be sent
/// without the agent confirming them. The same as the credit of a client's stream.
pub const CREDIT: u64 = 256 * 1024;

/// Between two pings, in seconds.
pub const HEARTBEAT_SECONDS: u64 = 5;

/// A peer silent for so many seconds is taken for dead, unless its container is paused.
pub const DEAD_AFTER_SECONDS: u64 = 20;
