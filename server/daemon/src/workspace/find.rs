//! The container of a workspace, found by its labels, as the reference finds it.

use gangplank_devcontainer::identity::{CONFIG_FILE_LABEL, LOCAL_FOLDER_LABEL, Labels};
use gangplank_engine::Engine;
use gangplank_engine::container::{ContainerFilter, ContainerSummary};
use gangplank_protocol::workspace::{Workspace, WorkspaceContainer, WorkspaceSelector};
use gangplank_protocol::{ErrorData, ErrorKind};

use super::selection::id_labels;
use crate::engines::wire_id;
use crate::failure;

/// The container with exactly these labels. One of an older tool has no label for the configuration file and counts
/// too.
///
/// # Errors
/// The engine's.
pub(super) async fn find(engine: &Engine, labels: &Labels) -> Result<Option<ContainerSummary>, ErrorData> {
    if let (Some(folder), Some(config)) = (labels.get(LOCAL_FOLDER_LABEL), labels.get(CONFIG_FILE_LABEL)) {
        let mut found = list(engine, vec![format!("{LOCAL_FOLDER_LABEL}={folder}")]).await?;
        let of_config =
            |container: &ContainerSummary| container.labels.get(CONFIG_FILE_LABEL) == Some(config);
        if found.iter().any(of_config) {
            found.retain(of_config);
        } else {
            found.retain(|container| !container.labels.contains_key(CONFIG_FILE_LABEL));
        }
        return Ok(best(found));
    }
    preferred(engine, labels.iter().map(|(name, value)| format!("{name}={value}")).collect()).await
}

/// Of the containers with these labels the one that runs, else the newest.
///
/// # Errors
/// The engine's.
pub(super) async fn preferred(
    engine: &Engine,
    labels: Vec<String>,
) -> Result<Option<ContainerSummary>, ErrorData> {
    list(engine, labels).await.map(best)
}

async fn list(engine: &Engine, labels: Vec<String>) -> Result<Vec<ContainerSummary>, ErrorData> {
    let filter = ContainerFilter { all: true, labels };
    let mut found = engine.list_containers(&filter).await.map_err(failure::from_engine)?;
    // One that is being removed is no longer there for us.
    found.retain(|container| container.state != "removing" && container.state != "dead");
    Ok(found)
}

fn best(found: Vec<ContainerSummary>) -> Option<ContainerSummary> {
    found.into_iter().max_by_key(|container| (container.state == "running", container.created))
}

/// The containers that a request about an existing workspace means.
///
/// # Errors
/// `notFound` when there is none, `invalidParams` when the selector names nothing, the engine's.
pub async fn containers_of(
    engine: &Engine,
    selector: &WorkspaceSelector,
) -> Result<Vec<ContainerSummary>, ErrorData> {
    if let Some(name) = &selector.container_id {
        let details = engine.inspect_container(name).await.map_err(failure::from_engine)?;
        let filter = ContainerFilter { all: true, labels: Vec::new() };
        let all = engine.list_containers(&filter).await.map_err(failure::from_engine)?;
        return Ok(all.into_iter().filter(|container| container.id == details.id).collect());
    }
    let mut labels: Vec<String> =
        id_labels(&selector.id_labels)?.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    if labels.is_empty() {
        let folder = selector.workspace_folder.as_deref().ok_or_else(|| {
            ErrorData::new(ErrorKind::InvalidParams, "neither a folder, a container nor id labels are named")
        })?;
        let normal = gangplank_devcontainer::paths::HostPath::new(folder)
            .map_err(|e| ErrorData::new(ErrorKind::InvalidParams, e.to_string()))?;
        labels.push(format!("{LOCAL_FOLDER_LABEL}={normal}"));
        labels.extend(selector.config.iter().map(|config| format!("{CONFIG_FILE_LABEL}={config}")));
    }
    let mut found = list(engine, labels).await?;
    if found.is_empty() {
        let what = selector.workspace_folder.as_deref().unwrap_or("these labels");
        return Err(ErrorData::new(ErrorKind::NotFound, format!("there is no dev container for {what}"))
            .hint("`gangplank up` makes one"));
    }
    found.sort_by_key(|container| std::cmp::Reverse((container.state == "running", container.created)));
    Ok(found)
}

/// The container as the protocol has it.
pub fn describe(engine: &Engine, container: &ContainerSummary) -> WorkspaceContainer {
    WorkspaceContainer {
        engine: wire_id(engine),
        container_id: container.id.clone(),
        name: container.names.first().cloned().unwrap_or_default(),
        image: container.image.clone(),
        state: container.state.clone(),
    }
}

/// Every workspace that has a container on the engine.
///
/// # Errors
/// The engine's.
pub async fn all(engine: &Engine) -> Result<Vec<Workspace>, ErrorData> {
    let found = list(engine, vec![LOCAL_FOLDER_LABEL.to_owned()]).await?;
    Ok(found
        .iter()
        .map(|container| Workspace {
            workspace_folder: container.labels.get(LOCAL_FOLDER_LABEL).cloned().unwrap_or_default(),
            configuration: container.labels.get(CONFIG_FILE_LABEL).cloned(),
            container: describe(engine, container),
            operation_id: None,
        })
        .collect())
}
