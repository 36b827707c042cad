//! devcontainer.json: everything that can be said about a dev container without looking at a machine.
//!
//! This crate is pure. It reads no file, clock, environment or network; what the machine holds comes in as arguments,
//! what is wrong goes out as data. `clippy.toml` beside it holds that law. The semantics are those of the
//! specification, and of the reference CLI (`@devcontainers/cli`) in what scripts can observe; ids, labels and
//! substituted values are exactly the reference's, so that containers are interchangeable.
//!
//! In reading order:
//! - [`configuration`]: the whole way from a file's text to what is known before the container exists. Start here.
//! - [`diagnostic`], [`jsonc`]: findings with places, and JSON with comments.
//! - [`property`], [`model`]: which properties there are, and what a configuration asks for, in types.
//! - [`variables`], [`identity`]: `${…}` in three stages; labels and `${devcontainerId}`.
//! - [`paths`], [`mount`], [`workspace`]: host and container paths, mounts, and how the workspace gets in.
//! - [`run_args`], [`quantity`]: flags of `docker run` as typed options, and the sizes in them.
//! - [`hooks`], [`start_command`], [`merge`]: what runs, in which order, as whom and in which environment.
//! - [`metadata`]: what images carry along.
//! - [`effects`]: what of it all reaches the host and needs consent.
//! - [`discovery`], [`offer`]: which file is used, and what to do where there is none.

pub mod configuration;
mod csv;
pub mod diagnostic;
pub mod discovery;
pub mod effects;
pub mod hooks;
pub mod identity;
pub mod jsonc;
pub mod merge;
pub mod metadata;
pub mod model;
pub mod mount;
pub mod offer;
pub mod paths;
pub mod property;
pub mod quantity;
pub mod run_args;
pub mod start_command;
mod suggest;
pub mod variables;
pub mod workspace;

pub use csv::CsvError;
