//! What a finished `gangplank` said, with assertions that show all of it when they fail.

use std::fmt;
use std::process::ExitStatus;

use serde_json::Value;

use crate::error::fail;

/// A finished run.
#[derive(Debug, Clone)]
pub struct Output {
    pub(super) line: String,
    pub(super) status: Option<ExitStatus>,
    /// Its standard output, byte by byte.
    pub stdout: Vec<u8>,
    /// Its standard error, byte by byte.
    pub stderr: Vec<u8>,
}

impl Output {
    /// The exit code; a run that a signal ended has none.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.and_then(|status| status.code())
    }

    /// The standard output as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The standard error as text.
    #[must_use]
    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// The standard output as one JSON value.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.stdout) {
            Ok(value) => value,
            Err(error) => fail(format_args!("no JSON on stdout ({error}): {self}")),
        }
    }

    /// Asserts exit code 0.
    #[track_caller]
    pub fn success(self) -> Output {
        self.exits(0)
    }

    /// Asserts this exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Output {
        assert!(self.code() == Some(code), "expected exit code {code}: {self}");
        self
    }

    /// Asserts that the standard output has `needle` in it.
    #[track_caller]
    pub fn says(self, needle: &str) -> Output {
        assert!(self.text().contains(needle), "stdout lacks {needle:?}: {self}");
        self
    }

    /// Asserts that the standard output has no `needle` in it.
    #[track_caller]
    pub fn does_not_say(self, needle: &str) -> Output {
        assert!(!self.text().contains(needle), "stdout has {needle:?}: {self}");
        self
    }

    /// Asserts that the standard error has `needle` in it.
    #[track_caller]
    pub fn complains(self, needle: &str) -> Output {
        assert!(self.errors().contains(needle), "stderr lacks {needle:?}: {self}");
        self
    }

    /// Asserts the standard output byte by byte.
    #[track_caller]
    pub fn says_exactly(self, bytes: impl AsRef<[u8]>) -> Output {
        let expected = String::from_utf8_lossy(bytes.as_ref()).into_owned();
        assert!(self.stdout == bytes.as_ref(), "expected exactly {expected:?} on stdout: {self}");
        self
    }
}

impl fmt::Display for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.map_or_else(|| "no end".to_owned(), |status| status.to_string());
        writeln!(formatter, "`{}`: {status}", self.line)?;
        writeln!(formatter, "--- stdout\n{}", self.text())?;
        write!(formatter, "--- stderr\n{}", self.errors())
    }
}
