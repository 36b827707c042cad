//! That all of a container's description arrives in the API's JSON, and nothing that was not said.

use super::*;

/// Every field set, so that a field that is forgotten in the conversion is missing in the snapshot.
fn everything() -> ContainerSpec {
    let text = |text: &str| Some(text.to_owned());
    let list = |text: &str| vec![text.to_owned()];
    let map = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    let mount =
        |kind, target: &str| Mount { kind, target: target.into(), read_only: true, consistency: None };
    ContainerSpec {
        image: "image:1".into(),
        name: text("name goes into the query"),
        platform: text("platform goes into the query"),
        hostname: text("hostname"),
        domainname: text("domainname"),
        user: text("1000:1000"),
        working_dir: text("/work"),
        env: list("NAME=value"),
        labels: map("label", "value"),
        entrypoint: Some(list("/entrypoint")),
        cmd: Some(list("cmd")),
        stop_signal: text("SIGINT"),
        stop_timeout: Some(3),
        tty: true,
        open_stdin: true,
        stdin_once: true,
        attach_stdin: true,
        attach_stdout: true,
        attach_stderr: true,
        mounts: vec![
            mount(MountKind::Bind { source: "/a".into(), propagation: text("rslave") }, "/bind"),
            mount(
                MountKind::Volume {
                    name: text("volume"),
                    labels: map("of", "volume"),
                    no_copy: true,
                    subpath: text("sub"),
                },
                "/volume",
            ),
            mount(MountKind::Tmpfs { size: Some(1), mode: Some(0o700) }, "/tmpfs"),
        ],
        binds: list("/b:/c:ro"),
        anonymous_volumes: list("/anonymous"),
        volumes_from: list("other:ro"),
        tmpfs: map("/run", "size=1m"),
        readonly_rootfs: true,
        shm_size: Some(4),
        storage_opt: map("size", "1G"),
        ports: vec![PortBinding {
            container_port: "80".into(),
            host_ip: "127.0.0.1".into(),
            host_port: "8080".into(),
        }],
        expose: list("53/udp"),
        publish_all: true,
        network_mode: text("net"),
        network_aliases: list("alias"),
        ipv4_address: text("10.0.0.2"),
        ipv6_address: text("fd00::2"),
        mac_address: text("02:42:ac:11:00:02"),
        extra_hosts: list("host:10.0.0.1"),
        links: list("db:database"),
        dns: list("10.0.0.53"),
        dns_options: list("ndots:1"),
        dns_search: list("example"),
        init: Some(true),
        privileged: true,
        cap_add: list("SYS_PTRACE"),
        cap_drop: list("ALL"),
        security_opt: list("seccomp=unconfined"),
        group_add: list("video"),
        ipc_mode: text("host"),
        pid_mode: text("host"),
        uts_mode: text("host"),
        userns_mode: text("host"),
        cgroupns_mode: text("private"),
        cgroup_parent: text("/parent"),
        sysctls: map("net.ipv4.ip_forward", "1"),
        runtime: text("runc"),
        devices: vec![Device {
            host_path: "/dev/fuse".into(),
            container_path: "/dev/fuse".into(),
            permissions: "rwm".into(),
        }],
        device_cgroup_rules: list("c 1:3 mr"),
        device_requests: vec![DeviceSelection {
            driver: text("nvidia"),
            count: Some(-1),
            ids: list("0"),
            capabilities: vec![list("gpu")],
            options: map("option", "value"),
        }],
        ulimits: vec![Ulimit { name: "nofile".into(), soft: 5, hard: 6 }],
        memory: Some(7),
        memory_reservation: Some(8),
        memory_swap: Some(9),
        memory_swappiness: Some(10),
        nano_cpus: Some(11),
        cpu_shares: Some(12),
        cpu_period: Some(13),
        cpu_quota: Some(14),
        cpuset_cpus: text("0-1"),
        cpuset_mems: text("0"),
        blkio_weight: Some(15),
        pids_limit: Some(16),
        oom_kill_disable: Some(true),
        oom_score_adj: Some(17),
        restart: Some(RestartPolicy::OnFailure { attempts: 18 }),
        auto_remove: true,
        log_config: Some(LogConfig { driver: "local".into(), options: map("max-size", "1m") }),
        annotations: map("annotation", "value"),
    }
}

#[test]
fn everything_arrives() {
    insta::with_settings!({ sort_maps => true }, {
        insta::assert_json_snapshot!(create_body(&everything()).unwrap());
    });
}

#[test]
fn what_is_not_said_is_not_sent() {
    let body = create_body(&ContainerSpec { image: "image:1".into(), ..ContainerSpec::default() }).unwrap();
    insta::with_settings!({ sort_maps => true }, {
        insta::assert_json_snapshot!(body);
    });
}

#[test]
fn no_entrypoint_is_one_empty_string() {
    assert_eq!(entrypoint(&[]), [""]);
    assert_eq!(entrypoint(&["sh".to_owned()]), ["sh"]);
}

#[test]
fn unknown_words_are_refused() {
    let spec = ContainerSpec { cgroupns_mode: Some("shared".into()), ..ContainerSpec::default() };
    assert_eq!(create_body(&spec).err().as_deref(), Some("shared is no cgroup namespace mode"));
    let kind = MountKind::Bind { source: "/a".into(), propagation: Some("sideways".into()) };
    let mount = Mount { kind, target: "/b".into(), read_only: false, consistency: None };
    let spec = ContainerSpec { mounts: vec![mount], ..ContainerSpec::default() };
    assert_eq!(create_body(&spec).err().as_deref(), Some("sideways is no bind propagation"));
}
