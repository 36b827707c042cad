//! The hooks of one `up`: which are to run, in what environment, one after the other.

use std::sync::Arc;

use gangplank_devcontainer::hooks::LifecycleHook;
use gangplank_engine::container::ContainerDetails;
use gangplank_protocol::workspace::HookRecord;
use gangplank_protocol::{ErrorData, ErrorKind};

use super::hook_ledger::HookLedger;
use super::plan::Planned;
use super::remote::{Remote, RemoteRequest};
use super::up::Up;
use crate::clock::now;
use crate::lifecycle::in_container::{Joining, Place};
use crate::lifecycle::markers::{self, Marker};
use crate::place::own_uid;

/// Runs what is to be run.
///
/// # Errors
/// `lifecycleFailed` for the first hook that fails; the later ones then do not run. The engine's.
pub(super) async fn run(
    up: &Up,
    planned: &Planned,
    container: &ContainerDetails,
    remote: &Remote,
    request: &RemoteRequest,
) -> Result<(), ErrorData> {
    let ledger = HookLedger::new(up.parts.store.clone());
    let wanted = wanted(up, remote);
    let unknown: Vec<(LifecycleHook, Option<Marker>)> = wanted
        .into_iter()
        .map(|hook| (hook, Marker::of(hook, container)))
        .filter(|(hook, marker)| {
            marker.as_ref().is_none_or(|marker| !ledger.has_run(&container.id, *hook, marker.content()))
        })
        .collect();
    // Nothing to run is no reason to say that a container is up in which nothing could run. One that runs as root itself
    // has shown that it can.
    let own_user = container.user.split(':').next().unwrap_or_default();
    let is_shown = remote.user == "root" && matches!(own_user, "" | "0" | "root");
    if unknown.is_empty() && (is_shown || ledger.knows_user(&container.id, &remote.user)) {
        return Ok(());
    }
    let step = up.reporter.begin("environment", format!("Ask {}'s shell for its environment", remote.user));
    let to_check: Vec<Marker> = unknown.iter().filter_map(|(_, marker)| marker.clone()).collect();
    let asked = tokio::try_join!(
        remote.shell(&up.engine, &up.handle, container),
        markers::to_run(&up.engine, &container.id, &remote.user, &to_check),
    );
    let (shell, mut answers) = match asked {
        Ok((shell, answers)) => (step.end(Ok(shell))?, answers.into_iter()),
        Err(error) => return step.end(Err(error)),
    };
    ledger.note_user(&container.id, &remote.user);
    if let Some(problem) = &shell.problem {
        up.reporter.warn(problem);
    }
    warn_of_uid(up, planned, remote, shell.uid);
    let (environment, unset) = remote.environment(&shell, &request.added);
    let place = Place {
        engine: up.engine.clone(),
        processes: up.parts.processes.clone(),
        container: container.clone(),
        user: remote.user.clone(),
        environment,
        unset,
        folder: planned.configuration.workspace.folder.clone(),
    };
    for (hook, marker) in unknown {
        let marked = marker.is_some() && !answers.next().unwrap_or(true);
        let before = place.still_known(ledger.at_work(&container.id, hook), marker.is_none()).await?;
        let run = !marked || !before.is_empty();
        let title = if before.is_empty() { format!("Run {hook}") } else { format!("Go on with {hook}") };
        if !run {
            up.reporter.skip(hook.property(), format!("{hook} has run already"));
            if let Some(marker) = marker {
                ledger.note_marked(&container.id, hook, marker.content().to_owned());
            }
            continue;
        }
        let attempt = Attempt::new(&ledger, &container.id, hook);
        let mut step = up.reporter.begin(hook.property(), title);
        let commands = remote.hooks.get(&hook).cloned().unwrap_or_default();
        let (noting, container_id) = (ledger.clone(), container.id.clone());
        let note = Arc::new(move |command: &str, process_id: &str| {
            noting.note_at_work(&container_id, hook, command, process_id);
        });
        let joining = Joining { before: &before, note };
        let done = place.run_hook(hook, &commands, marker.as_ref(), &joining, &mut step).await;
        let exit_code = match &done {
            Ok(code) => Some(*code),
            Err(error) => exit_code_of(error),
        };
        attempt.ended(exit_code, marker.map(|marker| marker.content().to_owned()));
        step.end(done)?;
    }
    Ok(())
}

/// A hook at work: noted also when it is dropped before its end. Whether it counts as run its marker in the container then says.
struct Attempt<'a> {
    ledger: &'a HookLedger,
    container_id: &'a str,
    hook: LifecycleHook,
    started_at: u64,
    ended: bool,
}

impl<'a> Attempt<'a> {
    fn new(ledger: &'a HookLedger, container_id: &'a str, hook: LifecycleHook) -> Self {
        Self { ledger, container_id, hook, started_at: now(), ended: false }
    }

    fn ended(mut self, exit_code: Option<i32>, ran_for: Option<String>) {
        self.ended = true;
        self.note(exit_code, ran_for);
    }

    fn note(&self, exit_code: Option<i32>, ran_for: Option<String>) {
        let record = HookRecord {
            hook: self.hook.property().into(),
            started_at: self.started_at,
            duration_ms: Some(now().saturating_sub(self.started_at)),
            exit_code,
        };
        self.ledger.note(self.container_id, record, ran_for);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.note(None, None);
        }
    }
}

/// The hooks in the container that have a command and are not left out by the request.
fn wanted(up: &Up, remote: &Remote) -> Vec<LifecycleHook> {
    if up.params.skip_post_create {
        return Vec::new();
    }
    LifecycleHook::ALL
        .into_iter()
        .filter(|hook| {
            !hook.runs_on_host() && remote.hooks.get(hook).is_some_and(|commands| !commands.is_empty())
        })
        .filter(|hook| !(up.params.skip_post_attach && *hook == LifecycleHook::PostAttach))
        .filter(|hook| !up.params.skip_non_blocking_commands || hook.blocks(remote.wait_for))
        .collect()
}

fn exit_code_of(error: &ErrorData) -> Option<i32> {
    match (&error.kind, &error.details) {
        (
            ErrorKind::LifecycleFailed,
            Some(gangplank_protocol::error::ErrorDetails::Command { exit_code, .. }),
        ) => *exit_code,
        _ => None,
    }
}

/// Changing the container user's number to ours is not applied yet: where they differ, the user should know.
fn warn_of_uid(up: &Up, planned: &Planned, remote: &Remote, uid: Option<u32>) {
    let wanted = planned.configuration.container.update_remote_user_uid != Some(false);
    let numeric = remote.user.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(uid) =
        uid.filter(|uid| wanted && !numeric && *uid != 0 && own_uid() != 0 && *uid != own_uid())
    {
        up.reporter.warn(format!(
            "{} has the number {uid} in the container and you have {}: files that one makes the other may not be able to write \
             (updateRemoteUserUID is not applied yet)",
            remote.user,
            own_uid()
        ));
    }
}
