//! devcontainer.json, in the making.
mod csv;
pub mod diagnostic;
pub mod hooks;
pub mod identity;
pub mod jsonc;
pub mod mount;
pub mod paths;
pub mod quantity;
mod suggest;
pub mod variables;
pub use csv::CsvError;
