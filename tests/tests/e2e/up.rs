//! A folder opened in its container: what is made, which hooks run as whom, what the result says, what is refused.

use gangplank_tests::engine::Body;
use gangplank_tests::{EngineKind, Image, Sandbox, engine};
use serde_json::json;

use super::project::{Project, id_of};

#[test]
fn hooks_run_in_order_with_the_right_user_directory_and_environment_and_only_when_due() {
    let project = Project::new(
        Image::Python,
        &json!({
            "remoteUser": "vscode",
            "remoteEnv": { "FOO": "${localEnv:GP_X}-${containerEnv:BASE}", "GONE": null },
            "containerEnv": { "BASE": "a \"b\" $c\nü", "GONE": "here" },
            "initializeCommand": "echo initialize $GP_X $(basename $PWD) >> log; chmod 777 . log",
            "onCreateCommand": "echo onCreate $(id -un) $(basename $PWD) $FOO ${GONE-unset} >> log",
            "updateContentCommand": ["sh", "-c", "echo updateContent \"$0\" >> log", "a  b"],
            "postCreateCommand": { "one": "echo postCreate one >> log", "two": ["sh", "-c", "echo postCreate two >> log"] },
            "postStartCommand": "echo postStart >> log",
            "postAttachCommand": "echo postAttach $GANGPLANK >> log",
        }),
    );
    let first = project.up(&["--trust"]);
    let text = project.log();
    let mut lines: Vec<&str> = text.lines().collect();
    // The two of an object run side by side.
    lines[3..5].sort_unstable();
    let expected = [
        "initialize 1 project",
        "onCreate vscode project 1-a \"b\" $c ü unset",
        "updateContent a  b",
        "postCreate one",
        "postCreate two",
        "postStart",
        "postAttach 1",
    ];
    assert_eq!(lines, expected);
    let keys: Vec<&str> = first.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["outcome", "containerId", "remoteUser", "remoteWorkspaceFolder"]);
    assert_eq!(first["remoteUser"], "vscode");
    assert_eq!(first["remoteWorkspaceFolder"], "/workspaces/project");

    // The markers are the reference's, with the engine's own text.
    let details = project.inspect(id_of(&first));
    let marker = |hook: &str| project.in_container(&format!("cat ~/.devcontainer/.{hook}Marker"));
    assert_eq!(marker("onCreateCommand"), format!("{}\n", details["Created"].as_str().unwrap()));
    assert_eq!(marker("postStartCommand"), format!("{}\n", details["State"]["StartedAt"].as_str().unwrap()));

    let before = project.log();
    assert_eq!(project.up(&["--trust"]), first);
    assert_eq!(project.log().strip_prefix(&before).unwrap(), "initialize 1 project\npostAttach 1\n");

    let before = project.log();
    project.run(&["stop"]).success();
    project.up(&["--trust"]);
    assert_eq!(
        project.log().strip_prefix(&before).unwrap(),
        "initialize 1 project\npostStart\npostAttach 1\n"
    );
    assert_eq!(project.containers().len(), 1);

    // Markers that another tool left count, even when nothing is remembered here.
    std::fs::remove_dir_all(project.sandbox.path("state").join("gangplank/hooks")).unwrap();
    let before = project.log();
    project.up(&["--trust"]);
    assert_eq!(project.log().strip_prefix(&before).unwrap(), "initialize 1 project\npostAttach 1\n");
}

#[test]
fn the_daemon_has_no_environment_of_its_own() {
    let project = Project::new(
        Image::Busybox,
        &json!({ "remoteEnv": { "SEEN": "${localEnv:GP_X}" }, "initializeCommand": "echo $GP_X > seen" }),
    );
    // Started by somebody who has nothing but what says where things are, not even an engine.
    let places = ["HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"];
    let environment = project.sandbox.environment();
    let started = std::process::Command::new(gangplank_tests::sandbox::binary().unwrap())
        .arg("ps")
        .env_clear()
        .envs(environment.into_iter().filter(|(name, _)| places.contains(name)))
        .current_dir("/")
        .output()
        .unwrap();
    let daemons = project.sandbox.processes();
    assert!(!daemons.is_empty(), "no daemon was started: {started:?}");
    project.up(&["--trust"]);
    assert_eq!(project.in_container("echo $SEEN; cat seen"), "1\n1\n");
    assert_eq!(project.sandbox.processes(), daemons, "it is the same daemon");
}

#[test]
fn a_failing_hook_is_named_with_its_own_output_and_later_hooks_do_not_run() {
    let project = Project::new(
        Image::Busybox,
        &json!({
            "onCreateCommand": "echo first",
            "postCreateCommand": "echo the reason; exit 3",
            "postStartCommand": "touch started",
        }),
    );
    let output = project.run(&["up"]).exits(1).complains("the reason").complains("gangplank rebuild");
    let result = output.json();
    assert_eq!(result["outcome"], "error");
    assert!(
        result["message"].as_str().unwrap().contains("postCreateCommand failed with exit code 3"),
        "{result}"
    );
    let id = result["containerId"].as_str().unwrap();
    assert_eq!(project.inspect(id)["State"]["Running"], true);
    assert!(!project.folder.join("started").exists());
    project.run(&["status"]).success().says("postCreateCommand");
    // As the reference: its marker was written before it ran, so the next `up` goes on after it.
    assert_eq!(project.up(&[])["containerId"], id);
    assert!(project.folder.join("started").exists());
}

#[test]
fn properties_and_run_args_reach_the_container() {
    let project = Project::new(
        Image::Busybox,
        &json!({
            "containerUser": "app", "init": true, "capAdd": ["SYS_PTRACE"], "securityOpt": ["no-new-privileges"],
            "mounts": [
                { "type": "volume", "source": "${devcontainerId}-data", "target": "/data" },
                "type=tmpfs,target=/scratch",
            ],
            "workspaceMount": "type=bind,source=${localWorkspaceFolder},target=/src", "workspaceFolder": "/src",
            "runArgs": ["--hostname=there", "--memory", "64m", "--ulimit", "nofile=512:512", "-e", "SPACED=a b c",
                        "--label", "mine=1", "--shm-size=32m", "--add-host", "elsewhere:127.0.0.9", "--cpus=0.5"],
        }),
    );
    let result = project.up(&["--trust", "--mount", "type=tmpfs,target=/more"]);
    let details = project.inspect(id_of(&result));
    let host = &details["HostConfig"];
    assert_eq!(details["Config"]["User"], "app");
    assert_eq!(details["Config"]["Hostname"], "there");
    assert_eq!(details["Config"]["Labels"]["mine"], "1");
    assert_eq!(host["Init"], true);
    assert_eq!(host["Memory"], 64 << 20);
    assert_eq!(host["ShmSize"], 32 << 20);
    assert_eq!(host["NanoCpus"], 500_000_000);
    assert!(host["CapAdd"].to_string().contains("SYS_PTRACE"));
    assert!(host["SecurityOpt"].to_string().contains("no-new-privileges"));
    let targets: Vec<&str> =
        host["Mounts"].as_array().unwrap().iter().map(|m| m["Target"].as_str().unwrap()).collect();
    assert_eq!(targets, ["/src", "/data", "/scratch", "/more", "/.gangplank"]);
    let volume = host["Mounts"][1]["Source"].as_str().unwrap().to_owned();
    assert_eq!(volume.len(), 52 + "-data".len());
    assert_eq!(project.in_container("pwd; id -un; echo $SPACED; ulimit -n"), "/src\napp\na b c\n512\n");
    project.run(&["down"]).success();
    project.engine.api().delete(&format!("/volumes/{volume}")).unwrap();
}

#[test]
fn everyday_run_args_take_effect() {
    let project = Project::new(Image::Busybox, &json!({}));
    let name = project.sandbox.name("named");
    let variables = project.sandbox.write("project/variables", "# none\nFROM_FILE=a b\n");
    // Each argument, where the engine then shows it, and what it shows.
    let expected = [
        (vec!["--name", &name], "/Name", json!(format!("/{name}"))),
        (vec!["-p", "127.0.0.1::8080"], "/HostConfig/PortBindings/8080~1tcp/0/HostIp", json!("127.0.0.1")),
        (vec!["--env-file", variables.to_str().unwrap()], "/Config/Env/0", json!("FROM_FILE=a b")),
        (vec!["--tmpfs", "/fast:size=1m"], "/HostConfig/Tmpfs/~1fast", json!("size=1m")),
        (vec!["--cap-drop=NET_RAW"], "/HostConfig/CapDrop/0", json!("NET_RAW")),
        (vec!["--dns", "192.0.2.1"], "/HostConfig/Dns/0", json!("192.0.2.1")),
        (
            vec!["--sysctl", "net.ipv4.ip_unprivileged_port_start=0"],
            "/HostConfig/Sysctls/net.ipv4.ip_unprivileged_port_start",
            json!("0"),
        ),
        (vec!["--pids-limit=500"], "/HostConfig/PidsLimit", json!(500)),
        (vec!["--group-add", "7"], "/HostConfig/GroupAdd/0", json!("7")),
        (vec!["--restart", "unless-stopped"], "/HostConfig/RestartPolicy/Name", json!("unless-stopped")),
        (vec!["--workdir", "/tmp"], "/Config/WorkingDir", json!("/tmp")),
        (vec!["-u", "app"], "/Config/User", json!("app")),
        (
            vec!["--device", "/dev/null:/dev/nothing"],
            "/HostConfig/Devices/0/PathInContainer",
            json!("/dev/nothing"),
        ),
        (vec!["--memory-swap", "-1"], "/HostConfig/MemorySwap", json!(-1)),
        (vec!["--ipc=private"], "/HostConfig/IpcMode", json!("private")),
        (vec!["--stop-signal=INT"], "/Config/StopSignal", json!("INT")),
        (vec!["--log-driver=none"], "/HostConfig/LogConfig/Type", json!("none")),
        (vec!["-v", "/usr/share:/shared:ro"], "/HostConfig/Binds/0", json!("/usr/share:/shared:ro")),
    ];
    let arguments: Vec<&str> = expected.iter().flat_map(|(arguments, ..)| arguments.clone()).collect();
    project.configure(&json!({ "privileged": true, "runArgs": arguments }));
    let result = project.up(&["--trust"]);
    let details = project.inspect(id_of(&result));
    assert_eq!(details["HostConfig"]["Privileged"], true);
    for (arguments, pointer, value) in &expected {
        assert_eq!(details.pointer(pointer), Some(value), "{arguments:?}: {details:#}");
    }
    // Networks of the engine, one of them the workspace's alone.
    for network in ["none", &project.sandbox.name("network")] {
        if network != "none" {
            let made = json!({ "Name": network, "Internal": true });
            project.engine.api().post("/networks/create", Body::Json(&made)).unwrap();
        }
        project.configure(&json!({ "runArgs": ["--network", network] }));
        let result = project.up(&["--trust", "--remove-existing-container"]);
        let details = project.inspect(id_of(&result));
        assert_eq!(details["HostConfig"]["NetworkMode"], network);
    }
}

#[test]
fn what_is_wrong_or_not_applied_is_refused_with_its_name_and_place() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let refused = |text: &str| {
        let folder = sandbox.workspace("refused", text);
        sandbox.gangplank(["up"]).within(&folder).run().exits(1)
    };
    refused("{\n  \"image\": \"x\",\n  \"name\" \"y\"\n}")
        .complains(":3:10")
        .complains("configurationInvalid");
    refused("{\"build\": {\"dockerfile\": \"D\"}}").complains("build").complains("notApplied");
    refused("{\"image\": \"x\", \"features\": {\"a\": {}}}").complains("features").complains("notApplied");
    refused("{\"dockerComposeFile\": \"c.yml\", \"service\": \"s\"}").complains("dockerComposeFile");
    refused("{\"image\": \"x\", \"runArgs\": [\"--memroy=1g\"]}").complains("--memroy").complains("--memory");
    refused("{\"image\": 5}").complains("string");
    let image = Image::Busybox.on(engine).unwrap();
    let folder = sandbox.workspace("warned", &json!({ "image": image, "postCreateComand": "x" }).to_string());
    sandbox.gangplank(["up"]).within(&folder).run().success().complains("postCreateCommand");
}

#[test]
fn a_folder_without_a_configuration_is_offered_images_and_one_of_several_is_to_be_chosen() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let file = sandbox.write("bare/main.py", "print('hello')");
    let folder = file.parent().unwrap();
    let output = sandbox.gangplank(["up"]).within(folder).run().exits(1).complains("configurationNotFound");
    assert_eq!(output.json()["details"]["offers"][0]["id"], "python");
    sandbox.gangplank(["rebuild"]).within(folder).run().exits(3).complains("configurationNotFound");
    sandbox.gangplank(["plan"]).within(folder).run().success().says("main.py");
    let image = Image::Busybox.on(engine).unwrap();
    sandbox.write("bare/.devcontainer/a/devcontainer.json", "{}");
    let chosen =
        sandbox.write("bare/.devcontainer/b/devcontainer.json", json!({ "image": image }).to_string());
    let output = sandbox.gangplank(["up"]).within(folder).run().exits(1).complains("configurationAmbiguous");
    assert_eq!(output.json()["details"]["configurations"].as_array().unwrap().len(), 2);
    sandbox.gangplank(["rebuild"]).within(folder).run().exits(6).complains("configurationAmbiguous");

    let config = chosen.display().to_string();
    sandbox.gangplank(["up", "--config", &config]).within(folder).run().success();
    sandbox.gangplank(["down", "--config", &config]).within(folder).run().success();
    let mut asked = sandbox.gangplank(["up"]).within(folder).on_terminal(150, 30);
    asked.shows("b/devcontainer.json");
    asked.types("2\r");
    asked.shows("is up");
    let _ = asked.exits(0);
}

#[test]
fn an_offered_image_is_taken_and_written_down_on_a_terminal() {
    let project = Project::new(Image::Busybox, &json!({}));
    let folder = project.sandbox.path("work/bare");
    project.sandbox.write("bare/go.mod", "module example");
    let offers = project.sandbox.gangplank(["up"]).within(&folder).run().exits(1).json();
    let offered = offers["details"]["offers"][0]["image"].as_str().unwrap().to_owned();
    // What is offered is in a registry on the internet; the engine shall have it already.
    project.name_image(&offered);
    let mut asked = project.sandbox.gangplank(["up"]).within(&folder).on_terminal(150, 30);
    asked.shows(&offered);
    asked.types("1\r");
    asked.shows("Write");
    asked.types("y\r");
    asked.shows("is up");
    let _ = asked.exits(0);
    let written = std::fs::read_to_string(folder.join(".devcontainer/devcontainer.json")).unwrap();
    assert!(written.contains(&offered), "{written}");
    project.sandbox.gangplank(["up"]).within(&folder).run().success();
    project.sandbox.gangplank(["down"]).within(&folder).run().success();
}

#[test]
fn containers_are_reused_replaced_and_expected_as_asked() {
    let project = Project::new(
        Image::Busybox,
        &json!({ "containerEnv": { "CE": "ce" }, "remoteEnv": { "A": "${containerEnv:CE}-x" } }),
    );
    project.run(&["up", "--expect-existing-container"]).exits(1).complains("does not exist");
    let first = project.up(&[]);
    assert_eq!(project.up(&["--expect-existing-container"]), first);
    let with = project.up(&["--include-configuration"]);
    assert_eq!(with["configuration"]["image"], project.image);
    assert_eq!(with["configuration"]["remoteEnv"]["A"], "ce-x");
    let file = project.folder.join(".devcontainer/devcontainer.json").display().to_string();
    assert_eq!(
        with["configuration"]["configFilePath"],
        json!({ "$mid": 1, "fsPath": file, "path": file, "scheme": "vscode-fileHost" })
    );
    let second = project.up(&["--remove-existing-container"]);
    assert_ne!(id_of(&second), id_of(&first));
    project.run(&["rebuild"]).success();
    let [only] = project.containers().try_into().unwrap();
    assert_ne!(only["Id"], second["containerId"]);
    let labelled = project.up(&["--id-label", "project=other"]);
    assert_eq!(project.inspect(id_of(&labelled))["Config"]["Labels"]["project"], "other");
    project.run(&["rm", "-f", id_of(&labelled)]).success();
    let state = || {
        project.run(&["status", "--format", "json"]).success().json()["workspace"]["container"]["state"]
            .clone()
    };
    assert_eq!(state(), "running");
    project.run(&["stop"]).success();
    assert_eq!(state(), "exited");
    project.run(&["exec", "true"]).exits(1).complains("`gangplank up` starts");
    project.run(&["start"]).success();
    assert_eq!(state(), "running");
    project.run(&["status", "--all"]).success().says(&project.folder.display().to_string());
    project.run(&["down"]).success();
    assert_eq!(project.containers().len(), 0);
    project.run(&["status"]).exits(3).complains("gangplank up");
}

#[test]
fn an_image_with_metadata_is_refused_by_what_it_brings_and_leaves_nothing() {
    let project = Project::new(Image::Busybox, &json!({}));
    let labelled = |metadata: &str| {
        let image = project.image_with(&json!({ "Labels": { "devcontainer.metadata": metadata } }));
        project.configure(&json!({ "image": image }));
        image
    };
    let image = labelled(r#"[{"id":"feature"},{"remoteUser":"app","postStartCommand":"true"}]"#);
    let output = project.run(&["up"]).exits(1).complains("devcontainer.metadata").complains(&image);
    let output = output.complains("remoteUser").complains("postStartCommand");
    assert_eq!(output.json()["kind"], "notApplied");
    assert_eq!(project.containers().len(), 0);
    // One that brings nothing changes nothing.
    let _ = labelled("[]");
    project.up(&[]);
}

#[test]
fn an_image_without_a_shell_is_refused_by_up_and_fine_for_run() {
    let project = Project::new(Image::Empty, &json!({}));
    let output = project.run(&["up"]).exits(1).complains("/bin/sh").complains("an image that has a shell");
    assert_eq!(output.json()["step"], "start");
    assert_eq!(project.containers().len(), 0);
    let name = project.sandbox.name("shell-less");
    project.run(&["run", "--rm", "--name", &name, project.image, "/sleep", "0"]).exits(0);
    project.run(&["run", "-d", "--name", &name, project.image]).success();
    project.run(&["exec", "--container-id", &name, "/sleep", "0"]).exits(0);
    project.run(&["exec", "--container-id", &name, "sh"]).exits(127);
    project.run(&["rm", "-f", &name]).success();
}

#[test]
fn the_images_own_command_runs_where_it_is_not_overridden() {
    let project = Project::new(Image::Busybox, &json!({}));
    let image = project
        .image_with(&json!({ "Cmd": ["sh", "-c", "echo \"own $0\" > /own; exec sleep 1000", "a  b"] }));
    project.configure(&json!({ "image": image, "overrideCommand": false }));
    project.up(&[]);
    let own = "until [ -s /own ]; do sleep 0.05; done; cat /own; tr '\\0' ' ' < /proc/1/cmdline";
    assert_eq!(project.in_container(own), "own a  b\nsleep 1000 ");
    project.run(&["down"]).success();
    // A command that ends takes the container with it, which is said.
    let image = project.image_with(&json!({ "Cmd": ["sh", "-c", "echo my last words; exit 3"] }));
    project.configure(&json!({ "image": image, "overrideCommand": false }));
    project
        .run(&["up"])
        .exits(1)
        .complains("exit code 3")
        .complains("my last words")
        .complains("overrideCommand");
    assert_eq!(project.containers().len(), 0);
}

/// The labels of a folder's workspace, as an image may carry them.
fn identity_of(folder: &std::path::Path) -> serde_json::Value {
    json!({ "Labels": {
        "devcontainer.local_folder": folder,
        "devcontainer.config_file": folder.join(".devcontainer/devcontainer.json"),
    } })
}

#[test]
fn a_container_with_a_workspaces_labels_from_its_image_is_not_the_workspaces() {
    for kind in [EngineKind::Docker, EngineKind::DockerClassic, EngineKind::Podman] {
        passes_for_no_workspaces(kind);
    }
}

fn passes_for_no_workspaces(kind: EngineKind) {
    let project = Project::on(kind, Image::Busybox, &json!({}));
    let image = project.image_with(&identity_of(&project.folder));
    let name = project.sandbox.name("impostor");
    project.run(&["run", "-d", "--name", &name, &image, "sleep", "1000"]).success();
    let impostor = project.inspect(&name)["Id"].as_str().unwrap().to_owned();
    for verb in [&["exec", "true"][..], &["shell", "-c", "true"], &["status"], &["stop"], &["down"]] {
        let output = project.run(verb).complains("notFound");
        assert_ne!(output.code(), Some(0), "{output}");
    }
    project.run(&["status", "--all"]).success().does_not_say(&impostor[..12]);
    assert_eq!(project.run(&["plan", "--format", "json"]).success().json()["container"], json!(null));
    let result = project.up(&[]);
    assert_ne!(id_of(&result), impostor);
    assert_eq!(id_of(&project.up(&[])), id_of(&result));
    project.up(&["--remove-existing-container"]);
    project.run(&["down"]).success();
    assert_eq!(project.inspect(&impostor)["State"]["Running"], true);
}

#[test]
fn an_image_with_a_workspaces_labels_is_refused_and_what_to_do_is_said() {
    let project = Project::new(Image::Busybox, &json!({}));
    let elsewhere = project.sandbox.path("work/elsewhere");
    for folder in [&project.folder, &elsewhere] {
        let image = project.image_with(&identity_of(folder));
        project.configure(&json!({ "image": image }));
        project.run(&["up"]).exits(1).complains("devcontainer.local_folder").complains("docker commit");
        assert_eq!(project.containers().len(), 0);
    }
    let emptied = project.image_with(&json!({ "Labels": {
        "devcontainer.local_folder": "", "devcontainer.config_file": "", "devcontainer.metadata": "",
    } }));
    project.configure(&json!({ "image": emptied }));
    project.up(&[]);
    assert_eq!(project.in_container("pwd"), "/workspaces/project\n");
    project.run(&["down"]).success();
    // With labels of the user's own as well.
    let image = project.image_with(&json!({ "Labels": { "team": "one" } }));
    project.configure(&json!({ "image": image }));
    project.run(&["up", "--id-label", "team=one"]).exits(1).complains("the label team");
    project.run(&["up", "--id-label", "team=two"]).success();
}

#[test]
fn a_remote_user_that_the_image_lacks_is_an_error_of_up_hooks_or_not() {
    for kind in [EngineKind::Docker, EngineKind::Docker20, EngineKind::Podman] {
        remote_user_is_looked_up(kind);
    }
}

fn remote_user_is_looked_up(kind: EngineKind) {
    let project = Project::on(kind, Image::Busybox, &json!({}));
    let refused = |verb: &[&str]| {
        let output = project.run(verb).complains("remoteUser").complains("nobody1");
        output.exits(1).complains("configurationInvalid")
    };
    for more in [json!({}), json!({ "userEnvProbe": "none" }), json!({ "postCreateCommand": "true" })] {
        let mut configuration = json!({ "remoteUser": "nobody1" });
        configuration.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        project.configure(&configuration);
        assert_eq!(refused(&["up"]).json()["outcome"], "error", "{more}");
        // Nor the next time, when the container is there.
        refused(&["up"]);
        refused(&["exec", "true"]);
        project.run(&["down"]).success();
    }
    project.configure(&json!({ "remoteUser": "app" }));
    project.up(&[]);
    // Once it is known, it is not asked again.
    let again = project.run(&["up", "--log-format", "json"]).success();
    assert!(!again.errors().contains("environment"), "{again}");
    project.run(&["exec", "--user", "nobody2", "true"]).exits(1).complains("nobody2");
}

#[test]
fn a_container_with_the_id_labels_by_its_run_args_is_not_the_workspaces() {
    let hostile = Project::new(Image::Busybox, &json!({ "runArgs": ["--label", "project=foo"] }));
    let taken = hostile.up(&[]);
    let good = hostile.sandbox.workspace("good", &json!({ "image": hostile.image }).to_string());
    let run = |arguments: &[&str]| hostile.sandbox.gangplank(arguments).within(&good).run();
    let labels = ["--id-label", "project=foo"];
    let up = || run(&[&["up"][..], &labels].concat()).success().json();
    let whoami = |id: &str| run(&["exec", "--container-id", id, "hostname"]).success().text();
    // Nor is one that was found by labels of its own.
    let other = hostile.up(&["--id-label", "project=bar"]);
    run(&[&["exec"][..], &labels, &["true"]].concat()).complains("there is no dev container");
    let own = up();
    assert_ne!(id_of(&own), id_of(&taken));
    assert_ne!(id_of(&own), id_of(&other));
    assert_eq!(up()["containerId"], own["containerId"]);
    let found = run(&[&["exec"][..], &labels, &["hostname"]].concat()).success().text();
    assert_eq!(found, whoami(id_of(&own)));
    for container in [own, other] {
        hostile.run(&["rm", "-f", id_of(&container)]).success();
    }
    // The folder's own container is, whoever labelled it.
    assert_eq!(hostile.up(&["--id-label", "project=foo"])["containerId"], taken["containerId"]);
}
