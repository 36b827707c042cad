//! The typed client for Rust programs: finds or starts the user's daemon, calls its methods, follows its feeds, opens
//! its streams.
//!
//! Reading order: [`place`] (the contract about where the daemon is), [`locate`] (reading it and connecting),
//! [`start`] (starting one on demand), [`client`] (calls and subscriptions), [`operation`] (following long work),
//! [`stream`] (a process's bytes), [`relay`] (the untyped connection that `connect --stdio` passes on).
//!
//! Rules: the library prints nothing and keeps no state beyond its connections; nothing is sent to a socket before
//! its owner and mode were checked.

pub mod client;
pub mod environment;
pub mod error;
pub mod locate;
pub mod operation;
pub mod place;
pub mod relay;
pub mod start;
pub mod stream;

pub use client::{Client, ConnectOptions, Feed};
pub use error::ClientError;
pub use place::Place;
pub use stream::{ProcessStream, Reattached, StreamReader, StreamWriter};

#[cfg(test)]
mod tests;
