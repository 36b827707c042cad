//! The tools that checks need: those of the toolchain are asked for, the others are fetched into `target/tools`.

use std::process::Command;

use gangplank_tests::{HarnessError, place, program};

use super::cargo;
use crate::error::TaskError;
use crate::step::{Log, Outcome};

/// The version of cargo-deny, built once from the package registry (some three minutes on two cores).
const CARGO_DENY: &str = "0.20.2";

/// The toolchain's own parts.
pub(super) fn toolchain(_: &Log) -> Result<Outcome, TaskError> {
    let mut outcome = Outcome::default();
    for (part, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        match program::run(cargo().args([part, "--version"])) {
            Ok(_) => outcome.passed += 1,
            Err(error) => {
                outcome.failed += 1;
                outcome.complaint += &format!("{error}\n  run `rustup component add {component}`\n");
            }
        }
    }
    Ok(outcome)
}

/// Runs these checks of `cargo deny`; a count for each.
pub(crate) fn deny(log: &Log, checks: &[&str]) -> Result<Outcome, TaskError> {
    let tools = place::beneath_target("tools")?;
    let deny = tools.join("bin/cargo-deny");
    let is_current = program::run(Command::new(&deny).arg("--version"))
        .is_ok_and(|version| String::from_utf8_lossy(&version).trim().ends_with(CARGO_DENY));
    if !is_current {
        gangplank_tests::say(format_args!("building cargo-deny {CARGO_DENY}, once"));
        let mut install = cargo();
        install.args(["install", "--locked", "--force", "--version", CARGO_DENY, "cargo-deny", "--root"]);
        let (built, text) = log.run(install.arg(&tools))?;
        if !built {
            return Ok(Outcome::failed(log.complaint(&program::line(&install), &text)));
        }
        let leftover = tools.join("target");
        if leftover.exists() {
            std::fs::remove_dir_all(&leftover).map_err(HarnessError::io("remove", leftover))?;
        }
    }
    let outcome = log.check(Command::new(&deny).arg("check").args(checks))?;
    Ok(Outcome { passed: outcome.passed * checks.len(), ..outcome })
}
