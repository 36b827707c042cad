//! What is printed: answers on standard output, everything else on standard error.

pub(crate) mod escape;
pub(crate) mod failure;
pub(crate) mod human;
pub(crate) mod progress;
pub(crate) mod table;

use std::io::Write;

use serde::Serialize;

use crate::args::Format;
use crate::exit;
use crate::failure::Failure;

/// What may be printed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// Colours on standard error.
    pub(crate) colours: bool,
    /// Moving bars on standard error.
    pub(crate) bars: bool,
    /// Progress at all.
    pub(crate) progress: bool,
    /// Warnings.
    pub(crate) warnings: bool,
    /// Which daemon and engine were used.
    pub(crate) details: bool,
}

/// The two outputs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    pub(crate) style: Style,
}

impl Screen {
    /// Writes lines of the answer. They must be escaped already.
    ///
    /// # Errors
    /// [`Failure::BrokenPipe`] when nobody reads it.
    pub(crate) fn answer(&self, text: &str) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::output)
    }

    /// Writes a value of the answer as one line of JSON.
    ///
    /// # Errors
    /// As [`Screen::answer`].
    pub(crate) fn json<T: Serialize>(&self, value: &T) -> Result<(), Failure> {
        let line = serde_json::to_string(value)
            .map_err(|error| Failure::Io { what: "write the answer".to_owned(), source: error.into() })?;
        self.answer(&format!("{}\n", escape::json(&line)))
    }

    /// Writes a list: a JSON array, one value a line, or as `text` has it.
    ///
    /// # Errors
    /// As [`Screen::answer`].
    pub(crate) fn list<T: Serialize>(
        &self,
        format: Format,
        items: &[T],
        text: impl FnOnce(&[T]) -> String,
    ) -> Result<(), Failure> {
        match format {
            Format::Text => self.answer(&text(items)),
            Format::Json => self.json(&items),
            Format::Ndjson => items.iter().try_for_each(|item| self.json(item)),
        }
    }

    /// Writes one value: JSON, or as `text` has it.
    ///
    /// # Errors
    /// As [`Screen::answer`].
    pub(crate) fn value<T: Serialize>(
        &self,
        format: Format,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        match format {
            Format::Text => self.answer(&text(value)),
            Format::Json | Format::Ndjson => self.json(value),
        }
    }

    /// Tells something beside the answer, on a line of its own, escaped.
    pub(crate) fn note(&self, text: &str) {
        self.tell(&escape::line(text));
    }

    /// Tells a value beside the answer, as one line of JSON.
    pub(crate) fn tell_json<T: Serialize>(&self, value: &T) {
        // the protocol's types are numbers and strings, which always serialize
        if let Ok(line) = serde_json::to_string(value) {
            self.tell(&escape::json(&line));
        }
    }

    /// Tells lines that are escaped already.
    pub(crate) fn tell(&self, text: &str) {
        // whoever closed standard error does not want to know
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}

/// Prints clap's message where it belongs and gives the exit code: help is an answer, anything else a `mistake`.
pub(crate) fn usage(error: &clap::Error, mistake: u8) -> u8 {
    // it goes to standard output or error, and a closed one does not want to know
    let _ = error.print();
    if error.use_stderr() { mistake } else { exit::OK }
}
