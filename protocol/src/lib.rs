//! Every type, method name, error kind and stream frame that Gangplank's clients and its daemon exchange.
//!
//! One declaration per method ([`catalogue`]) drives the server's registration, the typed Rust client, the
//! TypeScript package and `openrpc.json`. This crate knows no transport and does no IO.
//!
//! Reading order: [`catalogue`] (what can be called), the resources ([`daemon`], [`engine`], [`image`],
//! [`container`], [`workspace`], [`operation`], [`process`], [`watch`]), then [`error`], [`feed`] and [`stream`].
//!
//! Rules of the wire:
//! - names are `<resource>/<method>`, parameters are always given by name, fields are camelCase;
//! - integers stay below 2^53, times are milliseconds since the Unix epoch unless the field says that it is the
//!   engine's own text;
//! - parameters with unknown fields are refused (a typing error must not change what a call means), results may
//!   grow fields within a major protocol version.

pub mod catalogue;
pub mod container;
pub mod daemon;
pub mod engine;
pub mod error;
pub mod feed;
pub mod image;
pub mod operation;
pub mod process;
pub mod stream;
pub mod watch;
pub mod workspace;

#[cfg(feature = "schema")]
pub mod generate;

pub use catalogue::{Method, Subscription};
pub use error::{ErrorData, ErrorKind};

/// The protocol's version as `(major, minor)`: a client and a daemon understand each other when the majors are
/// equal; a minor adds methods and result fields only.
pub const PROTOCOL_VERSION: daemon::ProtocolVersion = daemon::ProtocolVersion { major: 1, minor: 0 };

/// Path of the JSON-RPC WebSocket on the daemon's socket.
pub const RPC_PATH: &str = "/rpc";

/// Path prefix of stream WebSockets: `/stream/{streamId}`.
pub const STREAM_PATH: &str = "/stream/";
