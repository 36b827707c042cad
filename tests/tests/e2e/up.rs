//! A folder opened in its container: what is made, which hooks run as whom, what the result says, what is refused.

use std::path::PathBuf;

use gangplank_tests::sandbox::Output;
use gangplank_tests::{Engine, EngineKind, Image, Sandbox, engine};
use serde_json::{Value, json};

/// One folder on one engine.
struct Project {
    engine: &'static Engine,
    sandbox: Sandbox,
    folder: PathBuf,
    image: &'static str,
}

impl Project {
    /// A folder whose configuration is the image and `more`.
    fn new(image: Image, more: &Value) -> Project {
        let engine = engine::for_tests(EngineKind::Docker);
        let sandbox = Sandbox::on(engine);
        let image = image.on(engine).unwrap();
        let mut configuration = json!({ "image": image });
        configuration.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let folder = sandbox.workspace("project", &configuration.to_string());
        Project { engine, sandbox, folder, image }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.sandbox.gangplank(arguments).within(&self.folder).env("GP_X", "1").run()
    }

    fn up(&self, more: &[&str]) -> Value {
        self.run(&[&["up"], more].concat()).success().json()
    }

    fn inspect(&self, id: &str) -> Value {
        self.engine.api().get(&format!("/containers/{id}/json")).unwrap()
    }

    fn in_container(&self, script: &str) -> String {
        self.run(&["exec", "sh", "-c", script]).success().text()
    }

    /// The containers with this folder's label.
    fn containers(&self) -> Vec<Value> {
        let all = self.engine.api().get("/containers/json?all=true").unwrap();
        let folder = self.folder.display().to_string();
        let ours = |container: &&Value| container["Labels"]["devcontainer.local_folder"] == folder.as_str();
        all.as_array().unwrap().iter().filter(ours).cloned().collect()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

fn id_of(result: &Value) -> &str {
    result["containerId"].as_str().unwrap()
}

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
    // Started by somebody without GP_X, and without anything but what places need.
    project.sandbox.gangplank(["ps"]).without_env("GP_X").run().success();
    project.up(&["--trust"]);
    assert_eq!(project.in_container("echo $SEEN; cat seen"), "1\n1\n");
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
    let output = project.run(&["up"]).exits(1).complains("the reason").complains("postCreateCommand");
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
    assert_eq!(targets, ["/src", "/data", "/scratch", "/more"]);
    let volume = host["Mounts"][1]["Source"].as_str().unwrap().to_owned();
    assert_eq!(volume.len(), 52 + "-data".len());
    assert_eq!(project.in_container("pwd; id -un; echo $SPACED; ulimit -n"), "/src\napp\na b c\n512\n");
    project.run(&["down"]).success();
    project.engine.api().delete(&format!("/volumes/{volume}")).unwrap();
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
fn a_folder_without_a_configuration_is_offered_images_and_can_have_one_written() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let file = sandbox.write("bare/main.py", "print('hello')");
    let folder = file.parent().unwrap();
    let output = sandbox.gangplank(["up"]).within(folder).run().exits(1).complains("configurationNotFound");
    assert_eq!(output.json()["details"]["offers"][0]["id"], "python");
    sandbox.write("bare/.devcontainer/a/devcontainer.json", "{}");
    sandbox.write("bare/.devcontainer/b/devcontainer.json", "{}");
    sandbox.gangplank(["up"]).within(folder).run().exits(1).complains("configurationAmbiguous");
    let image = Image::Busybox.on(engine).unwrap();
    let chosen =
        sandbox.write("bare/.devcontainer/b/devcontainer.json", json!({ "image": image }).to_string());
    let config = chosen.display().to_string();
    sandbox.gangplank(["up", "--config", &config]).within(folder).run().success();
}

#[test]
fn containers_are_reused_replaced_and_expected_as_asked() {
    let project = Project::new(Image::Busybox, &json!({}));
    project.run(&["up", "--expect-existing-container"]).exits(1).complains("does not exist");
    let first = project.up(&["--remote-env", "A=1"]);
    assert_eq!(project.up(&["--expect-existing-container"]), first);
    let second = project.up(&["--remove-existing-container"]);
    assert_ne!(id_of(&second), id_of(&first));
    project.run(&["rebuild"]).success();
    let [only] = project.containers().try_into().unwrap();
    assert_ne!(only["Id"], second["containerId"]);
    let labelled = project.up(&["--id-label", "project=other"]);
    assert_eq!(project.inspect(id_of(&labelled))["Config"]["Labels"]["project"], "other");
    project.run(&["rm", "-f", id_of(&labelled)]).success();
    project.run(&["stop"]).success();
    project.run(&["start"]).success();
    project.run(&["plan"]).success().says(project.image);
    project.run(&["down"]).success();
    assert_eq!(project.containers().len(), 0);
    project.run(&["status"]).exits(3).complains("gangplank up");
}

#[test]
fn an_image_with_metadata_or_without_a_shell_is_refused_clearly_and_leaves_nothing() {
    let project = Project::new(Image::Empty, &json!({}));
    project.run(&["up"]).exits(1).complains("/bin/sh");
    assert_eq!(project.containers().len(), 0);
}
