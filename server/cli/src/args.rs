//! The command line's grammar: one struct per verb, in the files of `args/`.
//!
//! `up`, `rebuild` and `exec` also take the reference CLI's flags, in both spellings ([`mod@reference`]). Parsing makes
//! nothing happen: it ends in values, or in clap's own message.

pub(crate) mod container;
pub(crate) mod daemon;
pub(crate) mod image;
pub(crate) mod process;
pub(crate) mod reference;
pub(crate) mod value;
pub(crate) mod workspace;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

/// Dev containers from the shell: open a folder in its container, and work in it.
#[derive(Debug, Parser)]
#[command(
    name = "gangplank",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = "Examples:\n  \
        gangplank up                       open this folder in its container\n  \
        gangplank shell                    a shell in it\n  \
        gangplank exec python main.py      run a command in it\n  \
        gangplank run -it python:3 python  a container of its own\n\n\
        `gangplank VERB --help` has examples for each verb."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Flags that every verb takes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Global {
    /// The Docker context whose engine to use, before DOCKER_HOST and DOCKER_CONTEXT
    #[arg(long, global = true, value_name = "NAME", help_heading = "Everywhere")]
    pub(crate) context: Option<String>,
    /// How the answer is written to standard output
    #[arg(long, global = true, value_enum, help_heading = "Everywhere")]
    pub(crate) format: Option<Format>,
    /// Tell no progress
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) no_progress: bool,
    /// How much is told on standard error
    #[arg(long, global = true, value_enum, default_value_t = LogLevel::Info, hide_default_value = true, help_heading = "Everywhere")]
    pub(crate) log_level: LogLevel,
}

/// How the answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// One JSON value
    Json,
    /// One JSON value per line, as things happen
    Ndjson,
}

/// How much is told on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum LogLevel {
    /// Errors only
    Error,
    /// Also warnings
    Warn,
    /// Also progress
    Info,
    /// Also which daemon and engine were used
    Debug,
    /// The same as debug
    Trace,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Open the folder in its container: find or make it, start it, run its hooks
    Up(Box<workspace::Up>),
    /// Run a command in the workspace's container, or in any container
    Exec(Box<process::Exec>),
    /// A shell in the workspace's container
    Shell(Box<process::Shell>),
    /// List the terminals that run, or close some
    Terminals(process::Terminals),
    /// Come back to a terminal or another process that was left running
    Attach(process::Attach),
    /// Make a container and run a command in it, as `docker run`
    Run(Box<process::Run>),
    /// List containers
    Ps(container::Ps),
    /// List images
    Images(image::Images),
    /// Get an image from its registry
    Pull(image::Pull),
    /// Remove images
    Rmi(image::Rmi),
    /// Start containers, or the workspace's
    Start(container::Start),
    /// Stop containers, or the workspace's
    Stop(container::Stop),
    /// Remove containers, or the workspace's
    Rm(container::Rm),
    /// Show what a container's main process wrote
    Logs(container::Logs),
    /// Tell how the workspace stands
    Status(workspace::Status),
    /// Show what `up` would start from, without changing anything
    Plan(workspace::Plan),
    /// Remove the workspace's container and make it anew
    Rebuild(Box<workspace::Rebuild>),
    /// Remove the workspace's container; the folder stays as it is
    Down(workspace::Down),
    /// Show the file changes of the workspace as they happen
    Watch(workspace::Watch),
    /// The daemon that does the work
    Daemon(daemon::Daemon),
    /// Check what Gangplank needs on this machine
    Doctor(daemon::Doctor),
    /// Print a completion script for a shell
    Completion(daemon::Completion),
    /// Be the daemon; clients start it by themselves
    Serve(daemon::Serve),
    /// Pass the protocol on between standard input and output and the daemon
    Connect(daemon::Connect),
}

/// The whole grammar, with what derives cannot say.
pub(crate) fn command() -> clap::Command {
    reference::accept(Cli::command())
}

/// Reads the command line.
///
/// # Errors
/// clap's error: help and version are such errors too.
pub(crate) fn parse(argv: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(argv)?;
    reference::refuse_what_is_not_applied(&mut command, &matches)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Whether the command line is for a verb that stands in for the reference's, as far as can be told of one that is wrong.
pub(crate) fn is_for_the_references(argv: impl IntoIterator<Item = OsString>) -> bool {
    let read = command().ignore_errors(true).try_get_matches_from(argv);
    read.is_ok_and(|matches| matches!(matches.subcommand_name(), Some("up" | "exec")))
}

#[cfg(test)]
mod tests;
