//! The editor extension: its own checks with npm, and its stories in a real VS Code.

use std::path::Path;
use std::process::Command;

use gangplank_tests::debian::{self, Tool};
use gangplank_tests::{Engine, Image, place, program, sandbox};

use crate::error::TaskError;
use crate::step::{Log, Outcome, Steps};

/// Node and its package manager. The editor brings the Node that it runs on.
const NODE: [Tool; 2] =
    [Tool { program: "node", package: "nodejs" }, Tool { program: "npm", package: "npm" }];

/// A VS Code to test in: the heading of its step, and the release of code-server that carries it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Editor {
    step: &'static str,
    code_server: &'static str,
}

/// The oldest VS Code that the extension supports.
pub(crate) const OLDEST: Editor = Editor { step: "stories in VS Code 1.100", code_server: "4.100.3" };
/// The newest that code-server carries.
pub(crate) const NEWEST: Editor = Editor { step: "stories in VS Code 1.139", code_server: "4.139.1" };

/// Types, lints, unit tests and the limit on the bundle's size.
pub(super) fn checks(steps: &mut Steps) {
    let installed = steps.run("extension: packages", |log| {
        debian::require(&NODE)?;
        log.check(&mut npm(&["ci", "--no-audit", "--no-fund"]))
    });
    if !installed {
        return;
    }
    steps.run("extension: types", |log| log.check(&mut npm(&["run", "types"])));
    steps.run("extension: lints", |log| log.check(&mut npm(&["run", "lint"])));
    steps.run("extension: unit tests", |log| counted(log, &mut npm(&["run", "unit"]), of_node));
    steps.run("extension: bundle", |log| log.check(&mut npm(&["run", "build", "--", "--limit"])));
}

/// The stories, against this engine and program.
pub(super) fn stories(
    log: &Log,
    editor: Editor,
    engine: &Engine,
    binary: &Path,
) -> Result<Outcome, TaskError> {
    debian::require(&NODE)?;
    let mut run = Command::new("npm");
    run.args(["test", "--prefix", "tests/editor"])
        .env("CODE_SERVER", editor.code_server)
        .env("DOCKER_HOST", engine.host())
        .env("GANGPLANK_TEST_IMAGE", Image::Python.on(engine)?)
        .env(sandbox::BINARY_VARIABLE, binary)
        .env("CARGO_TARGET_DIR", place::target());
    counted(log, &mut run, of_stories)
}

impl Editor {
    /// The heading of its step.
    pub(super) fn step(self) -> &'static str {
        self.step
    }
}

fn npm(arguments: &[&str]) -> Command {
    let mut npm = Command::new("npm");
    npm.arg("--prefix").arg("editor-extension").args(arguments);
    npm
}

/// Runs tests and counts what they say; a run that says nothing has failed.
fn counted(
    log: &Log,
    command: &mut Command,
    count: fn(&str) -> (usize, usize),
) -> Result<Outcome, TaskError> {
    let (held, text) = log.run(command)?;
    let (passed, mut failed) = count(&text);
    if failed == 0 && (!held || passed == 0) {
        failed = 1;
    }
    let complaint = if failed > 0 { log.complaint(&program::line(command), &text) } else { String::new() };
    Ok(Outcome { passed, failed, complaint, ..Outcome::default() })
}

/// Node's test runner ends with lines as `# pass 27`.
fn of_node(text: &str) -> (usize, usize) {
    let number = |word: &str| {
        text.lines().rev().find_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            (words.next() == Some(word)).then(|| words.next()?.parse().ok()).flatten()
        })
    };
    (number("pass").unwrap_or(0), number("fail").unwrap_or(0))
}

/// The stories end with a line as `38 passed, 0 failed`.
fn of_stories(text: &str) -> (usize, usize) {
    let counts = |line: &str| {
        let (passed, failed) = line.strip_suffix(" failed")?.split_once(" passed, ")?;
        Some((passed.parse().ok()?, failed.parse().ok()?))
    };
    text.lines().rev().find_map(counts).unwrap_or((0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_counting_are_read() {
        assert_eq!(of_node("ok 1 - x\n# tests 3\n# pass 2\n# fail 1\n"), (2, 1));
        assert_eq!(of_node("\u{2139} tests 27\n\u{2139} pass 27\n\u{2139} fail 0\n"), (27, 0));
        assert_eq!(of_stories("a story\n  ok 1 s\n\n160 s, 0 retried\n38 passed, 2 failed\n"), (38, 2));
        assert_eq!(of_stories("Error: no engine\n"), (0, 0));
        assert_eq!(of_node(""), (0, 0));
    }
}
