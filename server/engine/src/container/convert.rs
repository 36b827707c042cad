//! From our description of a container to the API's JSON. Pure.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use bollard::models as api;

use super::spec::{
    ContainerSpec, Device, DeviceSelection, LogConfig, Mount, MountKind, PortBinding, RestartPolicy, Ulimit,
};

/// The body of `POST /containers/create`. The error names a word that the API does not know.
pub(super) fn create_body(spec: &ContainerSpec) -> Result<api::ContainerCreateBody, String> {
    Ok(api::ContainerCreateBody {
        image: Some(spec.image.clone()),
        hostname: spec.hostname.clone(),
        domainname: spec.domainname.clone(),
        user: spec.user.clone(),
        working_dir: spec.working_dir.clone(),
        env: some(&spec.env),
        labels: some_map(&spec.labels),
        entrypoint: spec.entrypoint.as_deref().map(entrypoint),
        cmd: spec.cmd.clone(),
        stop_signal: spec.stop_signal.clone(),
        stop_timeout: spec.stop_timeout,
        tty: Some(spec.tty),
        open_stdin: Some(spec.open_stdin),
        stdin_once: Some(spec.stdin_once),
        attach_stdin: Some(spec.attach_stdin),
        attach_stdout: Some(spec.attach_stdout),
        attach_stderr: Some(spec.attach_stderr),
        exposed_ports: some(&exposed(spec)),
        volumes: some(&spec.anonymous_volumes),
        host_config: Some(host_config(spec)?),
        networking_config: networking_config(spec),
        ..Default::default()
    })
}

/// A word of one of the API's closed lists.
fn word<T: FromStr>(what: &str, text: Option<&str>) -> Result<Option<T>, String> {
    text.map(|text| text.parse().map_err(|_| format!("{} is no {what}", crate::text::escaped(text))))
        .transpose()
}

/// The API takes a list with one empty string, not an empty list, for "no entrypoint".
fn entrypoint(argv: &[String]) -> Vec<String> {
    if argv.is_empty() { vec![String::new()] } else { argv.to_vec() }
}

fn host_config(spec: &ContainerSpec) -> Result<api::HostConfig, String> {
    Ok(api::HostConfig {
        mounts: some(&spec.mounts.iter().map(mount).collect::<Result<Vec<_>, _>>()?),
        binds: some(&spec.binds),
        volumes_from: some(&spec.volumes_from),
        tmpfs: some_map(&spec.tmpfs),
        readonly_rootfs: flag(spec.readonly_rootfs),
        shm_size: spec.shm_size,
        storage_opt: some_map(&spec.storage_opt),
        port_bindings: port_map(&spec.ports),
        publish_all_ports: flag(spec.publish_all),
        network_mode: spec.network_mode.clone(),
        extra_hosts: some(&spec.extra_hosts),
        links: some(&spec.links),
        dns: some(&spec.dns),
        dns_options: some(&spec.dns_options),
        dns_search: some(&spec.dns_search),
        init: spec.init,
        privileged: flag(spec.privileged),
        cap_add: some(&spec.cap_add),
        cap_drop: some(&spec.cap_drop),
        security_opt: some(&spec.security_opt),
        group_add: some(&spec.group_add),
        ipc_mode: spec.ipc_mode.clone(),
        pid_mode: spec.pid_mode.clone(),
        uts_mode: spec.uts_mode.clone(),
        userns_mode: spec.userns_mode.clone(),
        cgroupns_mode: word("cgroup namespace mode", spec.cgroupns_mode.as_deref())?,
        cgroup_parent: spec.cgroup_parent.clone(),
        sysctls: some_map(&spec.sysctls),
        runtime: spec.runtime.clone(),
        devices: some(&spec.devices.iter().map(device).collect::<Vec<_>>()),
        device_cgroup_rules: some(&spec.device_cgroup_rules),
        device_requests: some(&spec.device_requests.iter().map(device_request).collect::<Vec<_>>()),
        ulimits: some(&spec.ulimits.iter().map(ulimit).collect::<Vec<_>>()),
        memory: spec.memory,
        memory_reservation: spec.memory_reservation,
        memory_swap: spec.memory_swap,
        memory_swappiness: spec.memory_swappiness,
        nano_cpus: spec.nano_cpus,
        cpu_shares: spec.cpu_shares,
        cpu_period: spec.cpu_period,
        cpu_quota: spec.cpu_quota,
        cpuset_cpus: spec.cpuset_cpus.clone(),
        cpuset_mems: spec.cpuset_mems.clone(),
        blkio_weight: spec.blkio_weight,
        pids_limit: spec.pids_limit,
        oom_kill_disable: spec.oom_kill_disable,
        oom_score_adj: spec.oom_score_adj,
        restart_policy: spec.restart.map(restart_policy),
        auto_remove: flag(spec.auto_remove),
        log_config: spec.log_config.as_ref().map(log_config),
        annotations: some_map(&spec.annotations),
        ..Default::default()
    })
}

fn mount(mount: &Mount) -> Result<api::Mount, String> {
    let base = api::Mount {
        target: Some(mount.target.clone()),
        read_only: flag(mount.read_only),
        consistency: mount.consistency.clone(),
        ..Default::default()
    };
    Ok(match &mount.kind {
        MountKind::Bind { source, propagation } => api::Mount {
            typ: Some(api::MountType::BIND),
            source: Some(source.clone()),
            bind_options: word("bind propagation", propagation.as_deref())?.map(|propagation| {
                api::MountBindOptions { propagation: Some(propagation), ..Default::default() }
            }),
            ..base
        },
        MountKind::Volume { name, labels, no_copy, subpath } => api::Mount {
            typ: Some(api::MountType::VOLUME),
            source: name.clone(),
            volume_options: (!labels.is_empty() || *no_copy || subpath.is_some()).then(|| {
                api::MountVolumeOptions {
                    labels: some_map(labels),
                    no_copy: flag(*no_copy),
                    subpath: subpath.clone(),
                    ..Default::default()
                }
            }),
            ..base
        },
        MountKind::Tmpfs { size, mode } => api::Mount {
            typ: Some(api::MountType::TMPFS),
            tmpfs_options: (size.is_some() || mode.is_some()).then(|| api::MountTmpfsOptions {
                size_bytes: *size,
                mode: *mode,
                ..Default::default()
            }),
            ..base
        },
    })
}

/// `port/protocol` with the protocol that goes without saying.
fn full_port(port: &str) -> String {
    if port.contains('/') { port.to_owned() } else { format!("{port}/tcp") }
}

/// Published ports are exposed too, as Docker's client does.
fn exposed(spec: &ContainerSpec) -> Vec<String> {
    let published = spec.ports.iter().map(|binding| &binding.container_port);
    let mut ports: Vec<_> = spec.expose.iter().chain(published).map(|port| full_port(port)).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

fn port_map(ports: &[PortBinding]) -> Option<api::PortMap> {
    let mut map = api::PortMap::new();
    for binding in ports {
        map.entry(full_port(&binding.container_port)).or_default().get_or_insert_default().push(
            api::PortBinding {
                host_ip: Some(binding.host_ip.clone()),
                host_port: Some(binding.host_port.clone()),
            },
        );
    }
    (!map.is_empty()).then_some(map)
}

/// What a container gets in its network beyond being in it.
fn networking_config(spec: &ContainerSpec) -> Option<api::NetworkingConfig> {
    let network = spec.network_mode.clone()?;
    let addresses = spec.ipv4_address.is_some() || spec.ipv6_address.is_some();
    if spec.network_aliases.is_empty() && !addresses && spec.mac_address.is_none() {
        return None;
    }
    let endpoint = api::EndpointSettings {
        aliases: some(&spec.network_aliases),
        mac_address: spec.mac_address.clone(),
        ipam_config: addresses.then(|| api::EndpointIpamConfig {
            ipv4_address: spec.ipv4_address.clone(),
            ipv6_address: spec.ipv6_address.clone(),
            ..Default::default()
        }),
        ..Default::default()
    };
    Some(api::NetworkingConfig { endpoints_config: Some(HashMap::from([(network, endpoint)])) })
}

fn device(device: &Device) -> api::DeviceMapping {
    api::DeviceMapping {
        path_on_host: Some(device.host_path.clone()),
        path_in_container: Some(device.container_path.clone()),
        cgroup_permissions: Some(device.permissions.clone()),
    }
}

fn device_request(request: &DeviceSelection) -> api::DeviceRequest {
    api::DeviceRequest {
        driver: request.driver.clone(),
        count: request.count,
        device_ids: some(&request.ids),
        capabilities: some(&request.capabilities),
        options: some_map(&request.options),
    }
}

fn ulimit(limit: &Ulimit) -> api::ResourcesUlimits {
    api::ResourcesUlimits { name: Some(limit.name.clone()), soft: Some(limit.soft), hard: Some(limit.hard) }
}

fn restart_policy(policy: RestartPolicy) -> api::RestartPolicy {
    use api::RestartPolicyNameEnum as Name;
    let (name, attempts) = match policy {
        RestartPolicy::No => (Name::NO, None),
        RestartPolicy::Always => (Name::ALWAYS, None),
        RestartPolicy::UnlessStopped => (Name::UNLESS_STOPPED, None),
        RestartPolicy::OnFailure { attempts } => (Name::ON_FAILURE, Some(attempts)),
    };
    api::RestartPolicy { name: Some(name), maximum_retry_count: attempts }
}

fn log_config(config: &LogConfig) -> api::HostConfigLogConfig {
    api::HostConfigLogConfig { typ: Some(config.driver.clone()), config: some_map(&config.options) }
}

fn flag(value: bool) -> Option<bool> {
    value.then_some(true)
}

fn some<T: Clone>(list: &[T]) -> Option<Vec<T>> {
    (!list.is_empty()).then(|| list.to_vec())
}

fn some_map(map: &BTreeMap<String, String>) -> Option<HashMap<String, String>> {
    (!map.is_empty()).then(|| map.clone().into_iter().collect())
}

#[cfg(test)]
mod tests;
