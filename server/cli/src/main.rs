//! The command `gangplank`: verbs over the daemon's protocol, and their rendering for people and programs.
//!
//! Reading order: [`args`] (the grammar), [`verb`] (one file per verb), [`operation`] (following long work),
//! [`terminal`] (a process's terminal or pipes), [`render`] (tables, progress, errors), [`exit`] (the exit codes).
//!
//! Rules: the answer goes to standard output and everything else to standard error; nothing that an engine, a
//! container or a file says is printed unescaped, except a process's own bytes; the daemon's crate is used by `serve`
//! alone. `up` and `exec` exit as the reference's; called by the name `devcontainer` it also decides about trust as the
//! reference CLI does.

mod args;
mod context;
mod exit;
mod failure;
mod operation;
mod render;
mod terminal;
mod verb;

use std::process::ExitCode;

use crate::context::{CalledAs, Context};

fn main() -> ExitCode {
    let argv: Vec<_> = std::env::args_os().collect();
    let called_as = CalledAs::of(argv.first().map(AsRef::as_ref));
    let cli = match args::parse(argv.iter().cloned()) {
        Ok(cli) => cli,
        Err(error) => {
            let code = match called_as {
                CalledAs::Gangplank if !args::is_for_the_references(argv) => exit::USAGE,
                _ => exit::FAILED,
            };
            return ExitCode::from(render::usage(&error, code));
        }
    };
    let context = Context::new(cli.global, called_as);
    ExitCode::from(verb::run(&context, cli.verb))
}
