//! `exec`: a command in the workspace's container or in any. Exits as the command does, as the reference's.

use gangplank_client::Client;
use gangplank_protocol::catalogue::ProcessStart;
use gangplank_protocol::process::{ProcessStartParams, ProcessTarget};

use super::{DONE, Outcome, shared};
use crate::args::process::Exec;
use crate::args::value;
use crate::args::workspace::{Folder, Named};
use crate::context::{Context, request_key};
use crate::exit;
use crate::failure::Failure;
use crate::render::{self, escape};
use crate::terminal::detach::DetachKeys;
use crate::terminal::host_paths::HostPaths;
use crate::terminal::session::{self, Hangup, Session, SessionEnd};
use crate::terminal::{self};

pub(super) async fn run(context: &Context, verb: &Exec) -> Outcome {
    let keys = detach_keys(&verb.detach_keys)?;
    let interactive = verb.interactive || !verb.detach;
    let tty = verb.tty || interactive && terminal::is_terminal();
    if let Some(bare) = verb.remote_env.iter().find(|variable| !variable.contains('=')) {
        return Err(Failure::Usage(format!("--remote-env {bare:?}: expected NAME=VALUE")));
    }
    let environment = verb.remote_env.iter().chain(&verb.env);
    let params = ProcessStartParams {
        engine: None,
        target: target(context, &verb.workspace, Folder::Current)?,
        argv: verb.command.clone(),
        tty,
        interactive,
        detach: verb.detach,
        cwd: verb.workdir.clone(),
        host_directory: None,
        environment: value::variables(environment, |name| std::env::var_os(name))?,
        user: verb.user.clone(),
        name: None,
        idle_timeout_seconds: None,
        size: terminal::size().filter(|_| tty),
        client_environment: context.environment(),
        trust: context.trust(false),
        request_key: request_key(),
    };
    let client = context.client().await?;
    let paths = match verb.host_paths {
        true => {
            let workspace = verb.workspace.selector(&context.cwd()?, Folder::Current)?;
            Some(shared::host_paths(&client, workspace).await?)
        }
        false => None,
    };
    if paths.as_ref().is_some_and(HostPaths::is_empty) {
        context
            .screen
            .note("this machine does not have the container's workspace folder: paths stay as they are");
    }
    start(context, &client, params, keys, Hangup::Close, paths).await
}

/// The exit code of an `exec`, with what there is to say told.
pub(super) fn exit_code(context: &Context, outcome: Outcome) -> u8 {
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            if let Some(data) = failure.data() {
                context.screen.tell(&render::failure::text(&data));
            }
            failure.reference_exit_code()
        }
    }
}

/// The process's place: a container that was named alone, else a workspace.
///
/// # Errors
/// A usage error when a path is not UTF-8.
pub(super) fn target(context: &Context, named: &Named, folder: Folder) -> Result<ProcessTarget, Failure> {
    let workspace = named.selector(&context.cwd()?, folder)?;
    Ok(match workspace.container_id {
        Some(container) if workspace.workspace_folder.is_none() && workspace.config.is_none() => {
            ProcessTarget::Container { container }
        }
        _ => ProcessTarget::Workspace { workspace },
    })
}

/// The keys that leave a terminal.
///
/// # Errors
/// A usage error when they are no keys.
pub(super) fn detach_keys(text: &str) -> Result<DetachKeys, Failure> {
    text.parse().map_err(|error| Failure::Usage(format!("--detach-keys: {error}")))
}

/// Starts a process and stays with it, unless it is detached.
///
/// # Errors
/// When it cannot be started, or its session fails.
pub(super) async fn start(
    context: &Context,
    client: &Client,
    params: ProcessStartParams,
    keys: DetachKeys,
    hangup: Hangup,
    paths: Option<HostPaths>,
) -> Outcome {
    let (tty, interactive, size) = (params.tty, params.interactive, params.size);
    let started = client.call::<ProcessStart>(&params).await?;
    let Some(ticket) = started.stream else {
        return DONE;
    };
    let session = Session {
        process_id: Some(started.process_id.clone()),
        ticket,
        input_before: Some(0),
        resumable: None,
        tty,
        interactive,
        keys,
        hangup,
        size,
        paths,
    };
    let end = session::run(client, &context.screen, session).await?;
    Ok(code_of(context, end, &started.process_id))
}

/// The exit code that a session's end comes to, with what there is to say told.
pub(super) fn code_of(context: &Context, end: SessionEnd, process: &str) -> u8 {
    match end {
        SessionEnd::Exited(exit) => {
            if let Some(why) = session::reason(&exit) {
                context.screen.note(&why);
            }
            exit.code.map_or(exit::FAILED, |code| u8::try_from(code & 0xff).unwrap_or(exit::FAILED))
        }
        SessionEnd::Detached => {
            context.screen.tell(&format!("\ndetached; it goes on (process {})", escape::line(process)));
            exit::OK
        }
        SessionEnd::Left(code) => code,
    }
}
