//! What of the host belongs to a workspace, found by looking at files only: no program of the host, git included,
//! runs before the user trusted the configuration.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use gangplank_devcontainer::configuration::Configuration;
use gangplank_devcontainer::effects::{EnvFile, HostEffect, HostView, VolumeReach, hash, host_effects};
use gangplank_devcontainer::paths::HostPath;
use gangplank_devcontainer::run_args::{EnvEntry, env_file};
use gangplank_engine::volume::Volume;
use gangplank_protocol::workspace as wire;
use gangplank_protocol::{ErrorData, ErrorKind};

use super::Selection;
use super::leads::place;
use crate::host_file;
use crate::place::own_uid;

/// The beginning of labels of volumes that only we mount.
const OWN_LABELS: &str = "dev.gangplank.";

/// How long an `--env-file` may be.
const MOST_OF_ENV_FILE: u64 = 1 << 20;

/// The effects of a configuration, and the hash that consent is kept by.
#[derive(Debug, Clone)]
pub(super) struct Effects {
    /// Every effect.
    pub list: Vec<HostEffect>,
    /// Their hash; `None` when there are none.
    pub hash: Option<String>,
    /// What of the host was seen.
    pub seen: Seen,
}

/// What was seen of the host while judging. A container is made from this, so that it gets what was judged.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// Where paths lead.
    pub view: HostView,
    env_files: BTreeMap<String, Result<String, ErrorData>>,
}

impl Seen {
    /// The content of each `--env-file` by its path.
    ///
    /// # Errors
    /// Of one that could not be read.
    pub(super) fn env_files(&self) -> Result<BTreeMap<String, String>, ErrorData> {
        self.env_files.iter().map(|(path, text)| Ok((path.clone(), text.clone()?))).collect()
    }

    fn look(
        configuration: &Configuration,
        selection: &Selection,
        environment: &BTreeMap<String, String>,
        sockets: Vec<HostPath>,
    ) -> Self {
        let folder = &selection.canonical;
        let root = git_root(folder);
        let home = environment.get("HOME").and_then(|home| place(home)).map(|place| place.path);
        let mut view = HostView::new(folder, root.as_ref(), home.as_ref());
        view.named = std::iter::once(selection.folder.clone()).chain(git_root(&selection.folder)).collect();
        view.sockets =
            sockets.into_iter().map(|path| place(path.as_str()).map_or(path, |place| place.path)).collect();
        let sources = configuration.bind_sources().into_iter();
        view.places = sources.filter_map(|source| place(&source).map(|place| (source, place))).collect();
        let mut seen = Self { view, env_files: BTreeMap::new() };
        for path in &configuration.run_options.env_files {
            let place = place(folder.join(path).as_str());
            let judged = place.as_ref().map(|place| &place.path);
            let text = read_env_file(path, judged);
            let host_reads = text.iter().flat_map(|text| env_file(text)).filter_map(|entry| match entry {
                // Only what the client has can be passed on. Other lines are not shown: they may be anything.
                EnvEntry::FromHost(name) if environment.contains_key(&name) => Some(name),
                _ => None,
            });
            let host_reads = host_reads.collect();
            seen.view.env_files.insert(path.clone(), EnvFile { place, host_reads });
            seen.env_files.insert(path.clone(), text);
        }
        seen
    }
}

fn read_env_file(path: &str, judged: Option<&HostPath>) -> Result<String, ErrorData> {
    let failed = |why: String| {
        let mut error = ErrorData::new(ErrorKind::Io, format!("--env-file {path} cannot be read"));
        error.causes.push(why);
        error
    };
    let judged = judged.ok_or_else(|| failed("it cannot be told where it leads".to_owned()))?;
    let bytes =
        host_file::read(Path::new(judged.as_str()), MOST_OF_ENV_FILE).map_err(|e| failed(e.to_string()))?;
    String::from_utf8(bytes).map_err(|e| failed(e.to_string()))
}

impl Effects {
    /// Judges `configuration` for the workspace that was selected. `sockets` are the engine's own, wherever they are;
    /// `volumes` are what the engine has.
    ///
    /// # Errors
    /// `internal` when the judging itself failed.
    pub(super) async fn of(
        configuration: &Configuration,
        selection: &Selection,
        environment: &BTreeMap<String, String>,
        sockets: Vec<HostPath>,
        volumes: &[Volume],
    ) -> Result<Self, ErrorData> {
        let looked = (configuration.clone(), selection.clone(), environment.clone());
        let seen = tokio::task::spawn_blocking(move || {
            let (configuration, selection, environment) = looked;
            Seen::look(&configuration, &selection, &environment, sockets)
        });
        let mut seen = seen.await.map_err(|e| {
            ErrorData::new(ErrorKind::Internal, "what the configuration does to the host could not be judged")
                .caused_by(&e)
        })?;
        let names = configuration.named_volumes();
        let wanted = volumes.iter().filter(|volume| names.contains(&volume.name));
        seen.view.volumes = wanted.filter_map(|volume| Some((volume.name.clone(), reach(volume)?))).collect();
        let mount = configuration.workspace.mount.as_ref();
        let list = host_effects(&[configuration.source()], mount, &seen.view);
        let hash = (!list.is_empty()).then(|| hash(&list));
        Ok(Self { list, hash, seen })
    }

    /// The effects as the protocol has them.
    pub(super) fn wire(&self) -> Vec<wire::HostEffect> {
        self.list
            .iter()
            .map(|effect| wire::HostEffect {
                kind: effect.kind.as_str().to_owned(),
                property: effect.property.clone(),
                value: effect.value.clone(),
                reason: effect.reason.clone(),
            })
            .collect()
    }
}

/// Options with which `type=tmpfs` is memory and nothing else; `bind` makes of it a mount of its device.
const OPTIONS_OF_MEMORY: [&str; 14] = [
    "size",
    "nr_blocks",
    "nr_inodes",
    "mode",
    "uid",
    "gid",
    "huge",
    "ro",
    "rw",
    "noexec",
    "nosuid",
    "nodev",
    "noatime",
    "nodiratime",
];

/// What makes a volume more than a place for data. The driver `local` mounts, where its options name a device; what
/// options mean to another driver nobody can tell.
fn reach(volume: &Volume) -> Option<VolumeReach> {
    if volume.labels.keys().any(|label| label.starts_with(OWN_LABELS)) {
        return Some(VolumeReach::Own);
    }
    if volume.driver != "local" && !volume.options.is_empty() {
        // Their values may be secrets.
        let names: Vec<&str> = volume.options.keys().map(String::as_str).collect();
        let what = format!("what the driver {} makes of its options {}", volume.driver, names.join(", "));
        return Some(VolumeReach::Device(what));
    }
    let device = volume.options.get("device").filter(|device| !device.is_empty())?;
    let of_memory = |option: &str| {
        let name = option.split_once('=').map_or(option, |(name, _)| name);
        name.is_empty() || OPTIONS_OF_MEMORY.contains(&name)
    };
    let memory = volume.options.get("type").is_some_and(|kind| kind == "tmpfs")
        && volume.options.get("o").is_none_or(|options| options.split(',').all(of_memory));
    (!memory).then(|| VolumeReach::Device(device.clone()))
}

/// The nearest folder, from `folder` upwards, that holds `.git`. One that belongs to another user does not count, be
/// we root or not: whoever makes it would widen what a configuration may mount. Git itself refuses to work in it.
pub(super) fn git_root(folder: &HostPath) -> Option<HostPath> {
    let mut next = Some(folder.clone());
    while let Some(candidate) = next {
        if let Ok(metadata) = Path::new(candidate.join(".git").as_str()).symlink_metadata() {
            let ours = metadata.uid() == own_uid();
            return (ours && (metadata.is_dir() || metadata.is_file())).then_some(candidate);
        }
        next = candidate.parent();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_that_is_more_than_a_place_for_data_is_told() {
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
        };
        let told = |labels: &[(&str, &str)], options: &[(&str, &str)]| {
            let (labels, options) = (map(labels), map(options));
            reach(&Volume {
                name: "v".into(),
                driver: "local".into(),
                labels,
                options,
                created: String::new(),
            })
        };
        assert_eq!(told(&[("com.example", "x")], &[]), None);
        assert_eq!(told(&[], &[("type", "tmpfs"), ("device", "tmpfs"), ("o", "size=1m")]), None);
        assert_eq!(told(&[], &[("type", "tmpfs"), ("device", "tmpfs")]), None);
        for bind in ["bind", "rbind", "size=1m,bind", "remount"] {
            let bound = told(&[], &[("type", "tmpfs"), ("device", "/etc"), ("o", bind)]);
            assert_eq!(bound, Some(VolumeReach::Device("/etc".into())), "{bind}");
        }
        let other = |options: &[(&str, &str)]| {
            let (labels, options) = (map(&[]), map(options));
            reach(&Volume {
                name: "v".into(),
                driver: "sshfs".into(),
                labels,
                options,
                created: String::new(),
            })
        };
        assert_eq!(other(&[]), None);
        let what = "what the driver sshfs makes of its options password, sshcmd";
        let reached = other(&[("sshcmd", "ada@host:/"), ("password", "hunter2")]);
        assert_eq!(reached, Some(VolumeReach::Device(what.into())));
        assert_eq!(told(&[("dev.gangplank.agent", "")], &[]), Some(VolumeReach::Own));
        let bound = told(&[], &[("type", "none"), ("o", "bind"), ("device", "/etc")]);
        assert_eq!(bound, Some(VolumeReach::Device("/etc".into())));
    }

    #[test]
    fn the_git_root_is_the_nearest_folder_with_git_in_it() {
        let root = tempfile::tempdir().unwrap();
        let root_path = HostPath::new(root.path().canonicalize().unwrap().to_str().unwrap()).unwrap();
        let inner = root_path.join("a/b");
        std::fs::create_dir_all(inner.as_str()).unwrap();
        assert_eq!(git_root(&inner), None);
        std::fs::create_dir(root_path.join(".git").as_str()).unwrap();
        assert_eq!(git_root(&inner), Some(root_path.clone()));
        std::fs::write(root_path.join("a/.git").as_str(), "gitdir: ../.git/worktrees/a").unwrap();
        assert_eq!(git_root(&inner), Some(root_path.join("a")));
        // Only root can make one of another user, who then must not count either.
        if own_uid() == 0 {
            std::os::unix::fs::chown(root_path.join("a/.git").as_str(), Some(65_534), None).unwrap();
            assert_eq!(git_root(&inner), None);
        }
    }
}
