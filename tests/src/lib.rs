//! The harness: real engines, images, a registry and an isolated `gangplank`, for tests and for `cargo demo`.
//!
//! Reading order: [`service`] (a shared background process and how it ends), [`engine`] and [`registry`] (the two
//! kinds of service), [`image`] (what runs on the engines), [`sandbox`] (the program under test, with its output
//! and its terminal).
//!
//! Rules:
//! - Nothing is skipped: what cannot be set up is an error that says what is missing and what to install.
//! - Nothing is left behind: services end when their last user is gone, however it went; a sandbox takes its
//!   daemon, processes and containers with it when it is dropped.
//! - Nothing is installed but Debian packages that [`debian`] names, and only as root.
//! - Whatever took long to make is kept beneath `target/`, named by the content of its recipe.

pub mod debian;
pub mod engine;
pub mod error;
pub mod image;
pub mod place;
pub mod process;
pub mod program;
pub mod registry;
pub mod sandbox;
pub mod scale;
pub mod service;

pub use engine::{Engine, EngineKind};
pub use error::HarnessError;
pub use image::Image;
pub use registry::Registry;
pub use sandbox::Sandbox;

use std::io::Write;

/// Tells the person at the terminal what the harness does, past the capture of the test framework.
pub fn say(line: impl std::fmt::Display) {
    // a closed stderr must not fail a test
    let _ = writeln!(std::io::stderr(), "harness: {line}");
}
