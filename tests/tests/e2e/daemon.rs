//! The daemon's life: started by whoever comes first, ended when nothing needs it, safe to ask twice.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use gangplank_tests::{EngineKind, Image, Sandbox, engine, scale};
use serde_json::json;

/// Waits until `state` holds.
#[track_caller]
fn wait_for(what: &str, state: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !state() {
        assert!(Instant::now() < end, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn alive(pid: u64) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// The process ids of the daemons in the sandbox, whatever `daemon.json` says.
fn daemons(sandbox: &Sandbox) -> Vec<u32> {
    let processes = sandbox.processes().into_iter();
    processes.map(|process| process.id).filter(|id| is_daemon(*id)).collect()
}

fn is_daemon(pid: u32) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).nth(1) == Some(b"serve")
}

#[test]
fn of_clients_that_come_at_once_all_are_served_by_one_daemon() {
    let engine = engine::for_tests(EngineKind::Docker);
    for _ in 0..scale::trials(20, 200) {
        let sandbox = Sandbox::on(engine);
        let pids: Vec<String> = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        let status = sandbox.gangplank(["daemon", "status", "--format", "json"]);
                        sandbox.gangplank(["ps"]).run().success();
                        status.run().success().json()["pid"].to_string()
                    })
                })
                .collect();
            clients.into_iter().map(|client| client.join().unwrap()).collect()
        });
        assert_eq!(pids[0], pids[1]);
        // Those that came too late have ended, or are about to.
        wait_for("a single daemon", || daemons(&sandbox).len() == 1);
        assert_eq!(daemons(&sandbox)[0].to_string(), pids[0]);
    }
}

/// How long the daemons of these tests stay without activity.
const IDLE: Duration = Duration::from_secs(2);

fn serve_shortly(sandbox: &Sandbox) -> std::process::Child {
    sandbox.gangplank(["serve", "--idle-timeout", &IDLE.as_secs().to_string()]).spawn()
}

/// Lets more time pass than an idle daemon would stay: that nothing happens cannot be waited for.
#[track_caller]
fn outlast_idleness(pid: &serde_json::Value) {
    let end = Instant::now() + 2 * IDLE;
    while Instant::now() < end {
        assert!(alive(pid.as_u64().unwrap()), "the daemon ended while it was needed");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Sends a line to a `cat` and waits until it comes back.
#[track_caller]
fn says_back(cat: &mut std::process::Child, input: &mut std::process::ChildStdin) {
    use std::io::{Read, Write};
    input.write_all(b"still here\n").unwrap();
    let mut line = [0; 11];
    cat.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
    assert_eq!(&line, b"still here\n");
}

#[test]
fn it_ends_when_idle_but_not_while_something_runs() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    // First: a daemon that waits shortly for its first client is not to wait for an image.
    let image = Image::Busybox.on(engine).unwrap();
    let name = sandbox.name("held");
    let mut serve = serve_shortly(&sandbox);
    let pid = sandbox.await_daemon()["pid"].clone();
    let mut run = sandbox.gangplank(["run", "--rm", "-i", "--name", &name, image, "cat"]).spawn();
    let mut input = run.stdin.take().unwrap();
    says_back(&mut run, &mut input);
    // An attached process holds it for longer than it would wait.
    outlast_idleness(&pid);
    says_back(&mut run, &mut input);
    assert_eq!(sandbox.daemon().unwrap()["pid"], pid);
    drop(input);
    assert!(run.wait().unwrap().success());
    assert!(serve.wait().unwrap().success());
    assert!(sandbox.daemon().is_none());
}

#[test]
fn sigterm_ends_it_with_streams_open_and_containers_go_on() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let (image, name) = (Image::Busybox.on(engine).unwrap(), sandbox.name("lives"));
    sandbox.gangplank(["run", "-d", "--name", &name, image, "sleep", "1000"]).run().success();
    let exec =
        || sandbox.gangplank(["exec", "--container-id", &name, "sh", "-c", "echo on; sleep 1000"]).spawn();
    let mut clients: Vec<_> = (0..50).map(|_| exec()).collect();
    let mut rpc = sandbox.rpc();
    let running = |rpc: &mut gangplank_tests::sandbox::Rpc| rpc.call("daemon/status", &json!({})).unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while running(&mut rpc)["activity"]["streams"] != 50 {
        assert!(Instant::now() < end, "{}", running(&mut rpc));
    }
    let pid = sandbox.daemon().unwrap()["pid"].as_u64().unwrap();
    kill(pid, "TERM");
    let begun = Instant::now();
    wait_for("the daemon's end", || !alive(pid));
    // Two seconds are promised; a loaded machine may take longer to show it.
    assert!(begun.elapsed() < Duration::from_secs(10), "it took {:?}", begun.elapsed());
    for client in &mut clients {
        client.wait().unwrap();
    }
    let container = engine.api().get(&format!("/containers/{name}/json")).unwrap();
    assert_eq!(container["State"]["Running"], true);
}

fn kill(pid: u64, signal: &str) {
    let sent = std::process::Command::new("kill").args(["-s", signal, &pid.to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn a_socket_left_behind_is_taken_over_and_a_deleted_one_comes_back() {
    let sandbox = Sandbox::on(engine::for_tests(EngineKind::Docker));
    sandbox.gangplank(["ps"]).run().success();
    let before = sandbox.daemon().unwrap();
    let socket = std::path::PathBuf::from(before["socket"].as_str().unwrap());
    let mode = |path: &std::path::Path| path.symlink_metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&socket), mode(socket.parent().unwrap())), (0o600, 0o700));
    kill(before["pid"].as_u64().unwrap(), "KILL");
    wait_for("the daemon's end", || !alive(before["pid"].as_u64().unwrap()));
    assert!(socket.exists(), "the test wants a socket that was left behind");
    sandbox.gangplank(["ps"]).run().success();
    let after = sandbox.daemon().unwrap();
    assert_ne!(before["pid"], after["pid"]);
    std::fs::remove_file(&socket).unwrap();
    wait_for("the socket", || socket.exists());
    sandbox.gangplank(["ps"]).run().success();
    assert_eq!(sandbox.daemon().unwrap()["pid"], after["pid"]);
}

#[test]
fn a_record_that_was_damaged_locks_nobody_out() {
    let sandbox = Sandbox::on(engine::for_tests(EngineKind::Docker));
    let record = sandbox.path("state").join("gangplank/daemon.json");
    sandbox.gangplank(["ps"]).run().success();
    let whole = std::fs::read(&record).unwrap();
    let pid = sandbox.daemon().unwrap()["pid"].as_u64().unwrap();
    // Under a daemon that lives: it mends it, and a client waits for that.
    for damage in [&b"garbage"[..], b"", &whole[..whole.len() / 2]] {
        std::fs::write(&record, damage).unwrap();
        sandbox.gangplank(["ps"]).run().success();
        assert_eq!(sandbox.daemon().unwrap()["pid"], pid);
    }
    std::fs::remove_file(&record).unwrap();
    sandbox.gangplank(["ps"]).run().success();
    assert_eq!(sandbox.daemon().unwrap()["pid"], pid);
    // Left behind by one that is dead, cut off at any byte.
    let step = scale::trials(whole.len() / 8, 1);
    for length in (0..whole.len()).step_by(step) {
        let before = sandbox.await_daemon()["pid"].as_u64().unwrap();
        kill(before, "KILL");
        wait_for("the daemon's end", || !alive(before));
        std::fs::write(&record, &whole[..length]).unwrap();
        sandbox.gangplank(["daemon", "stop"]).run().success().complains("no daemon is running");
        sandbox.gangplank(["ps"]).run().success();
        assert_ne!(sandbox.daemon().unwrap()["pid"], before);
    }
    sandbox.gangplank(["daemon", "stop"]).run().success();
}

#[test]
fn why_a_daemon_cannot_start_is_told_cause_by_cause() {
    let sandbox = Sandbox::at("unix:///nowhere/engine.sock");
    let run = sandbox.gangplank(["ps"]).env("XDG_STATE_HOME", "/proc/x").run().exits(1);
    let errors = run.errors();
    let causes: Vec<&str> = errors.lines().filter_map(|line| line.strip_prefix("  because: ")).collect();
    let [first, second, third] = causes[..] else { panic!("{run}") };
    assert_eq!(first, "the daemon has no safe place for its files");
    assert_eq!(second, "could not make /proc/x");
    assert!(third.starts_with("No such file or directory"), "{third}");
}

#[test]
fn a_long_home_does_no_harm() {
    let sandbox = Sandbox::on(engine::for_tests(EngineKind::Docker));
    let long = sandbox.path("x".repeat(120));
    std::fs::create_dir(&long).unwrap();
    std::fs::set_permissions(&long, std::fs::Permissions::from_mode(0o700)).unwrap();
    let path = long.display().to_string();
    let run = |arguments: &[&str]| {
        sandbox
            .gangplank(arguments)
            .env("HOME", &path)
            .env("XDG_STATE_HOME", &path)
            .env("XDG_RUNTIME_DIR", &path)
            .run()
    };
    run(&["ps"]).success();
    run(&["daemon", "stop"]).success();
}

#[test]
fn the_same_request_key_does_the_work_once() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let mut rpc = sandbox.rpc();
    let image = Image::Busybox.on(engine).unwrap();
    let label = json!({ "dev.gangplank.test": sandbox.unique() });
    let run =
        json!({ "image": image, "command": ["true"], "detach": true, "labels": label, "requestKey": "once" });
    let first = rpc.call("container/run", &run).unwrap();
    assert_eq!(rpc.call("container/run", &run).unwrap(), first);
    let mut other = run.clone();
    other["command"] = json!(["false"]);
    assert_eq!(rpc.call("container/run", &other).unwrap_err()["data"]["kind"], "requestKeyConflict");
    let mut operation = json!({ "state": "running" });
    while operation["state"] == "running" {
        operation = rpc.call("operation/get", &json!({ "operationId": first["operationId"] })).unwrap();
    }
    assert_eq!(operation["state"], "succeeded", "{operation}");
    let filter = json!({ "all": true, "labels": [format!("dev.gangplank.test={}", sandbox.unique())] });
    let list = rpc.call("container/list", &filter).unwrap();
    assert_eq!(list["containers"].as_array().unwrap().len(), 1);
}

#[test]
fn a_client_of_another_protocol_is_refused_by_type() {
    let sandbox = Sandbox::on(engine::for_tests(EngineKind::Docker));
    let mut rpc = sandbox.rpc();
    let hello =
        json!({ "protocolVersion": { "major": 99, "minor": 0 }, "client": { "name": "x", "version": "0" } });
    let error = rpc.call("daemon/hello", &hello).unwrap_err();
    assert_eq!(error["data"]["kind"], "protocolVersionMismatch");
    assert!(rpc.call("no/such", &json!({})).unwrap_err()["code"] == -32601);
    assert_eq!(
        rpc.call("operation/get", &json!({ "operationId": "../../x" })).unwrap_err()["data"]["kind"],
        "notFound"
    );
}

#[test]
fn no_engine_is_said_soon_with_everything_that_was_tried() {
    let sandbox = Sandbox::at("unix:///nowhere/engine.sock");
    let begun = Instant::now();
    sandbox.gangplank(["ps"]).run().exits(5).complains("/nowhere/engine.sock").complains("engineUnavailable");
    assert!(begun.elapsed() < Duration::from_secs(20), "it took {:?}", begun.elapsed());
    sandbox.gangplank(["pss"]).run().exits(2).complains("ps");
}

#[test]
fn an_operation_and_a_watch_hold_it_like_a_process() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let configuration = json!({ "image": Image::Busybox.on(engine).unwrap(), "onCreateCommand": "until [ -e go-on ]; do sleep 0.1; done" });
    let folder = sandbox.workspace("project", &configuration.to_string());
    let mut serve = serve_shortly(&sandbox);
    let pid = sandbox.await_daemon()["pid"].clone();

    // Nobody waits for it, and it takes longer than the daemon would wait: as long as the test wants.
    let params = json!({ "workspace": { "workspaceFolder": folder } });
    let operation = sandbox.rpc().call("workspace/up", &params).unwrap()["operationId"].clone();
    let state = || {
        let get = json!({ "operationId": operation });
        sandbox.rpc().call("operation/get", &get).unwrap()["state"].clone()
    };
    // Asking every now and then would hold the daemon, so it is looked at from outside.
    let marker = || {
        let all = engine.api().get("/containers/json").unwrap();
        let label = folder.display().to_string();
        all.as_array()
            .unwrap()
            .iter()
            .any(|each| each["Labels"]["devcontainer.local_folder"] == label.as_str())
    };
    wait_for("the container", marker);
    outlast_idleness(&pid);
    assert_eq!(state(), "running");
    assert_eq!(sandbox.daemon().unwrap()["pid"], pid);
    std::fs::write(folder.join("go-on"), "").unwrap();
    wait_for("the end of the operation", || state() == "succeeded");

    let mut held = sandbox.rpc();
    let mut watch = sandbox.gangplank(["watch"]).within(&folder).spawn();
    let end = Instant::now() + Duration::from_secs(60);
    while held.call("daemon/status", &json!({})).unwrap()["activity"]["watches"] != 1 {
        assert!(Instant::now() < end, "no watch began");
    }
    drop(held);
    outlast_idleness(&pid);
    assert_eq!(sandbox.daemon().unwrap()["pid"], pid);
    watch.kill().unwrap();
    watch.wait().unwrap();
    assert!(serve.wait().unwrap().success());
}

#[test]
fn a_runtime_directory_that_is_deleted_comes_back() {
    let sandbox = Sandbox::on(engine::for_tests(EngineKind::Docker));
    sandbox.gangplank(["ps"]).run().success();
    let daemon = sandbox.daemon().unwrap();
    let socket = std::path::PathBuf::from(daemon["socket"].as_str().unwrap());
    // As a session manager does when the last session ends.
    std::fs::remove_dir_all(sandbox.path("run")).unwrap();
    std::fs::create_dir(sandbox.path("run")).unwrap();
    std::fs::set_permissions(sandbox.path("run"), std::fs::Permissions::from_mode(0o700)).unwrap();
    wait_for("the socket", || socket.exists());
    sandbox.gangplank(["ps"]).run().success();
    assert_eq!(sandbox.daemon().unwrap()["pid"], daemon["pid"]);
}

#[test]
fn a_state_directory_that_is_deleted_comes_back_and_never_has_two_daemons() {
    let sandbox = Sandbox::on(engine::for_tests(EngineKind::Docker));
    let state = sandbox.path("state/gangplank");
    sandbox.gangplank(["ps"]).run().success();
    let pid = || sandbox.daemon().map(|daemon| daemon["pid"].clone());
    // Nobody comes meanwhile: the daemon makes it whole again.
    let first = pid();
    std::fs::remove_dir_all(&state).unwrap();
    wait_for("daemon.json", || pid().is_some());
    assert_eq!(state.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    sandbox.gangplank(["ps"]).run().success();
    assert_eq!((pid(), daemons(&sandbox).len()), (first, 1));

    // A client comes at once: whichever daemon is left then, it is the one that clients find, and it stays.
    for _ in 0..scale::trials(3, 20) {
        std::fs::remove_dir_all(&state).unwrap();
        sandbox.gangplank(["ps"]).run().success();
        wait_for("a single daemon", || daemons(&sandbox).len() == 1);
        let left = daemons(&sandbox)[0];
        wait_for("its record", || pid() == Some(json!(left)));
        let socket = std::path::PathBuf::from(sandbox.daemon().unwrap()["socket"].as_str().unwrap());
        wait_for("its socket", || std::os::unix::net::UnixStream::connect(&socket).is_ok());
        sandbox.gangplank(["ps"]).run().success();
        assert_eq!(daemons(&sandbox), [left]);
    }
}

#[test]
fn its_verbs_tell_end_and_show_it_and_start_none() {
    let sandbox = Sandbox::on(engine::for_tests(EngineKind::Docker));
    sandbox.gangplank(["daemon", "status"]).run().exits(3).complains("no daemon is running");
    sandbox.gangplank(["daemon", "stop"]).run().success().complains("no daemon is running");
    assert!(sandbox.daemon().is_none());
    sandbox.gangplank(["ps"]).run().success();
    let pid = sandbox.daemon().unwrap()["pid"].as_u64().unwrap();
    sandbox.gangplank(["daemon", "status"]).run().success().says(&format!("process {pid}"));
    sandbox.gangplank(["daemon", "logs"]).run().success().says("the daemon is there");
    let last = sandbox.gangplank(["daemon", "logs", "-n", "1"]).run().success().text();
    assert_eq!(last.lines().count(), 1, "{last}");
    sandbox.gangplank(["daemon", "stop"]).run().success().complains("containers go on");
    wait_for("the daemon's end", || !alive(pid));
    assert!(sandbox.daemon().is_none());
    sandbox.gangplank(["daemon", "logs"]).run().success().says("was asked to stop");
}

#[test]
fn over_stdio_it_speaks_with_the_framing_of_language_servers() {
    use std::io::{Read, Write};
    let sandbox = Sandbox::on(engine::for_tests(EngineKind::Docker));
    let mut rpc = sandbox.rpc();
    let info = rpc.call("engine/info", &json!({})).unwrap();
    assert!(info["apiVersion"].as_str().unwrap().contains('.'), "{info}");
    assert_eq!(rpc.call("no/such", &json!({})).unwrap_err()["code"], -32601);
    let folder = sandbox.workspace("project", "{}");
    rpc.call("watch/subscribe", &json!({ "workspaceFolder": folder })).unwrap();
    assert_eq!(rpc.item().unwrap()["event"]["type"], "ready");

    // Two messages in one piece, and the end of the input is the end of the program.
    let mut connect = sandbox.gangplank(["connect", "--stdio"]).spawn();
    let ask = |id: u8| {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"daemon/status","params":{{}}}}"#);
        format!(
            "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\ncontent-length: {}\r\n\r\n{text}",
            text.len()
        )
    };
    let mut input = connect.stdin.take().unwrap();
    input.write_all((ask(1) + &ask(2)).as_bytes()).unwrap();
    let mut output = connect.stdout.take().unwrap();
    let mut heard = String::new();
    while !(heard.contains(r#""id":1"#) && heard.contains(r#""id":2"#)) {
        let mut piece = [0; 4096];
        let length = output.read(&mut piece).unwrap();
        assert!(length > 0, "{heard}");
        heard.push_str(std::str::from_utf8(&piece[..length]).unwrap());
    }
    assert!(heard.starts_with("Content-Length: "), "{heard}");
    drop(input);
    assert!(connect.wait().unwrap().success());
}

#[test]
fn an_operations_feed_goes_on_where_a_client_left_it() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let configuration = json!({ "image": Image::Busybox.on(engine).unwrap() });
    let folder = sandbox.workspace("project", &configuration.to_string());
    let params = json!({ "workspace": { "workspaceFolder": folder } });
    let mut rpc = sandbox.rpc();
    let id = rpc.call("workspace/up", &params).unwrap()["operationId"].clone();
    let follow = |since: Option<&serde_json::Value>| {
        let mut params = json!({ "operationId": id });
        if let Some(item) = since {
            params["since"] = json!({ "epoch": item["epoch"], "seq": item["seq"] });
        }
        let mut rpc = sandbox.rpc();
        rpc.call("operation/subscribe", &params).unwrap();
        let mut items = Vec::new();
        while items.last().is_none_or(|item: &serde_json::Value| item["event"]["type"] != "ended") {
            items.push(rpc.item().unwrap());
        }
        items
    };
    let all = follow(None);
    assert!(all.len() > 4, "{all:?}");
    for pair in all.windows(2) {
        assert_eq!(pair[0]["seq"].as_u64().unwrap() + 1, pair[1]["seq"].as_u64().unwrap());
    }
    assert_eq!(follow(Some(&all[2])), all[3..]);
    let elsewhere = json!({ "epoch": "another", "seq": 3 });
    assert_eq!(follow(Some(&elsewhere))[0]["resync"], true);
}

#[test]
fn help_completion_and_a_word_for_a_typo() {
    let sandbox = Sandbox::at("unix:///nowhere/engine.sock");
    sandbox.gangplank(["--help"]).run().success().says("up").says("exec").says("watch");
    for verb in ["up", "exec", "run", "ps", "watch", "serve", "connect"] {
        sandbox.gangplank([verb, "--help"]).run().success().says("Example");
    }
    for shell in ["bash", "zsh", "fish"] {
        sandbox.gangplank(["completion", shell]).run().success().says("gangplank");
    }
    sandbox.gangplank(["imges"]).run().exits(2).complains("images");
    // As the reference's verb of this name.
    sandbox.gangplank(["up", "--workspace-foldr", "x"]).run().exits(1).complains("--workspace-folder");
    assert!(sandbox.daemon().is_none(), "none of these needs a daemon");
}
