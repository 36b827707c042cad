//! The container of a workspace, found by its labels, as the reference finds it. A container has its image's labels too,
//! and those say nothing: whoever makes an image could else have its container taken for any workspace's.

use std::collections::BTreeMap;

use gangplank_devcontainer::identity::{CONFIG_FILE_LABEL, LOCAL_FOLDER_LABEL, Labels, devcontainer_id};
use gangplank_devcontainer::paths::HostPath;
use gangplank_engine::Engine;
use gangplank_engine::container::{ContainerFilter, ContainerSummary};
use gangplank_protocol::workspace::{Workspace, WorkspaceContainer, WorkspaceSelector};
use gangplank_protocol::{ErrorData, ErrorKind};

use super::container_spec::is_name_of;
use super::selection::id_labels;
use crate::engines::wire_id;
use crate::failure;

/// Holds the id labels of a container that was made with other ones than the usual, as a JSON object.
pub(super) const ID_LABELS_LABEL: &str = "dev.gangplank.id_labels";
/// Holds the folder of such a container: by the usual label it would be found as the folder's.
pub(super) const OPENED_FOLDER_LABEL: &str = "dev.gangplank.local_folder";

/// The container of `folder` with exactly these labels. One of an older tool has no label for the configuration file and
/// counts too.
///
/// # Errors
/// The engine's.
pub(super) async fn find(
    engine: &Engine,
    labels: &Labels,
    folder: &HostPath,
) -> Result<Option<ContainerSummary>, ErrorData> {
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
    let mut found =
        list(engine, labels.iter().map(|(name, value)| format!("{name}={value}")).collect()).await?;
    found.retain(|container| is_found_by(&container.labels, labels, Some(folder.as_str())));
    Ok(best(found))
}

/// Whether a container with these labels is one that is found by the id labels `wanted`: a configuration can give its
/// container any label by `runArgs`, and so make it pass for that of somebody who chose the same. One that has the
/// folder's label is found by that; of what we made with id labels, they are written down. Another tool's that has
/// neither was made with id labels too.
pub(super) fn is_found_by(labels: &BTreeMap<String, String>, wanted: &Labels, folder: Option<&str>) -> bool {
    match labels.get(LOCAL_FOLDER_LABEL) {
        Some(of) if !wanted.contains_key(LOCAL_FOLDER_LABEL) => folder == Some(of),
        _ => labels
            .get(ID_LABELS_LABEL)
            .is_none_or(|own| serde_json::from_str::<Labels>(own).is_ok_and(|own| has_all(&own, wanted))),
    }
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

/// Whether a container in this state is being removed, and so is no longer there for us.
pub(super) fn is_going(state: &str) -> bool {
    matches!(state, "removing" | "dead")
}

async fn list(engine: &Engine, labels: Vec<String>) -> Result<Vec<ContainerSummary>, ErrorData> {
    let names: Vec<String> = labels
        .iter()
        .map(|label| label.split_once('=').map_or(&**label, |(name, _)| name).to_owned())
        .collect();
    let filter = ContainerFilter { all: true, labels };
    let mut found = engine.list_containers(&filter).await.map_err(failure::from_engine)?;
    found.retain(|container| !is_going(&container.state));
    labelled_themselves(engine, found, &names).await
}

/// Leaves out the containers that have the labels of these names from their image alone. One that we made is known by
/// its name; only for others the engine is asked about the image.
async fn labelled_themselves(
    engine: &Engine,
    found: Vec<ContainerSummary>,
    names: &[String],
) -> Result<Vec<ContainerSummary>, ErrorData> {
    let mut images: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut kept = Vec::with_capacity(found.len());
    for container in found {
        let identity = identity(&container, names);
        if container.names.iter().any(|name| is_name_of(name, &devcontainer_id(&identity))) {
            kept.push(container);
            continue;
        }
        if !images.contains_key(&container.image_id) {
            let labels = match engine.inspect_image(&container.image_id).await {
                Ok(image) => image.labels,
                // Removed under a container that is there still: it cannot be asked any more.
                Err(error) if error.is_not_found() => BTreeMap::new(),
                Err(error) => return Err(failure::from_engine(error)),
            };
            images.insert(container.image_id.clone(), labels);
        }
        if !images.get(&container.image_id).is_some_and(|labels| has_all(labels, &identity)) {
            kept.push(container);
        }
    }
    Ok(kept)
}

/// The container's labels of these names; its configuration file's belongs to its folder's.
fn identity(container: &ContainerSummary, names: &[String]) -> Labels {
    let of_folder = names.iter().any(|name| name == LOCAL_FOLDER_LABEL).then_some(CONFIG_FILE_LABEL);
    let names = names.iter().map(String::as_str).chain(of_folder);
    names.filter_map(|name| Some((name.to_owned(), container.labels.get(name)?.clone()))).collect()
}

/// Whether `labels` has all of `wanted`, with the same values.
pub(super) fn has_all(labels: &BTreeMap<String, String>, wanted: &Labels) -> bool {
    wanted.iter().all(|(name, value)| labels.get(name) == Some(value))
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
    let asked_for: Labels = id_labels(&selector.id_labels)?.into_iter().collect();
    let mut labels: Vec<String> = asked_for.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if labels.is_empty() {
        let folder = selector.workspace_folder.as_deref().ok_or_else(|| {
            ErrorData::new(ErrorKind::InvalidParams, "neither a folder, a container nor id labels are named")
        })?;
        let normal =
            HostPath::new(folder).map_err(|e| ErrorData::new(ErrorKind::InvalidParams, e.to_string()))?;
        labels.push(format!("{LOCAL_FOLDER_LABEL}={normal}"));
        labels.extend(selector.config.iter().map(|config| format!("{CONFIG_FILE_LABEL}={config}")));
    }
    let mut found = list(engine, labels).await?;
    if !asked_for.is_empty() {
        let folder = selector.workspace_folder.as_deref().and_then(|folder| HostPath::new(folder).ok());
        let folder = folder.as_ref().map(HostPath::as_str);
        found.retain(|container| is_found_by(&container.labels, &asked_for, folder));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_by_run_args_find_nothing() {
        let labels = |pairs: &[(&str, &str)]| -> Labels {
            pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
        };
        let wanted = labels(&[("a", "1")]);
        let found = |has: &[(&str, &str)], folder| is_found_by(&labels(has), &wanted, folder);
        let of_w = [("a", "1"), (LOCAL_FOLDER_LABEL, "/w")];
        assert!(found(&of_w, Some("/w")));
        assert!(!found(&of_w, Some("/other")) && !found(&of_w, None));
        // An image's label does not make up for it.
        assert!(!found(&[of_w[0], of_w[1], (ID_LABELS_LABEL, r#"{"a":"1"}"#)], Some("/other")));
        assert!(found(&[("a", "1")], Some("/w")));
        assert!(found(&[("a", "1"), (ID_LABELS_LABEL, r#"{"a":"1","b":"2"}"#)], None));
        for own in [r#"{"a":"2"}"#, r#"{"b":"1"}"#, "[]", "?"] {
            assert!(!found(&[("a", "1"), (ID_LABELS_LABEL, own)], Some("/w")), "{own}");
        }
        let by_folder = labels(&[(LOCAL_FOLDER_LABEL, "/w")]);
        assert!(is_found_by(&labels(&of_w), &by_folder, None));
    }
}
