//! The way from a file's text to all that is known of a dev container before its container exists.
//!
//! Text → JSON with places → old forms moved → default workspace → variables of the first two stages → model,
//! workspace and run options, with the findings of every step.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::diagnostic::{Diagnostic, PropertyPath, errors};
use crate::effects::{HostEffect, HostView, Origin, Source, bind_sources, host_effects, named_volumes};
use crate::identity::{Labels, devcontainer_id};
use crate::jsonc::{self, Document, Locations};
use crate::metadata::Metadata;
use crate::model::DevContainer;
use crate::paths::HostPath;
use crate::run_args::{self, RunOptions};
use crate::variables::{
    HostRead, ReadContext, Substituted, VariableError, on_read, on_read_text, with_container_env,
    with_devcontainer_id,
};
use crate::workspace::{WorkspaceInContainer, default_workspace, workspace};

/// What a configuration is read with.
#[derive(Debug, Clone, Copy)]
pub struct ReadInputs<'a> {
    /// The file's text.
    pub text: &'a str,
    /// The environment of the client that asks.
    pub local_env: &'a BTreeMap<String, String>,
    /// The folder that is opened.
    pub local_workspace_folder: &'a HostPath,
    /// What is mounted by default: the folder's git root, or the folder.
    pub mount_root: &'a HostPath,
    /// The labels that identify the container: `${devcontainerId}` is made from them.
    pub id_labels: &'a Labels,
}

/// A configuration that was read.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// As written, old forms moved.
    pub written: Value,
    /// With the variables of the first two stages substituted.
    pub value: Value,
    /// Where everything stands.
    pub locations: Locations,
    /// What it asks for.
    pub container: DevContainer,
    /// What its `runArgs` ask for.
    pub run_options: RunOptions,
    /// The workspace in the container.
    pub workspace: WorkspaceInContainer,
    /// What was read from the host's environment.
    pub host_reads: Vec<HostRead>,
    /// `${devcontainerId}`.
    pub devcontainer_id: String,
}

/// What came of reading.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The configuration, as far as it could be read: for showing. `None` when the text is no JSON object.
    pub configuration: Option<Configuration>,
    /// All findings.
    pub diagnostics: Vec<Diagnostic>,
}

impl Reading {
    /// The configuration to make a container from, with its warnings.
    ///
    /// # Errors
    /// All findings, when one of them is an error.
    pub fn usable(self) -> Result<(Configuration, Vec<Diagnostic>), Vec<Diagnostic>> {
        match self.configuration {
            Some(configuration) if errors(&self.diagnostics).next().is_none() => {
                Ok((configuration, self.diagnostics))
            }
            _ => Err(self.diagnostics),
        }
    }
}

/// Reads a configuration.
pub fn read(inputs: ReadInputs<'_>) -> Reading {
    let parsed = jsonc::parse(inputs.text);
    let mut diagnostics = parsed.diagnostics;
    let configuration = parsed.document.and_then(|document| build(document, inputs, &mut diagnostics));
    Reading { configuration, diagnostics }
}

fn build(
    document: Document,
    inputs: ReadInputs<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Configuration> {
    let Document { value: written, locations } = document;
    let default = default_workspace(inputs.local_workspace_folder, inputs.mount_root);
    let substituted = substitute_on_read(&written, &default, inputs)
        .map_err(|error| diagnostics.push(variable_finding(&error, &locations)))
        .ok()?;
    let devcontainer_id = devcontainer_id(inputs.id_labels);
    let value = with_devcontainer_id(&substituted.value, &devcontainer_id);
    let (container, findings) = DevContainer::from_value(&value, &locations);
    diagnostics.extend(findings);
    let mut container = container?;
    let (written, value) = (move_old_forms(written), move_old_forms(value));
    if let Some(customizations) = value.get("customizations").and_then(Value::as_object) {
        container.customizations = customizations.clone();
    }
    diagnostics.extend(missing_image(&value, &locations));
    let run_options = run_args::parse(&container.run_args).unwrap_or_else(|errors| {
        diagnostics.extend(errors.iter().map(|error| run_arg_finding(error, &locations)));
        RunOptions::default()
    });
    let workspace = workspace(&container, default);
    if !workspace.folder.starts_with('/') {
        let path = PropertyPath::of("workspaceFolder");
        let position = locations.value(&path);
        diagnostics.push(Diagnostic::error(path, "must be an absolute path in the container").at(position));
    }
    Some(Configuration {
        written,
        value,
        locations,
        container,
        run_options,
        workspace,
        host_reads: substituted.host_reads,
        devcontainer_id,
    })
}

/// The first stage. As in the reference, `${containerWorkspaceFolder}` is the folder as written or by default, itself
/// substituted once.
fn substitute_on_read(
    written: &Value,
    default: &WorkspaceInContainer,
    inputs: ReadInputs<'_>,
) -> Result<Substituted, VariableError> {
    let path = PropertyPath::of("workspaceFolder");
    let configured =
        written.get("workspaceFolder").and_then(Value::as_str).filter(|folder| !folder.is_empty());
    let folder = configured.unwrap_or(&default.folder);
    let context = ReadContext {
        local_env: inputs.local_env,
        local_workspace_folder: inputs.local_workspace_folder.as_str(),
        container_workspace_folder: Some(folder),
    };
    let folder = on_read_text(folder, &path, &context)?;
    on_read(written, &ReadContext { container_workspace_folder: Some(&folder), ..context })
}

/// Moves the old top-level `extensions`, `settings` and `devPort` to `customizations.vscode`, whose own values win,
/// except that extensions are joined, its own first: as the reference does.
fn move_old_forms(value: Value) -> Value {
    let Value::Object(mut members) = value else { return value };
    let old = ["extensions", "settings", "devPort"].map(|name| members.shift_remove(name));
    if old.iter().all(Option::is_none) {
        return Value::Object(members);
    }
    let [extensions, settings, dev_port] = old;
    let customizations = members.entry("customizations").or_insert_with(|| json!({}));
    if let Some(customizations) = customizations.as_object_mut() {
        let vscode = customizations.entry("vscode").or_insert_with(|| json!({}));
        if let Some(vscode) = vscode.as_object_mut() {
            join_extensions(vscode, extensions);
            join_settings(vscode, settings);
            if let Some(port) = dev_port {
                vscode.entry("devPort").or_insert(port);
            }
        }
    }
    Value::Object(members)
}

fn join_extensions(vscode: &mut Map<String, Value>, old: Option<Value>) {
    if let Some(Value::Array(old)) = old
        && let Some(all) = vscode.entry("extensions").or_insert_with(|| json!([])).as_array_mut()
    {
        all.extend(old);
    }
}

fn join_settings(vscode: &mut Map<String, Value>, old: Option<Value>) {
    if let Some(Value::Object(mut all)) = old {
        if let Some(Value::Object(own)) = vscode.get("settings") {
            all.extend(own.clone());
        }
        vscode.insert("settings".to_owned(), Value::Object(all));
    }
}

/// The finding that nothing says what the container is made from.
fn missing_image(value: &Value, locations: &Locations) -> Option<Diagnostic> {
    let bases = ["image", "build", "dockerFile", "dockerComposeFile"];
    let names_one = bases.iter().any(|name| value.get(name).is_some_and(|base| !base.is_null()));
    (!names_one).then(|| {
        Diagnostic::error(PropertyPath::root(), "nothing says what the container is made from")
            .at(locations.value(&PropertyPath::root()))
            .with_hint("add an \"image\"")
    })
}

fn variable_finding(error: &VariableError, locations: &Locations) -> Diagnostic {
    let diagnostic =
        Diagnostic::error(error.property().clone(), error.to_string()).at(locations.value(error.property()));
    match error {
        VariableError::NoName { .. } => diagnostic.with_hint("write ${localEnv:NAME}"),
        VariableError::TooMuch { .. } => diagnostic,
    }
}

fn run_arg_finding(error: &run_args::RunArgError, locations: &Locations) -> Diagnostic {
    let path = PropertyPath::of("runArgs").index(error.index);
    let position = locations.value(&path);
    let diagnostic = Diagnostic::error(path, error.to_string()).at(position);
    match error.problem.hint() {
        Some(hint) => diagnostic.with_hint(hint),
        None => diagnostic,
    }
}

impl Configuration {
    /// The third stage: the configuration as it is in a container with this environment.
    ///
    /// # Errors
    /// `${containerEnv}` without a name.
    pub fn in_container(
        &self,
        container_env: &BTreeMap<String, String>,
    ) -> Result<DevContainer, VariableError> {
        let value = with_container_env(&self.value, container_env)?;
        Ok(DevContainer::from_value(&value, &self.locations).0.unwrap_or_default())
    }

    /// The file as a part to judge.
    pub fn source(&self) -> Source<'_> {
        Source {
            origin: Origin::File,
            written: &self.written,
            resolved: &self.container,
            host_reads: &self.host_reads,
            entrypoint: None,
        }
    }

    /// The host paths that would be mounted: for [`HostView::places`].
    pub fn bind_sources(&self) -> Vec<String> {
        bind_sources(&[self.source()], self.workspace.mount.as_ref())
    }

    /// The volumes with a name that would be mounted: for [`HostView::volumes`].
    pub fn named_volumes(&self) -> Vec<String> {
        named_volumes(&[self.source()], self.workspace.mount.as_ref())
    }

    /// The host effects of the file, and of the image's metadata once that is known.
    pub fn host_effects(&self, metadata: Option<&Metadata>, host: &HostView) -> Vec<HostEffect> {
        let entries: Vec<(Value, DevContainer, Option<&str>)> = metadata
            .into_iter()
            .flat_map(|metadata| &metadata.entries)
            .map(|entry| {
                let written = Value::Object(entry.properties.clone());
                (written, entry.model(), entry.entrypoint.as_deref())
            })
            .collect();
        let of_image = entries.iter().enumerate().map(|(index, (written, resolved, entrypoint))| Source {
            origin: Origin::ImageMetadata(index),
            written,
            resolved,
            host_reads: &[],
            entrypoint: *entrypoint,
        });
        let sources: Vec<Source<'_>> = std::iter::once(self.source()).chain(of_image).collect();
        host_effects(&sources, self.workspace.mount.as_ref(), host)
    }
}

#[cfg(test)]
mod tests;
