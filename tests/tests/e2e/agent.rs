//! Agents in containers: what runs through them outlives the daemon, in every kind of container, and whoever shares the
//! container gets nothing from them.

use std::io::Read as _;
use std::process::Child;

use gangplank_tests::engine::Body;
use gangplank_tests::scale::trials;
use gangplank_tests::{EngineKind, Image};
use serde_json::{Value, json};

use super::faults::kill_daemon;
use super::project::{Project, id_of, wait_for};

/// Lines `0` to `COUNT - 1`, then the end.
const COUNT: usize = 400;

/// A command that writes numbered lines for some seconds.
fn counting() -> String {
    format!("i=0; while [ $i -lt {COUNT} ]; do echo $i; i=$((i+1)); sleep 0.01; done")
}

/// Waits until an agent hosts the workspace's processes.
fn await_agent(project: &Project) {
    // A terminal waits for it.
    project.run(&["exec", "-t", "true"]).success();
    let workspace = json!({ "workspace": { "workspaceFolder": project.folder } });
    let inspected = project.sandbox.rpc().call("workspace/inspect", &workspace).unwrap();
    assert_eq!(inspected["processHost"], "agent", "{inspected}");
}

fn opened(kind: EngineKind, image: Image, more: &Value) -> (Project, String) {
    let project = Project::on(kind, image, more);
    let id = id_of(&project.up(&["--trust"])).to_owned();
    await_agent(&project);
    (project, id)
}

fn text_of(mut child: Child) -> (Option<i32>, String) {
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    (child.wait().unwrap().code(), text)
}

fn whole() -> String {
    (0..COUNT).map(|line| format!("{line}\n")).collect()
}

#[test]
fn twenty_terminals_outlive_killed_daemons_and_neither_lose_nor_repeat_a_byte() {
    let (project, _) = opened(EngineKind::Docker, Image::Busybox, &json!({}));
    for _ in 0..trials(1, 100) {
        let run = |arguments: &[&str]| {
            let script = counting();
            let argv = [&["exec"], arguments, &["sh", "-c", &script]].concat();
            project.sandbox.gangplank(argv).within(&project.folder).spawn()
        };
        let terminals: Vec<Child> = (0..20).map(|_| run(&["-t"])).collect();
        let pipe = run(&[]);
        let listed = || {
            let list = project.sandbox.rpc().call("process/list", &json!({})).unwrap();
            let running =
                |process: &&Value| process["exit"].is_null() && process["outputBytes"].as_u64().unwrap() > 0;
            list["processes"].as_array().unwrap().iter().filter(running).count()
        };
        wait_for(|| listed() == 21, "they never all ran");
        for _ in 0..2 {
            kill_daemon(&project.sandbox);
            let _ = project.sandbox.await_daemon();
        }
        for terminal in terminals {
            assert_eq!(text_of(terminal), (Some(0), whole().replace('\n', "\r\n")));
        }
        assert_eq!(text_of(pipe), (Some(0), whole()));
    }
}

#[test]
fn it_runs_in_every_kind_of_container() {
    for (what, image, more) in [
        (
            "read-only, without capabilities",
            Image::Busybox,
            json!({ "runArgs": ["--read-only", "--cap-drop=ALL"], "remoteUser": "1000" }),
        ),
        ("the host's processes", Image::Busybox, json!({ "runArgs": ["--pid=host"] })),
        ("the host's network", Image::Busybox, json!({ "runArgs": ["--network=host"] })),
        ("little memory", Image::Python, json!({ "runArgs": ["--memory=128m"] })),
        ("a process of its own that reaps", Image::Python, json!({ "init": true })),
    ] {
        let (project, id) = opened(EngineKind::Docker, image, &more);
        let mut shell = project.sandbox.gangplank(["shell"]).within(&project.folder).on_terminal(80, 24);
        shell.types("echo in $((40 + 2)); id -u\r");
        shell.shows("in 42");
        shell.types("exit 7\r");
        shell.exits(7);
        project.run(&["exec", "sh", "-c", "exit 3"]).exits(3);
        // It ends with its container.
        project.sandbox.gangplank(["stop", "-t", "0", &id]).run().success();
        assert_eq!(project.inspect(&id)["State"]["Running"], false, "{what}");
        assert!(cores_of(&id).is_empty(), "{what}");
    }
}

#[test]
fn it_runs_on_podman_and_the_oldest_docker() {
    for kind in [EngineKind::Podman, EngineKind::Docker20] {
        let (project, _) = opened(kind, Image::Busybox, &json!({}));
        let mut child = project
            .sandbox
            .gangplank(["exec", "-t", "sh", "-c", &counting()])
            .within(&project.folder)
            .spawn();
        let mut first = [0; 2];
        child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
        kill_daemon(&project.sandbox);
        let (code, rest) = text_of(child);
        assert_eq!(code, Some(0), "{kind:?}");
        assert_eq!(format!("{}{rest}", String::from_utf8_lossy(&first)), whole().replace('\n', "\r\n"));
    }
}

/// The agents' processes of a container on this machine.
fn cores_of(container: &str) -> Vec<String> {
    agents_of(container, "core")
}

/// Of a container's agents those processes that do this.
fn agents_of(container: &str, role: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().into_string().ok());
    numbers
        .filter(|number| {
            let read = |file: &str| std::fs::read(format!("/proc/{number}/{file}")).unwrap_or_default();
            let (groups, line) = (read("cgroup"), read("cmdline"));
            String::from_utf8_lossy(&groups).contains(container)
                && String::from_utf8_lossy(&line).split('\0').nth(1) == Some(role)
        })
        .collect()
}

fn kill(processes: &[String]) {
    assert!(!processes.is_empty(), "there is none to kill");
    for process in processes {
        std::process::Command::new("kill").args(["-s", "KILL", process]).status().unwrap();
    }
}

#[test]
fn a_bridge_that_is_killed_is_replaced_unnoticed() {
    let (project, id) = opened(EngineKind::Docker, Image::Busybox, &json!({}));
    let counted =
        project.sandbox.gangplank(["exec", "sh", "-c", &counting()]).within(&project.folder).spawn();
    // What reads its input until the end gets all of it, once.
    let much: String = (0..100_000).map(|line| format!("{line}\n")).collect();
    let summed = project.sandbox.gangplank(["exec", "-i", "sh", "-c", "sleep 1; md5sum"]);
    let summed = std::thread::scope(|scope| {
        let sum = scope.spawn(|| summed.within(&project.folder).input(much.clone()).run().success().text());
        for _ in 0..3 {
            let mut bridges = Vec::new();
            wait_for(
                || {
                    bridges = [agents_of(&id, "bridge"), agents_of(&id, "start")].concat();
                    !bridges.is_empty()
                },
                "there is no bridge",
            );
            kill(&bridges);
        }
        sum.join().unwrap()
    });
    let expected = std::process::Command::new("sh")
        .args(["-c", "i=0; while [ $i -lt 100000 ]; do echo $i; i=$((i+1)); done | md5sum"])
        .output()
        .unwrap();
    assert_eq!(summed, String::from_utf8(expected.stdout).unwrap());
    assert_eq!(text_of(counted), (Some(0), whole()));
}

#[test]
fn an_agent_that_is_killed_is_told_and_the_next_terminal_has_another() {
    let (project, id) = opened(EngineKind::Docker, Image::Busybox, &json!({}));
    let mut terminal = project.sandbox.gangplank(["shell"]).within(&project.folder).on_terminal(80, 24);
    terminal.types("echo ready$((1))\r");
    terminal.shows("ready1");
    kill(&cores_of(&id));
    let told = terminal.exits(1);
    assert!(told.contains("agent"), "{told}");
    let mut terminal = project.sandbox.gangplank(["shell"]).within(&project.folder).on_terminal(80, 24);
    terminal.types("echo again$((1)); exit\r");
    terminal.shows("again1");
    terminal.exits(0);
}

#[test]
fn a_restarted_container_has_another_agent_and_a_paused_one_keeps_its_own() {
    let (project, id) = opened(EngineKind::Docker, Image::Busybox, &json!({}));
    let shell = || project.sandbox.gangplank(["shell"]).within(&project.folder).on_terminal(80, 24);
    let post = |verb: &str| {
        project.engine.api().post(&format!("/containers/{id}/{verb}"), Body::Empty).unwrap();
    };
    let mut terminal = shell();
    terminal.types("echo before$((1))\r");
    terminal.shows("before1");
    post("pause");
    project.run(&["exec", "true"]).exits(1).complains("is paused");
    // What it hosts is listed all the same, as far as it is known without it.
    project.run(&["terminals"]).success();
    // Nor does a daemon that comes anew let go of what it cannot ask now.
    kill_daemon(&project.sandbox);
    project.run(&["terminals"]).success();
    post("unpause");
    terminal.types("echo after$((1))\r");
    terminal.shows("after1");

    post("restart?t=0");
    let told = terminal.exits(1);
    assert!(told.contains("container"), "{told}");
    let mut terminal = shell();
    terminal.types("echo new$((1)); exit\r");
    terminal.shows("new1");
    terminal.exits(0);
    assert_eq!(cores_of(&id).len(), 1);
}

#[test]
fn a_hook_goes_on_when_the_daemon_dies_and_the_next_up_joins_it() {
    let hook =
        "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo step $i; echo $i >> log; sleep 0.2; done; exit 4";
    let project = Project::new(
        Image::Busybox,
        &json!({ "postCreateCommand": hook, "postStartCommand": "echo start >> log" }),
    );
    let first = project.sandbox.gangplank(["up"]).within(&project.folder).spawn();
    wait_for(|| project.log().lines().count() >= 2, "the hook never began");
    kill_daemon(&project.sandbox);
    let (code, _) = text_of(first);
    assert_ne!(code, Some(0));
    let joined = project.run(&["up"]).exits(1);
    let lines: Vec<String> = (1..=12).map(|line| line.to_string()).collect();
    assert_eq!(project.log().lines().collect::<Vec<_>>(), lines, "{joined}");
    for line in ["Go on with postCreateCommand", "step 1\n", "step 12\n", "exit code 4"] {
        assert!(joined.errors().contains(line), "{line}: {joined}");
    }
    // It has run, as the reference counts it, and is not joined again.
    project.up(&[]);
    assert_eq!(project.log().lines().last(), Some("start"));
    assert_eq!(project.log().lines().count(), 13);
}

#[test]
fn who_connects_without_the_key_gets_nothing_and_disturbs_nobody() {
    let (project, _) = opened(EngineKind::Docker, Image::Python, &json!({}));
    let mut terminal = project.sandbox.gangplank(["shell"]).within(&project.folder).on_terminal(80, 24);
    terminal.types("echo ready$((1))\r");
    terminal.shows("ready1");
    let script = r#"
import os, socket, struct
names = {line.split()[-1] for line in open("/proc/net/unix") if "@gangplank-" in line}
assert names, "no agent listens"
hello = b"GPAG\x01" + struct.pack(">HH", 1, 1) + os.urandom(32)
def talk(first, then):
    s = socket.socket(socket.AF_UNIX); s.settimeout(30)
    s.connect("\0" + next(iter(names))[1:])
    s.sendall(first)
    try: answer = s.recv(4096)
    except ConnectionError: return b""
    for piece in then(answer):
        try: s.sendall(piece)
        except OSError: break
    rest = b""
    try:
        while True:
            more = s.recv(4096)
            if not more: break
            rest += more
    except OSError: pass
    return rest
# a guess, its own proof sent back, what a stranger would say
for then in (lambda a: [os.urandom(32)], lambda a: [a[-32:]], lambda a: [b"\xff" * 100000]):
    assert talk(hello, then) == b""
assert talk(b"\xff\xff\xff\xff" + os.urandom(100), lambda a: []) == b""
idle = [socket.socket(socket.AF_UNIX) for _ in range(200)]
for s in idle:
    s.setblocking(False)
    try: s.connect("\0" + next(iter(names))[1:])
    except OSError: pass
print("nothing")
"#;
    assert_eq!(project.run(&["exec", "python3", "-c", script]).success().text(), "nothing\n");
    terminal.types("echo still$((1)); exit\r");
    terminal.shows("still1");
    terminal.exits(0);
}

#[test]
fn closed_terminals_leave_nothing_behind_but_what_made_itself_independent() {
    let (project, _) = opened(EngineKind::Docker, Image::Python, &json!({}));
    let mut rpc = project.sandbox.rpc();
    let processes = || project.in_container("ls -d /proc/[0-9]* | wc -l");
    let before = processes();
    let mut remaining = Vec::new();
    for _ in 0..trials(20, 200) {
        // It says so once it is independent.
        let script =
            "sleep 1001 & (trap '' HUP; sleep 1002) & setsid sh -c 'echo up; exec sleep 1003' & wait";
        let start = json!({
            "target": { "type": "workspace", "workspace": { "workspaceFolder": project.folder } },
            "argv": ["bash", "-c", script], "tty": true, "detach": true,
        });
        let started = rpc.call("process/start", &start).unwrap();
        let process = json!({ "processId": started["processId"] });
        wait_for(
            || {
                let list = rpc.call("process/list", &json!({})).unwrap();
                let list = list["processes"].as_array().unwrap();
                let own = list.iter().find(|other| other["processId"] == started["processId"]).unwrap();
                own["outputBytes"].as_u64().unwrap() >= 4
            },
            "it never ran",
        );
        let closed = rpc.call("process/close", &process).unwrap();
        assert_eq!(closed["closed"], true);
        remaining.extend(closed["remaining"].as_array().unwrap().clone());
    }
    let independent = project.in_container("pgrep -c -f '^sleep 1003' || true");
    assert_eq!(independent.trim().parse::<usize>().unwrap(), trials(20, 200));
    // Its shell, where that had not become it yet.
    assert!(remaining.iter().all(|name| name == "sleep" || name == "sh"), "{remaining:?}");
    assert_eq!(remaining.len(), trials(20, 200));
    project.in_container("pkill -f '^sleep 1003'; true");
    wait_for(|| processes() == before, "something of closed terminals lives on");
}
