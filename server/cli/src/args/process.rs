//! `exec`, `shell`, `terminals`, `attach` and `run`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::value;
use super::workspace::{LogFormat, Named};

/// Keys that leave a terminal without ending what runs in it.
pub(crate) const DETACH_KEYS: &str = "ctrl-p,ctrl-q";

/// `exec`: the first positional argument is the command, and everything after it is the command's own.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gangplank exec python main.py\n  \
    gangplank exec -e DEBUG=1 -w /tmp ls -la\n  \
    gangplank exec --container-id brave_euler sh\n  \
    tar c . | gangplank exec tar t\n  \
    gangplank exec --host-paths make\n\n\
    Exit status: the command's own, 128 + signal when a signal ended it, 127 when there is no such command and 126 when \
    it cannot be executed, 1 for any other failure.")]
pub(crate) struct Exec {
    #[command(flatten)]
    pub(crate) workspace: Named,
    /// A variable for the command; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) remote_env: Vec<String>,
    /// A variable for the command; NAME alone takes its value from here
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    pub(crate) env: Vec<String>,
    /// Pass standard input on; so it is unless -d is given
    #[arg(short, long)]
    pub(crate) interactive: bool,
    /// Give it a terminal; so it is when standard input and output are terminals
    #[arg(short, long)]
    pub(crate) tty: bool,
    /// Leave it running in the background
    #[arg(short, long)]
    pub(crate) detach: bool,
    /// Another user than the container's own
    #[arg(short, long)]
    pub(crate) user: Option<String>,
    /// The directory in the container
    #[arg(short, long, value_name = "DIR")]
    pub(crate) workdir: Option<String>,
    /// Turn paths beneath the workspace folder in its output into this machine's
    #[arg(long, conflicts_with = "detach")]
    pub(crate) host_paths: bool,
    /// Keys that leave it running
    #[arg(long, value_name = "KEYS", default_value = DETACH_KEYS)]
    pub(crate) detach_keys: String,
    /// How progress is written to standard error
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text, hide = true)]
    pub(crate) log_format: LogFormat,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

/// `shell`: takes a shell's own flags, so that it can stand where a shell is expected.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gangplank shell\n  \
    gangplank shell -c 'python main.py | head'\n  \
    gangplank shell --workspace-folder ~/project\n  \
    gangplank shell --name server -c 'npm run dev'    start it, or come back to it\n  \
    gangplank shell --idle-timeout 0                  never closed for being idle\n\n\
    It outlives this program and the daemon where an agent runs in the container; `gangplank terminals` lists it, \
    `gangplank attach` comes back to it.\n\n\
    Exit status: the shell's own.")]
pub(crate) struct Shell {
    #[command(flatten)]
    pub(crate) workspace: Named,
    /// Run this command line instead of an interactive shell
    #[arg(short, value_name = "COMMAND")]
    pub(crate) command: Option<String>,
    /// Be a login shell; so it is without -c
    #[arg(short)]
    pub(crate) login: bool,
    /// Be an interactive shell; so it is without -c
    #[arg(short)]
    pub(crate) interactive: bool,
    /// Another user than the container's own
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// A variable for the shell; NAME alone takes its value from here
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub(crate) env: Vec<String>,
    /// Attach to the container's running terminal of this name, whatever runs in it; without one start it
    #[arg(long, value_name = "NAME", value_parser = value::name)]
    pub(crate) name: Option<String>,
    /// With --name: fail when one of that name runs
    #[arg(long, requires = "name")]
    pub(crate) new: bool,
    /// Close it when it waits for a command and nobody was attached for so long, as in 90s, 30m, 12h or 7d; 0 for
    /// never, 1d without this
    #[arg(long, value_name = "DURATION", env = "GANGPLANK_TERMINAL_IDLE", value_parser = value::seconds)]
    pub(crate) idle_timeout: Option<u64>,
    /// Keys that leave it running
    #[arg(long, value_name = "KEYS", default_value = DETACH_KEYS)]
    pub(crate) detach_keys: String,
    /// A script in the container and its arguments; after -c, $0 and the arguments
    #[arg(trailing_var_arg = true, value_name = "ARG")]
    pub(crate) arguments: Vec<String>,
}

/// `terminals`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
    gangplank terminals\n  \
    gangplank terminals -a --format json\n  \
    gangplank terminals close server p-1f3e5a\n  \
    gangplank attach server"
)]
pub(crate) struct Terminals {
    /// Also those that ended a while ago, and how
    #[arg(short, long)]
    pub(crate) all: bool,
    #[command(subcommand)]
    pub(crate) verb: Option<TerminalsVerb>,
}

/// What to do with terminals.
#[derive(Debug, Subcommand)]
pub(crate) enum TerminalsVerb {
    /// Close terminals: what runs in them is ended
    #[command(after_help = "Example:\n  gangplank terminals close server p-1f3e5a\n\n\
        What made a session of its own, as `setsid` and tmux do, goes on and is named.")]
    Close {
        /// By name, id or the beginning of the id
        #[arg(required = true, value_name = "TERMINAL")]
        terminals: Vec<String>,
    },
}

/// `attach`: a process by its name or id.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gangplank attach             the processes that run\n  \
    gangplank attach server      back to the one of this name\n  \
    gangplank attach p-1f3e      back to the one whose id begins so\n\n\
    It shows the output that is still held, or the screen, then goes on from there. Exit status: as of exec.")]
pub(crate) struct Attach {
    /// Keys that leave it running
    #[arg(long, value_name = "KEYS", default_value = DETACH_KEYS)]
    pub(crate) detach_keys: String,
    /// The process, by its name, id or the beginning of the id; without one those that run are listed
    #[arg(value_name = "PROCESS")]
    pub(crate) process: Option<String>,
}

/// `run`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gangplank run --rm python:3 python -c 'print(1)'\n  \
    gangplank run -it python:3 python\n  \
    gangplank run -itd -v \"$PWD/folder\":/my_project --name box python:3\n\n\
    Exit status: the command's own; with -d 0 once it runs.")]
pub(crate) struct Run {
    /// Pass standard input on
    #[arg(short, long)]
    pub(crate) interactive: bool,
    /// Give it a terminal
    #[arg(short, long)]
    pub(crate) tty: bool,
    /// Leave it in the background and print its id
    #[arg(short, long)]
    pub(crate) detach: bool,
    /// Remove it when it ends
    #[arg(long = "rm")]
    pub(crate) remove: bool,
    /// HOST:CONTAINER mounts a folder (made where it is missing), NAME:CONTAINER a volume, with `:ro` for reading
    /// only; may be repeated
    #[arg(short, long, value_name = "MOUNT")]
    pub(crate) volume: Vec<String>,
    /// A variable; NAME alone takes its value from here
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    pub(crate) env: Vec<String>,
    /// A file with variables, one a line
    #[arg(long, value_name = "PATH")]
    pub(crate) env_file: Vec<PathBuf>,
    /// The directory in the container
    #[arg(short, long, value_name = "DIR")]
    pub(crate) workdir: Option<String>,
    /// The user, as in `1000:1000`
    #[arg(short, long)]
    pub(crate) user: Option<String>,
    /// Publishes a port: PORT, HOST_PORT:PORT or ADDRESS:HOST_PORT:PORT; may be repeated
    #[arg(short, long, value_name = "PORT")]
    pub(crate) publish: Vec<String>,
    /// Its name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// A label; may be repeated
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    pub(crate) label: Vec<String>,
    /// What to run in place of the image's entry point; empty for none
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) entrypoint: Option<String>,
    /// Its host name
    #[arg(long, value_name = "NAME")]
    pub(crate) hostname: Option<String>,
    /// The network it joins
    #[arg(long, visible_alias = "net", value_name = "NETWORK")]
    pub(crate) network: Option<String>,
    /// Have an init reap its processes
    #[arg(long)]
    pub(crate) init: bool,
    /// Keys that leave it running
    #[arg(long, value_name = "KEYS", default_value = DETACH_KEYS)]
    pub(crate) detach_keys: String,
    /// The image, then the command and its arguments; the image's own command without one
    // one argument for both: every flag after the image is the command's
    #[arg(required = true, trailing_var_arg = true, value_names = ["IMAGE", "COMMAND"], num_args = 1..)]
    pub(crate) image_and_command: Vec<String>,
}
