//! `cargo campaign`: the same end-to-end tests with hundreds of trials where `cargo verify` runs a sample, and the
//! checks that need more of the world. Each run adds a line to `target/campaign/report.md` that the documentation can
//! quote.

use std::io::Write;
use std::process::Command;
use std::time::Instant;

use gangplank_tests::{place, program, scale};

use crate::error::TaskError;
use crate::step::Steps;
use crate::verify;

const HEAD: &str = "| day | commit | passed | failed | minutes |\n|---|---|---|---|---|\n";

pub(crate) fn run() -> Result<bool, TaskError> {
    let begun = Instant::now();
    let mut steps = Steps::new("campaign")?;
    steps.run("known vulnerabilities", |log| verify::deny(log, &["advisories"]));
    steps.run("properties, on many values", |log| verify::unit_tests(log, &[("PROPTEST_CASES", "5000")]));
    verify::on_engines(&mut steps, &[(scale::VARIABLE, "campaign")], &[verify::OLDEST, verify::NEWEST]);
    let (passed, failed) = steps.finish();
    let minutes = begun.elapsed().as_secs_f32() / 60.0;
    let day = time::OffsetDateTime::now_utc().date();
    note(&format!("| {day} | {} | {passed} | {failed} | {minutes:.0} |\n", commit()?))?;
    Ok(failed == 0)
}

/// The commit that is tested, marked where the files differ from it.
fn commit() -> Result<String, TaskError> {
    let mut describe = Command::new("git");
    describe.args(["describe", "--always", "--dirty"]).current_dir(place::repository());
    Ok(String::from_utf8_lossy(&program::run(&mut describe)?).trim().to_owned())
}

fn note(line: &str) -> Result<(), TaskError> {
    let report = place::beneath_target("campaign")?.join("report.md");
    let head = if report.exists() { "" } else { HEAD };
    let mut options = std::fs::OpenOptions::new();
    let mut file =
        options.create(true).append(true).open(&report).map_err(TaskError::file("open", &report))?;
    file.write_all(format!("{head}{line}").as_bytes()).map_err(TaskError::file("write", &report))?;
    tell!("noted in {}", report.display());
    Ok(())
}
