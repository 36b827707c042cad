//! Each flag in each way to write it, what is refused with what words, and that no text gets lost or panics.

use proptest::prelude::*;

use super::*;
use crate::mount::{Mount, Volume};

fn strings(args: &[&str]) -> Vec<String> {
    args.iter().map(|arg| (*arg).to_owned()).collect()
}

fn options(args: &[&str]) -> RunOptions {
    parse(&strings(args)).unwrap_or_else(|errors| panic!("{args:?}: {errors:?}"))
}

fn problem(args: &[&str]) -> String {
    let errors = parse(&strings(args)).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    let hint = errors[0].problem.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("{}: {}{hint}", errors[0].index, errors[0])
}

#[test]
fn the_forms_of_a_flag_mean_the_same() {
    let set = |name: &str, value: &str| vec![EnvEntry::Set(name.to_owned(), value.to_owned())];
    for args in [
        &["-e", "A=b c"][..],
        &["-eA=b c"],
        &["-e=A=b c"],
        &["--env", "A=b c"],
        &["--env=A=b c"],
        &["-e A=b c"],
        &["-ite", "A=b c"],
    ] {
        assert_eq!(options(args).env, set("A", "b c"), "{args:?}");
    }
    assert_eq!(options(&["-e", "A"]).env, [EnvEntry::FromHost("A".to_owned())]);
    assert_eq!(options(&["-e", "A="]).env, set("A", ""));
    assert_eq!(options(&["-e", "--init"]).env, [EnvEntry::FromHost("--init".to_owned())]);
    assert_eq!(options(&["--init=false"]).init, Some(false));
    assert_eq!(options(&["-u=dev"]).user.as_deref(), Some("dev"));
}

#[test]
fn everyday_flags_arrive() {
    let all = options(&[
        "--init",
        "--name",
        "n",
        "-h",
        "host",
        "--user=1000:1000",
        "-w",
        "/w",
        "--env-file",
        "/e",
        "--label",
        "a=b",
        "-l",
        "c",
        "-v",
        "/a:/b:ro",
        "-v",
        "cache:/c",
        "--mount",
        "type=bind,source=/x,target=/y",
        "--tmpfs",
        "/t:size=1m",
        "--tmpfs",
        "/u",
        "--network=host",
        "--network-alias",
        "x",
        "--ip",
        "10.0.0.2",
        "--add-host",
        "db=10.0.0.3",
        "--add-host",
        "h:host-gateway",
        "--dns",
        "1.1.1.1",
        "--dns-search",
        "s",
        "--dns-option",
        "o",
        "--cap-add=SYS_PTRACE",
        "--cap-drop",
        "ALL",
        "--security-opt",
        "seccomp=unconfined",
        "--privileged",
        "--device=/dev/fuse",
        "--device",
        "/dev/a:/dev/b:r",
        "--device-cgroup-rule",
        "c 1:* rw",
        "--gpus",
        "all",
        "--ulimit",
        "nofile=1024:2048",
        "--shm-size=1g",
        "-m",
        "512m",
        "--memory-swap",
        "-1",
        "--memory-reservation",
        "1m",
        "--cpus",
        "1.5",
        "-c",
        "512",
        "--cpuset-cpus",
        "0-1",
        "--pids-limit",
        "-1",
        "--ipc",
        "host",
        "--pid",
        "host",
        "--uts=host",
        "--userns",
        "host",
        "--cgroupns",
        "private",
        "--read-only",
        "--restart",
        "on-failure:3",
        "--sysctl",
        "net.a=1",
        "--group-add",
        "docker",
        "--stop-signal",
        "INT",
        "--stop-timeout",
        "5",
        "--platform",
        "linux/amd64",
        "--pull",
        "never",
        "--log-driver",
        "none",
        "--log-opt",
        "a=b",
        "--runtime",
        "runsc",
        "--storage-opt",
        "size=1G",
        "--oom-kill-disable",
        "--oom-score-adj",
        "-5",
        "--entrypoint",
        "/x",
        "-it",
        "-d",
    ]);
    assert_eq!(all.labels.get("c").map(String::as_str), Some(""));
    assert_eq!(all.volumes, [Volume::parse("/a:/b:ro").unwrap(), Volume::parse("cache:/c").unwrap()]);
    assert_eq!(all.mounts, [Mount::bind("/x", "/y")]);
    assert_eq!(all.tmpfs["/t"], "size=1m");
    assert_eq!(all.networks[0].name, "host");
    assert_eq!(all.extra_hosts, ["db:10.0.0.3", "h:host-gateway"]);
    assert_eq!(all.devices[1].permissions, "r");
    assert_eq!(all.gpus[0].count, Some(-1));
    assert_eq!(all.gpus[0].capabilities, ["gpu"]);
    assert_eq!((all.ulimits[0].soft, all.ulimits[0].hard), (1024, 2048));
    assert_eq!((all.shm_size, all.memory, all.memory_swap), (Some(1 << 30), Some(512 << 20), Some(-1)));
    assert_eq!(all.nano_cpus, Some(1_500_000_000));
    assert_eq!(all.restart, Some(Restart::OnFailure(3)));
    assert_eq!(all.pull, Some(Pull::Never));
    assert_eq!(all.without_effect, ["--entrypoint", "--interactive", "--tty", "--detach"]);
    assert_eq!((all.init, all.privileged, all.oom_score_adj), (Some(true), Some(true), Some(-5)));
}

#[test]
fn ports_have_addresses_ranges_and_protocols() {
    let ports = |text: &str| -> Vec<String> {
        let published = options(&["-p", text]).publish;
        let show = |p: &PublishedPort| {
            let ip = p.host_ip.clone().unwrap_or_default();
            let host = p.host_port.map(|port| port.to_string()).unwrap_or_default();
            format!("{ip} {host} {}/{}", p.container.port, p.container.protocol)
        };
        published.iter().map(show).collect()
    };
    assert_eq!(ports("8080:80"), [" 8080 80/tcp"]);
    assert_eq!(ports("80"), ["  80/tcp"]);
    assert_eq!(ports("127.0.0.1::80/UDP"), ["127.0.0.1  80/udp"]);
    assert_eq!(ports("0:80"), ["  80/tcp"]);
    assert_eq!(ports("[::1]:1:2"), ["::1 1 2/tcp"]);
    assert_eq!(ports("10-11:20-21"), [" 10 20/tcp", " 11 21/tcp"]);
    for wrong in ["", "a", "1:2:3:b", "10-11:20", "70000", "0", "80/icmp", "9-8"] {
        assert!(parse(&strings(&["-p", wrong])).is_err(), "{wrong}");
    }
    assert_eq!(options(&["--expose", "1-3/udp"]).expose.len(), 3);
}

#[test]
fn what_cannot_be_used_is_named() {
    for (args, expected) in [
        (&["--inti"][..], "0: there is no flag --inti (did you mean --init?)"),
        (&["--init", "--cap-ad", "--init"], "1: there is no flag --cap-ad (did you mean --cap-add?)"),
        (
            &["--env A=b"],
            "0: there is no flag --env A (write the flag and its value as two entries, or with = between them)",
        ),
        (&["-X"], "0: there is no flag -X"),
        (
            &["--init", "debian"],
            "1: \"debian\" belongs to no flag (a flag and its value are two entries, in this order)",
        ),
        (&["--"], "0: \"--\" belongs to no flag (a flag and its value are two entries, in this order)"),
        (&["--name"], "0: --name needs a value"),
        (&["--memory", "lots"], "0: --memory cannot be \"lots\": expected a size like 512m or 2g"),
        (&["--init=perhaps"], "0: --init cannot be \"perhaps\": expected true or false"),
        (
            &["--ulimit", "files=1"],
            "0: --ulimit cannot be \"files=1\": expected one of core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending, stack",
        ),
        (
            &["--ulimit", "core=2:1"],
            "0: --ulimit cannot be \"core=2:1\": the soft limit is above the hard one",
        ),
        (
            &["--cidfile", "/x"],
            "0: --cidfile is not applied yet (a container made without it would not be the one that is asked for)",
        ),
        (&["--rm", "--restart=always"], "1: --restart and --rm exclude each other"),
        (&["-v", "./a:/b"], "0: --volume cannot be \"./a:/b\": the host path \"./a\" is not absolute"),
    ] {
        let errors = parse(&strings(args)).unwrap_err();
        if expected.contains("--cidfile") {
            // Its value follows, and cannot be told from a stray entry.
            assert_eq!(errors.len(), 2);
            assert!(matches!(errors[0].problem, RunArgProblem::NotApplied(_)));
        } else {
            assert_eq!(problem(args), expected);
        }
    }
}

#[test]
fn every_wrong_entry_is_reported() {
    let errors = parse(&strings(&["--nonsense-x", "--memory=x", "--init", "stray"])).unwrap_err();
    assert_eq!(errors.iter().map(|error| error.index).collect::<Vec<_>>(), [0, 1, 3]);
}

#[test]
fn richer_values_are_read() {
    let gpus = options(&["--gpus", "\"device=0,2\",capabilities=utility,driver=nvidia"]).gpus.remove(0);
    assert_eq!((gpus.count, gpus.device_ids.len(), gpus.driver.as_str()), (None, 2, "nvidia"));
    assert_eq!(gpus.capabilities, ["utility", "gpu"]);
    let network = options(&["--net", "name=n,alias=a,alias=b,ip=1.2.3.4"]).networks.remove(0);
    assert_eq!((network.name.as_str(), network.aliases.len()), ("n", 2));
    assert_eq!(options(&["--restart", "unless-stopped"]).restart, Some(Restart::UnlessStopped));
}

#[test]
fn the_user_is_the_last_one_given() {
    assert_eq!(user(&strings(&["-u", "a", "--user=b"])).as_deref(), Some("b"));
    assert_eq!(user(&strings(&["--init"])), None);
}

proptest! {
    #[test]
    fn any_entries_are_survived(args in prop::collection::vec("(-|--)?\\PC{0,12}", 0..6)) {
        let _ = parse(&args);
    }

    #[test]
    fn any_value_arrives_unchanged(value in "[^\0]*") {
        for args in [vec!["-e".to_owned(), format!("A={value}")], vec![format!("--env=A={value}")]] {
            prop_assert_eq!(parse(&args).unwrap().env, vec![EnvEntry::Set("A".to_owned(), value.clone())]);
        }
        let label = parse(&["--label".to_owned(), format!("k={value}")]).unwrap();
        prop_assert_eq!(&label.labels["k"], &value);
    }
}
