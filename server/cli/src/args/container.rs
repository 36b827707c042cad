//! `ps`, `start`, `stop`, `rm` and `logs`.

use clap::Args;

use super::workspace::Named;

/// `ps`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gangplank ps\n  gangplank ps -aq\n  gangplank ps --filter label=app=web"
)]
pub(crate) struct Ps {
    /// Also those that do not run
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Ids only
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Ids and commands in full
    #[arg(long)]
    pub(crate) no_trunc: bool,
    /// Only containers with a label: `label=NAME[=VALUE]`; may be repeated
    #[arg(short, long, value_name = "FILTER", value_parser = label_filter)]
    pub(crate) filter: Vec<String>,
}

fn label_filter(text: &str) -> Result<String, String> {
    match text.strip_prefix("label=") {
        Some(label) if !label.is_empty() => Ok(label.to_owned()),
        _ => Err("only `label=NAME[=VALUE]` is known".to_owned()),
    }
}

/// `start`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gangplank start brave_euler\n  \
    gangplank start          the workspace's container, and its hooks")]
pub(crate) struct Start {
    #[command(flatten)]
    pub(crate) workspace: Named,
    /// Trust what the workspace's configuration does to this machine this once, and variables it reads for this
    /// container
    #[arg(long)]
    pub(crate) trust: bool,
    /// Containers, by id, beginning of the id, or name
    #[arg(value_name = "CONTAINER")]
    pub(crate) containers: Vec<String>,
}

/// `stop`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gangplank stop brave_euler\n  gangplank stop -t 1 one two\n  \
    gangplank stop           the workspace's container")]
pub(crate) struct Stop {
    #[command(flatten)]
    pub(crate) workspace: Named,
    /// Seconds between asking it to end and killing it
    #[arg(short, long, value_name = "SECONDS")]
    pub(crate) time: Option<u32>,
    /// Containers, by id, beginning of the id, or name
    #[arg(value_name = "CONTAINER")]
    pub(crate) containers: Vec<String>,
}

/// `rm`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gangplank rm brave_euler\n  gangplank rm -f one two\n  \
    gangplank rm             the workspace's container")]
pub(crate) struct Rm {
    #[command(flatten)]
    pub(crate) workspace: Named,
    /// Kill it first when it runs
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Remove its anonymous volumes with it
    #[arg(short, long)]
    pub(crate) volumes: bool,
    /// Containers, by id, beginning of the id, or name
    #[arg(value_name = "CONTAINER")]
    pub(crate) containers: Vec<String>,
}

/// `logs`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gangplank logs -f brave_euler\n  gangplank logs -n 20 brave_euler\n  \
    gangplank logs           the workspace's container")]
pub(crate) struct Logs {
    #[command(flatten)]
    pub(crate) workspace: Named,
    /// Go on with what comes
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Only so many of the last lines, or `all`
    #[arg(short = 'n', long, value_name = "LINES", default_value = "all", value_parser = lines)]
    pub(crate) tail: Lines,
    /// Put the time before each line
    #[arg(short, long)]
    pub(crate) timestamps: bool,
    /// The container, by id, beginning of the id, or name
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: Option<String>,
}

/// How many of the last lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lines(pub(crate) Option<u32>);

fn lines(text: &str) -> Result<Lines, String> {
    match text {
        "all" => Ok(Lines(None)),
        number => number.parse().map(|lines| Lines(Some(lines))).map_err(|_| "a number, or `all`".to_owned()),
    }
}
