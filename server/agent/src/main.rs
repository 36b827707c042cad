//! The agent in a container: owns terminals and processes with their output, so that they outlive every client.
//!
//! One program in three roles. The *core* (`core`) runs for itself, one for each container and user. A *bridge*
//! (`bridge`), which the engine runs for the daemon, carries bytes between its standard input and output and the core's
//! socket, and knows nothing. `start` is a bridge that starts the core first. What they say is in
//! `docs/agent-protocol.md`.

mod bridge;
mod budget;
mod closing;
mod connection;
mod core;
mod environment;
mod idle;
mod input;
mod launch;
mod list;
mod marks;
mod osc;
mod outbox;
mod output;
mod process;
mod requests;
mod run;
mod scheduler;
mod screen;
mod session;
mod signals;
mod spawn;

use std::io::Write as _;
use std::process::ExitCode;

const USAGE: &str = "usage: gangplank-agent start NAME | bridge NAME | --version";
/// The program was called in a way it does not know.
const MISUSED: u8 = 2;
/// There is no core under this name.
const NO_CORE: u8 = 3;
/// Anything else failed.
const FAILED: u8 = 4;

fn main() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["start", name] => launch::start(name),
        ["bridge", name] => bridge::bridge(name),
        // By `start` alone.
        ["core", name] => core::run(name),
        ["--version"] => {
            let line = concat!("gangplank-agent ", env!("CARGO_PKG_VERSION"), "\n");
            std::io::stdout().write_all(line.as_bytes()).map_err(Failure::of("the version cannot be written"))
        }
        _ => Err(Failure { code: MISUSED, message: USAGE.into() }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody is left to be told when this fails too.
            let _ = writeln!(std::io::stderr(), "gangplank-agent: {}", failure.message);
            ExitCode::from(failure.code)
        }
    }
}

/// Why the program ends early.
#[derive(Debug)]
struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// For `map_err`: what could not be done, with the reason after it.
    fn of<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> Self + use<'_, E> {
        move |error| Self { code: FAILED, message: format!("{what}: {error}") }
    }
}
