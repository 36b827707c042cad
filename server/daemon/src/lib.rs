//! The Gangplank daemon: one per user, disposable. Whatever must outlive it is in the engine (containers and their
//! labels) or in small files that can be made anew.
//!
//! A request's way: socket → [`listen`] → [`rpc`] → a handle ([`workspaces`], [`operation`], [`process`], [`watch`]) →
//! the engine; and events back through feeds. Straight through, no back and forth.
//!
//! Reading order: [`mod@serve`] and [`daemon`] (what there is), [`rpc`], [`workspaces`] and [`workspace`], [`lifecycle`],
//! [`process`] and [`stream`], [`watch`]; then what they stand on: [`operation`], [`feed`], [`request_key`], [`engines`],
//! [`trust`], [`store`], [`place`], [`instance`], [`host_file`].
//!
//! The daemon has no environment of its own: what depends on one (engine, `${localEnv:…}`, host commands, credentials)
//! comes with each request, stays in memory, and is never logged.

pub mod agent;
pub mod clock;
pub mod connection;
pub mod container;
pub mod daemon;
pub mod engines;
pub mod failure;
pub mod feed;
pub mod host_file;
pub mod identifier;
pub mod image;
pub mod instance;
pub mod lifecycle;
pub mod listen;
pub mod log;
pub mod operation;
pub mod place;
pub mod process;
pub mod request_key;
pub mod rpc;
pub mod serve;
pub mod store;
pub mod stream;
pub mod trust;
pub mod watch;
pub mod workspace;
pub mod workspaces;

pub use serve::{ServeError, ServeOptions, Served, serve};
