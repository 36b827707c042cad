//! What `up` starts from: the configuration read, its problems, its effects. Nothing is changed.

use std::collections::BTreeMap;
use std::io;

use gangplank_devcontainer::configuration::{Configuration, ReadInputs, read};
use gangplank_devcontainer::diagnostic::{Diagnostic, Severity};
use gangplank_devcontainer::identity::{CONFIG_FILE_LABEL, LOCAL_FOLDER_LABEL, Labels};
use gangplank_devcontainer::jsonc::MAX_BYTES;
use gangplank_devcontainer::paths::HostPath;
use gangplank_devcontainer::property::{self, Support};
use gangplank_engine::Engine;
use gangplank_engine::container::ContainerDetails;
use gangplank_engine::volume::Volume;
use gangplank_protocol::error::ErrorDetails;
use gangplank_protocol::workspace::{
    self as wire, WorkspacePlanParams, WorkspacePlanResult, WorkspaceSelector,
};
use gangplank_protocol::{ErrorData, ErrorKind};
use serde_json::Value;

use super::effects::{self, Effects};
use super::{Selection, find};
use crate::failure::from_engine;
use crate::host_file;
use crate::trust::TrustStore;

/// A configuration that was read, with everything that follows from it alone.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    /// The folder.
    pub selection: Selection,
    /// The labels that tell its container apart.
    pub labels: Labels,
    /// What was read.
    pub configuration: Configuration,
    /// Its warnings.
    pub warnings: Vec<wire::Diagnostic>,
    /// What it does to the host.
    pub effects: Effects,
}

/// Reads the configuration at `file`.
///
/// # Errors
/// `configurationInvalid` or `notApplied` with every problem; the engine's, asked about volumes.
pub(super) async fn read_configuration(
    selection: &Selection,
    file: &HostPath,
    text: &str,
    environment: &BTreeMap<String, String>,
    mount_git_root: bool,
    engine: &Engine,
) -> Result<Planned, ErrorData> {
    let labels = selection.labels(file);
    let reading = reading(selection, text, environment, mount_git_root, &labels);
    let shown = selection.override_config.as_ref().unwrap_or(file);
    let (configuration, warnings) = reading.usable().map_err(|problems| invalid(shown, &problems))?;
    let volumes = volumes_of(&configuration, engine).await?;
    let effects = effects_of(&configuration, selection, environment, &volumes).await?;
    let warnings = warnings.iter().map(|problem| wire_diagnostic(shown, problem)).collect();
    Ok(Planned { selection: selection.clone(), labels, configuration, warnings, effects })
}

fn reading(
    selection: &Selection,
    text: &str,
    environment: &BTreeMap<String, String>,
    mount_git_root: bool,
    labels: &Labels,
) -> gangplank_devcontainer::configuration::Reading {
    let git_root = if mount_git_root { effects::git_root(&selection.folder) } else { None };
    read(ReadInputs {
        text,
        local_env: environment,
        local_workspace_folder: &selection.folder,
        mount_root: git_root.as_ref().unwrap_or(&selection.folder),
        id_labels: labels,
    })
}

/// The engine's volumes, where the configuration mounts any.
///
/// # Errors
/// The engine's.
pub(super) async fn volumes_of(
    configuration: &Configuration,
    engine: &Engine,
) -> Result<Vec<Volume>, ErrorData> {
    if configuration.named_volumes().is_empty() {
        return Ok(Vec::new());
    }
    engine.list_volumes(&[]).await.map_err(from_engine)
}

/// What the configuration does to the host as that is now. `volumes` are what the engine has.
///
/// # Errors
/// Those of [`Effects::of`].
pub(super) async fn effects_of(
    configuration: &Configuration,
    selection: &Selection,
    environment: &BTreeMap<String, String>,
    volumes: &[Volume],
) -> Result<Effects, ErrorData> {
    let socket = environment.get("DOCKER_HOST").and_then(|host| host.strip_prefix("unix://"));
    let sockets = socket.and_then(|path| HostPath::new(path).ok()).into_iter().collect();
    Effects::of(configuration, selection, environment, sockets, volumes).await
}

/// The text of a configuration file, of at most 1 MiB.
///
/// # Errors
/// `configurationNotFound`, `configurationInvalid` for one that is too long or not UTF-8, `io`.
pub(super) async fn read_text(file: &HostPath) -> Result<String, ErrorData> {
    let bytes = host_file::read_async(file.as_str(), MAX_BYTES as u64).await.map_err(|e| {
        let (kind, what) = match e.kind() {
            io::ErrorKind::NotFound => (ErrorKind::ConfigurationNotFound, "cannot be opened"),
            io::ErrorKind::FileTooLarge => (ErrorKind::ConfigurationInvalid, "is too long"),
            _ => (ErrorKind::Io, "cannot be read"),
        };
        ErrorData::new(kind, format!("the configuration {file} {what}")).caused_by(&e)
    })?;
    String::from_utf8(bytes).map_err(|e| {
        ErrorData::new(ErrorKind::ConfigurationInvalid, format!("{file} is not UTF-8 text")).caused_by(&e)
    })
}

fn invalid(file: &HostPath, problems: &[Diagnostic]) -> ErrorData {
    let errors: Vec<&Diagnostic> = problems.iter().filter(|problem| problem.is_error()).collect();
    let not_applied = |problem: &&Diagnostic| {
        problem.property.top().and_then(property::support) == Some(Support::NotAppliedToContainer)
    };
    let kind = if !errors.is_empty() && errors.iter().all(not_applied) {
        ErrorKind::NotApplied
    } else {
        ErrorKind::ConfigurationInvalid
    };
    let first = errors.first().map(|problem| format!("{file}:{problem}")).unwrap_or_default();
    let message = match errors.len() {
        0 | 1 => first,
        several => format!("{first} (and {} more)", several - 1),
    };
    ErrorData::new(kind, message).details(ErrorDetails::Diagnostics {
        diagnostics: problems.iter().map(|problem| wire_diagnostic(file, problem)).collect(),
    })
}

fn wire_diagnostic(file: &HostPath, problem: &Diagnostic) -> wire::Diagnostic {
    let property = problem.property.to_string();
    wire::Diagnostic {
        severity: match problem.severity {
            Severity::Error => wire::Severity::Error,
            Severity::Warning => wire::Severity::Warning,
        },
        message: problem.message.clone(),
        file: file.to_string(),
        line: problem.position.map_or(0, |position| position.line),
        column: problem.position.map_or(0, |position| position.column),
        property: (!problem.property.segments().is_empty()).then_some(property),
        hint: problem.hint.clone(),
    }
}

/// The configuration of a dev container that is there, as far as it can be read: the file named by the request, else
/// the one its labels name. A container whose files are gone or broken is still usable by what its label says.
pub async fn configuration_of(
    container: &ContainerDetails,
    selector: &WorkspaceSelector,
    environment: &BTreeMap<String, String>,
) -> Option<Configuration> {
    let label = |name: &str| container.labels.get(name).cloned();
    let named = WorkspaceSelector {
        workspace_folder: selector.workspace_folder.clone().or_else(|| label(LOCAL_FOLDER_LABEL)),
        config: selector.config.clone().or_else(|| label(CONFIG_FILE_LABEL)),
        container_id: None,
        ..selector.clone()
    };
    let selection = Selection::look(&named).ok()?;
    let file = selection.configuration.clone()?;
    let text = read_text(selection.override_config.as_ref().unwrap_or(&file)).await.ok()?;
    // Whether the git root was mounted is to be seen from the container: it was decided when that was made.
    let labels = selection.labels(&file);
    let [usual, without_root] = [true, false]
        .map(|git_root| reading(&selection, &text, environment, git_root, &labels).configuration);
    let is_mounted = |configuration: &Configuration| {
        let wanted = configuration.workspace.mount.as_ref();
        wanted.is_none_or(|wanted| container.mounts.iter().any(|mount| mount.target == wanted.target))
    };
    match usual {
        Some(usual) if is_mounted(&usual) => Some(usual),
        usual => without_root.filter(is_mounted).or(usual),
    }
}

/// `workspace/plan`.
///
/// # Errors
/// Those of looking at the folder; problems of the configuration are part of the result.
pub async fn plan(
    params: &WorkspacePlanParams,
    trust: &TrustStore,
    engine: Option<Engine>,
) -> Result<WorkspacePlanResult, ErrorData> {
    let selection = Selection::look(&params.workspace)?;
    let mut result = WorkspacePlanResult {
        workspace_folder: selection.folder.to_string(),
        configurations: selection.configurations.clone(),
        configuration: selection.configuration.as_ref().map(ToString::to_string),
        offers: if selection.configurations.is_empty() { selection.offers() } else { Vec::new() },
        name: None,
        image: None,
        remote_workspace_folder: None,
        diagnostics: Vec::new(),
        not_applied: Vec::new(),
        customizations: Value::Object(serde_json::Map::new()),
        host_effects: Vec::new(),
        host_effects_hash: None,
        trusted: true,
        container: None,
    };
    // The engine comes first: many plans may wait for it, and none shall hold a configuration meanwhile.
    let mut volumes = Vec::new();
    if let Some(engine) = engine {
        let label = format!("{}={}", LOCAL_FOLDER_LABEL, selection.folder);
        let found = async {
            match &selection.configuration {
                Some(file) => find::find(&engine, &selection.labels(file), &selection.folder).await,
                None => find::preferred(&engine, vec![label]).await,
            }
        };
        let (found, listed) = tokio::join!(found, engine.list_volumes(&[]));
        volumes = listed.unwrap_or_default();
        // The plan stands without it: an engine that is away is told by whoever needs it.
        result.container = found.ok().flatten().map(|container| find::describe(&engine, &container));
    }
    if let Some(file) = &selection.configuration {
        read_into(&mut result, &selection, file, params, trust, &volumes).await?;
    }
    Ok(result)
}

async fn read_into(
    result: &mut WorkspacePlanResult,
    selection: &Selection,
    file: &HostPath,
    params: &WorkspacePlanParams,
    trust: &TrustStore,
    volumes: &[Volume],
) -> Result<(), ErrorData> {
    let shown = selection.override_config.as_ref().unwrap_or(file);
    let text = read_text(shown).await?;
    let reading = reading(selection, &text, &params.client_environment, true, &selection.labels(file));
    result.diagnostics = reading.diagnostics.iter().map(|problem| wire_diagnostic(shown, problem)).collect();
    let Some(configuration) = reading.configuration else { return Ok(()) };
    let written = configuration.written.as_object().into_iter().flatten();
    result.not_applied = written
        .map(|(name, _)| name.clone())
        .filter(|name| {
            matches!(property::support(name), Some(Support::NotApplied | Support::NotAppliedToContainer))
        })
        .collect();
    let effects = effects_of(&configuration, selection, &params.client_environment, volumes).await?;
    result.host_effects = effects.wire();
    result.trusted =
        effects.hash.as_ref().is_none_or(|hash| trust.allows(selection.canonical.as_str(), hash));
    result.host_effects_hash = effects.hash;
    result.name = configuration.container.name;
    result.image = configuration.container.image;
    result.remote_workspace_folder = Some(configuration.workspace.folder);
    result.customizations = Value::Object(configuration.container.customizations);
    Ok(())
}
