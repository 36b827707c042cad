//! The table of flags: for each one how it is written, where its value goes, and whether it reaches out to the host.

use super::options::{self as read, Read, RunOptions};
use crate::mount::{Mount, Volume, go_bool};

/// What stands behind a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// A value.
    Value,
    /// Nothing, or `=true`, `=false`.
    Switch,
    /// A value that changes nothing here.
    NoEffect,
    /// Nothing, and it changes nothing here.
    SwitchWithoutEffect,
}

impl Takes {
    pub(crate) fn a_value(self) -> bool {
        matches!(self, Self::Value | Self::NoEffect)
    }
}

/// Whether a flag reaches out of the container, which needs the user's consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It stays within what any container has.
    Container,
    /// It reaches the host; why, in a few words for the user.
    Host(&'static str),
    /// Its value decides: [`crate::effects`] looks at it.
    ByValue,
}

/// A flag of `docker run`.
#[derive(Debug)]
pub struct Flag {
    /// The long name without dashes.
    pub long: &'static str,
    /// Other long names.
    pub aliases: &'static [&'static str],
    /// The short name.
    pub short: Option<char>,
    /// What stands behind it.
    pub takes: Takes,
    /// Whether it reaches the host.
    pub reach: Reach,
    pub(super) apply: fn(&mut RunOptions, &str) -> Read<()>,
}

impl PartialEq for Flag {
    fn eq(&self, other: &Self) -> bool {
        self.long == other.long
    }
}

impl Flag {
    /// Its name as written: `--publish`.
    pub fn name(&self) -> String {
        format!("--{}", self.long)
    }

    const fn value(long: &'static str, reach: Reach, apply: fn(&mut RunOptions, &str) -> Read<()>) -> Self {
        Self { long, aliases: &[], short: None, takes: Takes::Value, reach, apply }
    }

    const fn switch(long: &'static str, reach: Reach, apply: fn(&mut RunOptions, &str) -> Read<()>) -> Self {
        Self { takes: Takes::Switch, ..Self::value(long, reach, apply) }
    }

    const fn ignored(long: &'static str, takes: Takes) -> Self {
        Self { takes, ..Self::value(long, Container, |_, _| Ok(())) }
    }

    const fn short(self, letter: char) -> Self {
        Self { short: Some(letter), ..self }
    }

    const fn alias(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }
}

/// Flags of `docker run` that exist and are not mapped.
pub(super) const NOT_APPLIED: &[&str] = &[
    "annotation",
    "blkio-weight",
    "blkio-weight-device",
    "cidfile",
    "cpu-count",
    "cpu-percent",
    "cpu-rt-period",
    "cpu-rt-runtime",
    "device-read-bps",
    "device-read-iops",
    "device-write-bps",
    "device-write-iops",
    "disable-content-trust",
    "gidmap",
    "health-cmd",
    "health-interval",
    "health-retries",
    "health-start-interval",
    "health-start-period",
    "health-timeout",
    "io-maxbandwidth",
    "io-maxiops",
    "isolation",
    "kernel-memory",
    "label-file",
    "link-local-ip",
    "no-healthcheck",
    "uidmap",
    "use-api-socket",
    "volume-driver",
];

/// The flag of a long name, aliases included.
pub fn flag(name: &str) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.long == name || flag.aliases.contains(&name))
}

pub(super) fn short_flag(letter: char) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.short == Some(letter))
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FLAGS.iter().map(|flag| flag.long).chain(NOT_APPLIED.iter().copied())
}

fn switch(text: &str) -> Read<bool> {
    go_bool(text).ok_or_else(|| "expected true or false".to_owned())
}

fn text(value: &str) -> Read<String> {
    if value.is_empty() { Err("expected a value".to_owned()) } else { Ok(value.to_owned()) }
}

/// Sets an option to the value that is read.
macro_rules! set {
    ($field:ident, $read:expr) => {
        |options, value| {
            let read: fn(&str) -> Read<_> = $read;
            options.$field = read(value)?;
            Ok(())
        }
    };
}

/// Gives an option that has no default the value that is read.
macro_rules! give {
    ($field:ident, $read:expr) => {
        |options, value| {
            let read: fn(&str) -> Read<_> = $read;
            options.$field = Some(read(value)?);
            Ok(())
        }
    };
}

/// Adds the value that is read to an option.
macro_rules! add {
    ($field:ident, $read:expr) => {
        |options, value| {
            let read: fn(&str) -> Read<_> = $read;
            options.$field.extend([read(value)?]);
            Ok(())
        }
    };
}

/// Adds all the values that are read to an option.
macro_rules! add_all {
    ($field:ident, $read:expr) => {
        |options, value| {
            let read: fn(&str) -> Read<_> = $read;
            options.$field.extend(read(value)?);
            Ok(())
        }
    };
}

use Reach::{ByValue, Container, Host};

static FLAGS: &[Flag] = &[
    // Who and what it is.
    Flag::value("name", Container, give!(name, text)),
    Flag::value("hostname", Container, give!(hostname, text)).short('h'),
    Flag::value("domainname", Container, give!(domainname, text)),
    Flag::value("user", Container, give!(user, text)).short('u'),
    Flag::value("workdir", Container, give!(workdir, text)).short('w'),
    Flag::value("group-add", ByValue, add!(group_add, text)),
    Flag::value("label", ByValue, add!(labels, |value| read::pair(value, false))).short('l'),
    Flag::value("platform", Container, give!(platform, text)),
    Flag::value("pull", Container, give!(pull, read::pull)),
    Flag::value("env", ByValue, add!(env, read::env)).short('e'),
    Flag::value("env-file", ByValue, add!(env_files, text)),
    // How it starts and ends.
    Flag::switch("init", Container, give!(init, switch)),
    Flag::switch("rm", Container, set!(remove_when_stopped, switch)),
    Flag::value("restart", Host("starts the container by itself"), give!(restart, read::restart)),
    Flag::value("stop-signal", Container, give!(stop_signal, text)),
    Flag::value("stop-timeout", Container, give!(stop_timeout, |value| read::integer(value, -1, i64::MAX))),
    // Files.
    Flag::value("volume", ByValue, add!(volumes, |value| Volume::parse(value).map_err(|e| e.to_string())))
        .short('v'),
    Flag::value("volumes-from", Host("mounts what another container has"), add!(volumes_from, text)),
    Flag::value("mount", ByValue, add!(mounts, |value| Mount::parse(value).map_err(|e| e.to_string()))),
    Flag::value(
        "tmpfs",
        Container,
        add!(tmpfs, |value| match value.split_once(':') {
            Some((path, options)) => Ok((text(path)?, options.to_owned())),
            None => Ok((text(value)?, String::new())),
        }),
    ),
    Flag::switch("read-only", Container, set!(read_only, switch)),
    Flag::value(
        "storage-opt",
        Host("an option of the engine's storage"),
        add!(storage_options, |v| read::pair(v, true)),
    ),
    // Network.
    Flag::value("publish", Host("opens a port of the host"), add_all!(publish, read::published)).short('p'),
    Flag::switch("publish-all", Host("opens ports of the host"), set!(publish_all, switch)).short('P'),
    Flag::value("expose", Container, add_all!(expose, read::exposed)),
    Flag::value("network", ByValue, add!(networks, read::network)).alias(&["net"]),
    Flag::value("network-alias", Container, add!(network_aliases, text)).alias(&["net-alias"]),
    Flag::value("ip", Container, give!(ip, text)),
    Flag::value("ip6", Container, give!(ip6, text)),
    Flag::value("mac-address", Container, give!(mac_address, text)),
    Flag::value("link", Host("reaches another container"), add!(links, text)),
    Flag::value("add-host", ByValue, add!(extra_hosts, read::extra_host)),
    Flag::value("dns", Container, add!(dns, text)),
    Flag::value("dns-search", Container, add!(dns_search, text)),
    Flag::value("dns-option", Container, add!(dns_options, text)).alias(&["dns-opt"]),
    // Privileges.
    Flag::value("cap-add", Host("gives the container a capability"), add!(cap_add, text)),
    Flag::value("cap-drop", Container, add!(cap_drop, text)),
    Flag::value("security-opt", Host("changes how the container is confined"), add!(security_opt, text)),
    Flag::switch(
        "privileged",
        Host("gives the container all of the host's devices and capabilities"),
        give!(privileged, switch),
    ),
    Flag::value("device", Host("gives the container a device of the host"), add!(devices, read::device)),
    Flag::value(
        "device-cgroup-rule",
        Host("gives the container devices of the host"),
        add!(device_cgroup_rules, read::device_cgroup_rule),
    ),
    Flag::value("gpus", Host("gives the container GPUs of the host"), add!(gpus, read::gpus)),
    Flag::value("ipc", ByValue, give!(ipc, text)),
    Flag::value("pid", ByValue, give!(pid, text)),
    Flag::value("uts", ByValue, give!(uts, text)),
    Flag::value("userns", ByValue, give!(userns, text)),
    Flag::value(
        "cgroupns",
        ByValue,
        give!(cgroupns, |value| match value {
            "host" | "private" => Ok(value.to_owned()),
            _ => Err("expected host or private".to_owned()),
        }),
    ),
    Flag::value(
        "cgroup-parent",
        Host("puts the container into a control group of the host"),
        give!(cgroup_parent, text),
    ),
    Flag::value("sysctl", Host("changes a setting of the kernel"), add!(sysctls, |v| read::pair(v, true))),
    Flag::value("runtime", Host("runs the container by another program of the host"), give!(runtime, text)),
    // Limits.
    Flag::value("ulimit", Container, add!(ulimits, read::ulimit)),
    Flag::value("shm-size", Container, give!(shm_size, read::size)),
    Flag::value("memory", Container, give!(memory, read::size)).short('m'),
    Flag::value("memory-swap", Container, give!(memory_swap, read::size_or_unlimited)),
    Flag::value("memory-reservation", Container, give!(memory_reservation, read::size)),
    Flag::value("memory-swappiness", Container, give!(memory_swappiness, |v| read::integer(v, -1, 100))),
    Flag::value(
        "cpus",
        Container,
        give!(nano_cpus, |v| crate::quantity::nano_cpus(v)
            .ok_or_else(|| "expected a number like 1.5".to_owned())),
    ),
    Flag::value("cpu-shares", Container, give!(cpu_shares, |v| read::integer(v, 0, i64::MAX))).short('c'),
    Flag::value("cpu-period", Container, give!(cpu_period, |v| read::integer(v, 0, i64::MAX))),
    Flag::value("cpu-quota", Container, give!(cpu_quota, |v| read::integer(v, -1, i64::MAX))),
    Flag::value("cpuset-cpus", Container, give!(cpuset_cpus, text)),
    Flag::value("cpuset-mems", Container, give!(cpuset_mems, text)),
    Flag::value("pids-limit", Container, give!(pids_limit, |v| read::integer(v, -1, i64::MAX))),
    Flag::switch(
        "oom-kill-disable",
        Host("lets the container exhaust the host's memory"),
        give!(oom_kill_disable, switch),
    ),
    Flag::value(
        "oom-score-adj",
        Host("changes whom the host's kernel ends when memory is short"),
        give!(oom_score_adj, |v| read::integer(v, -1000, 1000)),
    ),
    // Logs.
    Flag::value("log-driver", Host("sends the container's output elsewhere"), give!(log_driver, text)),
    Flag::value(
        "log-opt",
        Host("changes where the container's output goes"),
        add!(log_options, |v| read::pair(v, true)),
    ),
    // The container is started detached, without a terminal, by a shell: these have no say in it.
    Flag::ignored("tty", Takes::SwitchWithoutEffect).short('t'),
    Flag::ignored("interactive", Takes::SwitchWithoutEffect).short('i'),
    Flag::ignored("detach", Takes::SwitchWithoutEffect).short('d'),
    Flag::ignored("quiet", Takes::SwitchWithoutEffect).short('q'),
    Flag::ignored("sig-proxy", Takes::SwitchWithoutEffect),
    Flag::ignored("attach", Takes::NoEffect).short('a'),
    Flag::ignored("detach-keys", Takes::NoEffect),
    Flag::ignored("entrypoint", Takes::NoEffect),
];
