//! Processes in containers: grammar, exit codes, bytes, terminals, several engines.

use gangplank_tests::{EngineKind, Image, Sandbox, engine};
use serde_json::json;

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
    exec(&["no-such-program"]).exits(127);
    exec(&["sh", "-c", "echo out; echo err >&2"]).success().says_exactly("out\n").complains("err");
    exec(&["printf", "[%s]", "a b", "", "$x", "--flag"]).success().says_exactly("[a b][][$x][--flag]");
    exec(&["-e", "A=x y", "-u", "app", "-w", "/tmp", "sh", "-c", "echo $A $E $(id -un) $(pwd)"])
        .success()
        .says_exactly("x y 1 app /tmp\n");
    let details = engine::for_tests(EngineKind::Docker).api().get(&format!("/containers/{id}/json")).unwrap();
    let name = details["Name"].as_str().unwrap().trim_start_matches('/');
    for container in [&id[..], &id[..12], name] {
        sandbox
            .gangplank(["exec", "--container-id", container, "echo", "found"])
            .run()
            .success()
            .says("found");
    }
    exec(&["--unknown-flag"]).exits(2);
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
fn a_terminal_feels_like_one() {
    let (sandbox, folder, _) = workspace(Image::Python);
    let mut terminal = sandbox.gangplank(["exec", "bash", "--norc"]).within(&folder).on_terminal(90, 20);
    terminal.types("stty size; tty\r");
    terminal.shows("20 90");
    terminal.resizes(71, 33);
    terminal.types("until [ \"$(stty size)\" = '33 71' ]; do sleep 0.1; done; echo res''ized\r");
    terminal.shows("resized");
    terminal.types("echo wai''ting; sleep 1000\r");
    terminal.shows("waiting");
    terminal.types("\u{3}");
    terminal.types("echo code $?\r");
    terminal.shows("code 130");
    // Bytes that engines take for their own: NUL, 1, 2, and Ctrl-P.
    terminal.types("stty -echo raw; echo rea''dy; dd bs=1 count=5 2>/dev/null | od -An -tx1; stty sane\r");
    terminal.shows("ready");
    terminal.types([0_u8, 1, 2, 0x10, 0x41]);
    terminal.shows("00 01 02 10 41");
    terminal.types("exit 9\r");
    let _ = terminal.exits(9);
}

#[test]
fn the_detach_keys_leave_the_process_running() {
    let (sandbox, folder, _) = workspace(Image::Busybox);
    let mut terminal = sandbox.gangplank(["exec", "sh"]).within(&folder).on_terminal(80, 24);
    terminal.types("echo he''re; (sleep 2; touch lived) & wait; sleep 1000\r");
    terminal.shows("here");
    terminal.types("\u{10}\u{11}");
    let _ = terminal.exits(0);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !folder.join("lived").exists() {
        assert!(std::time::Instant::now() < end, "the process did not live on");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn shell_behaves_as_a_shell_in_the_mapped_directory() {
    let (sandbox, folder, _) = workspace(Image::Busybox);
    std::fs::create_dir(folder.join("sub")).unwrap();
    let shell =
        |arguments: &[&str]| sandbox.gangplank([&["shell"], arguments].concat()).within(folder.join("sub"));
    shell(&["-c", "pwd; exit 4"]).run().exits(4).says_exactly("/workspaces/project/sub\n");
    shell(&["-l", "-c", "echo $E"]).run().success().says_exactly("1\n");
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
