//! `ps`, `start`, `stop`, `rm` and `down`.

use std::future::Future;

use gangplank_client::{Client, ClientError};
use gangplank_protocol::catalogue::{
    ContainerList, ContainerRemove, ContainerStart, ContainerStop, WorkspaceRemove, WorkspaceStop,
};
use gangplank_protocol::container::{
    ContainerChanged, ContainerListParams, ContainerParams, ContainerRemoveParams, ContainerStopParams,
    ContainerSummary, PortMapping,
};
use gangplank_protocol::workspace::WorkspaceChanged;
use serde::Serialize;

use super::{DONE, Outcome, named, up};
use crate::args::container::{Ps, Rm, Start, Stop};
use crate::args::workspace::Down;
use crate::context::{Context, request_key};
use crate::exit;
use crate::failure::Failure;
use crate::render::table::{Table, short_id, truncated};
use crate::render::{escape, failure, human};

pub(super) async fn ps(context: &Context, verb: &Ps) -> Outcome {
    let client = context.client().await?;
    let params = ContainerListParams { engine: None, all: verb.all, labels: verb.filter.clone() };
    let containers = client.call::<ContainerList>(&params).await?.containers;
    if verb.quiet {
        let ids: Vec<String> = containers.iter().map(|container| id(&container.id, verb)).collect();
        context.screen.list(context.format(), &ids, |ids| {
            ids.iter().map(|id| format!("{}\n", escape::line(id))).collect()
        })?;
        return DONE;
    }
    let now = human::now();
    context
        .screen
        .list(context.format(), &containers, |containers| containers_text(containers, verb, now))?;
    DONE
}

fn id(id: &str, verb: &Ps) -> String {
    if verb.no_trunc { id.to_owned() } else { short_id(id).to_owned() }
}

fn containers_text(containers: &[ContainerSummary], verb: &Ps, now: u64) -> String {
    let mut table = Table::new(&["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"]);
    for container in containers {
        let command =
            if verb.no_trunc { container.command.clone() } else { truncated(&container.command, 20) };
        table.row([
            id(&container.id, verb),
            container.image.clone(),
            format!("\"{command}\""),
            human::ago(container.created_at, now),
            container.status.clone(),
            container.ports.iter().map(port).collect::<Vec<_>>().join(", "),
            container.name.clone(),
        ]);
    }
    table.print()
}

fn port(port: &PortMapping) -> String {
    let inside = format!("{}/{}", port.container_port, port.protocol);
    match (&port.host_address, port.host_port) {
        (Some(address), Some(number)) if address.contains(':') => format!("[{address}]:{number}->{inside}"),
        (Some(address), Some(number)) => format!("{address}:{number}->{inside}"),
        _ => inside,
    }
}

pub(super) async fn start(context: &Context, verb: &Start) -> Outcome {
    if verb.containers.is_empty() {
        return up::start(context, &verb.workspace, verb.trust).await;
    }
    let client = context.client().await?;
    each(context, &verb.containers, async |container| {
        let params = ContainerParams { engine: None, container, request_key: request_key() };
        client.call::<ContainerStart>(&params).await
    })
    .await
}

pub(super) async fn stop(context: &Context, verb: &Stop) -> Outcome {
    let client = context.client().await?;
    if verb.containers.is_empty() {
        let params = named::workspace(context, &verb.workspace)?;
        if verb.time.is_none() {
            return changed(context, &client.call::<WorkspaceStop>(&params).await?, "stopped", "not running");
        }
    }
    let containers = named_or_own(&client, context, &verb.containers, &verb.workspace).await?;
    each(context, &containers, async |container| {
        let params = ContainerStopParams {
            engine: None,
            container,
            timeout_seconds: verb.time,
            request_key: request_key(),
        };
        client.call::<ContainerStop>(&params).await
    })
    .await
}

pub(super) async fn rm(context: &Context, verb: &Rm) -> Outcome {
    let client = context.client().await?;
    let containers = named_or_own(&client, context, &verb.containers, &verb.workspace).await?;
    each(context, &containers, async |container| {
        let params = ContainerRemoveParams {
            engine: None,
            container,
            force: verb.force,
            volumes: verb.volumes,
            request_key: request_key(),
        };
        client.call::<ContainerRemove>(&params).await
    })
    .await
}

pub(super) async fn down(context: &Context, verb: &Down) -> Outcome {
    let client = context.client().await?;
    let params = named::workspace(context, &verb.workspace)?;
    changed(context, &client.call::<WorkspaceRemove>(&params).await?, "removed", "there is no container")
}

/// The containers named, or the one of the folder's workspace.
async fn named_or_own(
    client: &Client,
    context: &Context,
    names: &[String],
    workspace: &crate::args::workspace::Named,
) -> Result<Vec<String>, Failure> {
    match names {
        [] => Ok(vec![named::container_of(client, context, workspace).await?]),
        names => Ok(names.to_vec()),
    }
}

/// What happened to one of several containers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Each {
    name: String,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    changed: Option<ContainerChanged>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<gangplank_protocol::ErrorData>,
}

/// Does the same to each container, in their order, and goes on after a failure; each name that went well is an
/// answer, as Docker's verbs have it. The exit code is the first failure's.
async fn each<F>(context: &Context, names: &[String], act: impl Fn(String) -> F) -> Outcome
where
    F: Future<Output = Result<ContainerChanged, ClientError>>,
{
    let mut code = exit::OK;
    let mut all = Vec::new();
    for name in names {
        match act(name.clone()).await {
            Ok(changed) => all.push(Each { name: name.clone(), changed: Some(changed), error: None }),
            Err(error) => {
                let failed = Failure::from(error);
                if let Some(data) = failed.data() {
                    context.screen.tell(&failure::text(&data));
                }
                code = if code == exit::OK { failed.exit_code() } else { code };
                all.push(Each { name: name.clone(), changed: None, error: failed.data() });
            }
        }
    }
    context.screen.list(context.format(), &all, |all| {
        all.iter()
            .filter(|one| one.changed.is_some())
            .map(|one| format!("{}\n", escape::line(&one.name)))
            .collect()
    })?;
    Ok(code)
}

fn changed(context: &Context, change: &WorkspaceChanged, done: &str, already: &str) -> Outcome {
    context.screen.value(context.format(), change, |change| {
        let ids: Vec<&str> = change.container_ids.iter().map(|id| short_id(id)).collect();
        match change.changed {
            true => format!("{done} {}\n", escape::line(&ids.join(" "))),
            false => format!("{already}\n"),
        }
    })?;
    DONE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container() -> ContainerSummary {
        ContainerSummary {
            id: "0123456789abcdef".into(),
            name: "brave_euler".into(),
            image: "python:3".into(),
            command: "python -m http.server 8000".into(),
            created_at: 0,
            state: "running".into(),
            status: "Up 3 minutes".into(),
            ports: vec![PortMapping {
                container_port: 8000,
                protocol: "tcp".into(),
                host_address: Some("127.0.0.1".into()),
                host_port: Some(32768),
            }],
            labels: Default::default(),
        }
    }

    fn verb(quiet: bool, no_trunc: bool) -> Ps {
        Ps { all: false, quiet, no_trunc, filter: vec![] }
    }

    #[test]
    fn ps_has_dockers_columns() {
        assert_eq!(
            containers_text(&[container()], &verb(false, false), 180_000),
            "CONTAINER ID   IMAGE      COMMAND                  CREATED         STATUS         PORTS                       NAMES\n\
             0123456789ab   python:3   \"python -m http.serv…\"   3 minutes ago   Up 3 minutes   127.0.0.1:32768->8000/tcp   brave_euler\n"
        );
    }

    #[test]
    fn ids_are_short_unless_asked_for_in_full() {
        assert_eq!(id("0123456789abcdef", &verb(true, false)), "0123456789ab");
        assert_eq!(id("0123456789abcdef", &verb(true, true)), "0123456789abcdef");
    }
}
