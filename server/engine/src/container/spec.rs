//! What a container is made of: everything that `docker run` can say and dev containers need.

use std::collections::BTreeMap;

/// A container to make. What is absent or empty is left to the image and the engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerSpec {
    /// The image: reference or id.
    pub image: String,
    /// Its name; the engine makes one up when absent.
    pub name: Option<String>,
    /// `os/arch/variant` of the image.
    pub platform: Option<String>,

    /// Its host name.
    pub hostname: Option<String>,
    /// Its domain name.
    pub domainname: Option<String>,
    /// `user`, `user:group`, `uid` or `uid:gid`.
    pub user: Option<String>,
    /// The working directory.
    pub working_dir: Option<String>,
    /// `NAME=value`; a bare `NAME` removes one that the image sets.
    pub env: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Replaces the image's entrypoint; an empty list removes it.
    pub entrypoint: Option<Vec<String>>,
    /// Replaces the image's command.
    pub cmd: Option<Vec<String>>,
    /// The signal that stops it.
    pub stop_signal: Option<String>,
    /// Seconds between that signal and a kill.
    pub stop_timeout: Option<i64>,

    /// Whether its first process gets a terminal.
    pub tty: bool,
    /// Whether its standard input stays open while nobody is attached.
    pub open_stdin: bool,
    /// Whether its standard input closes when the first client that was attached goes.
    pub stdin_once: bool,
    /// Whether a client will attach to its standard input.
    pub attach_stdin: bool,
    /// Whether a client will attach to its standard output.
    pub attach_stdout: bool,
    /// Whether a client will attach to its standard error.
    pub attach_stderr: bool,

    /// Mounts whose source must exist (`--mount`).
    pub mounts: Vec<Mount>,
    /// `source:target[:options]` as with `-v`: a missing host folder is made, a bare name is a volume.
    pub binds: Vec<String>,
    /// Paths that get an anonymous volume.
    pub anonymous_volumes: Vec<String>,
    /// Containers whose volumes it gets too, each `name[:ro]`.
    pub volumes_from: Vec<String>,
    /// Path to options (`size=64m,mode=1777`) of in-memory file systems.
    pub tmpfs: BTreeMap<String, String>,
    /// Whether its own file system can only be read.
    pub readonly_rootfs: bool,
    /// The size of `/dev/shm` in bytes.
    pub shm_size: Option<i64>,
    /// Options of the storage driver.
    pub storage_opt: BTreeMap<String, String>,

    /// Ports to publish.
    pub ports: Vec<PortBinding>,
    /// Ports to expose without publishing them, each `port[/protocol]`.
    pub expose: Vec<String>,
    /// Whether to publish all exposed ports on ports that the engine chooses.
    pub publish_all: bool,
    /// `bridge`, `host`, `none`, `container:id` or a network's name.
    pub network_mode: Option<String>,
    /// Its further names in that network, which must be one that users made.
    pub network_aliases: Vec<String>,
    /// Its fixed IPv4 address in that network.
    pub ipv4_address: Option<String>,
    /// Its fixed IPv6 address in that network.
    pub ipv6_address: Option<String>,
    /// Its MAC address in that network.
    pub mac_address: Option<String>,
    /// `host:address` for its `/etc/hosts`.
    pub extra_hosts: Vec<String>,
    /// Links to containers, each `name:alias`.
    pub links: Vec<String>,
    /// Name servers.
    pub dns: Vec<String>,
    /// Options of its resolver.
    pub dns_options: Vec<String>,
    /// Its resolver's search domains.
    pub dns_search: Vec<String>,

    /// Whether an init process of the engine's is its first.
    pub init: Option<bool>,
    /// Whether it gets all capabilities and devices.
    pub privileged: bool,
    /// Capabilities to add.
    pub cap_add: Vec<String>,
    /// Capabilities to drop.
    pub cap_drop: Vec<String>,
    /// Security options (`seccomp=…`, `label=…`, `no-new-privileges`).
    pub security_opt: Vec<String>,
    /// Further groups of its user.
    pub group_add: Vec<String>,
    /// `private`, `host`, `shareable`, `container:id`.
    pub ipc_mode: Option<String>,
    /// `host`, `container:id`.
    pub pid_mode: Option<String>,
    /// `host`.
    pub uts_mode: Option<String>,
    /// `host`.
    pub userns_mode: Option<String>,
    /// `private` or `host`.
    pub cgroupns_mode: Option<String>,
    /// The parent of its control group.
    pub cgroup_parent: Option<String>,
    /// Kernel parameters of its namespaces.
    pub sysctls: BTreeMap<String, String>,
    /// The runtime, such as `runc`.
    pub runtime: Option<String>,

    /// Devices.
    pub devices: Vec<Device>,
    /// Rules for its device control group.
    pub device_cgroup_rules: Vec<String>,
    /// Devices that drivers choose, such as GPUs.
    pub device_requests: Vec<DeviceSelection>,

    /// Limits of its processes.
    pub ulimits: Vec<Ulimit>,
    /// Bytes of memory.
    pub memory: Option<i64>,
    /// Bytes of memory it is held to when the host runs short.
    pub memory_reservation: Option<i64>,
    /// Bytes of memory and swap together; -1 is no limit.
    pub memory_swap: Option<i64>,
    /// 0 to 100.
    pub memory_swappiness: Option<i64>,
    /// Billionths of a processor.
    pub nano_cpus: Option<i64>,
    /// Relative weight of its processor time.
    pub cpu_shares: Option<i64>,
    /// Microseconds of a scheduler's period.
    pub cpu_period: Option<i64>,
    /// Microseconds of processor time in a period.
    pub cpu_quota: Option<i64>,
    /// Processors it may run on, such as `0-2,4`.
    pub cpuset_cpus: Option<String>,
    /// Memory nodes it may use.
    pub cpuset_mems: Option<String>,
    /// Relative weight of its block IO, 10 to 1000.
    pub blkio_weight: Option<u16>,
    /// Most processes; -1 is no limit.
    pub pids_limit: Option<i64>,
    /// Whether the kernel must not kill it when memory runs out.
    pub oom_kill_disable: Option<bool>,
    /// -1000 to 1000.
    pub oom_score_adj: Option<i64>,

    /// When the engine starts it again.
    pub restart: Option<RestartPolicy>,
    /// Whether the engine removes it when it ends (`--rm`).
    pub auto_remove: bool,
    /// Where its output is logged.
    pub log_config: Option<LogConfig>,
    /// Annotations for the runtime.
    pub annotations: BTreeMap<String, String>,
}

/// What a mount is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountKind {
    /// A path of the engine's host, which must exist.
    Bind {
        /// The path.
        source: String,
        /// `rprivate`, `rshared`, …
        propagation: Option<String>,
    },
    /// A volume; it is made when it does not exist, and anonymous without a name.
    Volume {
        /// Its name.
        name: Option<String>,
        /// Labels for one that is made.
        labels: BTreeMap<String, String>,
        /// Whether not to copy what the image has there into an empty one.
        no_copy: bool,
        /// A folder in it to mount, rather than all of it.
        subpath: Option<String>,
    },
    /// Memory.
    Tmpfs {
        /// Most bytes.
        size: Option<i64>,
        /// Permission bits.
        mode: Option<i64>,
    },
}

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// What.
    pub kind: MountKind,
    /// Where in the container.
    pub target: String,
    /// Whether it can only be read.
    pub read_only: bool,
    /// `consistent`, `cached`, `delegated`: heeded by Docker Desktop alone.
    pub consistency: Option<String>,
}

/// A published port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortBinding {
    /// `port[/protocol]` in the container.
    pub container_port: String,
    /// The address on the host; all when empty.
    pub host_ip: String,
    /// The port on the host; the engine chooses when empty. May be a range.
    pub host_port: String,
}

/// A device of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its path on the host.
    pub host_path: String,
    /// Its path in the container.
    pub container_path: String,
    /// Of `r`, `w` and `m`.
    pub permissions: String,
}

/// Devices that a driver chooses (`--gpus`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceSelection {
    /// The driver; any when absent.
    pub driver: Option<String>,
    /// How many; -1 is all. Not beside `ids`.
    pub count: Option<i64>,
    /// Which.
    pub ids: Vec<String>,
    /// Sets of capabilities one of which they must have, such as `[["gpu"]]`.
    pub capabilities: Vec<Vec<String>>,
    /// Options for the driver.
    pub options: BTreeMap<String, String>,
}

/// A limit of processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ulimit {
    /// `nofile`, `nproc`, …
    pub name: String,
    /// The limit that holds.
    pub soft: i64,
    /// How far processes may raise it.
    pub hard: i64,
}

/// When the engine starts a container again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartPolicy {
    /// Never.
    No,
    /// Always.
    Always,
    /// Unless it was stopped.
    UnlessStopped,
    /// After a failure.
    OnFailure {
        /// At most so often; 0 is without end.
        attempts: i64,
    },
}

/// Where output is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// The logging driver.
    pub driver: String,
    /// Its options.
    pub options: BTreeMap<String, String>,
}
