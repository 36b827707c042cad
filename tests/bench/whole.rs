//! Whole processes, from their start to their end, in the environment of a user of their own.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gangplank_tests::Sandbox;
use gangplank_tests::error::HarnessError;

/// How long `command` takes; what it writes is thrown away, but for its errors.
///
/// # Errors
/// When it cannot be started, or fails.
pub(crate) fn timed(sandbox: &Sandbox, mut command: Command) -> Result<Duration, HarnessError> {
    command.env_clear().envs(sandbox.environment());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let shown = format!("{command:?}");
    let begun = Instant::now();
    let output = command.output().map_err(HarnessError::io("start", &shown))?;
    let took = begun.elapsed();
    if output.status.success() {
        return Ok(took);
    }
    let tail = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(HarnessError::Program { program: shown, status: output.status.to_string(), tail })
}
