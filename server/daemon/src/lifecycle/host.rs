//! `initializeCommand`: the one hook on the host, run in the client's environment (never the daemon's) after the user
//! trusted it. It is ended, with everything it started in its process group, when the operation is cancelled.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use gangplank_devcontainer::hooks::{LifecycleCommand, LifecycleHook};
use gangplank_protocol::{ErrorData, ErrorKind};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use super::lines::Lines;
use super::{Ended, all, failure};
use crate::operation::ActiveStep;

/// Runs the hook in `folder` with exactly `environment`.
///
/// # Errors
/// `lifecycleFailed` with the last lines of the command, `commandNotExecutable`.
pub async fn initialize(
    command: &LifecycleCommand,
    folder: &str,
    environment: &BTreeMap<String, String>,
    step: &mut ActiveStep,
) -> Result<(), ErrorData> {
    let ended = {
        let step = &*step;
        all(command, |_, name, argv| run(name, argv, folder, environment, step)).await?
    };
    if let Some(ended) = &ended {
        step.exit_code(ended.exit_code);
    }
    failure(LifecycleHook::Initialize, ended.as_ref(), None).map_or(Ok(()), Err)
}

async fn run(
    name: Option<String>,
    argv: Vec<String>,
    folder: &str,
    environment: &BTreeMap<String, String>,
    step: &ActiveStep,
) -> Result<Ended, ErrorData> {
    let program = argv.first().cloned().unwrap_or_default();
    let mut child = Command::new(&program)
        .args(&argv[1..])
        .current_dir(folder)
        .env_clear()
        .envs(environment)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| {
            ErrorData::new(
                ErrorKind::CommandNotExecutable,
                format!("initializeCommand cannot start {program:?} on the host"),
            )
            .caused_by(&e)
        })?;
    let group = EndWithGroup(child.id());
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (status, output, errors) =
        tokio::join!(child.wait(), tell(stdout, name.as_deref(), step), tell(stderr, name.as_deref(), step));
    group.ended();
    let status = status.map_err(|e| {
        ErrorData::new(ErrorKind::Io, "initializeCommand's end cannot be learnt").caused_by(&e)
    })?;
    let exit_code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(Ended { name, exit_code, last_output: [output, errors].concat() })
}

/// Tells a pipe's lines until it ends; gives the last ones.
async fn tell(pipe: Option<impl AsyncRead + Unpin>, name: Option<&str>, step: &ActiveStep) -> Vec<String> {
    let Some(mut pipe) = pipe else { return Vec::new() };
    let mut lines = Lines::default();
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = pipe.read(&mut buffer).await {
        if let Some(text) = lines.push(&buffer[..length]) {
            step.output(name, text);
        }
    }
    if let Some(text) = lines.finish() {
        step.output(name, text);
    }
    lines.last()
}

/// Kills the process group when it is dropped before the command ended.
struct EndWithGroup(Option<u32>);

impl EndWithGroup {
    fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for EndWithGroup {
    fn drop(&mut self) {
        if let Some(group) = self.0.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            // It may have ended in this moment.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}
