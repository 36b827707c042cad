//! The only code that talks to container engines: Docker Engine and Podman's Docker API.
//!
//! Nothing of the library underneath (bollard) shows in the public API, and nothing of this crate knows RPC,
//! workspaces or `devcontainer.json`. The parts:
//!
//! - [`context`] finds the engine that a client means, from that client's environment, as Docker's own tools do;
//! - [`Endpoint`] and [`EngineId`] name it, [`Engine`] is a cheap handle to it;
//! - one transport carries bollard's calls and our own streams; the API version is negotiated and stands on every path;
//! - images, containers, execs, volumes, networks and events are methods of [`Engine`] with types of this crate;
//! - [`availability`] tells when an engine goes and comes.
//!
//! bollard makes the plain calls. What streams (exec, attach, logs, pull, events, wait) is sent by this crate itself
//! over the same transport, because bollard's decoder takes the first byte of a terminal's output for a frame header,
//! its registry credentials are not in the URL-safe alphabet that engines decode, and its event types refuse
//! what Podman sends.
//!
//! The one call that unpacks an archive ([`Engine::lay_file`]) does it in a container that has never been started.

pub mod availability;
pub mod container;
pub mod context;
mod docker_config;
mod endpoint;
mod engine;
mod error;
pub mod events;
pub mod exec;
mod hijack;
pub mod image;
mod lines;
mod multiplex;
pub mod network;
mod output;
mod reference;
mod text;
mod transport;
mod version;
pub mod volume;
mod wire;

pub use context::{EngineRequest, resolve};
pub use endpoint::{Endpoint, EngineId};
pub use engine::{Capabilities, Engine, EngineInfo, Product};
pub use error::{Attempt, EngineError, ObjectKind};
pub use hijack::{InputWriter, Session};
pub use multiplex::{Output, Source};
pub use output::OutputStream;
pub use version::ApiVersion;

/// A stream of items or of the error that ended it. Dropping it cancels what it stands for.
pub type EngineStream<T> =
    std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<T, EngineError>> + Send + 'static>>;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
