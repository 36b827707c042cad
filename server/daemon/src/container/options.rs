//! `docker run`'s options, read from `runArgs` or a request, put into the engine's specification of a container.

use std::collections::BTreeMap;

use gangplank_devcontainer::mount::{Mount as Wanted, MountKind as WantedKind};
use gangplank_devcontainer::run_args::{EnvEntry, Network, Restart, RunOptions, env_file};
use gangplank_engine::container::{
    ContainerSpec, Device, DeviceSelection, LogConfig, Mount, MountKind, PortBinding, RestartPolicy, Ulimit,
};

/// An option that cannot be put into effect.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OptionsError {
    /// The engine's API takes one network at creation.
    #[error("several networks cannot be given when a container is made; found {0}")]
    SeveralNetworks(String),
    /// A number is larger than the engine takes.
    #[error("{flag} is too large: {value}")]
    TooLarge {
        /// The flag.
        flag: &'static str,
        /// Its value.
        value: u64,
    },
}

/// Puts `options` over what `spec` says: single values replace, lists are added to, as `docker run` does with flags
/// that come later. `host` is the client's environment, for `-e NAME`; `env_files` holds the content of each
/// `--env-file` by its path.
///
/// # Errors
/// [`OptionsError`].
pub fn apply(
    spec: &mut ContainerSpec,
    options: RunOptions,
    host: &BTreeMap<String, String>,
    env_files: &BTreeMap<String, String>,
) -> Result<(), OptionsError> {
    let RunOptions {
        name,
        hostname,
        domainname,
        user,
        workdir,
        init,
        env,
        env_files: env_file_paths,
        labels,
        volumes,
        volumes_from,
        mounts,
        tmpfs,
        publish,
        publish_all,
        expose,
        networks,
        network_aliases,
        ip,
        ip6,
        mac_address,
        links,
        extra_hosts,
        dns,
        dns_search,
        dns_options,
        cap_add,
        cap_drop,
        security_opt,
        privileged,
        devices,
        device_cgroup_rules,
        gpus,
        ulimits,
        shm_size,
        memory,
        memory_swap,
        memory_reservation,
        memory_swappiness,
        nano_cpus,
        cpu_shares,
        cpu_period,
        cpu_quota,
        cpuset_cpus,
        cpuset_mems,
        pids_limit,
        ipc,
        pid,
        uts,
        userns,
        cgroupns,
        cgroup_parent,
        read_only,
        restart,
        remove_when_stopped,
        sysctls,
        group_add,
        stop_signal,
        stop_timeout,
        platform,
        pull: _,
        log_driver,
        log_options,
        runtime,
        storage_options,
        oom_kill_disable,
        oom_score_adj,
        without_effect: _,
    } = options;

    replace(&mut spec.name, name);
    replace(&mut spec.hostname, hostname);
    replace(&mut spec.domainname, domainname);
    replace(&mut spec.user, user);
    replace(&mut spec.working_dir, workdir);
    replace(&mut spec.init, init);
    replace(&mut spec.platform, platform);
    spec.labels.extend(labels);
    let from_files =
        env_file_paths.iter().filter_map(|path| env_files.get(path)).flat_map(|text| env_file(text));
    let set = from_files.chain(env).filter_map(|entry| match entry {
        EnvEntry::Set(name, value) => Some(format!("{name}={value}")),
        EnvEntry::FromHost(name) => host.get(&name).map(|value| format!("{name}={value}")),
    });
    spec.env.extend(set);

    for volume in volumes {
        match volume.source {
            Some(_) => spec.binds.push(volume.to_string()),
            None => spec.anonymous_volumes.push(volume.target),
        }
    }
    spec.volumes_from.extend(volumes_from);
    for mount in &mounts {
        spec.mounts.push(engine_mount(mount)?);
    }
    spec.tmpfs.extend(tmpfs);
    spec.readonly_rootfs |= read_only;
    spec.shm_size = signed("--shm-size", shm_size)?.or(spec.shm_size);
    spec.storage_opt.extend(storage_options);

    spec.ports.extend(publish.into_iter().map(|port| PortBinding {
        container_port: format!("{}/{}", port.container.port, port.container.protocol),
        host_ip: port.host_ip.unwrap_or_default(),
        host_port: port.host_port.map(|port| port.to_string()).unwrap_or_default(),
    }));
    spec.publish_all |= publish_all;
    spec.expose.extend(expose.into_iter().map(|port| format!("{}/{}", port.port, port.protocol)));
    network(spec, networks)?;
    spec.network_aliases.extend(network_aliases);
    replace(&mut spec.ipv4_address, ip);
    replace(&mut spec.ipv6_address, ip6);
    replace(&mut spec.mac_address, mac_address);
    spec.links.extend(links);
    spec.extra_hosts.extend(extra_hosts);
    spec.dns.extend(dns);
    spec.dns_search.extend(dns_search);
    spec.dns_options.extend(dns_options);

    spec.privileged = privileged.unwrap_or(spec.privileged);
    add_new(&mut spec.cap_add, cap_add);
    spec.cap_drop.extend(cap_drop);
    add_new(&mut spec.security_opt, security_opt);
    spec.group_add.extend(group_add);
    replace(&mut spec.ipc_mode, ipc);
    replace(&mut spec.pid_mode, pid);
    replace(&mut spec.uts_mode, uts);
    replace(&mut spec.userns_mode, userns);
    replace(&mut spec.cgroupns_mode, cgroupns);
    replace(&mut spec.cgroup_parent, cgroup_parent);
    spec.sysctls.extend(sysctls);
    replace(&mut spec.runtime, runtime);
    spec.devices.extend(devices.into_iter().map(|device| Device {
        host_path: device.on_host,
        container_path: device.in_container,
        permissions: device.permissions,
    }));
    spec.device_cgroup_rules.extend(device_cgroup_rules);
    spec.device_requests.extend(gpus.into_iter().map(|gpu| DeviceSelection {
        driver: (!gpu.driver.is_empty()).then_some(gpu.driver),
        count: gpu.count,
        ids: gpu.device_ids,
        capabilities: vec![gpu.capabilities],
        options: BTreeMap::new(),
    }));

    spec.ulimits.extend(ulimits.into_iter().map(|limit| Ulimit {
        name: limit.name,
        soft: limit.soft,
        hard: limit.hard,
    }));
    replace(&mut spec.memory, signed("--memory", memory)?);
    replace(&mut spec.memory_reservation, signed("--memory-reservation", memory_reservation)?);
    replace(&mut spec.memory_swap, memory_swap);
    replace(&mut spec.memory_swappiness, memory_swappiness);
    replace(&mut spec.nano_cpus, nano_cpus);
    replace(&mut spec.cpu_shares, cpu_shares);
    replace(&mut spec.cpu_period, cpu_period);
    replace(&mut spec.cpu_quota, cpu_quota);
    replace(&mut spec.cpuset_cpus, cpuset_cpus);
    replace(&mut spec.cpuset_mems, cpuset_mems);
    replace(&mut spec.pids_limit, pids_limit);
    replace(&mut spec.oom_kill_disable, oom_kill_disable);
    replace(&mut spec.oom_score_adj, oom_score_adj);

    replace(&mut spec.stop_signal, stop_signal);
    replace(&mut spec.stop_timeout, stop_timeout);
    spec.auto_remove |= remove_when_stopped;
    replace(
        &mut spec.restart,
        restart.map(|restart| match restart {
            Restart::No => RestartPolicy::No,
            Restart::Always => RestartPolicy::Always,
            Restart::UnlessStopped => RestartPolicy::UnlessStopped,
            Restart::OnFailure(attempts) => RestartPolicy::OnFailure { attempts },
        }),
    );
    if log_driver.is_some() || !log_options.is_empty() {
        spec.log_config = Some(LogConfig { driver: log_driver.unwrap_or_default(), options: log_options });
    }
    Ok(())
}

/// A mount of the configuration as the engine takes it.
///
/// # Errors
/// [`OptionsError::TooLarge`].
pub fn engine_mount(mount: &Wanted) -> Result<Mount, OptionsError> {
    let kind = match mount.kind {
        WantedKind::Bind => MountKind::Bind {
            source: mount.source.clone().unwrap_or_default(),
            propagation: mount.propagation.clone(),
        },
        WantedKind::Volume => MountKind::Volume {
            name: mount.source.clone(),
            labels: BTreeMap::new(),
            no_copy: mount.no_copy,
            subpath: mount.volume_subpath.clone(),
        },
        WantedKind::Tmpfs => MountKind::Tmpfs {
            size: signed("tmpfs-size", mount.tmpfs_size)?,
            mode: mount.tmpfs_mode.map(i64::from),
        },
    };
    Ok(Mount {
        kind,
        target: mount.target.clone(),
        read_only: mount.read_only,
        consistency: mount.consistency.clone(),
    })
}

fn network(spec: &mut ContainerSpec, networks: Vec<Network>) -> Result<(), OptionsError> {
    let mut networks = networks.into_iter();
    let Some(first) = networks.next() else { return Ok(()) };
    if let Some(second) = networks.next() {
        return Err(OptionsError::SeveralNetworks(format!("{}, {}", first.name, second.name)));
    }
    spec.network_mode = Some(first.name);
    spec.network_aliases.extend(first.aliases);
    replace(&mut spec.ipv4_address, first.ip);
    replace(&mut spec.ipv6_address, first.ip6);
    Ok(())
}

fn replace<T>(value: &mut Option<T>, by: Option<T>) {
    if by.is_some() {
        *value = by;
    }
}

fn add_new(list: &mut Vec<String>, more: Vec<String>) {
    for item in more {
        if !list.contains(&item) {
            list.push(item);
        }
    }
}

fn signed(flag: &'static str, value: Option<u64>) -> Result<Option<i64>, OptionsError> {
    value.map(|value| i64::try_from(value).map_err(|_| OptionsError::TooLarge { flag, value })).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gangplank_devcontainer::run_args;

    fn applied(args: &[&str], host: &[(&str, &str)]) -> ContainerSpec {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        let host = host.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let files = BTreeMap::from([("/env".to_owned(), "# comment\nA=1\nB\nC\n".to_owned())]);
        let mut spec = ContainerSpec {
            env: vec!["BASE=0".into()],
            cap_add: vec!["SYS_PTRACE".into()],
            ..ContainerSpec::default()
        };
        apply(&mut spec, run_args::parse(&args).unwrap(), &host, &files).unwrap();
        spec
    }

    #[test]
    fn lists_grow_and_single_values_replace() {
        let spec = applied(
            &[
                "--cap-add=SYS_PTRACE",
                "--cap-add",
                "NET_ADMIN",
                "-e",
                "X=a b",
                "-e",
                "B",
                "--env-file",
                "/env",
                "--memory=1g",
                "--name",
                "n",
                "-v",
                "/a:/b:ro",
                "-v",
                "cache:/c",
                "-v",
                "/d",
            ],
            &[("B", "two")],
        );
        assert_eq!(spec.cap_add, ["SYS_PTRACE", "NET_ADMIN"]);
        assert_eq!(spec.env, ["BASE=0", "A=1", "B=two", "X=a b", "B=two"]);
        assert_eq!(spec.memory, Some(1 << 30));
        assert_eq!(spec.name.as_deref(), Some("n"));
        assert_eq!(spec.binds, ["/a:/b:ro", "cache:/c"]);
        assert_eq!(spec.anonymous_volumes, ["/d"]);
    }

    #[test]
    fn a_second_network_is_refused() {
        let args = ["--network".to_owned(), "a".into(), "--network".into(), "b".into()];
        let refused = apply(
            &mut ContainerSpec::default(),
            run_args::parse(&args).unwrap(),
            &BTreeMap::new(),
            &BTreeMap::new(),
        );
        assert_eq!(refused, Err(OptionsError::SeveralNetworks("a, b".into())));
    }
}
