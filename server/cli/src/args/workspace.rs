//! `up`, `rebuild`, `plan`, `status`, `down`, `watch`, and how a workspace is named.

use std::path::{Path, PathBuf};

use clap::{ArgAction, Args, ValueEnum};
use gangplank_protocol::workspace::WorkspaceSelector;

use super::value;
use crate::failure::Failure;

/// Which workspace: by default the current folder's.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Named {
    /// The workspace's folder; the current one without it
    #[arg(long, value_name = "PATH")]
    pub(crate) workspace_folder: Option<PathBuf>,
    /// The configuration file; found in the folder without it
    #[arg(long, value_name = "PATH")]
    pub(crate) config: Option<PathBuf>,
    /// A configuration file whose content stands in for that of --config
    #[arg(long, value_name = "PATH")]
    pub(crate) override_config: Option<PathBuf>,
    /// A label that tells the container apart, instead of the two usual ones; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) id_label: Vec<String>,
    /// The container itself: its id, the beginning of it, or its name
    #[arg(long, value_name = "CONTAINER")]
    pub(crate) container_id: Option<String>,
}

/// Where a folder is looked for that was not named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Folder {
    /// The current folder, as the reference does.
    Current,
    /// The nearest folder above that has a configuration, else the current one.
    Nearest,
}

impl Named {
    /// The selector, its paths absolute.
    ///
    /// # Errors
    /// A usage error when a path is not UTF-8.
    pub(crate) fn selector(&self, cwd: &Path, folder: Folder) -> Result<WorkspaceSelector, Failure> {
        let absolute =
            |path: &Option<PathBuf>| path.as_deref().map(|path| value::absolute(path, cwd)).transpose();
        let named_otherwise = self.container_id.is_some() || !self.id_label.is_empty();
        let workspace_folder = match (&self.workspace_folder, folder) {
            (Some(path), _) => Some(value::absolute(path, cwd)?),
            (None, _) if named_otherwise => None,
            (None, Folder::Current) => Some(value::absolute(cwd, cwd)?),
            (None, Folder::Nearest) => Some(value::absolute(nearest(cwd), cwd)?),
        };
        Ok(WorkspaceSelector {
            workspace_folder,
            config: absolute(&self.config)?,
            override_config: absolute(&self.override_config)?,
            id_labels: self.id_label.clone(),
            container_id: self.container_id.clone(),
        })
    }

    /// The selector when the folder counts even where labels are given.
    ///
    /// # Errors
    /// As [`Named::selector`].
    pub(crate) fn selector_with_folder(&self, cwd: &Path) -> Result<WorkspaceSelector, Failure> {
        let mut selector = self.selector(cwd, Folder::Current)?;
        if selector.workspace_folder.is_none() && selector.container_id.is_none() {
            selector.workspace_folder = Some(value::absolute(cwd, cwd)?);
        }
        Ok(selector)
    }
}

/// The nearest folder from `cwd` up that has a configuration in a standard place, else `cwd`.
fn nearest(cwd: &Path) -> &Path {
    let configured = |folder: &&Path| {
        [".devcontainer/devcontainer.json", ".devcontainer.json"]
            .iter()
            .any(|file| folder.join(file).is_file())
    };
    cwd.ancestors().find(configured).unwrap_or(cwd)
}

/// `up`'s and `rebuild`'s common flags.
#[derive(Debug, Args)]
pub(crate) struct Making {
    #[command(flatten)]
    pub(crate) workspace: Named,
    /// Trust what the configuration does to this machine this once, and variables it reads for this container
    #[arg(long)]
    pub(crate) trust: bool,
    /// Run no hook in the container
    #[arg(long)]
    pub(crate) skip_post_create: bool,
    /// Return after the hook that `waitFor` names
    #[arg(long)]
    pub(crate) skip_non_blocking_commands: bool,
    /// Do not run postAttachCommand
    #[arg(long)]
    pub(crate) skip_post_attach: bool,
    /// One more mount, as in `type=bind,source=/host,target=/container`; may be repeated
    #[arg(long, value_name = "MOUNT")]
    pub(crate) mount: Vec<String>,
    /// A variable for hooks and processes; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) remote_env: Vec<String>,
    /// What userEnvProbe is when nothing says
    #[arg(long, value_enum, value_name = "PROBE")]
    pub(crate) default_user_env_probe: Option<Probe>,
    /// Mount the folder's git root rather than the folder
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", default_value_t = true, action = ArgAction::Set, hide_possible_values = true)]
    pub(crate) mount_workspace_git_root: bool,
    /// Put the configuration in the result
    #[arg(long)]
    pub(crate) include_configuration: bool,
    /// How progress is written to standard error
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text, hide_default_value = true)]
    pub(crate) log_format: LogFormat,
}

/// How the user's environment in the container is learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "camelCase")]
pub(crate) enum Probe {
    /// Not at all
    None,
    /// By a login shell
    LoginShell,
    /// By an interactive shell
    InteractiveShell,
    /// By a login shell that is interactive
    LoginInteractiveShell,
}

/// How progress is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON value per line
    Json,
}

/// `up`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gangplank up\n  \
    gangplank up --workspace-folder ~/project --remove-existing-container\n  \
    gangplank up --format json --trust\n\n\
    Exit status: 0 when the container is up, 1 when not, 130 when interrupted.")]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) making: Making,
    /// Remove a container that is there and make a new one
    #[arg(long)]
    pub(crate) remove_existing_container: bool,
    /// Fail when there is no container yet
    #[arg(long)]
    pub(crate) expect_existing_container: bool,
}

/// `rebuild`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gangplank rebuild\n  gangplank rebuild --pull")]
pub(crate) struct Rebuild {
    #[command(flatten)]
    pub(crate) making: Making,
    /// Get the image again even when the engine has it
    #[arg(long)]
    pub(crate) pull: bool,
}

/// `plan`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gangplank plan\n  gangplank plan --format json")]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) workspace: Named,
}

/// `status`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gangplank status\n  gangplank status --all")]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) workspace: Named,
    /// List every workspace that has a container
    #[arg(short, long)]
    pub(crate) all: bool,
}

/// `down`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gangplank down\n  gangplank down --workspace-folder ~/project")]
pub(crate) struct Down {
    #[command(flatten)]
    pub(crate) workspace: Named,
}

/// `watch`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gangplank watch\n  gangplank watch --format ndjson | jq .event")]
pub(crate) struct Watch {
    /// The workspace's folder; the current one without it
    #[arg(long, value_name = "PATH")]
    pub(crate) workspace_folder: Option<PathBuf>,
    /// Also what is inside .git and node_modules, and what .gitignore hides
    #[arg(short, long)]
    pub(crate) all: bool,
}
