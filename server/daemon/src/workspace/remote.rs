//! Who processes and hooks run as in a container, where, and with what environment: from the configuration, the
//! container's own metadata label, and the user's shell.

use std::collections::{BTreeMap, BTreeSet};

use gangplank_devcontainer::configuration::Configuration;
use gangplank_devcontainer::hooks::{LifecycleCommand, LifecycleHook, WaitFor};
use gangplank_devcontainer::identity::{CONFIG_FILE_LABEL, LOCAL_FOLDER_LABEL, METADATA_LABEL};
use gangplank_devcontainer::jsonc::Locations;
use gangplank_devcontainer::merge::{remote_environment, remote_user};
use gangplank_devcontainer::metadata::Metadata;
use gangplank_devcontainer::model::{DevContainer, UserEnvProbe};
use gangplank_devcontainer::mount::Mount;
use gangplank_devcontainer::paths::{HostPath, PathMap};
use gangplank_devcontainer::variables::{
    HostRead, ReadContext, on_read, with_container_env, with_devcontainer_id,
};
use gangplank_engine::Engine;
use gangplank_engine::container::ContainerDetails;
use gangplank_protocol::{ErrorData, ErrorKind};
use serde_json::Value;

use super::WorkspaceHandle;
use super::actor::ShellKey;
use super::probe::{Shell, probe};

/// What a container's processes run with, before the shell was asked.
#[derive(Debug, Clone)]
pub struct Remote {
    /// The user.
    pub user: String,
    /// The workspace folder in the container; absent for one that is no workspace.
    pub folder: Option<String>,
    /// How the user's shell is asked.
    pub probe: UserEnvProbe,
    /// Host and container paths of the workspace's mount.
    pub path_map: Option<PathMap>,
    /// Variables of the client's environment that processes get to see.
    pub(super) host_variables: BTreeSet<String>,
    /// Variables of the client's environment in the commands of hooks.
    pub(super) hook_variables: BTreeSet<String>,
    /// The commands of each hook, in order.
    pub(super) hooks: BTreeMap<LifecycleHook, Vec<LifecycleCommand>>,
    /// The last hook to wait for.
    pub(super) wait_for: WaitFor,
    remote_env: BTreeMap<String, Option<String>>,
}

/// What a request says about the processes it starts.
#[derive(Debug, Clone, Default)]
pub struct RemoteRequest {
    /// The client's environment, for `${localEnv:…}`.
    pub client_environment: BTreeMap<String, String>,
    /// `--remote-env`.
    pub added: BTreeMap<String, String>,
    /// `--default-user-env-probe`.
    pub default_probe: Option<UserEnvProbe>,
}

impl Remote {
    /// Works it out for `container`. `configuration` is the workspace's, where it has one.
    ///
    /// As the reference: what the container's label says counts; of a configuration read now only `remoteUser`,
    /// `remoteEnv` and `userEnvProbe` do, unless the container has no such label.
    ///
    /// # Errors
    /// `configurationInvalid` for a variable without a name.
    pub fn of(
        container: &ContainerDetails,
        configuration: Option<&Configuration>,
        request: &RemoteRequest,
    ) -> Result<Self, ErrorData> {
        let container_env = variables(&container.env);
        let labelled = container.labels.get(METADATA_LABEL).map(|label| Metadata::parse(label));
        let mut parts: Vec<DevContainer> = Vec::new();
        let mut reads: Vec<HostRead> = configuration
            .iter()
            .flat_map(|configuration| {
                configuration.host_reads.iter().filter(|read| counts(read, configuration, labelled.is_some()))
            })
            .cloned()
            .collect();
        for entry in labelled.iter().flat_map(Metadata::with_content) {
            let value = Value::Object(entry.properties.clone());
            let (part, of_label) = substituted(&value, container, configuration, request, &container_env)?;
            parts.push(part);
            reads.extend(of_label);
        }
        let own = configuration
            .map(|configuration| configuration.in_container(&container_env))
            .transpose()
            .map_err(|e| ErrorData::new(ErrorKind::ConfigurationInvalid, e.to_string()))?;
        if let Some(own) = own {
            parts.push(if labelled.is_some() { updatable(own) } else { own });
        }
        let last = |pick: fn(&DevContainer) -> Option<String>| parts.iter().rev().find_map(pick);
        let user_of =
            DevContainer { remote_user: last(|part| part.remote_user.clone()), ..DevContainer::default() };
        let mut hooks: BTreeMap<LifecycleHook, Vec<LifecycleCommand>> = BTreeMap::new();
        let mut remote_env = BTreeMap::new();
        for part in &parts {
            remote_env.extend(part.remote_env.clone());
            for (hook, command) in &part.hooks {
                hooks.entry(*hook).or_default().push(command.clone());
            }
        }
        Ok(Self {
            user: remote_user(&user_of, &container.user),
            folder: configuration.map(|configuration| configuration.workspace.folder.clone()),
            probe: parts
                .iter()
                .rev()
                .find_map(|part| part.user_env_probe)
                .or(request.default_probe)
                .unwrap_or_default(),
            path_map: configuration.and_then(|configuration| configuration.workspace.path_map()),
            host_variables: read_by(&reads, |top| REACHING_PROCESSES.contains(&top)),
            hook_variables: read_by(&reads, |top| LifecycleHook::of_property(top).is_some()),
            hooks,
            wait_for: parts.iter().rev().find_map(|part| part.wait_for).unwrap_or_default(),
            remote_env,
        })
    }

    /// The variables that processes get beside the container's own, each `NAME=value`, and the names of those that they
    /// must not have.
    pub fn environment(&self, shell: &Shell, added: &BTreeMap<String, String>) -> (Vec<String>, Vec<String>) {
        let mut environment = remote_environment(&shell.environment, added, &self.remote_env);
        environment.insert("GANGPLANK".into(), "1".into());
        let unset = self
            .remote_env
            .iter()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name.clone())
            .collect();
        (environment.into_iter().map(|(name, value)| format!("{name}={value}")).collect(), unset)
    }

    /// The user's shell in this start of the container: asked once, then remembered by the workspace's actor.
    ///
    /// # Errors
    /// The engine's.
    pub async fn shell(
        &self,
        engine: &Engine,
        workspace: &WorkspaceHandle,
        container: &ContainerDetails,
    ) -> Result<Shell, ErrorData> {
        let key = ShellKey {
            container_id: container.id.clone(),
            started_at: container.state.started_at.clone(),
            user: self.user.clone(),
            flags: self.probe.shell_flags(),
        };
        let place = workspace.shell(key).await?;
        place.get_or_try_init(|| probe(engine, &container.id, &self.user, self.probe)).await.cloned()
    }

    /// The directory in the container for a directory of this machine; the workspace folder when it is not mounted.
    pub fn directory_for(&self, host_directory: &str) -> Option<String> {
        let mapped =
            HostPath::new(host_directory).ok().and_then(|path| self.path_map.as_ref()?.to_container(&path));
        mapped.map(|path| path.to_string()).or_else(|| self.folder.clone())
    }
}

/// Properties whose text processes get to see. A mount, a name or an option of the container's making is none of them.
const REACHING_PROCESSES: [&str; 5] =
    ["remoteEnv", "remoteUser", "userEnvProbe", "workspaceFolder", "workspaceMount"];

fn read_by(reads: &[HostRead], property: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let reads = reads.iter().filter(|read| read.property.top().is_some_and(&property));
    reads.map(|read| read.variable.clone()).collect()
}

/// Whether a read of the configuration takes part in what is worked out from it. Its hooks do not where the container
/// has a label; the workspace's mount does only by its target, which directories are told in.
fn counts(read: &HostRead, configuration: &Configuration, labelled: bool) -> bool {
    match read.property.top() {
        Some("workspaceMount") => {
            let written = configuration.written.get("workspaceMount").and_then(Value::as_str);
            let written = written.and_then(|written| Mount::parse(written).ok());
            let target = |mount: Option<&Mount>| mount.map(|mount| mount.target.clone());
            target(written.as_ref()) != target(configuration.workspace.mount.as_ref())
        }
        Some(property) if LifecycleHook::of_property(property).is_some() => !labelled,
        _ => true,
    }
}

/// Of a configuration read now, the part that counts for a container that has a metadata label.
fn updatable(own: DevContainer) -> DevContainer {
    DevContainer {
        remote_user: own.remote_user,
        remote_env: own.remote_env,
        user_env_probe: own.user_env_probe,
        ..DevContainer::default()
    }
}

/// A label's entry with its variables substituted, and what it read of the client's environment; it holds raw values.
fn substituted(
    value: &Value,
    container: &ContainerDetails,
    configuration: Option<&Configuration>,
    request: &RemoteRequest,
    container_env: &BTreeMap<String, String>,
) -> Result<(DevContainer, Vec<HostRead>), ErrorData> {
    let invalid = |e: gangplank_devcontainer::variables::VariableError| {
        ErrorData::new(ErrorKind::ConfigurationInvalid, format!("in the container's metadata label: {e}"))
    };
    let folder = container.labels.get(LOCAL_FOLDER_LABEL).map(String::as_str).unwrap_or_default();
    let context = ReadContext {
        local_env: &request.client_environment,
        local_workspace_folder: folder,
        container_workspace_folder: configuration
            .map(|configuration| configuration.workspace.folder.as_str()),
    };
    let read = on_read(value, &context).map_err(invalid)?;
    let id = match configuration {
        Some(configuration) => configuration.devcontainer_id.clone(),
        None => gangplank_devcontainer::identity::devcontainer_id(
            container
                .labels
                .iter()
                .filter(|(name, _)| *name == LOCAL_FOLDER_LABEL || *name == CONFIG_FILE_LABEL),
        ),
    };
    let value =
        with_container_env(&with_devcontainer_id(&read.value, &id), container_env).map_err(invalid)?;
    let part = DevContainer::from_value(&value, &Locations::none()).0.unwrap_or_default();
    Ok((part, read.host_reads))
}

/// `NAME=value` each, as a map.
pub(super) fn variables(list: &[String]) -> BTreeMap<String, String> {
    list.iter()
        .filter_map(|entry| entry.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// `--default-user-env-probe` and its like.
///
/// # Errors
/// `invalidParams` for another word.
pub(super) fn probe_mode(word: &str) -> Result<UserEnvProbe, ErrorData> {
    let known = UserEnvProbe::VALUES.iter().find(|(name, _)| *name == word);
    known.map(|(_, mode)| *mode).ok_or_else(|| {
        let names: Vec<&str> = UserEnvProbe::VALUES.iter().map(|(name, _)| *name).collect();
        ErrorData::new(ErrorKind::InvalidParams, format!("there is no user environment probe {word:?}"))
            .hint(format!("it is one of {}", names.join(", ")))
    })
}

/// `--remote-env`: each `NAME=value`.
///
/// # Errors
/// `invalidParams` for one that is not.
pub(super) fn added_environment(list: &[String]) -> Result<BTreeMap<String, String>, ErrorData> {
    list.iter()
        .map(|entry| match entry.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            _ => Err(ErrorData::new(
                ErrorKind::InvalidParams,
                format!("{entry:?} is not of the form NAME=value"),
            )),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(label: Option<&str>, user: &str) -> ContainerDetails {
        let mut labels = BTreeMap::from([(LOCAL_FOLDER_LABEL.to_owned(), "/home/ada/p".to_owned())]);
        labels.extend(label.map(|label| (METADATA_LABEL.to_owned(), label.to_owned())));
        ContainerDetails {
            labels,
            user: user.into(),
            env: vec!["PATH=/bin".into()],
            ..ContainerDetails::default()
        }
    }

    fn request() -> RemoteRequest {
        RemoteRequest {
            client_environment: BTreeMap::from([("GP_X".into(), "1".into())]),
            ..RemoteRequest::default()
        }
    }

    #[test]
    fn the_label_says_who_with_what_and_which_hooks() {
        let label = r#"[{"remoteUser":"first","postCreateCommand":"a"},{"remoteUser":"vscode","remoteEnv":{"P":"${containerEnv:PATH}:/x","X":"${localEnv:GP_X}","GONE":null},"postCreateCommand":"b"}]"#;
        let remote = Remote::of(&container(Some(label), "0"), None, &request()).unwrap();
        assert_eq!(remote.user, "vscode");
        assert_eq!(remote.hooks[&LifecycleHook::PostCreate].len(), 2);
        let shell = Shell {
            environment: BTreeMap::from([("GONE".into(), "y".into()), ("P".into(), "z".into())]),
            ..Shell::default()
        };
        let (environment, unset) = remote.environment(&shell, &BTreeMap::new());
        assert_eq!(environment, ["GANGPLANK=1", "P=/bin:/x", "X=1"]);
        assert_eq!(unset, ["GONE"]);
        assert_eq!(remote.host_variables.iter().collect::<Vec<_>>(), ["GP_X"]);
    }

    /// A configuration as it is read for a folder in which the client has `GP_X=/x`.
    fn configuration(text: &str) -> Configuration {
        let folder = HostPath::new("/home/ada/p").unwrap();
        let environment = BTreeMap::from([("GP_X".to_owned(), "/x".to_owned())]);
        let labels = BTreeMap::new();
        let inputs = gangplank_devcontainer::configuration::ReadInputs {
            text,
            local_workspace_folder: &folder,
            mount_root: &folder,
            local_env: &environment,
            id_labels: &labels,
        };
        gangplank_devcontainer::configuration::read(inputs).configuration.unwrap()
    }

    #[test]
    fn only_variables_that_processes_see_are_wanted_for_them() {
        let wants = |label: Option<&str>, text: &str| {
            let text = format!(r#"{{"image":"i",{text}}}"#);
            let remote = Remote::of(&container(label, ""), Some(&configuration(&text)), &request()).unwrap();
            (!remote.host_variables.is_empty(), !remote.hook_variables.is_empty())
        };
        let hook = r#""postStartCommand":"${localEnv:GP_X}""#;
        for label in [None, Some("[]")] {
            for unseen in [
                r#""name":"${localEnv:GP_X}""#,
                r#""mounts":["type=bind,source=${localEnv:GP_X},target=/x"]"#,
                r#""containerEnv":{"A":"${localEnv:GP_X}"}"#,
                r#""runArgs":["--hostname","${localEnv:GP_X}"]"#,
                r#""workspaceMount":"type=bind,source=${localEnv:GP_X}/p,target=/w","workspaceFolder":"/w""#,
            ] {
                assert_eq!(wants(label, unseen), (false, false), "{unseen}");
            }
            for seen in [
                r#""remoteEnv":{"A":"${localEnv:GP_X}"}"#,
                r#""remoteUser":"${localEnv:GP_X}""#,
                r#""workspaceFolder":"/${localEnv:GP_X}""#,
                r#""workspaceMount":"type=bind,source=/p,target=/w${localEnv:GP_X}","workspaceFolder":"/w""#,
            ] {
                assert_eq!(wants(label, seen), (true, false), "{seen}");
            }
            assert_eq!(wants(label, hook), (false, label.is_none()));
        }
        let labelled = format!("[{{{hook}}}]");
        assert_eq!(wants(Some(&labelled), r#""name":"n""#), (false, true));
    }

    #[test]
    fn without_a_label_the_containers_own_user_counts() {
        assert_eq!(Remote::of(&container(None, "dev:staff"), None, &request()).unwrap().user, "dev");
        assert_eq!(Remote::of(&container(None, ""), None, &request()).unwrap().user, "root");
    }
}
