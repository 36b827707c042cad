//! Running host programs to their end, with an error that shows what they said.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::HarnessError;

/// Runs `command` to its end and gives its standard output.
///
/// # Errors
/// When it cannot be started, or ends with anything but success; the error carries the end of its output.
pub fn run(command: &mut Command) -> Result<Vec<u8>, HarnessError> {
    let line = line(command);
    let output =
        command.stdin(Stdio::null()).output().map_err(HarnessError::io("start", command.get_program()))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let mut said = output.stdout;
    said.extend_from_slice(&output.stderr);
    Err(HarnessError::Program {
        program: line,
        status: output.status.to_string(),
        tail: tail(&String::from_utf8_lossy(&said), 20),
    })
}

/// A command as one line, for messages.
#[must_use]
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// The last `count` lines of `text`, indented.
#[must_use]
pub fn tail(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(count)..];
    last.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

/// The last `count` lines of a file; a file that cannot be read says so instead.
#[must_use]
pub fn tail_of_file(file: &Path, count: usize) -> String {
    match std::fs::read(file) {
        Ok(content) => tail(&String::from_utf8_lossy(&content), count),
        Err(error) => format!("    ({}: {error})", file.display()),
    }
}

/// Where `program` is, searched as the shell does and where administrators' programs are.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}
