//! What `runArgs` ask for, in types that know nothing of an engine's client library, and how each value is read.

use std::collections::BTreeMap;

use crate::csv;
use crate::mount::{Mount, Volume};

/// What `runArgs` ask for. Lists are in the order given; of a flag that is given twice where one value counts, the
/// last does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// `--name`: the container's name.
    pub name: Option<String>,
    /// `--hostname`.
    pub hostname: Option<String>,
    /// `--domainname`.
    pub domainname: Option<String>,
    /// `--user`: goes before `containerUser`.
    pub user: Option<String>,
    /// `--workdir`.
    pub workdir: Option<String>,
    /// `--init`.
    pub init: Option<bool>,
    /// `--env`: goes before `containerEnv`.
    pub env: Vec<EnvEntry>,
    /// `--env-file`: paths on the host, whose lines count before [`RunOptions::env`].
    pub env_files: Vec<String>,
    /// `--label`.
    pub labels: BTreeMap<String, String>,
    /// `--volume`.
    pub volumes: Vec<Volume>,
    /// `--volumes-from`.
    pub volumes_from: Vec<String>,
    /// `--mount`.
    pub mounts: Vec<Mount>,
    /// `--tmpfs`: path and options.
    pub tmpfs: BTreeMap<String, String>,
    /// `--publish`, ranges spread out.
    pub publish: Vec<PublishedPort>,
    /// `--publish-all`.
    pub publish_all: bool,
    /// `--expose`, ranges spread out.
    pub expose: Vec<ExposedPort>,
    /// `--network`.
    pub networks: Vec<Network>,
    /// `--network-alias`: for the first network.
    pub network_aliases: Vec<String>,
    /// `--ip`: for the first network.
    pub ip: Option<String>,
    /// `--ip6`: for the first network.
    pub ip6: Option<String>,
    /// `--mac-address`.
    pub mac_address: Option<String>,
    /// `--link`.
    pub links: Vec<String>,
    /// `--add-host`: `name:address`.
    pub extra_hosts: Vec<String>,
    /// `--dns`.
    pub dns: Vec<String>,
    /// `--dns-search`.
    pub dns_search: Vec<String>,
    /// `--dns-option`.
    pub dns_options: Vec<String>,
    /// `--cap-add`.
    pub cap_add: Vec<String>,
    /// `--cap-drop`.
    pub cap_drop: Vec<String>,
    /// `--security-opt`.
    pub security_opt: Vec<String>,
    /// `--privileged`.
    pub privileged: Option<bool>,
    /// `--device`.
    pub devices: Vec<Device>,
    /// `--device-cgroup-rule`.
    pub device_cgroup_rules: Vec<String>,
    /// `--gpus`.
    pub gpus: Vec<GpuRequest>,
    /// `--ulimit`.
    pub ulimits: Vec<Ulimit>,
    /// `--shm-size` in bytes.
    pub shm_size: Option<u64>,
    /// `--memory` in bytes.
    pub memory: Option<u64>,
    /// `--memory-swap`, memory included: bytes, or -1 for no limit.
    pub memory_swap: Option<i64>,
    /// `--memory-reservation` in bytes.
    pub memory_reservation: Option<u64>,
    /// `--memory-swappiness`: 0 to 100, or -1.
    pub memory_swappiness: Option<i64>,
    /// `--cpus` in billionths of a processor.
    pub nano_cpus: Option<i64>,
    /// `--cpu-shares`.
    pub cpu_shares: Option<i64>,
    /// `--cpu-period` in microseconds.
    pub cpu_period: Option<i64>,
    /// `--cpu-quota` in microseconds.
    pub cpu_quota: Option<i64>,
    /// `--cpuset-cpus`.
    pub cpuset_cpus: Option<String>,
    /// `--cpuset-mems`.
    pub cpuset_mems: Option<String>,
    /// `--pids-limit`: -1 for no limit.
    pub pids_limit: Option<i64>,
    /// `--ipc`.
    pub ipc: Option<String>,
    /// `--pid`.
    pub pid: Option<String>,
    /// `--uts`.
    pub uts: Option<String>,
    /// `--userns`.
    pub userns: Option<String>,
    /// `--cgroupns`: `host` or `private`.
    pub cgroupns: Option<String>,
    /// `--cgroup-parent`.
    pub cgroup_parent: Option<String>,
    /// `--read-only`.
    pub read_only: bool,
    /// `--restart`.
    pub restart: Option<Restart>,
    /// `--rm`.
    pub remove_when_stopped: bool,
    /// `--sysctl`.
    pub sysctls: BTreeMap<String, String>,
    /// `--group-add`.
    pub group_add: Vec<String>,
    /// `--stop-signal`.
    pub stop_signal: Option<String>,
    /// `--stop-timeout` in seconds: -1 for no limit.
    pub stop_timeout: Option<i64>,
    /// `--platform`: `os/architecture/variant`.
    pub platform: Option<String>,
    /// `--pull`.
    pub pull: Option<Pull>,
    /// `--log-driver`.
    pub log_driver: Option<String>,
    /// `--log-opt`.
    pub log_options: BTreeMap<String, String>,
    /// `--runtime`.
    pub runtime: Option<String>,
    /// `--storage-opt`.
    pub storage_options: BTreeMap<String, String>,
    /// `--oom-kill-disable`.
    pub oom_kill_disable: Option<bool>,
    /// `--oom-score-adj`: -1000 to 1000.
    pub oom_score_adj: Option<i64>,
    /// Flags that were given and change nothing, because the container is started in a way of its own (detached, by
    /// `/bin/sh`): `--tty`, `--interactive`, `--detach`, `--entrypoint`, …
    pub without_effect: Vec<String>,
}

/// The value of `--env`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvEntry {
    /// `NAME=value`.
    Set(String, String),
    /// `NAME`: the value of the client's environment; nothing when it has none.
    FromHost(String),
}

/// The value of `--restart`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Never.
    No,
    /// Always.
    Always,
    /// Unless it was stopped.
    UnlessStopped,
    /// When it failed, at most so many times (0: no limit).
    OnFailure(i64),
}

/// The value of `--pull`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pull {
    /// Before every creation.
    Always,
    /// When the image is not there.
    Missing,
    /// Never.
    Never,
}

/// One port of the container that is published on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedPort {
    /// The host's address; `None` for all.
    pub host_ip: Option<String>,
    /// The host's port; `None` for a free one.
    pub host_port: Option<u16>,
    /// The port in the container.
    pub container: ExposedPort,
}

/// A port in the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExposedPort {
    /// Its number.
    pub port: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
}

/// The value of `--network`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// Its name, or a mode: `bridge`, `host`, `none`, `container:ID`.
    pub name: String,
    /// Names of the container in it.
    pub aliases: Vec<String>,
    /// The container's address in it.
    pub ip: Option<String>,
    /// The container's IPv6 address in it.
    pub ip6: Option<String>,
}

/// The value of `--device`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The path on the host.
    pub on_host: String,
    /// The path in the container.
    pub in_container: String,
    /// Letters of `rwm`.
    pub permissions: String,
}

/// The value of `--gpus`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GpuRequest {
    /// How many: -1 for all. `None` when devices are named.
    pub count: Option<i64>,
    /// The driver; empty for the engine's choice.
    pub driver: String,
    /// Named devices.
    pub device_ids: Vec<String>,
    /// What they must be able to do; `gpu` is always among them.
    pub capabilities: Vec<String>,
}

/// The value of `--ulimit`. -1 is no limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ulimit {
    /// The limit's name: `nofile`, …
    pub name: String,
    /// The soft limit.
    pub soft: i64,
    /// The hard limit.
    pub hard: i64,
}

/// A value, or what was expected instead, in words.
pub(crate) type Read<T> = Result<T, String>;

pub(crate) fn env(text: &str) -> Read<EnvEntry> {
    match text.split_once('=') {
        Some(("", _)) => Err("expected NAME=value".to_owned()),
        Some((name, value)) => Ok(EnvEntry::Set(name.to_owned(), value.to_owned())),
        None if text.is_empty() => Err("expected NAME=value".to_owned()),
        None => Ok(EnvEntry::FromHost(text.to_owned())),
    }
}

/// The lines of an `--env-file` as Docker reads them: `NAME=value` as it is, `NAME` from the host, `#` a comment.
pub fn env_file(text: &str) -> impl Iterator<Item = EnvEntry> {
    text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        match line.split_once('=') {
            Some((name, value)) => EnvEntry::Set(name.to_owned(), value.to_owned()),
            None => EnvEntry::FromHost(line.trim_end().to_owned()),
        }
    })
}

/// `key=value`; without `=` only where an empty value will do.
pub(super) fn pair(text: &str, value_needed: bool) -> Read<(String, String)> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        None if !value_needed && !text.is_empty() => Ok((text.to_owned(), String::new())),
        _ => Err("expected key=value".to_owned()),
    }
}

pub(super) fn size(text: &str) -> Read<u64> {
    crate::quantity::bytes(text).ok_or_else(|| "expected a size like 512m or 2g".to_owned())
}

pub(super) fn size_or_unlimited(text: &str) -> Read<i64> {
    if text == "-1" {
        return Ok(-1);
    }
    let expected = || "expected a size like 512m or 2g, or -1".to_owned();
    crate::quantity::bytes(text).and_then(|bytes| i64::try_from(bytes).ok()).ok_or_else(expected)
}

pub(super) fn integer(text: &str, least: i64, most: i64) -> Read<i64> {
    text.parse().ok().filter(|value| (least..=most).contains(value)).ok_or_else(|| {
        if most == i64::MAX {
            format!("expected a whole number from {least}")
        } else {
            format!("expected a whole number from {least} to {most}")
        }
    })
}

pub(super) fn restart(text: &str) -> Read<Restart> {
    let expected = "expected no, always, unless-stopped or on-failure[:times]";
    match text.split_once(':') {
        None => match text {
            "" | "no" => Ok(Restart::No),
            "always" => Ok(Restart::Always),
            "unless-stopped" => Ok(Restart::UnlessStopped),
            "on-failure" => Ok(Restart::OnFailure(0)),
            _ => Err(expected.to_owned()),
        },
        Some(("on-failure", times)) => integer(times, 0, i64::MAX).map(Restart::OnFailure),
        Some(_) => Err(expected.to_owned()),
    }
}

pub(super) fn pull(text: &str) -> Read<Pull> {
    match text {
        "always" => Ok(Pull::Always),
        "missing" => Ok(Pull::Missing),
        "never" => Ok(Pull::Never),
        _ => Err("expected always, missing or never".to_owned()),
    }
}

/// `host:address` or `host=address`, as the engine takes it.
pub(crate) fn extra_host(text: &str) -> Read<String> {
    match text.split_once('=').or_else(|| text.split_once(':')) {
        Some((host, address)) if !host.is_empty() && !address.is_empty() => {
            let bare = address.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(address);
            Ok(format!("{host}:{bare}"))
        }
        _ => Err("expected host:address".to_owned()),
    }
}

pub(super) fn device(text: &str) -> Read<Device> {
    let is_mode = |text: &str| !text.is_empty() && text.chars().all(|letter| "rwm".contains(letter));
    let parts: Vec<&str> = text.split(':').collect();
    let (on_host, in_container, permissions) = match parts.as_slice() {
        [path] => (*path, *path, "rwm"),
        [path, mode] if is_mode(mode) => (*path, *path, *mode),
        [path, inside] => (*path, *inside, "rwm"),
        [path, inside, mode] if is_mode(mode) => (*path, *inside, *mode),
        _ => return Err("expected path[:path][:rwm]".to_owned()),
    };
    if on_host.is_empty() || in_container.is_empty() {
        return Err("expected path[:path][:rwm]".to_owned());
    }
    Ok(Device {
        on_host: on_host.to_owned(),
        in_container: in_container.to_owned(),
        permissions: permissions.to_owned(),
    })
}

pub(super) fn device_cgroup_rule(text: &str) -> Read<String> {
    let number = |text: &str| text == "*" || (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
    let parts: Vec<&str> = text.split(' ').collect();
    let fits = match parts.as_slice() {
        ["a" | "b" | "c", numbers, access] => {
            numbers.split_once(':').is_some_and(|(major, minor)| number(major) && number(minor))
                && (1..=3).contains(&access.len())
                && access.chars().all(|letter| "rwm".contains(letter))
        }
        _ => false,
    };
    if fits { Ok(text.to_owned()) } else { Err("expected a rule like \"c 42:* rmw\"".to_owned()) }
}

pub(super) fn gpus(text: &str) -> Read<GpuRequest> {
    let expected = || "expected all, a number, or fields like device=0,capabilities=utility".to_owned();
    let count =
        |text: &str| if text == "all" { Ok(-1) } else { integer(text, 0, i64::MAX).map_err(|_| expected()) };
    let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    let mut request = GpuRequest::default();
    for field in csv::split(text).map_err(|_| expected())? {
        match field.split_once('=') {
            None | Some(("count", _)) => {
                request.count = Some(count(field.strip_prefix("count=").unwrap_or(&field))?);
            }
            Some(("device", devices)) => request.device_ids = list(devices),
            Some(("driver", driver)) => request.driver = driver.to_owned(),
            Some(("capabilities", capabilities)) => request.capabilities = list(capabilities),
            Some(_) => return Err(expected()),
        }
    }
    if !request.capabilities.iter().any(|capability| capability == "gpu") {
        request.capabilities.push("gpu".to_owned());
    }
    if request.count.is_none() && request.device_ids.is_empty() {
        request.count = Some(1);
    }
    Ok(request)
}

pub(super) fn ulimit(text: &str) -> Read<Ulimit> {
    const NAMES: [&str; 15] = [
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    ];
    let expected = || "expected name=soft[:hard]".to_owned();
    let (name, limits) = text.split_once('=').ok_or_else(expected)?;
    if !NAMES.contains(&name) {
        return Err(format!("expected one of {}", NAMES.join(", ")));
    }
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    let (soft, hard) = (integer(soft, -1, i64::MAX)?, integer(hard, -1, i64::MAX)?);
    if hard != -1 && (soft == -1 || soft > hard) {
        return Err("the soft limit is above the hard one".to_owned());
    }
    Ok(Ulimit { name: name.to_owned(), soft, hard })
}

pub(crate) fn network(text: &str) -> Read<Network> {
    // As Docker: only a text with a `=` is a list of fields.
    if !text.contains('=') {
        if text.is_empty() {
            return Err("expected a network's name".to_owned());
        }
        return Ok(Network { name: text.to_owned(), ..Network::default() });
    }
    let expected = || "expected a name, or fields name, alias, ip and ip6".to_owned();
    let mut network = Network::default();
    for field in csv::split(text).map_err(|_| expected())? {
        match field.split_once('=') {
            Some(("name", name)) => network.name = name.to_owned(),
            Some(("alias", alias)) => network.aliases.push(alias.to_owned()),
            Some(("ip", ip)) => network.ip = Some(ip.to_owned()),
            Some(("ip6", ip)) => network.ip6 = Some(ip.to_owned()),
            _ => return Err(expected()),
        }
    }
    if network.name.is_empty() { Err(expected()) } else { Ok(network) }
}

/// `[[ip:]host:]container[/protocol]`, each port possibly a range `a-b`.
pub(super) fn published(text: &str) -> Read<Vec<PublishedPort>> {
    let expected = || "expected [[address:]port:]port[/protocol]".to_owned();
    let (ports, protocol) = with_protocol(text)?;
    let (before, container) = match ports.rsplit_once(':') {
        Some((before, container)) => (Some(before), container),
        None => (None, ports),
    };
    let (ip, host) = match before.map(|before| before.rsplit_once(':')) {
        None => (None, None),
        Some(None) => (None, before),
        Some(Some((ip, host))) => (Some(ip), Some(host)),
    };
    let host_ip = ip.map(|ip| ip.trim_start_matches('[').trim_end_matches(']').to_owned());
    let container = range(container).ok_or_else(expected)?;
    let host = match host {
        // As Docker has it: 0 is a port that the engine chooses.
        None | Some("" | "0") => None,
        Some(host) => Some(range(host).ok_or_else(expected)?),
    };
    let one_to_one = host.as_ref().is_none_or(|host| host.len() == container.len());
    if !one_to_one {
        return Err("the two ranges have different lengths".to_owned());
    }
    Ok(container
        .enumerate()
        .map(|(nth, port)| PublishedPort {
            host_ip: host_ip.clone().filter(|ip| !ip.is_empty()),
            host_port: host.clone().and_then(|mut host| host.nth(nth)),
            container: ExposedPort { port, protocol: protocol.clone() },
        })
        .collect())
}

pub(super) fn exposed(text: &str) -> Read<Vec<ExposedPort>> {
    let (ports, protocol) = with_protocol(text)?;
    let ports = range(ports).ok_or_else(|| "expected port[/protocol]".to_owned())?;
    Ok(ports.map(|port| ExposedPort { port, protocol: protocol.clone() }).collect())
}

fn with_protocol(text: &str) -> Read<(&str, String)> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = protocol.to_ascii_lowercase();
    if matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        Ok((ports, protocol))
    } else {
        Err("expected the protocol tcp, udp or sctp".to_owned())
    }
}

fn range(text: &str) -> Option<std::ops::RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse::<u16>().ok()?, last.parse::<u16>().ok()?);
    (first > 0 && first <= last).then_some(first..=last)
}
