//! devcontainer.json as types.
//!
//! A model is made from a JSON value whose variables may or may not have been substituted: the types hold for both.
//! Making it collects every finding instead of stopping at the first, and a property that is wrong is left out.

mod reader;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::diagnostic::{Diagnostic, PropertyPath};
use crate::hooks::{Command, LifecycleCommand, LifecycleHook, WaitFor};
use crate::jsonc::Locations;
use crate::mount::{Mount, MountError};
use crate::property::{self, Support};
pub(crate) use reader::Reader;

/// A dev container's configuration: what a file, or an entry of an image's metadata, asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DevContainer {
    /// `name`: for people.
    pub name: Option<String>,
    /// `image`: what the container is made from.
    pub image: Option<String>,
    /// `workspaceFolder`: the folder in the container that is opened.
    pub workspace_folder: Option<String>,
    /// `workspaceMount`: how the workspace gets into the container.
    pub workspace_mount: WorkspaceMountSetting,
    /// `mounts`.
    pub mounts: Vec<Mount>,
    /// `containerEnv`: the environment of the whole container.
    pub container_env: BTreeMap<String, String>,
    /// `remoteEnv`: the environment of what tools start; `None` unsets a variable.
    pub remote_env: BTreeMap<String, Option<String>>,
    /// `containerUser`: who the container's own process runs as.
    pub container_user: Option<String>,
    /// `remoteUser`: who tools run as.
    pub remote_user: Option<String>,
    /// `updateRemoteUserUID`.
    pub update_remote_user_uid: Option<bool>,
    /// `init`: a small init as process 1.
    pub init: Option<bool>,
    /// `privileged`.
    pub privileged: Option<bool>,
    /// `capAdd`.
    pub cap_add: Vec<String>,
    /// `securityOpt`: values of `--security-opt`.
    pub security_opt: Vec<String>,
    /// `overrideCommand`: whether the image's own command is replaced by one that waits.
    pub override_command: Option<bool>,
    /// `runArgs`: see [`crate::run_args`].
    pub run_args: Vec<String>,
    /// The hooks that ask for something.
    pub hooks: BTreeMap<LifecycleHook, LifecycleCommand>,
    /// `waitFor`.
    pub wait_for: Option<WaitFor>,
    /// `userEnvProbe`.
    pub user_env_probe: Option<UserEnvProbe>,
    /// `customizations`, by tool; the old top-level `settings`, `extensions` and `devPort` are in `vscode`'s.
    pub customizations: Map<String, Value>,
    /// Every other property of the schema that was given, as it stands: `forwardPorts`, `portsAttributes`,
    /// `shutdownAction`, `hostRequirements`, …
    pub other: Map<String, Value>,
}

/// What `workspaceMount` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum WorkspaceMountSetting {
    /// Nothing: the default mount.
    #[default]
    Default,
    /// The empty string: no mount.
    None,
    /// A mount of its own.
    Mount(Mount),
}

/// How the environment of the user's shell is found out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UserEnvProbe {
    /// Not at all.
    None,
    /// By a login shell.
    LoginShell,
    /// By a login shell that is interactive too.
    #[default]
    LoginInteractiveShell,
    /// By an interactive shell.
    InteractiveShell,
}

impl UserEnvProbe {
    /// The values of `userEnvProbe`.
    pub const VALUES: [(&'static str, Self); 4] = [
        ("none", Self::None),
        ("loginShell", Self::LoginShell),
        ("loginInteractiveShell", Self::LoginInteractiveShell),
        ("interactiveShell", Self::InteractiveShell),
    ];

    /// The flags that a POSIX shell gets before the probe's text; `None` for no probe.
    pub fn shell_flags(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::LoginShell => Some("-lc"),
            Self::LoginInteractiveShell => Some("-lic"),
            Self::InteractiveShell => Some("-ic"),
        }
    }
}

impl DevContainer {
    /// Makes a model of a value. `None` when the value is no object; else whatever of it could be read, which is the
    /// whole of it when no finding is an error.
    pub fn from_value(value: &Value, locations: &Locations) -> (Option<Self>, Vec<Diagnostic>) {
        let mut reader = Reader::new(locations);
        let root = PropertyPath::root();
        let Value::Object(members) = value else {
            reader.mismatch(&root, "an object", value);
            return (None, reader.diagnostics);
        };
        let mut container = Self::default();
        for (name, value) in members {
            let path = root.key(name);
            match property::support(name) {
                None => reader.note_key(unknown(path)),
                Some(_) if value.is_null() => reader.note_value(
                    Diagnostic::warning(path, "null has no effect here").with_hint("remove the property"),
                ),
                Some(support) => {
                    if let Some(finding) = not_applied(&path, support, name, value) {
                        reader.note_key(finding);
                    }
                    container.read(&mut reader, &path, name, value);
                }
            }
        }
        (Some(container), reader.diagnostics)
    }

    /// What a hook asks for, if anything.
    pub fn hook(&self, hook: LifecycleHook) -> Option<&LifecycleCommand> {
        self.hooks.get(&hook)
    }

    fn read(&mut self, reader: &mut Reader<'_>, path: &PropertyPath, name: &str, value: &Value) {
        if let Some(hook) = LifecycleHook::of_property(name) {
            self.hooks.extend(lifecycle_command(reader, path, value).map(|command| (hook, command)));
            return;
        }
        match name {
            "$schema" => {
                reader.string(path, value);
            }
            "name" => self.name = reader.string(path, value),
            "image" => self.image = non_empty(reader, path, value),
            "workspaceFolder" => self.workspace_folder = reader.string(path, value),
            "workspaceMount" => self.workspace_mount = workspace_mount(reader, path, value),
            "mounts" => self.mounts = mounts(reader, path, value),
            "containerEnv" => self.container_env = container_env(reader, path, value),
            "remoteEnv" => self.remote_env = environment(reader, path, value, true),
            "containerUser" => {
                self.container_user = reader.string(path, value).filter(|user| !user.is_empty());
            }
            "remoteUser" => self.remote_user = reader.string(path, value).filter(|user| !user.is_empty()),
            "updateRemoteUserUID" => self.update_remote_user_uid = reader.boolean(path, value),
            "init" => self.init = reader.boolean(path, value),
            "privileged" => self.privileged = reader.boolean(path, value),
            "capAdd" => self.cap_add = reader.strings(path, value),
            "securityOpt" => self.security_opt = reader.strings(path, value),
            "overrideCommand" => self.override_command = reader.boolean(path, value),
            "runArgs" => self.run_args = reader.strings(path, value),
            "waitFor" => {
                let choices: Vec<(&str, Option<WaitFor>)> =
                    WaitFor::VALUES.iter().map(|name| (*name, WaitFor::parse(name))).collect();
                self.wait_for = reader.choice(path, value, &choices).flatten();
            }
            "userEnvProbe" => self.user_env_probe = reader.choice(path, value, &UserEnvProbe::VALUES),
            "customizations" => {
                self.customizations.extend(reader.object(path, value).cloned().unwrap_or_default());
            }
            other => {
                self.other.insert(other.to_owned(), value.clone());
            }
        }
    }
}

fn unknown(path: PropertyPath) -> Diagnostic {
    let guess = path.top().and_then(property::did_you_mean);
    let diagnostic = Diagnostic::warning(path, "no such property");
    match guess {
        Some(name) => diagnostic.with_hint(format!("did you mean {name}?")),
        None => diagnostic,
    }
}

/// The finding that a property is not applied, unless its value asks for nothing.
fn not_applied(path: &PropertyPath, support: Support, name: &str, value: &Value) -> Option<Diagnostic> {
    let is_empty = match value {
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    match support {
        Support::Applied => None,
        Support::NotApplied | Support::NotAppliedToContainer if is_empty => None,
        Support::NotApplied if name == "hostRequirements" && needs_gpu(value) => {
            Some(Diagnostic::error(path.key("gpu"), "not applied yet"))
        }
        Support::NotApplied => Some(Diagnostic::warning(path.clone(), "not applied yet")),
        Support::NotAppliedToContainer => Some(
            Diagnostic::error(path.clone(), "not applied yet")
                .with_hint("a container made without it would not be the one that is asked for"),
        ),
        Support::MovedToCustomizations => Some(
            Diagnostic::warning(path.clone(), "an old form")
                .with_hint(format!("write it as customizations.vscode.{name}")),
        ),
    }
}

/// Whether a container without a GPU would not do. `"optional"` would.
fn needs_gpu(host_requirements: &Value) -> bool {
    matches!(host_requirements.get("gpu"), Some(Value::Bool(true) | Value::Object(_)))
}

fn non_empty(reader: &mut Reader<'_>, path: &PropertyPath, value: &Value) -> Option<String> {
    let text = reader.string(path, value)?;
    if text.is_empty() {
        reader.note_value(Diagnostic::error(path.clone(), "must not be empty"));
        return None;
    }
    Some(text)
}

fn workspace_mount(reader: &mut Reader<'_>, path: &PropertyPath, value: &Value) -> WorkspaceMountSetting {
    match reader.string(path, value) {
        None => WorkspaceMountSetting::Default,
        Some(text) if text.is_empty() => WorkspaceMountSetting::None,
        Some(text) => match Mount::parse(&text) {
            Ok(mount) => WorkspaceMountSetting::Mount(mount),
            Err(error) => {
                reader.note_value(mount_finding(path, &error));
                WorkspaceMountSetting::Default
            }
        },
    }
}

fn mounts(reader: &mut Reader<'_>, path: &PropertyPath, value: &Value) -> Vec<Mount> {
    let elements = reader.array(path, value).unwrap_or_default();
    elements
        .iter()
        .enumerate()
        .filter_map(|(index, element)| {
            let path = path.index(index);
            let mount = match element {
                Value::String(text) => Mount::parse(text),
                Value::Object(members) => {
                    let fields: Vec<(&str, String)> = members
                        .iter()
                        .filter_map(|(name, value)| {
                            Some((name.as_str(), reader.string(&path.key(name), value)?))
                        })
                        .collect();
                    if fields.len() < members.len() {
                        return None;
                    }
                    Mount::from_fields(fields.iter().map(|(name, value)| (*name, value.as_str())))
                }
                other => {
                    reader.mismatch(&path, "a string or an object", other);
                    return None;
                }
            };
            mount.map_err(|error| reader.note_value(mount_finding(&path, &error))).ok()
        })
        .collect()
}

fn mount_finding(path: &PropertyPath, error: &MountError) -> Diagnostic {
    let diagnostic = Diagnostic::error(path.clone(), error.to_string());
    match error.hint() {
        Some(hint) => diagnostic.with_hint(hint),
        None => diagnostic,
    }
}

fn container_env(reader: &mut Reader<'_>, path: &PropertyPath, value: &Value) -> BTreeMap<String, String> {
    environment(reader, path, value, false)
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
}

fn environment(
    reader: &mut Reader<'_>,
    path: &PropertyPath,
    value: &Value,
    may_unset: bool,
) -> BTreeMap<String, Option<String>> {
    let mut variables = BTreeMap::new();
    for (name, value) in reader.object(path, value).into_iter().flatten() {
        let path = path.key(name);
        if name.is_empty() || name.contains(['=', '\0']) {
            reader.note_key(Diagnostic::error(path, "not a name that an environment variable can have"));
        } else if may_unset && value.is_null() {
            variables.insert(name.clone(), None);
        } else if let Some(value) = reader.string(&path, value) {
            variables.insert(name.clone(), Some(value));
        }
    }
    variables
}

fn lifecycle_command(
    reader: &mut Reader<'_>,
    path: &PropertyPath,
    value: &Value,
) -> Option<LifecycleCommand> {
    if let Value::Object(members) = value {
        let commands: Vec<(String, Command)> = members
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), command(reader, &path.key(name), value)?)))
            .collect();
        return (!commands.is_empty()).then_some(LifecycleCommand::Parallel(commands));
    }
    command(reader, path, value).map(LifecycleCommand::One)
}

fn command(reader: &mut Reader<'_>, path: &PropertyPath, value: &Value) -> Option<Command> {
    match value {
        Value::String(_) => {
            reader.string(path, value).filter(|text| !text.trim().is_empty()).map(Command::Shell)
        }
        Value::Array(elements) => {
            let argv = reader.strings(path, value);
            (!argv.is_empty() && argv.len() == elements.len()).then_some(Command::Argv(argv))
        }
        other => {
            reader.mismatch(path, "a string, an array of strings or an object of named commands", other);
            None
        }
    }
}

#[cfg(test)]
mod tests;
