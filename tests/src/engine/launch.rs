//! How an engine starts: in namespaces of its own in which its tree's `/usr` stands in for the host's.
//!
//! All other paths are the host's, and so is the network: bind mounts, sockets and published ports just work. `/etc`
//! is covered by a writable layer that only the engine sees, and so are the places where an engine of the host would
//! be: nothing is left there, and no containerd of the host is taken for the engine's own. With the namespace of
//! processes, ending its first process ends everything that the engine ever started.
//!
//! Each engine has a bridge of its own (`bridge`), since engines in one network would share the default one.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::api::Api;
use super::bridge::Bridge;
use super::kind::EngineKind;
use crate::error::HarnessError;
use crate::service::{HOST_PATH, Launch};

/// Runs within the namespaces: `sh -c INSIDE inside TREE DIR ENGINE-ARGV…`.
const INSIDE: &str = r#"
set -e
tree=$1 dir=$2; shift 2
mkdir -p "$dir/etc/upper" "$dir/etc/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$dir/etc/upper,workdir=$dir/etc/work" /etc
[ ! -d "$dir/etc.own" ] || cp -R "$dir/etc.own/." /etc/
for own in /run/containerd /run/docker /run/containers /run/crun /run/netns /var/lib/containers; do
  mkdir -p $own
  mount -t tmpfs -o mode=755 tmpfs $own
done
mount --bind /usr/local "$tree/usr/local"
mount --rbind "$tree/usr" /usr
[ ! -f "$dir/rules" ] || . "$dir/rules"
exec "$@"
"#;

/// A crun that is offered both halves of a hybrid cgroup tree refuses it; Podman sees the first half only.
const WITHOUT_UNIFIED: &str = "umount /sys/fs/cgroup/unified 2>/dev/null || true\n";

#[derive(Debug)]
pub(super) struct EngineLaunch {
    pub(super) kind: EngineKind,
    pub(super) tree: PathBuf,
    /// Whether the engine may write its own rules into the machine's packet filter. It empties the chains that all
    /// Docker Engines share when it starts; so one that starts in the middle of other engines' tests must not.
    pub(super) filters_packets: bool,
}

/// Where an engine in `dir` listens.
pub(super) fn socket(dir: &Path) -> PathBuf {
    dir.join("engine.sock")
}

impl Launch for EngineLaunch {
    fn command(&self, dir: &Path) -> Result<Command, HarnessError> {
        for leftover in ["exec", "run", "tmp", "engine.sock"] {
            remove(&dir.join(leftover))?;
        }
        let bridge = Bridge::of(dir)?;
        bridge.write_undo(dir, &self.tree)?;
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--propagation=slave", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .env_clear()
            .env("PATH", HOST_PATH);
        let (inside, engine) = match self.kind {
            EngineKind::Podman => {
                configure_podman(dir, &bridge)?;
                command.env("CONTAINERS_CONF", dir.join("containers.conf"));
                command.env("PODMAN_IGNORE_CGROUPSV1_WARNING", "1");
                (format!("{WITHOUT_UNIFIED}{INSIDE}"), podman(dir))
            }
            EngineKind::Docker | EngineKind::DockerClassic | EngineKind::Docker20 => {
                bridge.make(dir)?;
                self.configure_docker(dir)?;
                (INSIDE.to_owned(), docker(dir, &bridge))
            }
        };
        command.args(["sh", "-c", &inside, "inside"]).arg(&self.tree).arg(dir).args(engine);
        Ok(command)
    }

    fn answers(&self, dir: &Path) -> bool {
        Api::on(socket(dir)).version().is_ok()
    }
}

fn docker(dir: &Path, bridge: &Bridge) -> Vec<String> {
    let at = |name: &str| dir.join(name).display().to_string();
    // tini, under the name that Docker gives it, reaps what the engine's processes leave
    ["docker-init", "--", "dockerd"]
        .into_iter()
        .map(str::to_owned)
        .chain(["--config-file".to_owned(), at("daemon.json")])
        .chain(["--data-root".to_owned(), at("data"), "--exec-root".to_owned(), at("exec")])
        .chain([
            "--pidfile".to_owned(),
            at("exec/engine.pid"),
            "--bridge".to_owned(),
            bridge.name().to_owned(),
        ])
        .chain(["--host".to_owned(), format!("unix://{}", socket(dir).display())])
        .collect()
}

fn podman(dir: &Path) -> Vec<String> {
    let at = |name: &str| dir.join(name).display().to_string();
    ["catatonit", "--", "podman", "--storage-driver", "overlay", "--cgroup-manager", "cgroupfs"]
        .into_iter()
        .map(str::to_owned)
        .chain(["--root".to_owned(), at("data"), "--runroot".to_owned(), at("run")])
        .chain(["--tmpdir".to_owned(), at("tmp"), "--network-config-dir".to_owned(), at("networks")])
        .chain(["system", "service", "--time", "0"].into_iter().map(str::to_owned))
        .chain([format!("unix://{}", socket(dir).display())])
        .collect()
}

impl EngineLaunch {
    fn configure_docker(&self, dir: &Path) -> Result<(), HarnessError> {
        let mut settings = json!({
            "insecure-registries": ["127.0.0.0/8"],
            "iptables": self.filters_packets,
        });
        // 20.10 has one image store, and calls the other packet filter an experiment
        if self.kind != EngineKind::Docker20 {
            settings["ip6tables"] = json!(self.filters_packets);
            settings["features"] = json!({ "containerd-snapshotter": self.kind == EngineKind::Docker });
        }
        write(&dir.join("daemon.json"), &settings.to_string())
    }
}

fn configure_podman(dir: &Path, bridge: &Bridge) -> Result<(), HarnessError> {
    let settings = "[containers]\ndefault_ulimits = [\"nofile=4096:4096\"]\n\
        [network]\nnetwork_backend = \"netavark\"\nfirewall_driver = \"iptables\"\n";
    write(&dir.join("containers.conf"), settings)?;
    let registries = "unqualified-search-registries = []\n\
        [[registry]]\nlocation = \"127.0.0.1\"\ninsecure = true\n";
    write(&dir.join("etc.own/containers/registries.conf"), registries)?;
    let policy = json!({ "default": [{ "type": "insecureAcceptAnything" }] });
    write(&dir.join("etc.own/containers/policy.json"), &policy.to_string())?;
    let network = json!({
        "name": "podman",
        "id": "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9",
        "driver": "bridge",
        "network_interface": bridge.name(),
        "subnets": [{ "subnet": bridge.network(), "gateway": bridge.gateway() }],
        "ipv6_enabled": false,
        "internal": false,
        "dns_enabled": false,
        "ipam_options": { "driver": "host-local" },
    });
    write(&dir.join("networks/podman.json"), &network.to_string())
}

pub(super) fn write(file: &Path, content: &str) -> Result<(), HarnessError> {
    if let Some(dir) = file.parent() {
        std::fs::create_dir_all(dir).map_err(HarnessError::io("make the folder", dir))?;
    }
    std::fs::write(file, content).map_err(HarnessError::io("write", file))
}

fn remove(path: &Path) -> Result<(), HarnessError> {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(HarnessError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}
