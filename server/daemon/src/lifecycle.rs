//! Lifecycle hooks: commands run on the host ([`host`]) or in the container ([`in_container`]), their output told line
//! by line ([`lines`]), each hook once for what it is for ([`markers`]).

pub mod host;
pub mod in_container;
pub mod lines;
pub mod markers;

use gangplank_devcontainer::hooks::{LifecycleCommand, LifecycleHook};
use gangplank_protocol::error::ErrorDetails;
use gangplank_protocol::{ErrorData, ErrorKind};

/// How a command of a hook ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The command's name, where the hook is an object.
    pub name: Option<String>,
    /// Its exit code; 128 + number for a signal.
    pub exit_code: i32,
    /// The last lines it wrote.
    pub last_output: Vec<String>,
}

/// The worst end of a hook's commands: the first that failed, else the first.
fn worst(ends: Vec<Ended>) -> Option<Ended> {
    let failed = ends.iter().position(|end| end.exit_code != 0);
    ends.into_iter().nth(failed.unwrap_or(0))
}

/// Runs a hook's commands by `run`, side by side where they are named, until all have ended.
///
/// # Errors
/// The first error of `run`, after all have ended.
async fn all<F: Future<Output = Result<Ended, ErrorData>>>(
    command: &LifecycleCommand,
    run: impl Fn(usize, Option<String>, Vec<String>) -> F,
) -> Result<Option<Ended>, ErrorData> {
    let commands = command.commands().into_iter().enumerate();
    let runs = commands.map(|(index, (name, command))| run(index, name.map(str::to_owned), command.argv()));
    let ends: Result<Vec<Ended>, ErrorData> =
        futures_util::future::join_all(runs).await.into_iter().collect();
    ends.map(worst)
}

/// The error for a hook that ended so, if it failed.
fn failure(hook: LifecycleHook, ended: Option<&Ended>, container_id: Option<&str>) -> Option<ErrorData> {
    let ended = ended.filter(|ended| ended.exit_code != 0)?;
    let command = ended.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let what = match ended.exit_code {
        130 => format!("{hook}{command} was interrupted"),
        code => format!("{hook}{command} failed with exit code {code}"),
    };
    let details = ErrorDetails::Command {
        exit_code: Some(ended.exit_code),
        last_output: ended.last_output.clone(),
        container_id: container_id.map(str::to_owned),
    };
    let mut error = ErrorData::new(ErrorKind::LifecycleFailed, what).details(details);
    error.step = Some(hook.property().to_owned());
    Some(error)
}
