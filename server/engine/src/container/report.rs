//! What engines report of containers, in our own types. Times are the engine's exact text, so that they compare.

use std::collections::BTreeMap;

use bollard::models as api;

use super::labels;

/// A container in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerSummary {
    /// Its id.
    pub id: String,
    /// Its names without the leading slash; usually one.
    pub names: Vec<String>,
    /// The image as it was named.
    pub image: String,
    /// The image's id.
    pub image_id: String,
    /// Its command in one line.
    pub command: String,
    /// When it was made, in seconds since the epoch.
    pub created: i64,
    /// `created`, `running`, `paused`, `restarting`, `removing`, `exited`, `dead`.
    pub state: String,
    /// The state in words, such as `Exited (0) 2 hours ago`.
    pub status: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Ports.
    pub ports: Vec<PublishedPort>,
    /// Mounts.
    pub mounts: Vec<MountPoint>,
}

/// Everything about a container that this project uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerDetails {
    /// Its id.
    pub id: String,
    /// Its name without the leading slash.
    pub name: String,
    /// When it was made; the engine's exact text, RFC 3339.
    pub created: String,
    /// The image as it was named.
    pub image: String,
    /// The image's id.
    pub image_id: String,
    /// Labels, the image's included.
    pub labels: BTreeMap<String, String>,
    /// Its state.
    pub state: ContainerState,
    /// `NAME=value`, the image's included.
    pub env: Vec<String>,
    /// The configured user; empty is root.
    pub user: String,
    /// The configured working directory.
    pub working_dir: String,
    /// The entrypoint.
    pub entrypoint: Vec<String>,
    /// The command.
    pub cmd: Vec<String>,
    /// Whether its first process has a terminal.
    pub tty: bool,
    /// Whether its standard input is open.
    pub open_stdin: bool,
    /// Its host name.
    pub hostname: String,
    /// The storage or platform it was made for.
    pub platform: String,
    /// Mounts.
    pub mounts: Vec<MountPoint>,
    /// Ports, also those that are only exposed.
    pub ports: Vec<PublishedPort>,
    /// `bridge`, `host`, `container:id` or a network's name.
    pub network_mode: String,
    /// Its networks by name.
    pub networks: BTreeMap<String, NetworkAttachment>,
    /// Whether it is removed when it ends.
    pub auto_remove: bool,
    /// Whether it is privileged.
    pub privileged: bool,
    /// Whether an init process of the engine's is its first.
    pub init: bool,
}

/// A container's state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerState {
    /// `created`, `running`, `paused`, `restarting`, `removing`, `exited`, `dead`.
    pub status: String,
    /// Whether it runs; a paused one does too.
    pub running: bool,
    /// Whether it is paused.
    pub paused: bool,
    /// Whether it is between two starts by its restart policy.
    pub restarting: bool,
    /// Whether the kernel killed one of its processes because memory ran out.
    pub oom_killed: bool,
    /// The process id of its first process on the engine's host; 0 when it does not run.
    pub pid: i64,
    /// The last exit code.
    pub exit_code: i64,
    /// Why it could not be started.
    pub error: String,
    /// When it was last started; the engine's exact text. A year of 1 is never.
    pub started_at: String,
    /// When it last ended; the engine's exact text.
    pub finished_at: String,
    /// `starting`, `healthy`, `unhealthy`, or empty without a health check.
    pub health: String,
}

/// A mount of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountPoint {
    /// `bind`, `volume`, `tmpfs`, …
    pub kind: String,
    /// The volume's name; empty for others.
    pub name: String,
    /// The path on the engine's host.
    pub source: String,
    /// The path in the container.
    pub target: String,
    /// Whether it can be written.
    pub writable: bool,
}

/// A port of a container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublishedPort {
    /// The port in the container.
    pub container_port: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
    /// The address on the host; empty when it is only exposed.
    pub host_ip: String,
    /// The port on the host; absent when it is only exposed.
    pub host_port: Option<u16>,
}

/// A container's place in a network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkAttachment {
    /// Its address there; empty when it does not run.
    pub ip_address: String,
    /// The way out.
    pub gateway: String,
    /// Its further names.
    pub aliases: Vec<String>,
}

/// What `ps` says about a container's processes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessTable {
    /// The columns' titles.
    pub titles: Vec<String>,
    /// One row for each process.
    pub rows: Vec<Vec<String>>,
}

fn without_slash(name: &str) -> String {
    name.trim_start_matches('/').to_owned()
}

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

pub(super) fn summary(container: api::ContainerSummary) -> ContainerSummary {
    let mut ports: Vec<_> = container.ports.unwrap_or_default().into_iter().map(summary_port).collect();
    ports.sort_unstable();
    ContainerSummary {
        id: container.id.unwrap_or_default(),
        names: container.names.unwrap_or_default().iter().map(|name| without_slash(name)).collect(),
        image: container.image.unwrap_or_default(),
        image_id: container.image_id.unwrap_or_default(),
        command: container.command.unwrap_or_default(),
        created: container.created.unwrap_or_default(),
        state: text(container.state),
        status: container.status.unwrap_or_default(),
        labels: labels(container.labels),
        ports,
        mounts: mounts(container.mounts),
    }
}

fn summary_port(port: api::PortSummary) -> PublishedPort {
    PublishedPort {
        container_port: port.private_port,
        protocol: text(port.typ),
        host_ip: port.ip.unwrap_or_default(),
        host_port: port.public_port,
    }
}

fn mounts(mounts: Option<Vec<api::MountPoint>>) -> Vec<MountPoint> {
    let mounts = mounts.unwrap_or_default().into_iter().map(|mount| MountPoint {
        kind: text(mount.typ),
        name: mount.name.unwrap_or_default(),
        source: mount.source.unwrap_or_default(),
        target: mount.destination.unwrap_or_default(),
        writable: mount.rw.unwrap_or_default(),
    });
    mounts.collect()
}

pub(super) fn details(container: api::ContainerInspectResponse) -> ContainerDetails {
    let config = container.config.unwrap_or_default();
    let host = container.host_config.unwrap_or_default();
    let network = container.network_settings.unwrap_or_default();
    ContainerDetails {
        id: container.id.unwrap_or_default(),
        name: without_slash(&container.name.unwrap_or_default()),
        created: container.created.unwrap_or_default(),
        image: config.image.unwrap_or_default(),
        image_id: container.image.unwrap_or_default(),
        labels: labels(config.labels),
        state: container.state.map(state).unwrap_or_default(),
        env: config.env.unwrap_or_default(),
        user: config.user.unwrap_or_default(),
        working_dir: config.working_dir.unwrap_or_default(),
        entrypoint: config.entrypoint.unwrap_or_default(),
        cmd: config.cmd.unwrap_or_default(),
        tty: config.tty.unwrap_or_default(),
        open_stdin: config.open_stdin.unwrap_or_default(),
        hostname: config.hostname.unwrap_or_default(),
        platform: container.platform.unwrap_or_default(),
        mounts: mounts(container.mounts),
        ports: ports(network.ports.unwrap_or_default()),
        network_mode: host.network_mode.unwrap_or_default(),
        networks: network.networks.unwrap_or_default().into_iter().map(attachment).collect(),
        auto_remove: host.auto_remove.unwrap_or_default(),
        privileged: host.privileged.unwrap_or_default(),
        init: host.init.unwrap_or_default(),
    }
}

fn state(state: api::ContainerState) -> ContainerState {
    ContainerState {
        status: text(state.status),
        running: state.running.unwrap_or_default(),
        paused: state.paused.unwrap_or_default(),
        restarting: state.restarting.unwrap_or_default(),
        oom_killed: state.oom_killed.unwrap_or_default(),
        pid: state.pid.unwrap_or_default(),
        exit_code: state.exit_code.unwrap_or_default(),
        error: crate::text::escaped(&state.error.unwrap_or_default()),
        started_at: state.started_at.unwrap_or_default(),
        finished_at: state.finished_at.unwrap_or_default(),
        health: text(
            state.health.and_then(|health| health.status).filter(|status| status.as_ref() != "none"),
        ),
    }
}

fn ports(map: api::PortMap) -> Vec<PublishedPort> {
    let mut ports = Vec::new();
    for (port, bindings) in map {
        let (number, protocol) = port.split_once('/').unwrap_or((&port, "tcp"));
        let Ok(container_port) = number.parse() else { continue };
        let exposed = PublishedPort {
            container_port,
            protocol: protocol.into(),
            host_ip: String::new(),
            host_port: None,
        };
        match bindings {
            None => ports.push(exposed),
            Some(bindings) => ports.extend(bindings.into_iter().map(|binding| PublishedPort {
                host_ip: binding.host_ip.unwrap_or_default(),
                host_port: binding.host_port.and_then(|port| port.parse().ok()),
                ..exposed.clone()
            })),
        }
    }
    ports.sort_unstable();
    ports
}

fn attachment((name, endpoint): (String, api::EndpointSettings)) -> (String, NetworkAttachment) {
    let attachment = NetworkAttachment {
        ip_address: endpoint.ip_address.unwrap_or_default(),
        gateway: endpoint.gateway.unwrap_or_default(),
        aliases: endpoint.aliases.unwrap_or_default(),
    };
    (name, attachment)
}
