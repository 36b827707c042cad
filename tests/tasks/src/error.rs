//! What ends a command early.

use std::path::PathBuf;

use gangplank_tests::HarnessError;

/// A command that could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    /// The harness could not set something up.
    #[error(transparent)]
    Harness(#[from] HarnessError),
    /// A file could not be read or written.
    #[error("cannot {action} {path}")]
    File {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// A program answered in a form that is not known here.
    #[error("`{program}` gave no readable answer")]
    Answer {
        program: &'static str,
        #[source]
        source: serde_json::Error,
    },
    /// A step of the demonstration failed; what it said is on the terminal already.
    #[error("{step} failed (see above)\n  {hint}")]
    Step { step: &'static str, hint: &'static str },
}

impl TaskError {
    /// For `map_err`: a [`TaskError::File`] about `path`.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> TaskError {
        let path = path.into();
        move |source| TaskError::File { action, path, source }
    }
}
