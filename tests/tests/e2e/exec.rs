//! Processes in containers: grammar, exit codes, bytes, terminals, several engines.

use std::io::Read;

use gangplank_tests::{EngineKind, Image, Sandbox, engine};
use serde_json::json;

use super::raw::{BINARY, CLOSE, RawSocket};

use super::project::wait_for;

/// A sandbox with a workspace that is up; its folder and container.
fn workspace(image: Image) -> (Sandbox, std::path::PathBuf, String) {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let configuration =
        json!({ "image": image.on(engine).unwrap(), "containerEnv": { "E": "1" } }).to_string();
    let folder = sandbox.workspace("project", &configuration);
    let result = sandbox.gangplank(["up"]).within(&folder).run().success().json();
    let id = result["containerId"].as_str().unwrap().to_owned();
    (sandbox, folder, id)
}

#[test]
fn exit_codes_streams_flags_and_names_are_passed_on() {
    let (sandbox, folder, id) = workspace(Image::Busybox);
    let exec = |arguments: &[&str]| sandbox.gangplank([&["exec"], arguments].concat()).within(&folder).run();
    exec(&["true"]).exits(0);
    exec(&["sh", "-c", "exit 7"]).exits(7);
    exec(&["sh", "-c", "kill -9 $$"]).exits(137);
    exec(&["sh", "-c", "kill -TERM $$"]).exits(143);
    // Nothing of the command's own, so nothing on its output.
    exec(&["no-such-program"]).exits(127).says_exactly("").complains("no-such-program");
    exec(&["/etc/passwd"]).exits(126).says_exactly("").complains("/etc/passwd");
    let words = "OCI runtime exec failed: not so";
    exec(&["sh", "-c", &format!("echo {words}; exit 127")]).exits(127).says_exactly(format!("{words}\n"));
    exec(&["/tmp"]).exits(126);
    exec(&["sh", "-c", "echo out; echo err >&2"]).success().says_exactly("out\n").complains("err");
    exec(&["printf", "[%s]", "a b", "", "$x", "--flag"]).success().says_exactly("[a b][][$x][--flag]");
    exec(&["-e", "A=x y", "-u", "app", "-w", "/tmp", "sh", "-c", "echo $A $E $(id -un) $(pwd)"])
        .success()
        .says_exactly("x y 1 app /tmp\n");
    exec(&["--remote-env", "B=1 2", "-e", "GP_HERE", "sh", "-c", "echo $B ${GP_HERE-none}"])
        .success()
        .says_exactly("1 2 none\n");
    sandbox
        .gangplank(["exec", "-e", "GP_HERE", "sh", "-c", "echo \"$GP_HERE\""])
        .within(&folder)
        .env("GP_HERE", "from  here")
        .run()
        .success()
        .says_exactly("from  here\n");
    let details = engine::for_tests(EngineKind::Docker).api().get(&format!("/containers/{id}/json")).unwrap();
    let name = details["Name"].as_str().unwrap().trim_start_matches('/');
    for container in [&id[..], &id[..12], name] {
        sandbox
            .gangplank(["exec", "--container-id", container, "echo", "found"])
            .run()
            .success()
            .says("found");
    }
    // As the reference's: 1 for a wrong command line, which `exec` would take for the command's own code otherwise.
    exec(&["--unknown-flag"]).exits(1);
    exec(&["--remote-env", "BARE", "true"]).exits(1).complains("NAME=VALUE");
    sandbox
        .gangplank(["up", "--container-id", &id])
        .within(&folder)
        .run()
        .exits(1)
        .complains("gangplank start");
    sandbox.gangplank(["exec", "true"]).within(sandbox.path("work")).run().exits(1).complains("gangplank up");
}

#[test]
fn twenty_megabytes_go_through_pipes_both_ways_unchanged() {
    let (sandbox, folder, _) = workspace(Image::Busybox);
    let bytes: Vec<u8> =
        (0..20_000_000_u32).map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    sandbox
        .gangplank(["exec", "cat"])
        .within(&folder)
        .input(bytes.clone())
        .run()
        .success()
        .says_exactly(bytes);
}

#[test]
fn both_outputs_flow_at_once_and_input_that_nobody_reads_holds_up_nothing() {
    let (sandbox, folder, _) = workspace(Image::Busybox);
    let script = "for i in 1 2 3; do head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2; done; exit 6";
    let output = sandbox
        .gangplank(["exec", "sh", "-c", script])
        .within(&folder)
        .input(vec![7; 4_000_000])
        .run()
        .exits(6);
    assert_eq!((output.stdout.len(), output.stderr.len()), (3_000_000, 3_000_000));
}

#[test]
fn input_terminal_and_background_are_given_where_asked_for() {
    let (sandbox, folder, _) = workspace(Image::Busybox);
    let exec = |arguments: &[&str]| sandbox.gangplank([&["exec"], arguments].concat()).within(&folder);
    let which = "[ -t 0 ] && echo in; [ -t 1 ] && echo out; true";
    exec(&["sh", "-c", which]).run().success().says_exactly("");
    exec(&["-t", "sh", "-c", which]).run().success().says_exactly("in\r\nout\r\n");
    exec(&["-i", "cat"]).input("given").run().success().says_exactly("given");
    // In the background: it is back at once, says nothing, and the command goes on.
    let script = "echo unheard; cat > input; until [ -e go ]; do sleep 0.05; done; touch done";
    exec(&["-d", "sh", "-c", script]).input("not given").run().success().says_exactly("");
    std::fs::write(folder.join("go"), "").unwrap();
    wait_for(|| folder.join("done").exists(), "the background command did not go on");
    assert_eq!(std::fs::read(folder.join("input")).unwrap(), b"");
}

#[test]
fn what_cannot_be_run_says_why() {
    let (sandbox, folder, id) = workspace(Image::Busybox);
    let exec = |arguments: &[&str]| sandbox.gangplank([&["exec"], arguments].concat()).within(&folder).run();
    let said = |output: gangplank_tests::sandbox::Output| output.text() + &output.errors();
    let user = exec(&["-u", "nobody-here", "true"]);
    assert_ne!(user.code(), Some(0));
    assert!(said(user).contains("nobody-here"));
    let directory = exec(&["-w", "/no/such/directory", "true"]);
    assert_ne!(directory.code(), Some(0));
    assert!(said(directory).contains("/no/such/directory"));
    let unknown = sandbox.gangplank(["exec", "--container-id", "no-such-container", "true"]).run().exits(1);
    assert!(unknown.errors().contains("no-such-container"), "{unknown}");
    sandbox.gangplank(["stop", "-t", "0", &id]).run().success();
    exec(&["true"]).exits(1).complains("does not run").complains("`gangplank up` starts");
}

#[test]
fn signals_reach_the_command_and_a_closed_output_ends_it() {
    let (sandbox, folder, _) = workspace(Image::Busybox);
    let exec = |script: &str| sandbox.gangplank(["exec", "sh", "-c", script]).within(&folder).spawn();
    let waits =
        |name: &str| format!("trap 'touch {name}; exit 5' {name}; echo ready; while :; do sleep 0.05; done");
    for (signal, code) in [("INT", 5), ("TERM", 143)] {
        let mut child = exec(&waits(signal));
        let mut line = [0; 6];
        child.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
        let sent = std::process::Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(code), "{signal}");
        wait_for(|| folder.join(signal).exists(), "the signal did not reach the command");
    }
    let mut child = exec("echo $$ > pid; exec yes");
    let mut line = [0; 2];
    child.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(141));
    let gone = "[ -d /proc/$(cat pid) ] || echo gone";
    let gone = || sandbox.gangplank(["exec", "sh", "-c", gone]).within(&folder).run().success().text();
    wait_for(|| gone() == "gone\n", "the command lives on without a reader");
}

#[test]
fn a_terminal_feels_like_one() {
    let (sandbox, folder, _) = workspace(Image::Python);
    let mut terminal = sandbox.gangplank(["exec", "bash", "--norc"]).within(&folder).on_terminal(90, 20);
    terminal.types("stty size; tty\r");
    terminal.shows("20 90");
    terminal.resizes(71, 33);
    terminal.types("until [ \"$(stty size)\" = '33 71' ]; do sleep 0.1; done; echo res''ized\r");
    terminal.shows("resized");
    // The job itself says that it runs: what is typed before that is the shell's.
    terminal.types("sh -c 'echo wai\"\"ting; exec sleep 1000'\r");
    terminal.shows("waiting");
    terminal.types("\u{3}");
    terminal.types("echo code $?\r");
    terminal.shows("code 130");
    // Job control: the job stops, the shell goes on.
    terminal.types("sh -c 'echo stop\"\"ping; exec sleep 1000'\r");
    terminal.shows("stopping");
    terminal.types("\u{1a}");
    terminal.shows("Stopped");
    terminal.types("kill %1; wait; echo go''es on\r");
    terminal.shows("goes on");
    // Bytes that engines take for their own: NUL, 1, 2, and Ctrl-P.
    terminal.types("stty -echo raw; echo rea''dy; dd bs=1 count=5 2>/dev/null | od -An -tx1; stty sane\r");
    terminal.shows("ready");
    terminal.types([0_u8, 1, 2, 0x10, 0x41]);
    terminal.shows("00 01 02 10 41");
    terminal.types("exit 9\r");
    let _ = terminal.exits(9);
}

#[test]
fn a_terminal_resized_before_its_process_runs_has_its_new_size() {
    let (sandbox, folder, _) = workspace(Image::Busybox);
    let daemon = sandbox.await_daemon();
    let socket = daemon["socket"].as_str().unwrap().to_owned();
    let pid = daemon["pid"].to_string();
    let signal = |name: &str| {
        let sent = std::process::Command::new("kill").args(["-s", name, &pid]).status().unwrap();
        assert!(sent.success());
    };
    // Both ends of each connection that the daemon has, or that waits for it.
    let connections = || {
        let sockets = std::fs::read_to_string("/proc/net/unix").unwrap();
        sockets.lines().filter(|line| line.ends_with(&socket)).count()
    };
    signal("STOP");
    let before = connections();
    let resized = "until [ \"$(stty size)\" = '30 100' ]; do sleep 0.1; done; echo resized";
    let mut terminal = sandbox.gangplank(["exec", "sh", "-c", resized]).within(&folder).on_terminal(10, 20);
    wait_for(|| connections() > before, "nobody connects to the daemon");
    terminal.resizes(100, 30);
    signal("CONT");
    terminal.shows("resized");
    let _ = terminal.exits(0);
}

#[test]
fn host_paths_turns_the_output_and_nothing_else() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let configuration = json!({
        "image": Image::Busybox.on(engine).unwrap(),
        "workspaceMount": "type=bind,source=${localWorkspaceFolder}/source,target=/code",
        "workspaceFolder": "/code",
        "mounts": ["type=volume,target=/code/cache"],
    });
    let folder = sandbox.workspace("my project", &configuration.to_string());
    std::fs::create_dir(folder.join("source")).unwrap();
    sandbox.gangplank(["up", "--trust"]).within(&folder).run().success();
    let script =
        "printf '/code/a.c:1 /co'; printf '/cod' >&2; printf 'de /code/cache/b\\n/code'; printf e/c >&2";
    let run = |flags: &[&str]| {
        sandbox.gangplank([&["exec"], flags, &["sh", "-c", script]].concat()).within(&folder).run().success()
    };
    let source = folder.join("source");
    let source = source.to_str().unwrap();
    let output = run(&["--host-paths"]);
    assert_eq!(output.text(), format!("{source}/a.c:1 {source} /code/cache/b\n{source}"));
    assert_eq!(output.errors(), format!("{source}/c"));
    run(&[]).says_exactly("/code/a.c:1 /code /code/cache/b\n/code");
    sandbox.gangplank(["exec", "--host-paths", "-d", "true"]).within(&folder).run().exits(1);
}

#[test]
fn the_detach_keys_leave_the_process_running() {
    let (sandbox, folder, _) = workspace(Image::Busybox);
    let mut terminal = sandbox.gangplank(["exec", "sh"]).within(&folder).on_terminal(80, 24);
    terminal.types("echo he''re; (sleep 2; touch lived) & wait; sleep 1000\r");
    terminal.shows("here");
    terminal.types("\u{10}\u{11}");
    let _ = terminal.exits(0);
    wait_for(|| folder.join("lived").exists(), "the process did not live on");

    // Other keys; then the usual ones are the program's.
    let keys = ["exec", "--detach-keys", "ctrl-a,d", "sh"];
    let mut terminal = sandbox.gangplank(keys).within(&folder).on_terminal(80, 24);
    terminal
        .types("stty -echo raw -ixon; echo rea''dy; dd bs=1 count=2 2>/dev/null | od -An -tx1; stty sane\r");
    terminal.shows("ready");
    terminal.types("\u{10}\u{11}");
    terminal.shows("10 11");
    terminal.types("\u{1}d");
    let _ = terminal.exits(0);
}

#[test]
fn shell_behaves_as_a_shell_in_the_mapped_directory() {
    let (sandbox, folder, _) = workspace(Image::Busybox);
    std::fs::create_dir(folder.join("sub")).unwrap();
    let shell =
        |arguments: &[&str]| sandbox.gangplank([&["shell"], arguments].concat()).within(folder.join("sub"));
    shell(&["-c", "pwd; exit 4"]).run().exits(4).says_exactly("/workspaces/project/sub\n");
    shell(&["-l", "-c", "echo $E"]).run().success().says_exactly("1\n");
    shell(&["-c", "echo \"$0-$1\"", "zero", "a  b"]).run().success().says_exactly("zero-a  b\n");
    shell(&["-c", "cat"]).input([0, 255, 10]).run().success().says_exactly([0, 255, 10]);
    // A directory of the host that is not in the container leads to the workspace folder.
    let folder = folder.to_str().unwrap();
    sandbox
        .gangplank(["shell", "--workspace-folder", folder, "-c", "pwd"])
        .within("/")
        .run()
        .success()
        .says_exactly("/workspaces/project\n");
    let mut terminal = shell(&[]).on_terminal(80, 24);
    terminal.types("pwd\r");
    terminal.shows("/workspaces/project/sub");
    terminal.types("exit\r");
    let _ = terminal.exits(0);
}

#[test]
fn one_daemon_serves_two_engines_at_once() {
    let (first, second) =
        (engine::for_tests(EngineKind::Docker), engine::for_tests(EngineKind::DockerClassic));
    let mut sandbox = Sandbox::on(first);
    sandbox.also_uses(second);
    let name = sandbox.name("twin");
    for engine in [first, second] {
        let image = Image::Busybox.on(engine).unwrap();
        let run = ["run", "-d", "--name", &name, image, "sleep", "1000"];
        sandbox.gangplank(run).env("DOCKER_HOST", engine.host()).run().success();
        sandbox
            .gangplank(["exec", "--container-id", &name, "true"])
            .env("DOCKER_HOST", engine.host())
            .run()
            .success();
    }
    let status = sandbox.gangplank(["daemon", "status"]).run().success().text();
    for engine in [first, second] {
        assert!(status.contains(&engine.host()), "{status}");
    }
}

#[test]
fn a_stream_stays_open_after_the_processs_end_until_the_client_closes_it() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let (image, name) = (Image::Busybox.on(engine).unwrap(), sandbox.name("said"));
    sandbox.gangplank(["run", "-d", "--name", &name, image, "sleep", "1000"]).run().success();
    let mut rpc = sandbox.rpc();
    let argv = ["sh", "-c", "head -c 100000 /dev/zero; exit 4"];
    let start = json!({ "target": { "type": "container", "container": name }, "argv": argv });
    let started = rpc.call("process/start", &start).unwrap();
    let path = format!("/stream/{}", started["stream"]["streamId"].as_str().unwrap());
    let mut stream = RawSocket::open(&sandbox, &path).unwrap();
    let (mut output, mut exited) = (0, false);
    loop {
        match stream.receive().expect("the stream ends with a close") {
            (CLOSE, code) => break assert_eq!(code[..2], 1000_u16.to_be_bytes()),
            (BINARY, frame) if frame[0] == 0x11 => output += frame.len() - 9,
            (BINARY, frame) => exited |= frame[0] == 0x15,
            (opcode, _) => panic!("a frame of opcode {opcode}"),
        }
    }
    assert_eq!((output, exited), (100_000, true));
    // A client still acknowledges what it has just shown. Were the socket gone, it would lose what it has not read.
    let acknowledgement = [&[0x05][..], &100_000_u64.to_be_bytes()].concat();
    for _ in 0..50 {
        stream.send(BINARY, &acknowledgement).expect("the daemon still reads");
        rpc.call("daemon/status", &json!({})).unwrap();
    }
    stream.send(CLOSE, &1000_u16.to_be_bytes()).unwrap();
    stream.ends("its close");
}

#[test]
fn a_detached_command_that_cannot_be_run_is_said() {
    let (sandbox, folder, _) = workspace(Image::Busybox);
    sandbox.gangplank(["exec", "-d", "true"]).within(&folder).run().success();
    sandbox
        .gangplank(["exec", "-d", "no-such-program"])
        .within(&folder)
        .run()
        .exits(127)
        .complains("no such command");
}

#[test]
fn a_terminal_that_is_closed_ends_a_command_and_leaves_a_shell() {
    let (sandbox, folder, _) = workspace(Image::Busybox);
    let mut rpc = sandbox.rpc();
    let mut running = || {
        let listed = rpc.call("process/list", &json!({})).unwrap();
        let listed = listed["processes"].as_array().unwrap().clone();
        listed.into_iter().filter(|process| process["exit"].is_null()).collect::<Vec<_>>()
    };
    for (verb, left) in [(&["exec", "sleep", "1000"][..], 0), (&["shell", "-c", "sleep 1000"], 1)] {
        let mut client = sandbox.gangplank(verb).within(&folder).spawn();
        wait_for(|| running().len() == 1, "it never ran");
        assert_eq!(running()[0]["clientPid"], client.id());
        let pid = rustix::process::Pid::from_child(&client);
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
        client.wait().unwrap();
        // A command is closed before its client ends.
        assert_eq!(running().len(), left, "{verb:?}");
    }
    let mut nohup = std::process::Command::new("nohup")
        .arg(gangplank_tests::sandbox::binary().unwrap())
        .args(["exec", "sh", "-c", "until [ -e /tmp/go ]; do sleep 0.1; done; exit 5"])
        .current_dir(&folder)
        .env_clear()
        .envs(sandbox.environment())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    wait_for(|| running().len() == 2, "it never ran");
    let pid = rustix::process::Pid::from_child(&nohup);
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    sandbox.gangplank(["exec", "touch", "/tmp/go"]).within(&folder).run().success();
    // It lived on until its command ended by itself.
    assert_eq!(nohup.wait().unwrap().code(), Some(5));
}

#[test]
fn a_process_left_running_is_listed_and_come_back_to() {
    let (sandbox, folder, _) = workspace(Image::Busybox);
    let say = "echo before; read word; echo got $word; exit 3";
    sandbox.gangplank(["exec", "-d", "-i", "sh", "-c", say]).within(&folder).run().success();
    let listed = sandbox.gangplank(["attach"]).run().success().text();
    let process = listed.lines().nth(1).unwrap().split(' ').next().unwrap();
    sandbox
        .gangplank(["attach", process])
        .input("hello\n")
        .run()
        .exits(3)
        .says_exactly("before\ngot hello\n");
    assert_eq!(sandbox.gangplank(["attach"]).run().success().text().lines().count(), 1);
    sandbox.gangplank(["attach", "p-none"]).run().exits(1).complains("notResumable");
}

#[test]
fn what_was_sent_before_a_client_left_arrives() {
    let (sandbox, folder, _) = workspace(Image::Busybox);
    let mut rpc = sandbox.rpc();
    for trial in 0..10 {
        let file = format!("/tmp/{trial}");
        let start = json!({
            "target": { "type": "workspace", "workspace": { "workspaceFolder": folder } },
            "argv": ["sh", "-c", format!("cat > {file}")], "interactive": true,
        });
        let started = rpc.call("process/start", &start).unwrap();
        let path = format!("/stream/{}", started["stream"]["streamId"].as_str().unwrap());
        let mut stream = RawSocket::open(&sandbox, &path).unwrap();
        stream.send(BINARY, b"\x01\0\0\0\0\0\0\0\0last words").unwrap();
        stream.send(BINARY, b"\x02").unwrap();
        stream.send(CLOSE, b"").unwrap();
        stream.ends("closing");
        wait_for(
            || {
                let listed = rpc.call("process/list", &json!({})).unwrap();
                let all = listed["processes"].as_array().unwrap();
                all.iter().any(|each| each["processId"] == started["processId"] && !each["exit"].is_null())
            },
            "its input never ended",
        );
        sandbox.gangplank(["exec", "cat", &file]).within(&folder).run().success().says_exactly("last words");
    }
}

#[test]
fn single_bytes_to_both_outputs_in_turn_flow_on() {
    let (sandbox, folder, _) = workspace(Image::Python);
    // A moment between them, or the engine joins them.
    let write =
        "import os, time\nfor n in range(18000):\n os.write(1, b'x'); os.write(2, b'y'); time.sleep(0.0002)";
    let output = sandbox.gangplank(["exec", "python3", "-c", write]).within(&folder).run().success();
    assert_eq!(output.text().len(), 18_000);
    assert_eq!(output.errors().len(), 18_000);
}
