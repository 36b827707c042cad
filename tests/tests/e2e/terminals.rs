//! Terminals that outlive the clients and the daemon they were started through, and the verbs that find them.

use std::path::PathBuf;

use gangplank_tests::process::Process;
use gangplank_tests::sandbox::Terminal;
use gangplank_tests::{EngineKind, Image, Sandbox, engine};
use serde_json::{Value, json};

use super::project::wait_for;

/// A folder that is open in its container.
struct Opened {
    sandbox: Sandbox,
    folder: PathBuf,
    container: String,
}

impl Opened {
    fn new() -> Opened {
        let engine = engine::for_tests(EngineKind::Docker);
        let sandbox = Sandbox::on(engine);
        let configuration = json!({ "image": Image::Busybox.on(engine).unwrap() }).to_string();
        let folder = sandbox.workspace("project", &configuration);
        let up = sandbox.gangplank(["up"]).within(&folder).run().success().json();
        let container = up["containerId"].as_str().unwrap().to_owned();
        Opened { sandbox, folder, container }
    }

    /// `gangplank shell` on a terminal, ready to be typed into.
    fn shell(&self, more: &[&str]) -> Terminal {
        let shell = self.sandbox.gangplank([&["shell"], more].concat()).within(&self.folder);
        let mut terminal = shell.on_terminal(80, 24);
        terminal.types("echo rea''dy\r");
        terminal.shows("ready");
        terminal
    }

    fn terminals(&self) -> Vec<Value> {
        let listed = self.sandbox.gangplank(["terminals", "--format", "json"]).run().success().json();
        listed.as_array().unwrap().clone()
    }

    fn kill_daemon(&self) {
        daemon(&self.sandbox).kill();
    }

    /// Stops the daemon, and waits until it is gone.
    fn stop_daemon(&self) -> Process {
        let daemon = daemon(&self.sandbox);
        self.sandbox.gangplank(["daemon", "stop"]).run().success();
        wait_for(|| !daemon.is_alive(), "the daemon did not end");
        daemon
    }
}

fn daemon(sandbox: &Sandbox) -> Process {
    let pid = sandbox.await_daemon()["pid"].as_u64().unwrap();
    Process::of(u32::try_from(pid).unwrap()).expect("the daemon runs")
}

/// The numbers of lines such as `n=17.`.
fn numbers(text: &str) -> Vec<u64> {
    let ends = text.split("n=").skip(1).filter_map(|rest| rest.split_once('.'));
    ends.filter_map(|(number, _)| number.parse().ok()).collect()
}

#[test]
fn a_shell_goes_on_where_it_was_whenever_its_daemon_is_killed() {
    let opened = Opened::new();
    let mut terminal = opened.shell(&[]);
    terminal
        .types("i=0; until [ -e stop ]; do echo n=$i.; i=$((i+1)); sleep 0.01; done; echo fin''ished $i\r");
    for milestone in [30, 90, 150] {
        terminal.shows(&format!("n={milestone}."));
        opened.kill_daemon();
    }
    terminal.shows("n=220.");
    std::fs::write(opened.folder.join("stop"), "").unwrap();
    terminal.shows("finished ");
    let seen = numbers(&terminal.text());
    let last = *seen.last().unwrap();
    assert_eq!(seen, (0..=last).collect::<Vec<_>>());
    // The shell has counted as many as came.
    terminal.shows(&(last + 1).to_string());
    terminal.types("exit 7\r");
    let _ = terminal.exits(7);
}

#[test]
fn what_is_typed_while_no_daemon_runs_is_typed_once() {
    let opened = Opened::new();
    let mut terminal = opened.shell(&[]);
    for trial in 0..5 {
        opened.kill_daemon();
        terminal.types(format!("echo on''ce-{trial}-\r"));
        terminal.shows(&format!("once-{trial}-"));
    }
    terminal.types("exit\r");
    let text = terminal.exits(0);
    for trial in 0..5 {
        assert_eq!(text.matches(&format!("once-{trial}-")).count(), 1, "{text}");
    }
}

#[test]
fn pipes_through_a_terminal_less_command_lose_nothing_to_a_killed_daemon() {
    let opened = Opened::new();
    // Brings the agent, which then hosts plain commands too.
    drop(opened.shell(&[]));
    let script = "cat > /tmp/input; sha1sum < /tmp/input; i=0; while [ $i -lt 200000 ]; do echo n=$i.; i=$((i+1)); done";
    let bytes: Vec<u8> =
        (0..3_000_000_u32).map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let input = opened.sandbox.write("input", &bytes);
    let command = opened.sandbox.gangplank(["exec", "sh", "-c", script]).within(&opened.folder);
    let mut child = command.spawn();
    let mut stdin = child.stdin.take().unwrap();
    let feeding = std::thread::spawn(move || {
        for piece in bytes.chunks(50_000) {
            std::io::Write::write_all(&mut stdin, piece).unwrap();
        }
    });
    for size in [200_000, 1_500_000] {
        wait_for(
            || {
                let length =
                    opened.sandbox.gangplank(["exec", "wc", "-c", "/tmp/input"]).within(&opened.folder);
                length.run().text().split(' ').next().and_then(|size| size.parse::<u64>().ok()) > Some(size)
            },
            "the input does not arrive",
        );
        opened.kill_daemon();
    }
    let mut output = String::new();
    std::io::Read::read_to_string(child.stdout.as_mut().unwrap(), &mut output).unwrap();
    feeding.join().unwrap();
    assert!(child.wait().unwrap().success());
    let sum = std::process::Command::new("sha1sum").arg(&input).output().unwrap().stdout;
    let sum = String::from_utf8(sum).unwrap();
    assert_eq!(output.split(' ').next(), sum.split(' ').next());
    assert_eq!(numbers(&output), (0..200_000).collect::<Vec<_>>());
}

#[test]
fn a_terminal_whose_client_was_killed_is_come_back_to_with_its_screen() {
    let opened = Opened::new();
    let mut terminal = opened.shell(&["--name", "work"]);
    terminal.types("echo on the scr''een\r");
    terminal.shows("on the screen");
    drop(terminal);
    opened.kill_daemon();
    let mut again = opened.sandbox.gangplank(["attach", "work"]).on_terminal(80, 24);
    again.shows("on the screen");
    again.types("echo go''es on\r");
    again.shows("goes on");
    again.types("exit 4\r");
    let _ = again.exits(4);
}

#[test]
fn a_name_is_one_terminal_for_all_who_use_it() {
    let opened = Opened::new();
    let mut first = opened.shell(&["--name", "work"]);
    first.types("word=sha''red\r");
    let mut second = opened.shell(&["--name", "work"]);
    second.types("echo it is $word.\r");
    second.shows("it is shared.");
    first.shows("it is shared.");
    let terminals = opened.terminals();
    assert_eq!(terminals.len(), 1, "{terminals:#?}");
    assert_eq!(terminals[0]["clients"], 2);
    let new = ["shell", "--name", "work", "--new"];
    opened.sandbox.gangplank(new).within(&opened.folder).run().exits(1).complains("runs already");
    // Another name is another terminal.
    let mut other = opened.shell(&["--name", "other", "-c", "sh"]);
    other.types("echo [$word]\r");
    other.shows("[]");
    assert_eq!(opened.terminals().len(), 2);
    second.types("exit\r");
    let _ = (first.exits(0), second.exits(0));
}

#[test]
fn terminals_are_listed_with_what_runs_in_them_and_closed_by_name() {
    let opened = Opened::new();
    let mut terminal = opened.shell(&["--name", "server"]);
    terminal.types("printf '\\033]0;my %s\\007' title; sleep 1000\r");
    let is_told = |terminals: &[Value]| {
        terminals.iter().any(|one| one["title"] == "my title" && one["foreground"] == "sleep")
    };
    wait_for(|| is_told(&opened.terminals()), "title and foreground are not told");
    let listed = opened.sandbox.gangplank(["terminals"]).run().success().text();
    let row = listed.lines().nth(1).unwrap();
    let folder = opened.folder.to_str().unwrap();
    for cell in ["server", folder, "my title", "sleep", "/workspaces/project"] {
        assert!(row.contains(cell), "{cell}: {listed}");
    }
    for verb in ["status", "doctor"] {
        opened
            .sandbox
            .gangplank([verb])
            .within(&opened.folder)
            .run()
            .says("hosted by an agent in the container");
    }
    opened.sandbox.gangplank(["terminals", "close", "nothing"]).run().exits(3).complains("nothing that runs");
    opened.sandbox.gangplank(["terminals", "close", "server"]).run().success().says_exactly("server\n");
    terminal.shows("closed by a client");
    assert_eq!(opened.terminals(), [] as [Value; 0]);
    opened.sandbox.gangplank(["terminals", "-a"]).run().success().says("closed");
}

#[test]
fn a_terminal_says_that_its_container_stopped() {
    let opened = Opened::new();
    let mut terminal = opened.shell(&["--name", "work"]);
    opened.sandbox.gangplank(["stop", "-t", "0", &opened.container]).run().success();
    terminal.shows("ended, because its container");
    opened.sandbox.gangplank(["attach", "work"]).run().exits(3);
}

#[test]
fn a_stopped_daemon_is_not_started_by_a_terminal_which_goes_on_with_the_next() {
    let opened = Opened::new();
    let mut terminal = opened.shell(&[]);
    let stopped = opened.stop_daemon();
    terminal.shows("the daemon was stopped");
    assert!(!stopped.is_alive());
    let status = opened.sandbox.gangplank(["daemon", "status"]).run();
    assert_eq!(status.code(), Some(3), "{status}");
    opened.sandbox.gangplank(["ps"]).run().success();
    terminal.shows("connected again");
    terminal.types("echo go''es on\r");
    terminal.shows("goes on");
    // While nobody can be reached, Ctrl-C leaves.
    opened.stop_daemon();
    terminal.shows("the daemon was stopped");
    terminal.types("\u{3}");
    let _ = terminal.exits(130);
    assert_eq!(opened.terminals().len(), 1, "it went on without its client");
}

#[test]
fn the_detach_keys_leave_while_the_daemon_is_away() {
    let opened = Opened::new();
    let mut terminal = opened.shell(&[]);
    opened.stop_daemon();
    terminal.types("\u{10}\u{11}");
    let _ = terminal.exits(0);
    assert_eq!(opened.terminals().len(), 1, "it went on without its client");
}

#[test]
fn a_command_that_the_engine_hosts_ends_with_its_daemon() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let (image, name) = (Image::Busybox.on(engine).unwrap(), sandbox.name("other"));
    sandbox.gangplank(["run", "-d", "--name", &name, image, "sleep", "1000"]).run().success();
    for stop in [false, true] {
        let exec = ["exec", "--container-id", &name, "sh", "-c", "echo ready; sleep 1000"];
        let mut child = sandbox.gangplank(exec).spawn();
        let mut line = [0; 6];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
        if stop {
            sandbox.gangplank(["daemon", "stop"]).run().success();
        } else {
            daemon(&sandbox).kill();
        }
        assert_eq!(child.wait().unwrap().code(), Some(1), "stopped: {stop}");
    }
}
