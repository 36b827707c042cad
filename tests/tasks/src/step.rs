//! The steps of a long command: each with a heading, its time, a log of its own, and what it counted.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gangplank_tests::error::chain;
use gangplank_tests::{HarnessError, place, program};

use crate::error::TaskError;

/// How much of a failed step's log is shown; all of it is in the file.
const SHOWN_LINES: usize = 60;

/// What a step did.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Checks or tests that held.
    pub(crate) passed: usize,
    /// Those that did not; a step that could not run counts as one.
    pub(crate) failed: usize,
    /// Tests that were left out, each with its name and reason.
    pub(crate) skipped: Vec<String>,
    /// What to read about the failures.
    pub(crate) complaint: String,
}

impl Outcome {
    /// One check that held.
    pub(crate) fn passed() -> Outcome {
        Outcome { passed: 1, ..Outcome::default() }
    }

    /// One check that did not hold.
    pub(crate) fn failed(complaint: impl Into<String>) -> Outcome {
        Outcome { failed: 1, complaint: complaint.into(), ..Outcome::default() }
    }

    /// One check that holds when it has no complaints.
    pub(crate) fn unless(complaints: &[String]) -> Outcome {
        if complaints.is_empty() { Outcome::passed() } else { Outcome::failed(complaints.join("\n")) }
    }
}

/// Steps in the order in which they run.
#[derive(Debug)]
pub(crate) struct Steps {
    folder: PathBuf,
    begun: Instant,
    done: Vec<(&'static str, Duration, Outcome)>,
}

impl Steps {
    /// No steps yet; their logs will be in `target/<name>`.
    pub(crate) fn new(name: &str) -> Result<Steps, TaskError> {
        let folder = place::beneath_target(name)?;
        Ok(Steps { folder, begun: Instant::now(), done: Vec::new() })
    }

    /// Runs one step. A step that could not run has failed; the next ones run all the same.
    pub(crate) fn run(
        &mut self,
        name: &'static str,
        step: impl FnOnce(&Log) -> Result<Outcome, TaskError>,
    ) -> bool {
        tell!("== {name}");
        let begun = Instant::now();
        let log = Log { file: self.folder.join(format!("{}.log", name.replace(' ', "-"))) };
        let outcome = step(&log).unwrap_or_else(|error| Outcome::failed(chain(&error)));
        let (time, held) = (begun.elapsed(), outcome.failed == 0);
        if held {
            tell!("   {} passed, {:.1} s", outcome.passed, time.as_secs_f32());
        } else {
            tell!("{}", outcome.complaint);
            tell!("   {} passed, {} FAILED, {:.1} s", outcome.passed, outcome.failed, time.as_secs_f32());
        }
        self.done.push((name, time, outcome));
        held
    }

    /// Prints the summary, whose last line is `N passed, N failed`, and gives both numbers.
    pub(crate) fn finish(self) -> (usize, usize) {
        tell!("\n{:<28} {:>8} {:>8} {:>8} {:>9}", "step", "passed", "failed", "skipped", "seconds");
        for (name, time, outcome) in &self.done {
            let (passed, failed, skipped) = (outcome.passed, outcome.failed, outcome.skipped.len());
            tell!("{name:<28} {passed:>8} {failed:>8} {skipped:>8} {:>9.1}", time.as_secs_f32());
        }
        tell!("{:<28} {:>36.1}\n", "all", self.begun.elapsed().as_secs_f32());
        let outcomes = || self.done.iter().map(|(_, _, outcome)| outcome);
        let skipped: Vec<&String> = outcomes().flat_map(|outcome| &outcome.skipped).collect();
        if !skipped.is_empty() {
            tell!("{} skipped:", skipped.len());
            skipped.iter().for_each(|line| tell!("  {line}"));
        }
        let passed = outcomes().map(|outcome| outcome.passed).sum();
        let failed = outcomes().map(|outcome| outcome.failed).sum();
        tell!("{passed} passed, {failed} failed");
        (passed, failed)
    }
}

/// The log file of one step.
#[derive(Debug)]
pub(crate) struct Log {
    file: PathBuf,
}

impl Log {
    /// Runs `command` in the repository with its output in this log. Gives whether it succeeded, and the output.
    pub(crate) fn run(&self, command: &mut Command) -> Result<(bool, String), TaskError> {
        let output = File::create(&self.file).map_err(TaskError::file("make", &self.file))?;
        let errors = output.try_clone().map_err(TaskError::file("open", &self.file))?;
        let status = command
            .current_dir(place::repository())
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .status()
            .map_err(HarnessError::io("start", command.get_program()))?;
        let text = std::fs::read(&self.file).map_err(TaskError::file("read", &self.file))?;
        Ok((status.success(), String::from_utf8_lossy(&text).into_owned()))
    }

    /// Runs `command` as a step of one check.
    pub(crate) fn check(&self, command: &mut Command) -> Result<Outcome, TaskError> {
        let (held, text) = self.run(command)?;
        if held {
            return Ok(Outcome::passed());
        }
        Ok(Outcome::failed(self.complaint(&program::line(command), &text)))
    }

    /// The end of the output of a command that failed, and where all of it is.
    pub(crate) fn complaint(&self, line: &str, text: &str) -> String {
        let file = self.file.display();
        format!("{}\n`{line}` failed; all of it is in {file}", program::tail(text, SHOWN_LINES))
    }
}
