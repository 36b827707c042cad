//! A workspace: a folder with its container.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::EngineId;

/// Names a workspace: by its container's labels, its folder, or its container. What is given must agree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkspaceSelector {
    /// The folder on the host, absolute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_folder: Option<String>,
    /// The configuration file, absolute; found in the folder without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// The configuration file whose content stands in for that of `config`, absolute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub override_config: Option<String>,
    /// Labels, each `name=value`, that tell the container apart instead of the two usual ones.
    #[serde(default)]
    pub id_labels: Vec<String>,
    /// The container itself: id, beginning of the id, or name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_id: Option<String>,
}

/// Who decides about what a configuration does to the host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum Trust {
    /// The operation asks, unless these effects in this folder were trusted before.
    Ask,
    /// Refuse with `untrusted`, unless these effects in this folder were trusted before.
    #[default]
    Refuse,
    /// Go on, and tell the effects in the progress. Nothing is remembered but the variables of the client's environment
    /// that the container's processes are given: those stay allowed for as long as the container exists.
    Grant,
}

/// Parameters of `workspace/plan`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkspacePlanParams {
    /// The engine; the client's own without it. The plan stands without an engine too, with less in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineId>,
    /// Which workspace.
    pub workspace: WorkspaceSelector,
    /// The client's environment, for `${localEnv:…}`. In memory only.
    #[serde(default)]
    pub client_environment: BTreeMap<String, String>,
}

/// Result of `workspace/plan`: what `workspace/up` would start from. Nothing is changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct WorkspacePlanResult {
    /// The folder, canonical.
    pub workspace_folder: String,
    /// Every configuration found, absolute paths in the specification's order.
    pub configurations: Vec<String>,
    /// The one that would be used; absent when there is none or it must be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
    /// Images that suit a folder without a configuration, best first.
    pub offers: Vec<ConfigurationOffer>,
    /// The configuration's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Where the workspace will be in the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_workspace_folder: Option<String>,
    /// Every problem of the configuration: errors stop `up`, warnings do not.
    pub diagnostics: Vec<Diagnostic>,
    /// Properties that are known but not applied yet.
    pub not_applied: Vec<String>,
    /// `customizations` by tool, as written.
    pub customizations: Value,
    /// What it would do to the host.
    pub host_effects: Vec<HostEffect>,
    /// The hash that consent to exactly these effects is kept by; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_effects_hash: Option<String>,
    /// True when there are no effects or this user trusted exactly these in this folder.
    pub trusted: bool,
    /// The workspace's container, if it has one and an engine answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<WorkspaceContainer>,
}

/// Parameters of `workspace/configure`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkspaceConfigureParams {
    /// Which workspace.
    pub workspace: WorkspaceSelector,
    /// The id of one of the plan's offers, as in `python`.
    pub offer: String,
    /// The same key again gives the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_key: Option<String>,
}

/// Result of `workspace/configure`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceConfigureResult {
    /// The configuration that was written, absolute.
    pub configuration: String,
}

/// The container of a workspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceContainer {
    /// The engine it is on.
    pub engine: EngineId,
    /// Its id.
    pub container_id: String,
    /// Its name.
    pub name: String,
    /// The image it was made from, as it was named then.
    pub image: String,
    /// As in [`crate::container::ContainerSummary::state`].
    pub state: String,
}

/// An image for a folder without a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ConfigurationOffer {
    /// To be given when it is chosen, as in `python`.
    pub id: String,
    /// For people, as in `Python 3`.
    pub title: String,
    /// The image.
    pub image: String,
    /// Why it is offered, as in `the folder has main.py`.
    pub reason: String,
}

/// A problem in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, and what was expected.
    pub message: String,
    /// The file, absolute.
    pub file: String,
    /// The line, from 1; 0 when it is about the file as a whole.
    pub line: u32,
    /// The column in characters, from 1; 0 when it is about the file as a whole.
    pub column: u32,
    /// The property, as in `hooks.postCreateCommand`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property: Option<String>,
    /// What to do about it, as in a name that was probably meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can, but something in it has no effect or is doubtful.
    Warning,
}

/// Something a configuration does to the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct HostEffect {
    /// The kind, as in `hostCommand`, `hostMount`, `privileged`.
    pub kind: String,
    /// The property it comes from.
    pub property: String,
    /// Its value in full, control and bidirectional characters escaped.
    pub value: String,
    /// What it means for the host.
    pub reason: String,
}

/// Parameters of `workspace/up` and `workspace/rebuild`, which answer with an operation whose result is
/// [`WorkspaceUpResult`]. The flags are the reference CLI's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkspaceUpParams {
    /// The engine; the client's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineId>,
    /// Which workspace.
    pub workspace: WorkspaceSelector,
    /// Who decides about host effects.
    #[serde(default)]
    pub trust: Trust,
    /// True when a person can answer: choosing a configuration or an image is then asked instead of refused.
    #[serde(default)]
    pub interactive: bool,
    /// The client's environment, for `${localEnv:…}` and `initializeCommand`. In memory only.
    #[serde(default)]
    pub client_environment: BTreeMap<String, String>,
    /// Remove a container that is there and make a new one.
    #[serde(default)]
    pub remove_existing_container: bool,
    /// Fail when there is no container yet.
    #[serde(default)]
    pub expect_existing_container: bool,
    /// Get the image again even when the engine has it.
    #[serde(default)]
    pub pull: bool,
    /// Run no hook in the container.
    #[serde(default)]
    pub skip_post_create: bool,
    /// Return after `waitFor`'s hook instead of after the last one.
    #[serde(default)]
    pub skip_non_blocking_commands: bool,
    /// Do not run `postAttachCommand`.
    #[serde(default)]
    pub skip_post_attach: bool,
    /// More mounts, each as `--mount`.
    #[serde(default)]
    pub mounts: Vec<String>,
    /// Variables for hooks and processes, each `NAME=value`.
    #[serde(default)]
    pub remote_environment: Vec<String>,
    /// Mount the folder's git root rather than the folder itself.
    #[serde(default = "yes")]
    pub mount_workspace_git_root: bool,
    /// What `userEnvProbe` is when nothing says: `none`, `loginShell`, `interactiveShell`, `loginInteractiveShell`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_user_env_probe: Option<String>,
    /// Put the configuration in the result.
    #[serde(default)]
    pub include_configuration: bool,
    /// The same key again gives the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_key: Option<String>,
}

fn yes() -> bool {
    true
}

/// What `workspace/up` comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceUpResult {
    /// The engine the container is on.
    pub engine: EngineId,
    /// The folder, canonical.
    pub workspace_folder: String,
    /// The container.
    pub container_id: String,
    /// The user that processes run as.
    pub remote_user: String,
    /// Where the workspace is in the container.
    pub remote_workspace_folder: String,
    /// True when the container was made by this operation.
    pub created: bool,
    /// The configuration as read, when asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Value>,
}

/// Parameters of `workspace/list`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkspaceListParams {
    /// The engine; the client's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineId>,
}

/// Result of `workspace/list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceListResult {
    /// The engine that answered.
    pub engine: EngineId,
    /// The workspaces that have a container on it, whoever made it.
    pub workspaces: Vec<Workspace>,
}

/// A workspace in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct Workspace {
    /// The folder, as the container's label has it.
    pub workspace_folder: String,
    /// The configuration file, as the container's label has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
    /// Its container.
    pub container: WorkspaceContainer,
    /// The operation that works on it, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<String>,
}

/// Names one workspace of an engine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkspaceParams {
    /// The engine; the client's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineId>,
    /// Which workspace.
    pub workspace: WorkspaceSelector,
    /// The same key again gives the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_key: Option<String>,
}

/// Result of `workspace/inspect`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceDetails {
    /// The workspace.
    pub workspace: Workspace,
    /// The phase it is in: `stopped`, `running`, or `working` while an operation is at it.
    pub phase: String,
    /// The user that processes run as.
    pub remote_user: String,
    /// Where the workspace is in the container.
    pub remote_workspace_folder: String,
    /// What has happened to each hook in this container, in order.
    pub hooks: Vec<HookRecord>,
    /// Who hosts the processes of the remote user: `agent`, in the container, with which they outlive the daemon, or
    /// `exec`, the engine.
    pub process_host: String,
    /// Why it is not the agent, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_host_reason: Option<String>,
}

/// What happened to a hook the last time it ran through this daemon's user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct HookRecord {
    /// The property, as in `postCreateCommand`.
    pub hook: String,
    /// When it began.
    pub started_at: u64,
    /// How long it took, in milliseconds; absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Its exit code; absent while it runs, and when it was cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
}

/// Result of `workspace/stop` and `workspace/remove`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceChanged {
    /// The containers it was about.
    pub container_ids: Vec<String>,
    /// False when it was so already.
    pub changed: bool,
}
