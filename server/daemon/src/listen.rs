//! The daemon's doors: a Unix socket always, a loopback TCP port when asked for. A connection is admitted (`admit`),
//! held to its limits (`gate`) and routed: `/rpc` to the JSON-RPC server, `/stream/{id}` to a process's bytes.

mod accept;
mod admit;
mod gate;
mod limit;
mod tcp;
mod unix;

pub use accept::Doors;
pub use admit::Door;
pub use gate::Gate;
pub use tcp::{TcpDoor, TcpError};
pub use unix::UnixDoor;
