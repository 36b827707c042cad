//! Host effects: everything by which a configuration reaches out of its container, for the user to consent to.
//!
//! The same function judges twice. Before any program of the host runs, over what the file asks for; and before the
//! container is made, over that and what the image's metadata adds. Consent is kept for [`hash`], which covers the
//! texts as they are written (so that a changed environment does not ask again, and no secret is shown) and, for
//! mounts and files of variables, where they lead.
//!
//! What is harmless is a fixed list; whatever is not on it is an effect.

mod display;
mod mounts;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::diagnostic::PropertyPath;
use crate::hooks::LifecycleHook;
use crate::model::DevContainer;
use crate::mount::{Mount, Volume};
use crate::paths::HostPath;
use crate::run_args::{self, EnvEntry, Reach, RunArg};
use crate::variables::HostRead;
pub use display::escape;
use mounts::{Asked, flag_volume_effect, mount_effect};
pub use mounts::{bind_sources, named_volumes};

/// The beginning of the names of volumes that hold the agent. A configuration must not mount them: what it changed
/// there would run in other containers.
pub const AGENT_VOLUME_PREFIX: &str = "gangplank-agent-";

/// Beginnings of label names by which tools recognise their containers.
const TOOL_LABELS: [&str; 3] = ["devcontainer.", "dev.gangplank.", "com.docker.compose."];

/// File names of engines' sockets, wherever they are.
const ENGINE_SOCKETS: [&str; 4] = ["docker.sock", "podman.sock", "containerd.sock", "buildkitd.sock"];

/// The usual name of Docker's socket.
pub const DOCKER_SOCKET: &str = "/var/run/docker.sock";

/// What sort of effect it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EffectKind {
    /// A command runs on the host.
    HostCommand,
    /// A variable of the host's environment is read.
    HostEnvironment,
    /// A path of the host outside the workspace is mounted.
    HostMount,
    /// The engine's socket is mounted: whoever has it is root on the engine's machine.
    EngineSocket,
    /// A volume of Gangplank's own is mounted. To be refused, consent or not.
    AgentVolume,
    /// The container gets privileges, devices or less confinement.
    Privilege,
    /// The container shares a namespace or a network beyond its own.
    Namespace,
    /// A script of the image's metadata runs before the container's command.
    Entrypoint,
    /// Another flag that is not known to be harmless.
    RunFlag,
}

impl EffectKind {
    /// A stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HostCommand => "hostCommand",
            Self::HostEnvironment => "hostEnvironment",
            Self::HostMount => "hostMount",
            Self::EngineSocket => "engineSocket",
            Self::AgentVolume => "agentVolume",
            Self::Privilege => "privilege",
            Self::Namespace => "namespace",
            Self::Entrypoint => "entrypoint",
            Self::RunFlag => "runFlag",
        }
    }
}

/// One host effect. Its texts are safe to show.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostEffect {
    /// What sort it is.
    pub kind: EffectKind,
    /// Where it is asked for: `runArgs[3]`, `image metadata[0].privileged`.
    pub property: String,
    /// What is asked for, escaped.
    pub value: String,
    /// Why it is an effect: a fragment for people.
    pub reason: String,
    /// What is asked for, exactly: for the hash.
    exact: Exact,
}

/// The text that consent is kept for. It may hold what a variable holds, so nothing shows it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Exact(String);

impl Exact {
    /// Of a text that leads to a path.
    fn leading(written: &str, path: &str) -> Self {
        // Neither can hold a NUL: no two pairs make the same text.
        Self(format!("{written}\0{path}"))
    }
}

impl fmt::Debug for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exact(..)")
    }
}

/// What a part of the configuration comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The configuration file.
    File,
    /// An entry of the image's metadata, by its index.
    ImageMetadata(usize),
}

/// A part of the configuration to judge. It has no errors: an unusable one makes no container.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Where it comes from.
    pub origin: Origin,
    /// Its value as written, variables not substituted: what is shown.
    pub written: &'a Value,
    /// What it comes to: what is judged.
    pub resolved: &'a DevContainer,
    /// What it reads from the host's environment.
    pub host_reads: &'a [HostRead],
    /// The script that an entry of metadata brings along.
    pub entrypoint: Option<&'a str>,
}

/// What of the host belongs to the workspace.
#[derive(Debug, Clone, Default)]
pub struct HostView {
    /// Folders that are inside. Canonical.
    pub inside: Vec<HostPath>,
    /// Sockets of engines, beyond those that are known by their names.
    pub sockets: Vec<HostPath>,
    /// For paths of [`bind_sources`]: where each leads. Of one that is missing here, nobody can tell.
    pub places: BTreeMap<String, Place>,
    /// The folder as the user named it, and the git root above that. They are mounted by that name: where a link of
    /// the user's leads later, a restarted container shall see.
    pub named: Vec<HostPath>,
    /// Of the volumes of [`named_volumes`], those that are there and are more than a volume.
    pub volumes: BTreeMap<String, VolumeReach>,
    /// For each `--env-file`, as `runArgs` name it.
    pub env_files: BTreeMap<String, EnvFile>,
}

/// Where a path of the host leads when its links are followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// A path without links: canonical as far as something is there.
    pub path: HostPath,
    /// Whether something is there.
    pub exists: bool,
}

/// What makes a volume more than a place for data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VolumeReach {
    /// It has a label of Gangplank's own.
    Own,
    /// It mounts something else: a path of the engine's machine, a file system, a share.
    Device(String),
}

/// A file of variables, as far as it is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvFile {
    /// Where it leads; `None` when nobody can tell.
    pub place: Option<Place>,
    /// Variables of the client's environment that it passes on.
    pub host_reads: Vec<String>,
}

impl HostView {
    /// The view of a workspace: its folder is inside, and so is the git root around it unless that is the user's
    /// home or above. All canonical.
    pub fn new(folder: &HostPath, git_root: Option<&HostPath>, home: Option<&HostPath>) -> Self {
        let root = git_root
            .filter(|root| folder.is_within(root) && root.as_str() != "/")
            .filter(|root| home.is_none_or(|home| !home.is_within(root)));
        let inside = [Some(folder), root].into_iter().flatten().cloned().collect();
        Self { inside, ..Self::default() }
    }

    /// What an engine is to mount for `source`: the path that was judged, or [`HostView::named`]. The usual name of Docker's socket stays: it
    /// names a file of the engine's own machine, which need not be this one, and nobody but root leads it elsewhere.
    pub fn judged<'a>(&'a self, source: &'a str) -> &'a str {
        if source == DOCKER_SOCKET || self.named.iter().any(|named| named.as_str() == source) {
            return source;
        }
        self.places.get(source).map_or(source, |place| place.path.as_str())
    }

    fn is_inside(&self, path: &HostPath) -> bool {
        self.inside.iter().any(|inside| path.is_within(inside))
    }
}

/// All host effects, sorted, each once. `workspace_mount` is the mount that will be made, default or not.
pub fn host_effects(
    sources: &[Source<'_>],
    workspace_mount: Option<&Mount>,
    host: &HostView,
) -> Vec<HostEffect> {
    let mut effects = BTreeSet::new();
    for source in sources {
        Judge { source, host, effects: &mut effects }.judge();
    }
    if let Some(mount) = workspace_mount {
        let file = sources.iter().find(|source| source.origin == Origin::File);
        let written = file.and_then(|file| file.written.get("workspaceMount"));
        let written = written.and_then(mounts::written).unwrap_or_else(|| mount.to_string());
        let asked = Asked { property: "workspaceMount".to_owned(), written };
        effects.extend(mount_effect(&asked, mount, host));
    }
    effects.into_iter().collect()
}

/// The identity of a set of effects: SHA-256, in hexadecimal, over kind, property and exact text of each.
pub fn hash(effects: &[HostEffect]) -> String {
    let sorted: BTreeSet<&HostEffect> = effects.iter().collect();
    let lines: String = sorted
        .iter()
        .map(|effect| {
            let line = serde_json::json!([effect.kind.as_str(), effect.property, effect.exact.0]);
            format!("{line}\n")
        })
        .collect();
    Sha256::digest(lines).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn effect(kind: EffectKind, property: &str, exact: String, reason: impl Into<String>) -> HostEffect {
    HostEffect {
        kind,
        property: escape(property),
        value: escape(&exact),
        reason: reason.into(),
        exact: Exact(exact),
    }
}

/// Judges one part of a configuration.
struct Judge<'a> {
    source: &'a Source<'a>,
    host: &'a HostView,
    effects: &'a mut BTreeSet<HostEffect>,
}

impl Judge<'_> {
    fn judge(&mut self) {
        self.host_command();
        for HostRead { variable, property } in self.source.host_reads {
            self.add(EffectKind::HostEnvironment, property, variable.clone(), "reads the host's environment");
        }
        let container = self.source.resolved;
        for (index, mount) in container.mounts.iter().enumerate() {
            let written =
                self.source.written.get("mounts").and_then(|mounts| mounts::written(mounts.get(index)?));
            let property = self.property(&PropertyPath::of("mounts").index(index));
            let asked = Asked { property, written: written.unwrap_or_else(|| mount.to_string()) };
            self.effects.extend(mount_effect(&asked, mount, self.host));
        }
        if container.privileged == Some(true) {
            let reason = "gives the container all of the host's devices and capabilities";
            self.add(EffectKind::Privilege, &PropertyPath::of("privileged"), "true".to_owned(), reason);
        }
        for (property, values, reason) in [
            ("capAdd", &container.cap_add, "gives the container a capability"),
            ("securityOpt", &container.security_opt, "changes how the container is confined"),
        ] {
            for (index, value) in values.iter().enumerate() {
                let path = PropertyPath::of(property).index(index);
                let written = self.written(property, index).unwrap_or_else(|| value.clone());
                self.add(EffectKind::Privilege, &path, written, reason);
            }
        }
        if let Some(script) = self.source.entrypoint {
            let reason = "runs before the container's own command, as its user";
            self.add(EffectKind::Entrypoint, &PropertyPath::of("entrypoint"), script.to_owned(), reason);
        }
        for arg in run_args::split(&container.run_args).0 {
            self.run_arg(&arg);
        }
    }

    fn host_command(&mut self) {
        let property = LifecycleHook::Initialize.property();
        let Some(command) = self.source.resolved.hook(LifecycleHook::Initialize) else { return };
        let path = PropertyPath::of(property);
        for (name, command) in command.commands() {
            let written = match (name, self.source.written.get(property)) {
                (Some(name), Some(named)) => named.get(name).and_then(command_text),
                (None, Some(one)) => command_text(one),
                (_, None) => None,
            };
            let path = name.map_or_else(|| path.clone(), |name| path.key(name));
            let text = written.unwrap_or_else(|| command.to_string());
            self.add(EffectKind::HostCommand, &path, text, "runs on the host, as you");
        }
    }

    fn run_arg(&mut self, arg: &RunArg<'_>) {
        let property = PropertyPath::of("runArgs").index(arg.index);
        let shown = (arg.index..=arg.value_index)
            .filter_map(|index| {
                self.written("runArgs", index).or_else(|| self.source.resolved.run_args.get(index).cloned())
            })
            .collect::<Vec<_>>()
            .join(" ");
        match arg.flag.reach {
            Reach::Container => {}
            // A switch that is turned off gives nothing.
            Reach::Host(_)
                if !arg.flag.takes.a_value() && crate::mount::go_bool(arg.value) == Some(false) => {}
            Reach::Host(reason) => {
                let kind = match arg.flag.long {
                    "privileged" | "cap-add" | "security-opt" | "device" | "device-cgroup-rule" | "gpus" => {
                        EffectKind::Privilege
                    }
                    _ => EffectKind::RunFlag,
                };
                self.add(kind, &property, shown, reason);
            }
            Reach::ByValue => self.run_arg_by_value(arg, &property, shown),
        }
    }

    fn run_arg_by_value(&mut self, arg: &RunArg<'_>, property: &PropertyPath, shown: String) {
        let value = arg.value;
        match arg.flag.long {
            "mount" => {
                let mount = Mount::parse(value).ok();
                let asked = Asked { property: self.property(property), written: shown };
                self.effects.extend(mount.and_then(|mount| mount_effect(&asked, &mount, self.host)));
            }
            "volume" => {
                if let Ok(volume) = Volume::parse(value) {
                    let asked = Asked { property: self.property(property), written: shown };
                    self.effects.extend(flag_volume_effect(&asked, &volume, self.host));
                }
            }
            "env-file" => self.env_file(value, property, &shown),
            "env" => {
                if let Ok(EnvEntry::FromHost(name)) = run_args::env(value) {
                    self.add(EffectKind::HostEnvironment, property, name, "reads the host's environment");
                }
            }
            "label" => {
                if TOOL_LABELS.iter().any(|prefix| value.starts_with(prefix)) {
                    self.add(
                        EffectKind::RunFlag,
                        property,
                        shown,
                        "a label by which tools know their containers",
                    );
                }
            }
            "add-host" => {
                // What is no address stands for the host in one of several ways of writing.
                let address = run_args::extra_host(value).ok();
                let address = address.as_deref().and_then(|host| Some(host.split_once(':')?.1));
                if address.is_none_or(|address| address.parse::<IpAddr>().is_err()) {
                    self.add(
                        EffectKind::Namespace,
                        property,
                        shown,
                        "gives the host a name in the container",
                    );
                }
            }
            // A word of Podman's.
            "group-add" => {
                if value == "keep-groups" {
                    let reason = "gives the container's processes the groups that you are in";
                    self.add(EffectKind::Privilege, property, shown, reason);
                }
            }
            "network" => {
                let name = run_args::network(value).map(|network| network.name).unwrap_or_default();
                match name.as_str() {
                    "bridge" | "none" | "default" => {}
                    "host" => self.add(EffectKind::Namespace, property, shown, "shares the host's network"),
                    _ => self.add(
                        EffectKind::Namespace,
                        property,
                        shown,
                        "joins a network of other containers",
                    ),
                }
            }
            // The namespaces: ipc, pid, uts, userns, cgroupns.
            namespace => {
                if !matches!(value, "private" | "none" | "shareable" | "keep-id" | "auto") {
                    let reason =
                        format!("shares the {namespace} namespace of the host or of another container");
                    self.add(EffectKind::Namespace, property, shown, reason);
                }
            }
        }
    }

    fn env_file(&mut self, value: &str, property: &PropertyPath, shown: &str) {
        let file = self.host.env_files.get(value);
        let place = file.and_then(|file| file.place.as_ref());
        let reason = match place {
            Some(place) if self.host.is_inside(&place.path) => "reads a file of the host",
            Some(_) => "reads a file of the host outside the workspace",
            None => "reads a file of the host; it cannot be told where it leads",
        };
        let leads = mounts::leads(shown, value, place);
        let exact = Exact::leading(shown, place.map_or(value, |place| place.path.as_str()));
        let effect = effect(EffectKind::RunFlag, &self.property(property), format!("{shown}{leads}"), reason);
        self.effects.insert(HostEffect { exact, ..effect });
        for variable in file.into_iter().flat_map(|file| &file.host_reads) {
            let reason = "reads the host's environment";
            self.add(EffectKind::HostEnvironment, property, variable.clone(), reason);
        }
    }

    fn add(&mut self, kind: EffectKind, path: &PropertyPath, exact: String, reason: impl Into<String>) {
        let property = self.property(path);
        self.effects.insert(effect(kind, &property, exact, reason));
    }

    fn property(&self, path: &PropertyPath) -> String {
        match self.source.origin {
            Origin::File => path.to_string(),
            Origin::ImageMetadata(index) => format!("image metadata[{index}].{path}"),
        }
    }

    /// The text of an array's element as it is written.
    fn written(&self, property: &str, index: usize) -> Option<String> {
        self.source.written.get(property)?.get(index)?.as_str().map(str::to_owned)
    }
}

fn command_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(argv) => Some(shell_words::join(argv.iter().filter_map(Value::as_str))),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
