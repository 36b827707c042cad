//! Benchmarks: `cargo measure [ROUNDS] [--editor]`. What a user waits for, as whole processes, beside the same work through the
//! engine's raw API (the limit) and through the peer, one after the other in every round, so that a machine whose speed
//! drifts slows all of them alike. Only ratios of one run mean anything. With `--editor` the extension in a real VS Code
//! is measured too.
//!
//! The product is built in release for it; the reference CLI and the peer's watcher come from npm, into `target/bench`.

mod editor;
mod peer;
mod process;
mod raw;
mod series;
mod up;
mod watch;
mod whole;

use std::io::Write as _;
use std::process::{Command, ExitCode};

use gangplank_tests::error::{HarnessError, chain};
use gangplank_tests::place;

use series::Table;

/// Rounds when none are asked for.
const ROUNDS: usize = 15;

fn main() -> ExitCode {
    let rounds = std::env::args().skip(1).find_map(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS);
    match run(rounds, std::env::args().any(|argument| argument == "--editor")) {
        Ok(report) => {
            let _ = write!(std::io::stdout(), "{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "the benchmarks could not run: {}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(rounds: usize, editor: bool) -> Result<String, HarnessError> {
    let binary = place::target().join("release/gangplank");
    let built = Command::new("cargo")
        .args(["build", "--release", "--package", "gangplank-cli"])
        .current_dir(place::repository())
        .status()
        .map_err(HarnessError::io("start cargo", "gangplank-cli"))?;
    if !built.success() {
        return Err(HarnessError::Program {
            program: "cargo build --release".into(),
            status: built.to_string(),
            tail: String::new(),
        });
    }
    let peers = peer::Peers::install()?;
    let mut table = Table::default();
    process::measure(&binary, &peers, rounds, &mut table)?;
    up::measure(&binary, &peers, rounds, &mut table)?;
    watch::measure(&binary, &peers, rounds, &mut table)?;
    let mut report = format!("{rounds} rounds, medians (least to most)\n\n{}", table.markdown());
    if editor {
        report += &format!("\n{}", editor::measure(&binary)?);
    }
    let path = place::beneath_target("bench")?.join("report.md");
    std::fs::write(&path, &report).map_err(HarnessError::io("write", &path))?;
    Ok(report)
}
