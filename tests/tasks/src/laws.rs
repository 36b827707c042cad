//! The laws of the house that a compiler does not know: who may depend on whom, and what every source file keeps.

mod dependencies;
mod files;

use crate::error::TaskError;

/// One law and what breaks it.
#[derive(Debug)]
pub(crate) struct Law {
    /// What it asks.
    pub(crate) name: &'static str,
    /// The offenders, a line each.
    pub(crate) broken: Vec<String>,
}

/// Looks at all of them.
pub(crate) fn check() -> Result<Vec<Law>, TaskError> {
    let mut laws = dependencies::check()?;
    laws.extend(files::check()?);
    Ok(laws)
}
