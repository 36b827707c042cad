//! Prints what is generated from the catalogue: `protocol/openrpc.json`, `protocol/typescript/`, `docs/protocol.md`.

pub mod openrpc;
pub mod reference;
pub mod typescript;

pub use openrpc::openrpc;
pub use reference::reference;
pub use typescript::typescript;

/// Says in each generated file that it is one, and how to renew it.
pub const NOTICE: &str = "Generated from protocol/src by `cargo generate`; do not edit.";
