//! Which container a verb is about that takes names: those named, or the folder's.

use gangplank_client::Client;
use gangplank_protocol::catalogue::WorkspaceInspect;
use gangplank_protocol::workspace::{WorkspaceDetails, WorkspaceParams, WorkspaceSelector};

use crate::args::workspace::{Folder, Named};
use crate::context::{Context, request_key};
use crate::failure::Failure;

/// The parameters that name the workspace of a verb.
///
/// # Errors
/// A usage error when a path is not UTF-8.
pub(super) fn workspace(context: &Context, named: &Named) -> Result<WorkspaceParams, Failure> {
    let workspace = selector(context, named)?;
    Ok(WorkspaceParams { engine: None, workspace, request_key: request_key() })
}

/// The workspace that a verb of our own is about.
///
/// # Errors
/// As [`workspace`].
pub(super) fn selector(context: &Context, named: &Named) -> Result<WorkspaceSelector, Failure> {
    named.selector(&context.cwd()?, Folder::Nearest)
}

/// The id of the workspace's container.
///
/// # Errors
/// When it has none.
pub(super) async fn container_of(
    client: &Client,
    context: &Context,
    named: &Named,
) -> Result<String, Failure> {
    let params = workspace(context, named)?;
    Ok(client.call::<WorkspaceInspect>(&params).await?.workspace.container.container_id)
}

/// Who hosts a workspace's processes, and what that means for its terminals.
pub(super) fn process_host(details: &WorkspaceDetails) -> String {
    let text = match details.process_host.as_str() {
        "agent" => "hosted by an agent in the container, and so outlive the daemon".to_owned(),
        "exec" => "hosted by the engine, and so end with the daemon".to_owned(),
        other => format!("hosted by {other}"),
    };
    match &details.process_host_reason {
        Some(reason) => format!("{text} ({reason})"),
        None => text,
    }
}
