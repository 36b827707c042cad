//! The project's own commands: `cargo demo`, `cargo verify`, `cargo campaign`, `cargo generate`.
//!
//! Each is one module, ends by itself, says what it does and why it failed, and exits with 0 or 1. What they bring up
//! (engines, a registry) comes from the test harness, `gangplank-tests`.

/// Prints a line for the person at the terminal. One who has gone away does not end the command: it still has to tidy
/// up, which a panicking `println!` would keep it from.
macro_rules! tell {
    ($($line:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stdout(), $($line)*);
    }};
}

mod campaign;
mod demo;
mod error;
mod generate;
mod laws;
mod links;
mod sources;
mod step;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows Gangplank at work: builds it, opens an example project in a container and runs its `main.py` there
    Demo(demo::Options),
    /// Sets up all that the tests need and runs every check and test
    Verify,
    /// Runs the long versions of the tests and keeps the result in target/campaign
    Campaign,
    /// Writes the files that follow from the protocol's declarations
    Generate(generate::Options),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Demo(options) => demo::run(&options),
        Command::Verify => verify::run(),
        Command::Campaign => campaign::run(),
        Command::Generate(options) => generate::run(&options),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            tell!("error: {}", gangplank_tests::error::chain(&error));
            ExitCode::FAILURE
        }
    }
}
