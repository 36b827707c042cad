//! `daemon`, `doctor`, `completion`, `serve` and `connect`.

use std::net::SocketAddr;

use clap::{Args, Subcommand};

use super::value;

/// `daemon`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gangplank daemon status\n  gangplank daemon logs -f\n  gangplank daemon stop"
)]
pub(crate) struct Daemon {
    #[command(subcommand)]
    pub(crate) verb: DaemonVerb,
}

/// What to do with the daemon.
#[derive(Debug, Subcommand)]
pub(crate) enum DaemonVerb {
    /// Tell how it does and what keeps it busy
    #[command(after_help = "Exit status: 0 when it runs, 3 when not.")]
    Status,
    /// End it; containers go on
    #[command(after_help = "Example:\n  gangplank daemon stop")]
    Stop,
    /// Show its log
    #[command(after_help = "Example:\n  gangplank daemon logs -n 50 -f")]
    Logs {
        /// Go on with what comes
        #[arg(short, long)]
        follow: bool,
        /// Only so many of the last lines
        #[arg(short = 'n', long, value_name = "LINES")]
        tail: Option<usize>,
    },
}

/// `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gangplank doctor --format json\n\n\
    Exit status: 0 when nothing failed, 1 when something did.")]
pub(crate) struct Doctor {}

/// `completion`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gangplank completion bash > ~/.local/share/bash-completion/completions/gangplank\n  \
    gangplank completion fish | source")]
pub(crate) struct Completion {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// `serve`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gangplank serve --foreground\n  \
    gangplank serve --tcp 127.0.0.1:7878 --allow-origin https://editor.example")]
pub(crate) struct Serve {
    /// Also listen on this loopback address; clients there need the token
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) tcp: Option<SocketAddr>,
    /// Let web pages of this origin connect to that address; may be repeated
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) allow_origin: Vec<String>,
    /// How long nothing may run until it ends by itself, in seconds or as in 30m; 0 for never
    #[arg(long, value_name = "DURATION", value_parser = value::seconds)]
    pub(crate) idle_timeout: Option<u64>,
    /// Write the log to standard error
    #[arg(long)]
    pub(crate) foreground: bool,
    /// Begin a session of its own, so that it outlives the terminal it was started from
    #[arg(long, hide = true, conflicts_with = "foreground")]
    pub(crate) detached: bool,
}

/// `connect`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gangplank connect --stdio\n\n\
    Messages are framed as in the Language Server Protocol: `Content-Length: N`, an empty line, N bytes of JSON.")]
pub(crate) struct Connect {
    /// Over standard input and output
    #[arg(long, required = true)]
    pub(crate) stdio: bool,
}
