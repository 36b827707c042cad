//! From a configuration to the container it asks for: pure.

use std::collections::BTreeMap;

use gangplank_devcontainer::configuration::Configuration;
use gangplank_devcontainer::effects::HostView;
use gangplank_devcontainer::identity::{LOCAL_FOLDER_LABEL, Labels, METADATA_LABEL};
use gangplank_devcontainer::merge::container_user;
use gangplank_devcontainer::mount::{Mount, MountKind, Volume};
use gangplank_devcontainer::paths::HostPath;
use gangplank_devcontainer::start_command::start_command;
use gangplank_engine::container::ContainerSpec;
use gangplank_engine::image::ImageDetails;
use gangplank_protocol::{ErrorData, ErrorKind};
use serde_json::Value;

use super::find::{ID_LABELS_LABEL, OPENED_FOLDER_LABEL};
use crate::container::{apply, engine_mount};

/// Properties that a container's metadata label keeps, so that any tool that finds the container knows them.
const IN_LABEL: [&str; 24] = [
    "onCreateCommand",
    "updateContentCommand",
    "postCreateCommand",
    "postStartCommand",
    "postAttachCommand",
    "waitFor",
    "customizations",
    "mounts",
    "containerEnv",
    "containerUser",
    "init",
    "privileged",
    "capAdd",
    "securityOpt",
    "remoteUser",
    "userEnvProbe",
    "remoteEnv",
    "overrideCommand",
    "portsAttributes",
    "otherPortsAttributes",
    "forwardPorts",
    "shutdownAction",
    "updateRemoteUserUID",
    "hostRequirements",
];

/// What a container is made from beside its configuration.
pub(super) struct Ingredients<'a> {
    /// The image.
    pub image: &'a ImageDetails,
    /// The folder as it was named.
    pub folder: &'a HostPath,
    /// The labels that tell the container apart.
    pub labels: &'a Labels,
    /// `--mount`s of the request.
    pub mounts: &'a [Mount],
    /// The client's environment, for `-e NAME` in `runArgs`.
    pub environment: &'a BTreeMap<String, String>,
    /// The content of each `--env-file` by its path.
    pub env_files: &'a BTreeMap<String, String>,
    /// Where paths of the host lead: what was judged is what is mounted.
    pub host: &'a HostView,
    /// True on Podman, whose SELinux labels would keep the container from bind mounts.
    pub podman: bool,
}

/// The container that the configuration asks for.
///
/// # Errors
/// `configurationInvalid` for options that contradict each other or cannot be put into words for the engine.
pub(super) fn container_spec(
    configuration: &Configuration,
    with: &Ingredients<'_>,
) -> Result<ContainerSpec, ErrorData> {
    let wanted = &configuration.container;
    let invalid = |error: crate::container::OptionsError| {
        ErrorData::new(ErrorKind::ConfigurationInvalid, error.to_string())
    };
    let keep_command = wanted.override_command == Some(false);
    let image_command = [with.image.entrypoint.clone(), with.image.cmd.clone()].concat();
    let start = start_command(&[], keep_command.then_some(image_command.as_slice()));
    let mut labels = with.labels.clone();
    labels.insert(METADATA_LABEL.to_owned(), metadata_label(&configuration.written));
    if !with.labels.contains_key(LOCAL_FOLDER_LABEL) {
        let own: serde_json::Map<String, Value> =
            with.labels.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        labels.insert(ID_LABELS_LABEL.to_owned(), Value::Object(own).to_string());
        labels.insert(OPENED_FOLDER_LABEL.to_owned(), with.folder.to_string());
    }
    let mut mounts = Vec::new();
    for mount in configuration.workspace.mount.iter().chain(&wanted.mounts) {
        mounts.push(engine_mount(&judged_mount(mount, with.host)).map_err(invalid)?);
    }
    for mount in with.mounts {
        mounts.push(engine_mount(mount).map_err(invalid)?);
    }
    let mut spec = ContainerSpec {
        image: wanted.image.clone().unwrap_or_default(),
        name: Some(container_name(&configuration.devcontainer_id, &configuration.workspace.folder)),
        user: container_user(wanted),
        env: wanted.container_env.iter().map(|(name, value)| format!("{name}={value}")).collect(),
        labels,
        entrypoint: Some(start.entrypoint),
        cmd: Some(start.command),
        attach_stdout: true,
        attach_stderr: true,
        mounts,
        init: wanted.init,
        privileged: wanted.privileged.unwrap_or(false),
        cap_add: wanted.cap_add.clone(),
        security_opt: wanted.security_opt.clone(),
        ..ContainerSpec::default()
    };
    if with.podman {
        spec.security_opt.push("label=disable".into());
    }
    let mut options = configuration.run_options.clone();
    options.mounts.iter_mut().for_each(|mount| *mount = judged_mount(mount, with.host));
    for volume in &mut options.volumes {
        *volume = judged_volume(volume, with.host)?;
    }
    apply(&mut spec, options, with.environment, with.env_files).map_err(invalid)?;
    Ok(spec)
}

fn judged_mount(mount: &Mount, host: &HostView) -> Mount {
    let mut judged = mount.clone();
    if mount.kind == MountKind::Bind {
        judged.source = mount.source.as_deref().map(|source| host.judged(source).to_owned());
    }
    judged
}

fn judged_volume(volume: &Volume, host: &HostView) -> Result<Volume, ErrorData> {
    let Some(source) = volume.host_path() else { return Ok(volume.clone()) };
    let judged = host.judged(source);
    if judged.contains(':') {
        return Err(ErrorData::new(
            ErrorKind::ConfigurationInvalid,
            format!("a source of -v leads to {judged}, whose colon -v cannot express"),
        )
        .hint("write it as --mount type=bind,source=…,target=…"));
    }
    Ok(Volume { source: Some(judged.to_owned()), ..volume.clone() })
}

/// The same name for the same workspace, so that the engine itself refuses a second container when two creations
/// race, be it after a kill in the middle of one.
fn container_name(devcontainer_id: &str, folder: &str) -> String {
    let basename: String = folder
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' })
        .take(40)
        .collect();
    format!("{NAME_BEGINS}{basename}_{}", end_of_name(devcontainer_id))
}

const NAME_BEGINS: &str = "gp_";

fn end_of_name(devcontainer_id: &str) -> &str {
    &devcontainer_id[devcontainer_id.len() - 10..]
}

/// Whether a container of this name is one that we made for the workspace of this id: an image brings labels, and never
/// a name.
pub(super) fn is_name_of(name: &str, devcontainer_id: &str) -> bool {
    name.starts_with(NAME_BEGINS) && name.ends_with(&format!("_{}", end_of_name(devcontainer_id)))
}

/// The configuration's part of the metadata label: raw values, as the specification wants them.
fn metadata_label(written: &Value) -> String {
    let kept: serde_json::Map<String, Value> = written
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| IN_LABEL.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Value::Array(vec![Value::Object(kept)]).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gangplank_devcontainer::configuration::{ReadInputs, read};
    use gangplank_devcontainer::effects::Place;

    fn spec(text: &str) -> ContainerSpec {
        let folder = HostPath::new("/home/ada/my project").unwrap();
        let labels = Labels::from([("a".to_owned(), "b".to_owned())]);
        let environment = BTreeMap::new();
        let reading = read(ReadInputs {
            text,
            local_env: &environment,
            local_workspace_folder: &folder,
            mount_root: &folder,
            id_labels: &labels,
        });
        let configuration = reading.usable().unwrap().0;
        let image = ImageDetails {
            entrypoint: vec!["/init".into()],
            cmd: vec!["serve".into()],
            ..ImageDetails::default()
        };
        let with = Ingredients {
            image: &image,
            folder: &folder,
            labels: &labels,
            mounts: &[],
            environment: &environment,
            env_files: &BTreeMap::new(),
            host: &HostView::default(),
            podman: false,
        };
        container_spec(&configuration, &with).unwrap()
    }

    #[test]
    fn properties_and_run_args_come_together() {
        let spec = spec(
            r#"{"image": "i", "containerEnv": {"A": "1 2"}, "containerUser": "u", "init": true, "capAdd": ["SYS_PTRACE"],
                "mounts": ["type=volume,source=v,target=/v"], "runArgs": ["--name", "mine", "--cap-add=SYS_PTRACE"]}"#,
        );
        assert_eq!(spec.env, ["A=1 2"]);
        assert_eq!(spec.labels[ID_LABELS_LABEL], r#"{"a":"b"}"#);
        assert_eq!(spec.labels[OPENED_FOLDER_LABEL], "/home/ada/my project");
        assert_eq!(spec.user.as_deref(), Some("u"));
        assert_eq!(spec.init, Some(true));
        assert_eq!(spec.cap_add, ["SYS_PTRACE"]);
        assert_eq!(spec.name.as_deref(), Some("mine"));
        let targets: Vec<&str> = spec.mounts.iter().map(|mount| mount.target.as_str()).collect();
        assert_eq!(targets, ["/workspaces/my project", "/v"]);
        assert_eq!(spec.cmd.as_ref().map(Vec::len), Some(3));
    }

    #[test]
    fn what_was_judged_is_what_is_mounted() {
        let path = |path: &str| HostPath::new(path).unwrap();
        let leads = |to: &str| HostView {
            places: [("/w/link".to_owned(), Place { path: path(to), exists: true })].into(),
            named: vec![path("/w")],
            ..HostView::default()
        };
        let volume = |text: &str, host: &HostView| judged_volume(&Volume::parse(text).unwrap(), host);
        let host = leads("/w/real");
        assert_eq!(judged_mount(&Mount::bind("/w/link", "/x"), &host), Mount::bind("/w/real", "/x"));
        assert_eq!(volume("/w/link:/x:ro", &host).unwrap().to_string(), "/w/real:/x:ro");
        // What was not judged, what the user named, and what is no path stay.
        assert_eq!(judged_mount(&Mount::bind("/other", "/x"), &host), Mount::bind("/other", "/x"));
        assert_eq!(judged_mount(&Mount::bind("/w", "/x"), &leads("/real")), Mount::bind("/w", "/x"));
        assert_eq!(volume("cache:/x", &host).unwrap().to_string(), "cache:/x");
        // A colon would make another mount of it.
        let refused = volume("/w/link:/x", &leads("/w/a:/etc")).unwrap_err();
        assert_eq!(refused.message, "a source of -v leads to /w/a:/etc, whose colon -v cannot express");
    }

    #[test]
    fn the_images_own_command_is_kept_when_asked_for() {
        let spec = spec(r#"{"image": "i", "overrideCommand": false}"#);
        assert_eq!(spec.cmd.unwrap()[3..], ["/init", "serve"]);
    }

    #[test]
    fn the_name_is_one_the_engine_takes_and_the_label_keeps_raw_values() {
        let spec =
            spec(r#"{"image": "i", "name": "N", "remoteEnv": {"X": "${localEnv:HOME}"}, "runArgs": []}"#);
        let name = spec.name.unwrap();
        assert!(name.starts_with("gp_my_project_"), "{name}");
        assert_eq!(spec.labels[METADATA_LABEL], r#"[{"remoteEnv":{"X":"${localEnv:HOME}"}}]"#);
    }
}
