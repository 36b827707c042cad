//! devcontainer.json, in the making.
mod csv;
pub mod diagnostic;
pub mod hooks;
pub mod identity;
pub mod jsonc;
pub mod model;
pub mod mount;
pub mod paths;
pub mod property;
pub mod quantity;
pub mod run_args;
mod suggest;
pub mod variables;
pub use csv::CsvError;
