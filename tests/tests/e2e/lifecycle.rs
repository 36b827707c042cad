//! Hooks and the environment that they and processes run in: forms, failures, what flags leave out.

use gangplank_tests::engine::Body;
use gangplank_tests::{EngineKind, Image};
use serde_json::json;

use super::project::{Project, id_of, wait_for};

/// A value with everything that a shell, JSON or a list of variables could trip over.
const AWKWARD: &str = "a \"b\" 'c' $HOME ${x} `d` \\ =\tü 漢字 😀\nsecond line";

#[test]
fn values_of_variables_reach_the_container_byte_by_byte() {
    let project = Project::new(
        Image::Busybox,
        &json!({
            "containerEnv": { "AWKWARD": AWKWARD, "EMPTY": "", "HERE": "1" },
            "remoteEnv": { "COPY": "${containerEnv:AWKWARD}", "FALLBACK": "${localEnv:GP_NONE:else}", "HERE": null },
        }),
    );
    let result = project.up(&["--trust"]);
    let details = project.inspect(id_of(&result));
    let variables: Vec<&str> =
        details["Config"]["Env"].as_array().unwrap().iter().map(|entry| entry.as_str().unwrap()).collect();
    assert!(variables.contains(&&*format!("AWKWARD={AWKWARD}")), "{variables:?}");
    assert!(variables.contains(&"EMPTY="), "{variables:?}");
    assert_eq!(project.in_container("printf %s \"$AWKWARD\""), AWKWARD);
    assert_eq!(project.in_container("printf %s \"$COPY\""), AWKWARD);
    assert_eq!(
        project.in_container("echo ${EMPTY-unset} $FALLBACK ${HERE-unset}"),
        " else unset\n".trim_start()
    );
}

#[test]
fn an_array_is_run_without_a_shell_and_an_objects_commands_side_by_side() {
    let project = Project::new(
        Image::Busybox,
        &json!({
            "onCreateCommand": ["touch", "$HOME; a b"],
            // Each waits for the other: one after the other they would never end.
            "postCreateCommand": {
                "left": "touch left; until [ -e right ]; do sleep 0.1; done",
                "right": ["sh", "-c", "touch right; until [ -e left ]; do sleep 0.1; done"],
            },
        }),
    );
    project.up(&[]);
    for file in ["$HOME; a b", "left", "right"] {
        assert!(project.folder.join(file).exists(), "{file}");
    }
}

#[test]
fn every_hook_has_the_references_marker() {
    let project = Project::new(
        Image::Python,
        &json!({
            "remoteUser": "vscode", "onCreateCommand": "true", "updateContentCommand": "true",
            "postCreateCommand": "true", "postStartCommand": "true", "postAttachCommand": "true",
        }),
    );
    let result = project.up(&[]);
    let details = project.inspect(id_of(&result));
    let (created, started) = (&details["Created"], &details["State"]["StartedAt"]);
    let home = project.in_container("cd; pwd").trim().to_owned();
    assert_ne!(home, "/root");
    let names = project.in_container("ls -A ~/.devcontainer");
    let expected = [
        (".onCreateCommandMarker", created),
        (".postCreateCommandMarker", created),
        (".postStartCommandMarker", started),
        (".updateContentCommandMarker", created),
    ];
    assert_eq!(names.lines().collect::<Vec<_>>(), expected.map(|(name, _)| name));
    for (name, time) in expected {
        let content = project.in_container(&format!("cat ~/.devcontainer/{name}"));
        assert_eq!(content, format!("{}\n", time.as_str().unwrap()), "{name}");
    }
}

#[test]
fn flags_leave_hooks_out_until_an_up_without_them() {
    let says = |hook: &str| format!("echo {hook} $ADDED >> log");
    let project = Project::new(
        Image::Busybox,
        &json!({
            "onCreateCommand": says("onCreate"), "updateContentCommand": says("updateContent"),
            "postCreateCommand": says("postCreate"), "postStartCommand": says("postStart"),
            "postAttachCommand": says("postAttach"),
        }),
    );
    let fresh = |flags: &[&str]| {
        let before = project.log();
        project.up(flags);
        project.log().strip_prefix(&before).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(fresh(&["--skip-post-create"]).is_empty());
    assert_eq!(fresh(&["--skip-non-blocking-commands"]), ["onCreate", "updateContent"]);
    assert_eq!(
        fresh(&["--skip-post-attach", "--remote-env", "ADDED=more words"]),
        ["postCreate more words", "postStart more words"]
    );
    assert_eq!(fresh(&[]), ["postAttach"]);
}

#[test]
fn a_failing_part_of_an_object_is_named_and_the_container_stays() {
    let project = Project::new(
        Image::Busybox,
        &json!({
            "postCreateCommand": { "good": "echo fine", "bad": "echo the reason >&2; exit 4" },
            "postStartCommand": "touch started",
        }),
    );
    let output = project.run(&["up"]).exits(1).complains("the reason").complains("exit code 4");
    let result = output.json();
    assert_eq!((&result["outcome"], &result["kind"]), (&json!("error"), &json!("lifecycleFailed")));
    assert_eq!(result["step"], "postCreateCommand");
    assert!(result["message"].as_str().unwrap().contains("postCreateCommand (bad)"), "{result}");
    assert_eq!(result["details"]["exitCode"], 4);
    assert!(result["details"]["lastOutput"].to_string().contains("the reason"), "{result}");
    assert_eq!(project.containers().len(), 1);
    assert!(!project.folder.join("started").exists());
}

#[test]
fn a_failing_initialize_command_ends_it_before_there_is_a_container() {
    let project = Project::new(
        Image::Busybox,
        &json!({ "initializeCommand": "echo no network here; exit 5", "onCreateCommand": "touch created" }),
    );
    let output = project.run(&["up", "--trust"]).exits(1).complains("no network here");
    let result = output.json();
    assert_eq!((&result["step"], &result["kind"]), (&json!("initializeCommand"), &json!("lifecycleFailed")));
    assert_eq!(result["containerId"], json!(null));
    assert_eq!(project.containers().len(), 0);
    project.configure(&json!({ "initializeCommand": "true", "onCreateCommand": "touch created" }));
    project.up(&["--trust"]);
    assert!(project.folder.join("created").exists());
}

#[test]
fn an_interrupted_hook_ends_and_the_next_up_goes_on_after_it() {
    let project = Project::new(
        Image::Busybox,
        &json!({ "onCreateCommand": "echo $$ > pid; touch runs; sleep 1000", "postCreateCommand": "touch after" }),
    );
    let mut terminal = project.sandbox.gangplank(["up"]).within(&project.folder).on_terminal(100, 30);
    terminal.shows("onCreateCommand");
    wait_for(|| project.folder.join("runs").exists(), "the hook never ran");
    terminal.types("\u{3}");
    let told = terminal.exits(130);
    let next = "onCreateCommand was cut off and counts as run; `gangplank rebuild";
    assert!(told.contains(next), "{told}");
    let gone = "p=$(cat pid); [ ! -d /proc/$p ] && echo gone || echo runs";
    wait_for(|| project.in_container(gone) == "gone\n", "the hook's process lives on");
    project.run(&["status"]).success().says("onCreateCommand: cut off after");
    // As the reference: its marker was written before it ran.
    project.up(&[]);
    assert!(project.folder.join("after").exists());
    assert_eq!(project.containers().len(), 1);
}

#[test]
fn a_cancelled_hook_ends_with_all_that_it_runs() {
    for kind in [EngineKind::Docker, EngineKind::Podman] {
        hook_ends_with_its_session(kind);
    }
}

fn hook_ends_with_its_session(kind: EngineKind) {
    let project = Project::on(
        kind,
        Image::Busybox,
        &json!({ "postCreateCommand": {
            "plain": "touch plain; sleep 1077; touch went-on",
            "stubborn": "trap '' HUP TERM; touch stubborn; sleep 1077; touch went-on",
        } }),
    );
    let mut terminal = project.sandbox.gangplank(["up"]).within(&project.folder).on_terminal(100, 30);
    terminal.shows("postCreateCommand");
    let sleeping =
        "for p in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $p; echo; done 2>/dev/null | grep -c '^sleep 1077'";
    let number = || project.run(&["exec", "sh", "-c", sleeping]).text().trim().to_owned();
    wait_for(|| project.folder.join("stubborn").exists() && number() == "2", "the hook never ran");
    terminal.types("\u{3}");
    let _ = terminal.exits(130);
    wait_for(|| number() == "0", "a command of the hook lives on");
    assert!(!project.folder.join("went-on").exists());
}

/// Runs `up` until the hook begins, and cancels it at once.
fn cancel_as_it_begins(project: &Project, hook: &str) {
    let mut rpc = project.sandbox.rpc();
    let params = json!({ "workspace": { "workspaceFolder": project.folder }, "trust": "grant" });
    let id = rpc.call("workspace/up", &params).unwrap()["operationId"].clone();
    let operation = json!({ "operationId": id });
    rpc.call("operation/subscribe", &operation).unwrap();
    loop {
        let event = rpc.item().unwrap()["event"].take();
        assert_ne!(event["type"], "ended", "{hook} never ran: {event}");
        if event["step"]["step"] == hook && event["step"]["status"] == "running" {
            break;
        }
    }
    assert_eq!(rpc.call("operation/cancel", &operation).unwrap()["state"], "cancelled");
}

/// The commands with `part` in them that run in the project's container, as the engine sees them.
fn commands(project: &Project, part: &str) -> Vec<String> {
    let containers = project.containers();
    let top = format!("/containers/{}/top", containers[0]["Id"].as_str().unwrap());
    let processes = project.engine.api().get(&top).unwrap()["Processes"].take();
    let commands = processes.as_array().unwrap().iter().map(|process| process.to_string());
    commands.filter(|command| command.contains(part)).collect()
}

#[test]
fn a_hook_cancelled_as_it_begins_does_not_run_on() {
    for kind in [EngineKind::Docker, EngineKind::Podman] {
        // It runs at each `up`, and sleeps where there is a file.
        let project = Project::on(
            kind,
            Image::Busybox,
            &json!({ "postAttachCommand": {
                "one": "[ ! -e on ] || exec sleep 1088",
                "other": "[ ! -e on ] || { sleep 1088; sleep 1088; }",
            } }),
        );
        project.up(&[]);
        std::fs::write(project.folder.join("on"), "").unwrap();
        for _ in 0..10 {
            cancel_as_it_begins(&project, "postAttachCommand");
        }
        std::fs::remove_file(project.folder.join("on")).unwrap();
        project.up(&[]);
        wait_for(|| commands(&project, "sleep 1088").is_empty(), "a command of a cancelled hook runs on");
    }
}

#[test]
fn what_a_cancelled_hook_begins_when_it_is_hung_up_ends_too() {
    let project = Project::new(
        Image::Busybox,
        &json!({
            "postAttachCommand":
                "setsid sleep 1099 & trap 'sleep 1311 & touch hung-up; exit 0' HUP; touch runs; sleep 1312 & wait",
        }),
    );
    let mut terminal = project.sandbox.gangplank(["up"]).within(&project.folder).on_terminal(100, 30);
    terminal.shows("postAttachCommand");
    let left_the_session =
        || commands(&project, "sleep 1099").iter().any(|command| !command.contains("trap"));
    wait_for(|| project.folder.join("runs").exists() && left_the_session(), "the hook never ran");
    terminal.types("\u{3}");
    let _ = terminal.exits(130);
    wait_for(|| project.folder.join("hung-up").exists(), "the hook was not hung up");
    wait_for(|| commands(&project, "sleep 13").is_empty(), "what the hook began at its end lives on");
    assert!(left_the_session(), "what left the hook's session was none of ours");
}

#[test]
fn on_an_engine_elsewhere_a_cancelled_hook_ends_and_without_an_agent_is_said_to_run_on_perhaps() {
    let hook = "trap 'touch ended; exit' HUP; touch runs; while :; do sleep 0.1; done";
    for with_agent in [true, false] {
        let project = Project::new(Image::Busybox, &json!({ "postAttachCommand": hook }));
        if !with_agent {
            made_where_no_agent_can_be(&project);
        }
        let host = format!("tcp://127.0.0.1:{}", super::folders::relay(project.engine.socket()));
        let up = project.sandbox.gangplank(["up"]).within(&project.folder).env("DOCKER_HOST", &host);
        let mut terminal = up.on_terminal(100, 30);
        wait_for(|| project.folder.join("runs").exists(), "the hook never ran");
        terminal.types("\u{3}");
        let told = terminal.exits(130);
        assert_eq!(told.contains("may still run in the container"), !with_agent, "{told}");
        if with_agent {
            wait_for(|| project.folder.join("ended").exists(), "the hook runs on");
        }
    }
}

/// Makes the project's container as another tool would: without the agent's volume, and with no place for a program.
fn made_where_no_agent_can_be(project: &Project) {
    let file = project.folder.join(".devcontainer/devcontainer.json");
    let container = json!({
        "Image": project.image,
        "Cmd": ["sleep", "1000000"],
        "Labels": { "devcontainer.local_folder": project.folder, "devcontainer.config_file": file },
        "HostConfig": {
            "ReadonlyRootfs": true,
            "Mounts": [{ "Type": "bind", "Source": project.folder, "Target": "/workspaces/project" }],
        },
    });
    let create = format!("/containers/create?name={}", project.sandbox.name("made"));
    project.engine.api().post(&create, Body::Json(&container)).unwrap();
}
