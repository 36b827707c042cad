//! `status`: how the folder's workspace stands, or every one.

use gangplank_protocol::catalogue::{OperationGet, WorkspaceInspect, WorkspaceList};
use gangplank_protocol::operation::{Operation, OperationParams, StepStatus};
use gangplank_protocol::workspace::{HookRecord, Workspace, WorkspaceDetails, WorkspaceListParams};
use serde::Serialize;

use super::{DONE, Outcome, named};
use crate::args::workspace::Status;
use crate::context::Context;
use crate::render::table::{Table, short_id};
use crate::render::{escape, human};

/// A workspace with what works on it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Standing {
    #[serde(flatten)]
    details: WorkspaceDetails,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<Operation>,
}

pub(super) async fn run(context: &Context, verb: &Status) -> Outcome {
    let client = context.client().await?;
    if verb.all {
        let workspaces = client.call::<WorkspaceList>(&WorkspaceListParams::default()).await?.workspaces;
        context.screen.list(context.format(), &workspaces, list_text)?;
        return DONE;
    }
    let details = client.call::<WorkspaceInspect>(&named::workspace(context, &verb.workspace)?).await?;
    let operation = match details.workspace.operation_id.clone() {
        Some(operation_id) => Some(client.call::<OperationGet>(&OperationParams { operation_id }).await?),
        None => None,
    };
    context.screen.value(context.format(), &Standing { details, operation }, text)?;
    DONE
}

fn list_text(workspaces: &[Workspace]) -> String {
    let mut table = Table::new(&["FOLDER", "STATE", "CONTAINER ID", "NAME", "IMAGE"]);
    for workspace in workspaces {
        let container = &workspace.container;
        table.row([
            workspace.workspace_folder.as_str(),
            &container.state,
            short_id(&container.container_id),
            &container.name,
            &container.image,
        ]);
    }
    table.print()
}

fn text(standing: &Standing) -> String {
    let details = &standing.details;
    let container = &details.workspace.container;
    let mut rows = vec![
        ("folder", details.workspace.workspace_folder.clone()),
        ("phase", details.phase.clone()),
        ("container", format!("{} ({})", container.name, short_id(&container.container_id))),
        ("image", container.image.clone()),
        ("engine", container.engine.to_string()),
        ("user", details.remote_user.clone()),
        ("in it", details.remote_workspace_folder.clone()),
    ];
    if let Some(configuration) = &details.workspace.configuration {
        rows.insert(1, ("configuration", configuration.clone()));
    }
    rows.extend(details.hooks.iter().map(|hook| ("hook", hook_text(hook))));
    if let Some(operation) = &standing.operation {
        let step = operation.steps.iter().rev().find(|step| step.status == StepStatus::Running);
        let step = step.map_or_else(|| operation.subject.clone(), |step| step.title.clone());
        rows.push(("working", step));
    }
    rows.push(("processes", named::process_host(details)));
    rows.iter().map(|(name, value)| format!("{name:14} {}\n", escape::line(value))).collect()
}

fn hook_text(hook: &HookRecord) -> String {
    let took = hook.duration_ms.map(human::duration);
    match (hook.exit_code, took) {
        (Some(0), Some(took)) => format!("{}: done in {took}", hook.hook),
        (Some(code), Some(took)) => format!("{}: exit code {code} after {took}", hook.hook),
        (Some(code), None) => format!("{}: exit code {code}", hook.hook),
        (None, Some(took)) => format!("{}: cut off after {took}", hook.hook),
        (None, None) => format!("{}: running", hook.hook),
    }
}
