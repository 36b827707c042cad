//! `up`, `rebuild`, and `start` on a workspace: the same operation, and its result in the reference CLI's form.

use gangplank_protocol::ErrorData;
use gangplank_protocol::catalogue::{WorkspaceRebuild, WorkspaceUp};
use gangplank_protocol::error::ErrorDetails;
use gangplank_protocol::operation::OperationStarted;
use gangplank_protocol::workspace::{WorkspaceUpParams, WorkspaceUpResult};
use serde::Serialize;
use serde_json::Value;

use super::{DONE, Outcome, named, on_one_thread};
use crate::args::Format;
use crate::args::workspace::{LogFormat, Making, Named, Probe, Rebuild, Up};
use crate::context::{Context, request_key};
use crate::failure::Failure;
use crate::render::progress::{Progress, Wanted};
use crate::render::table::short_id;
use crate::render::{self, escape};
use crate::{exit, operation};

/// `up`: exits as the reference's.
pub(super) fn run(context: &Context, verb: &Up) -> u8 {
    let outcome = on_one_thread(async {
        let making = &verb.making;
        if making.workspace.container_id.is_some() {
            return Err(Failure::Usage(
                "--container-id names a container that exists; `up` finds its own by --workspace-folder or --id-label, and \
                 `gangplank start NAME` starts any other"
                    .to_owned(),
            ));
        }
        let mut params = params(context, making)?;
        params.workspace = making.workspace.selector_with_folder(&context.cwd()?)?;
        params.remove_existing_container = verb.remove_existing_container;
        params.expect_existing_container = verb.expect_existing_container;
        let client = context.client().await?;
        let started = client.call::<WorkspaceUp>(&params).await?;
        answer(context, (context.result_format(), making.log_format), &client, &started).await
    });
    finish(context, verb.making.log_format, outcome, Failure::reference_exit_code)
}

/// `rebuild`: a verb of our own with the same result.
pub(super) fn rebuild(context: &Context, verb: &Rebuild) -> u8 {
    let outcome = on_one_thread(async {
        let mut params = params(context, &verb.making)?;
        params.pull = verb.pull;
        let client = context.client().await?;
        let started = client.call::<WorkspaceRebuild>(&params).await?;
        answer(context, (context.result_format(), verb.making.log_format), &client, &started).await
    });
    finish(context, verb.making.log_format, outcome, Failure::exit_code)
}

/// `start` on a workspace: `up` that makes no container. Its hooks belong to a start.
pub(super) async fn start(context: &Context, workspace: &Named, trust: bool) -> Outcome {
    let params = WorkspaceUpParams {
        workspace: named::selector(context, workspace)?,
        trust: context.trust(trust),
        interactive: context.interactive(),
        client_environment: context.environment(),
        expect_existing_container: true,
        mount_workspace_git_root: true,
        request_key: request_key(),
        ..WorkspaceUpParams::default()
    };
    let client = context.client().await?;
    let started = client.call::<WorkspaceUp>(&params).await?;
    answer(context, (context.format(), LogFormat::Text), &client, &started).await
}

fn params(context: &Context, making: &Making) -> Result<WorkspaceUpParams, Failure> {
    Ok(WorkspaceUpParams {
        workspace: named::selector(context, &making.workspace)?,
        trust: context.trust(making.trust),
        interactive: context.interactive(),
        client_environment: context.environment(),
        skip_post_create: making.skip_post_create,
        skip_non_blocking_commands: making.skip_non_blocking_commands,
        skip_post_attach: making.skip_post_attach,
        mounts: making.mount.clone(),
        remote_environment: making.remote_env.clone(),
        mount_workspace_git_root: making.mount_workspace_git_root,
        default_user_env_probe: making.default_user_env_probe.map(|probe| probe_name(probe).to_owned()),
        include_configuration: making.include_configuration,
        request_key: request_key(),
        ..WorkspaceUpParams::default()
    })
}

fn probe_name(probe: Probe) -> &'static str {
    match probe {
        Probe::None => "none",
        Probe::LoginShell => "loginShell",
        Probe::InteractiveShell => "interactiveShell",
        Probe::LoginInteractiveShell => "loginInteractiveShell",
    }
}

async fn answer(
    context: &Context,
    (format, log_format): (Format, LogFormat),
    client: &gangplank_client::Client,
    started: &OperationStarted,
) -> Outcome {
    let wanted = match (format, log_format) {
        (Format::Ndjson, _) => Wanted::Answer,
        (_, LogFormat::Json) => Wanted::Log,
        (_, LogFormat::Text) => Wanted::People,
    };
    let progress = Progress::new(context.screen, context.called_as, wanted);
    let screen = &context.screen;
    let up: WorkspaceUpResult =
        operation::finish_answering(client, screen, progress, started, context.interactive()).await?;
    context.screen.value(format, &Success::of(&up), |_| text(&up))?;
    DONE
}

/// The reference's result of a success.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Success<'a> {
    outcome: &'static str,
    container_id: &'a str,
    remote_user: &'a str,
    remote_workspace_folder: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration: Option<&'a Value>,
}

impl Success<'_> {
    fn of(up: &WorkspaceUpResult) -> Success<'_> {
        Success {
            outcome: "success",
            container_id: &up.container_id,
            remote_user: &up.remote_user,
            remote_workspace_folder: &up.remote_workspace_folder,
            configuration: up.configuration.as_ref(),
        }
    }
}

/// The reference's result of a failure, with what the protocol knows beyond it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    outcome: &'static str,
    message: String,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_id: Option<String>,
    kind: gangplank_protocol::ErrorKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<ErrorDetails>,
}

impl Failed {
    fn of(data: ErrorData) -> Failed {
        let container_id = match &data.details {
            Some(ErrorDetails::Command { container_id, .. }) => container_id.clone(),
            _ => None,
        };
        let description = match &data.step {
            Some(step) => format!("An error occurred in {step}."),
            None => "An error occurred setting up the container.".to_owned(),
        };
        let message = std::iter::once(data.message).chain(data.causes).collect::<Vec<_>>().join(": ");
        Failed {
            outcome: "error",
            message,
            description,
            container_id,
            kind: data.kind,
            step: data.step,
            hint: data.hint,
            log_path: data.log_path,
            details: data.details,
        }
    }
}

/// Tells a failure to people, and as the result where that is for programs.
fn finish(context: &Context, log_format: LogFormat, outcome: Outcome, code: impl Fn(&Failure) -> u8) -> u8 {
    let failure = match outcome {
        Ok(code) => return code,
        Err(failure) => failure,
    };
    if let Some(data) = failure.data() {
        match log_format {
            LogFormat::Text => context.screen.tell(&render::failure::text(&data)),
            LogFormat::Json => context.screen.tell_json(&data),
        }
        if context.result_format() != Format::Text {
            // a closed standard output does not want to know
            let _ = context.screen.json(&Failed::of(data));
        }
    }
    match code(&failure) {
        exit::OK => exit::FAILED,
        code => code,
    }
}

fn text(up: &WorkspaceUpResult) -> String {
    let folder = std::path::Path::new(&up.workspace_folder);
    let name = folder.file_name().map_or(up.workspace_folder.as_str().into(), |name| name.to_string_lossy());
    let made = if up.created { "a new container" } else { "container" };
    let line = format!(
        "{name} is up in {made} {} as {}, at {}",
        short_id(&up.container_id),
        up.remote_user,
        up.remote_workspace_folder
    );
    format!(
        "{}\n  gangplank shell       a shell in it\n  gangplank exec CMD    run a command in it\n",
        escape::line(&line)
    )
}

#[cfg(test)]
mod tests {
    use gangplank_protocol::ErrorKind;

    use super::*;

    fn result() -> WorkspaceUpResult {
        serde_json::from_value(serde_json::json!({
            "engine": "unix:///x",
            "workspaceFolder": "/home/ada/project",
            "containerId": "0123456789abcdef",
            "remoteUser": "vscode",
            "remoteWorkspaceFolder": "/workspaces/project",
            "created": true,
        }))
        .unwrap()
    }

    #[test]
    fn success_is_the_references_line() {
        assert_eq!(
            serde_json::to_string(&Success::of(&result())).unwrap(),
            r#"{"outcome":"success","containerId":"0123456789abcdef","remoteUser":"vscode","remoteWorkspaceFolder":"/workspaces/project"}"#
        );
    }

    #[test]
    fn failure_is_the_references_line_and_the_kind() {
        let mut data = ErrorData::new(ErrorKind::LifecycleFailed, "postCreateCommand failed").details(
            ErrorDetails::Command {
                exit_code: Some(1),
                last_output: vec![],
                container_id: Some("f00d".into()),
            },
        );
        data.step = Some("postCreateCommand".into());
        data.causes = vec!["exit code 1".into()];
        let failed = serde_json::to_value(Failed::of(data)).unwrap();
        assert_eq!(failed["outcome"], "error");
        assert_eq!(failed["message"], "postCreateCommand failed: exit code 1");
        assert_eq!(failed["description"], "An error occurred in postCreateCommand.");
        assert_eq!(failed["containerId"], "f00d");
        assert_eq!(failed["kind"], "lifecycleFailed");
    }

    #[test]
    fn people_read_what_is_up_and_what_to_do() {
        let text = text(&result());
        assert!(text.starts_with(
            "project is up in a new container 0123456789ab as vscode, at /workspaces/project\n"
        ));
        assert!(text.contains("gangplank shell"));
    }
}
