//! What a configuration does to the host happens only when somebody who may say so has said so.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use gangplank_tests::{EngineKind, Image, Sandbox, engine};
use serde_json::{Value, json};

fn project(more: &Value) -> (Sandbox, PathBuf) {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let mut configuration = json!({ "image": Image::Busybox.on(engine).unwrap() });
    configuration.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let folder = sandbox.workspace("project", &configuration.to_string());
    (sandbox, folder)
}

#[test]
fn each_effect_alone_is_refused_and_named() {
    let effects = [
        ("initializeCommand", json!({ "initializeCommand": "touch canary" })),
        ("remoteEnv.X", json!({ "remoteEnv": { "X": "${localEnv:HOME}" } })),
        ("mounts", json!({ "mounts": ["type=bind,source=/etc,target=/host-etc"] })),
        ("docker.sock", json!({ "mounts": ["type=bind,source=/var/run/docker.sock,target=/s"] })),
        ("privileged", json!({ "privileged": true })),
        ("capAdd", json!({ "capAdd": ["SYS_ADMIN"] })),
        ("securityOpt", json!({ "securityOpt": ["seccomp=unconfined"] })),
        ("--network", json!({ "runArgs": ["--network=host"] })),
        ("--pid", json!({ "runArgs": ["--pid=host"] })),
        ("--device", json!({ "runArgs": ["--device", "/dev/null"] })),
        ("-v", json!({ "runArgs": ["-v", "/etc:/x"] })),
        ("--env-file", json!({ "runArgs": ["--env-file", "/etc/passwd"] })),
        (
            "workspaceMount",
            json!({ "workspaceMount": "type=bind,source=/,target=/w", "workspaceFolder": "/w" }),
        ),
    ];
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let image = Image::Busybox.on(engine).unwrap();
    for (named, effect) in effects {
        let mut configuration = json!({ "image": image });
        configuration.as_object_mut().unwrap().extend(effect.as_object().unwrap().clone());
        let folder = sandbox.workspace("one", &configuration.to_string());
        let output = sandbox.gangplank(["up"]).within(&folder).run().exits(1).complains("untrusted");
        let listed = output.json()["details"]["effects"].to_string();
        let flag = named.trim_start_matches('-');
        assert!(listed.contains(flag) || listed.contains(named), "{named} is not named in {listed}");
        assert!(!folder.join("canary").exists(), "{named} ran on the host");
    }
    let all = engine.api().get("/containers/json?all=true").unwrap().to_string();
    assert!(!all.contains(&sandbox.path("work/one").display().to_string()), "a container was made");
}

#[test]
fn consent_is_remembered_for_exactly_this_folder_and_these_effects() {
    let (sandbox, folder) = project(&json!({ "initializeCommand": "echo ran >> canary" }));
    let up = |folder: &Path| sandbox.gangplank(["up"]).within(folder);
    let ran = || std::fs::read_to_string(folder.join("canary")).unwrap_or_default().lines().count();

    let mut asked = up(&folder).on_terminal(100, 30);
    asked.shows("echo ran >> canary");
    asked.types("n\r");
    let _ = asked.exits(1);
    assert_eq!(ran(), 0);

    let mut asked = up(&folder).on_terminal(100, 30);
    asked.shows("echo ran >> canary");
    asked.types("y\r");
    let _ = asked.exits(0);
    assert_eq!(ran(), 1);
    up(&folder).run().success();
    assert_eq!(ran(), 2);

    // A link to the folder is the same folder; another folder, or another text, is not.
    let link = sandbox.path("work/link");
    symlink(&folder, &link).unwrap();
    let copy = sandbox.path("work/copy");
    std::fs::create_dir_all(copy.join(".devcontainer")).unwrap();
    let configuration = folder.join(".devcontainer/devcontainer.json");
    std::fs::copy(&configuration, copy.join(".devcontainer/devcontainer.json")).unwrap();
    up(&copy).run().exits(1).complains("untrusted");
    let text = std::fs::read_to_string(&configuration).unwrap();
    std::fs::write(&configuration, text.replace("echo ran", "echo  ran")).unwrap();
    up(&folder).run().exits(1).complains("untrusted");
    assert_eq!(ran(), 2);
    up(&folder).env("GANGPLANK_TRUST", "all").run().success();
    assert_eq!(ran(), 3);
}

#[test]
fn under_the_references_name_it_goes_on_with_one_line_that_names_the_effects() {
    let (sandbox, folder) = project(&json!({ "initializeCommand": "touch ran" }));
    let link = sandbox.path("work/devcontainer");
    symlink(gangplank_tests::sandbox::binary().unwrap(), &link).unwrap();
    let output = std::process::Command::new(&link)
        .args(["up", "--workspace-folder"])
        .arg(&folder)
        .env_clear()
        .envs(sandbox.environment())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(
        errors.lines().filter(|line| line.contains("initializeCommand: touch ran")).count(),
        1,
        "{errors}"
    );
    assert!(folder.join("ran").exists());
}

#[test]
fn nothing_of_an_untrusted_repository_runs_on_the_host() {
    let (sandbox, folder) = project(&json!({ "initializeCommand": "touch canary" }));
    let git = folder.join(".git");
    std::fs::create_dir(&git).unwrap();
    let canary = folder.join("canary").display().to_string();
    std::fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    std::fs::write(
        git.join("config"),
        format!("[core]\n\trepositoryformatversion = 0\n\tfsmonitor = \"touch {canary}\"\n"),
    )
    .unwrap();
    sandbox.gangplank(["plan"]).within(&folder).run().success().says("initializeCommand");
    sandbox.gangplank(["up"]).within(&folder).run().exits(1).complains("untrusted");
    assert!(!folder.join("canary").exists());
}
