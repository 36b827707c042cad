//! What a configuration does to the host happens only when somebody who may say so has said so.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use gangplank_tests::engine::Body;
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
        ("--add-host", json!({ "runArgs": ["--add-host=x:[host-gateway]"] })),
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
        // The verbs that are not the reference's have a code for it.
        sandbox.gangplank(["rebuild"]).within(&folder).run().exits(4).complains("untrusted");
        sandbox.gangplank(["plan"]).within(&folder).run().success().says(flag);
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

    // Another folder with the same text, or another text, was not consented to.
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
fn trust_of_a_folder_is_not_carried_over_by_links_and_dots() {
    let (sandbox, folder) = project(&json!({ "initializeCommand": "echo ran >> canary" }));
    let configuration = std::fs::read_to_string(folder.join(".devcontainer/devcontainer.json")).unwrap();
    let mut asked = sandbox.gangplank(["up"]).within(&folder).on_terminal(100, 30);
    asked.shows("echo ran >> canary");
    asked.types("y\r");
    let _ = asked.exits(0);

    let evil = sandbox.workspace("deep/evil", &configuration);
    let refused = |path: &Path| {
        let path = path.display().to_string();
        sandbox.gangplank(["up", "--workspace-folder", &path]).run().exits(1).complains("untrusted");
        assert!(!evil.join("canary").exists(), "{path}");
    };
    refused(&folder.join("../deep/evil"));
    symlink(&evil, sandbox.path("work/link")).unwrap();
    refused(&sandbox.path("work/link"));
    // The trusted path itself, led elsewhere.
    std::fs::rename(&folder, sandbox.path("work/moved")).unwrap();
    symlink(&evil, &folder).unwrap();
    refused(&folder);
    // And back: the same folder is the same folder, by whatever name.
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(sandbox.path("work/moved"), &folder).unwrap();
    let again = sandbox.path("work/again");
    symlink(&folder, &again).unwrap();
    sandbox.gangplank(["up", "--workspace-folder", again.to_str().unwrap()]).run().success();
    let ran = std::fs::read_to_string(folder.join("canary")).unwrap();
    assert_eq!(ran, "ran\nran\n");
}

#[test]
fn a_grant_for_once_is_not_remembered_and_only_the_word_all_grants_everything() {
    let (sandbox, folder) = project(&json!({ "initializeCommand": "echo ran >> canary" }));
    let up = |arguments: &[&str]| sandbox.gangplank([&["up"], arguments].concat()).within(&folder);
    up(&["--trust"]).run().success();
    up(&[]).run().exits(1).complains("untrusted");
    up(&[]).env("GANGPLANK_TRUST", "1").run().exits(1).complains("untrusted");
    up(&[]).env("GANGPLANK_TRUST", "all").run().success();
    up(&[]).run().exits(1).complains("untrusted");
    assert_eq!(std::fs::read_to_string(folder.join("canary")).unwrap(), "ran\nran\n");
}

#[test]
fn granted_variables_hold_for_the_container_and_go_with_it() {
    let (sandbox, folder) = project(&json!({ "remoteEnv": { "X": "${localEnv:GP_SECRET}" } }));
    let run =
        |arguments: &[&str]| sandbox.gangplank(arguments).within(&folder).env("GP_SECRET", "hunter2").run();
    let kept = || std::fs::read_to_string(sandbox.path("state/gangplank/trust.json")).unwrap();
    let up = |arguments: &[&str]| {
        let result = run(&[&["up", "--trust"], arguments].concat()).success().json();
        run(&["exec", "sh", "-c", "echo [$X]"]).success().says_exactly("[hunter2]\n");
        result["containerId"].as_str().unwrap().to_owned()
    };
    let first = up(&[]);
    assert!(kept().contains(&first) && !kept().contains("hunter2"));
    let second = up(&["--remove-existing-container"]);
    assert!(!kept().contains(&first) && kept().contains(&second));
    run(&["down"]).success();
    assert!(!kept().contains(&second));
    let third = up(&[]);
    run(&["rm", "-f", &third]).success();
    assert!(!kept().contains(&third));
}

#[test]
fn what_a_configuration_says_cannot_hide_from_who_is_asked() {
    let hidden = "touch canary #\u{1b}[2K\u{1b}[1A\rtrue \u{202e}lamron\u{200b}";
    let (sandbox, folder) = project(&json!({ "initializeCommand": hidden }));
    let mut asked = sandbox.gangplank(["up"]).within(&folder).on_terminal(160, 30);
    asked.shows("touch canary #\\u{1b}[2K\\u{1b}[1A\\u{d}true \\u{202e}lamron\\u{200b}");
    // Neither the enter key alone nor the end of input is a yes.
    asked.types("\r");
    let _ = asked.exits(1);
    let mut asked = sandbox.gangplank(["up"]).within(&folder).on_terminal(160, 30);
    asked.shows("touch canary");
    asked.shows("[y/N]");
    asked.types("\u{4}");
    let shown = asked.exits(130);
    assert!(!shown.contains('\u{202e}'), "{shown}");
    assert!(!folder.join("canary").exists());
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

/// A folder beside the workspace, with a secret in it.
fn outside(sandbox: &Sandbox) -> PathBuf {
    let file = sandbox.write("outside/secret", "hunter2");
    file.parent().unwrap().to_owned()
}

#[test]
fn a_link_that_leads_nobody_knows_where_is_asked_about() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let mount = "type=bind,source=${localWorkspaceFolder}/lnk,target=/l";
    let (sandbox, folder) = project(&json!({ "mounts": [mount] }));
    let unspeakable = outside(&sandbox).join(OsStr::from_bytes(b"\xff"));
    std::fs::create_dir(&unspeakable).unwrap();
    let link = folder.join("lnk");
    for target in [unspeakable, PathBuf::from("lnk"), sandbox.path("work/outside/not-there")] {
        symlink(&target, &link).unwrap();
        sandbox.gangplank(["up"]).within(&folder).run().exits(1).complains("untrusted");
        let planned = sandbox.gangplank(["plan"]).within(&folder).run().success();
        planned.says("hostMount").says("cannot be told where it leads");
        std::fs::remove_file(&link).unwrap();
    }
    std::fs::create_dir(&link).unwrap();
    sandbox.gangplank(["up"]).within(&folder).run().success();
}

#[test]
fn no_folder_is_made_behind_a_link() {
    let (sandbox, folder) = project(&json!({ "runArgs": ["-v", "${localWorkspaceFolder}/h/newdir:/x"] }));
    let outside = outside(&sandbox);
    symlink("../outside", folder.join("h")).unwrap();
    sandbox.gangplank(["up"]).within(&folder).run().exits(1).complains("untrusted");
    assert!(!outside.join("newdir").exists());
    // A folder of the workspace's own may be missing.
    std::fs::remove_file(folder.join("h")).unwrap();
    sandbox.gangplank(["up"]).within(&folder).run().success();
    assert!(folder.join("h/newdir").is_dir());
}

#[test]
fn what_is_judged_is_what_is_mounted() {
    let mounts = json!(["type=bind,source=${localWorkspaceFolder}/lnk,target=/l"]);
    let (sandbox, folder) = project(&json!({
        "mounts": mounts, "runArgs": ["-v", "${localWorkspaceFolder}/lnk/new:/n"],
    }));
    std::fs::create_dir(folder.join("real")).unwrap();
    symlink("real", folder.join("lnk")).unwrap();
    let id = sandbox.gangplank(["up"]).within(&folder).run().success().json()["containerId"].clone();
    let path = format!("/containers/{}/json", id.as_str().unwrap());
    let container = engine::for_tests(EngineKind::Docker).api().get(&path).unwrap();
    let host = &container["HostConfig"];
    let real = folder.join("real").display().to_string();
    assert!(host["Mounts"].to_string().contains(&format!("\"Source\":\"{real}\"")), "{host}");
    assert_eq!(host["Binds"], json!([format!("{real}/new:/n")]));
}

#[test]
fn options_that_let_a_mount_reach_further_are_asked_about() {
    let inside = "${localWorkspaceFolder}";
    for effect in [
        json!({ "runArgs": ["-v", format!("{inside}:/x:O,upperdir=/etc,workdir=/tmp")] }),
        json!({ "runArgs": ["-v", format!("{inside}:/x:U")] }),
        json!({ "runArgs": ["-v", format!("{inside}:/x:rw,rshared")] }),
        json!({ "runArgs": ["-v", "cache:/x:O"] }),
        json!({ "runArgs": ["--mount", format!("type=bind,source={inside},target=/x,bind-propagation=shared")] }),
        json!({ "mounts": [format!("type=bind,source={inside},target=/x,bind-propagation=rshared")] }),
    ] {
        let (sandbox, folder) = project(&effect);
        sandbox.gangplank(["up"]).within(&folder).run().exits(1).complains("untrusted");
        sandbox.gangplank(["plan"]).within(&folder).run().success().says("not known to be harmless");
    }
}

#[test]
fn who_is_asked_is_not_shown_what_variables_hold() {
    let (sandbox, folder) = project(&json!({
        "mounts": ["type=bind,source=${localEnv:GP_SECRET},target=/a"],
        "runArgs": ["-v", "/gone/${localEnv:GP_SECRET}:/b"],
    }));
    let run = |verb: &str, value: &str| {
        sandbox.gangplank([verb]).within(&folder).env("GP_SECRET", value).run().does_not_say(value)
    };
    run("plan", "/hunter2").success().says("${localEnv:GP_SECRET}");
    run("up", "/hunter2").exits(1).complains("untrusted");
    let logs = sandbox.path("state/gangplank");
    let said = std::process::Command::new("grep").args(["-r", "hunter2"]).arg(&logs).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stdout), "");
    // A path that is there is shown: it is what the container gets.
    let there = outside(&sandbox).display().to_string();
    sandbox
        .gangplank(["plan"])
        .within(&folder)
        .env("GP_SECRET", &there)
        .run()
        .says(&format!("(leads to {there})"));
}

#[test]
fn a_volume_that_is_more_than_a_place_for_data_is_asked_about_or_refused() {
    volumes_are_judged_on(EngineKind::Docker);
}

#[test]
fn a_volume_of_podman_is_too() {
    volumes_are_judged_on(EngineKind::Podman);
}

fn volumes_are_judged_on(kind: EngineKind) {
    let engine = engine::for_tests(kind);
    let sandbox = Sandbox::on(engine);
    let volume = |name: &str, labels: Value, options: Value| {
        let name = sandbox.name(name);
        let body = json!({ "Name": name, "Driver": "local", "Labels": labels, "DriverOpts": options });
        engine.api().post("/volumes/create", Body::Json(&body)).unwrap();
        name
    };
    let outside = outside(&sandbox).display().to_string();
    let plain = volume("plain", json!({}), json!({}));
    let bound = volume("bound", json!({}), json!({ "type": "none", "o": "bind", "device": outside }));
    let ours = volume("ours", json!({ "dev.gangplank.agent": "1" }), json!({}));
    let image = Image::Busybox.on(engine).unwrap();
    let up = |name: &str, more: Value, arguments: &[&str]| {
        let mut configuration = json!({ "image": image });
        configuration.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let folder = sandbox.workspace(name, &configuration.to_string());
        sandbox.gangplank([&["up"], arguments].concat()).within(&folder).run()
    };
    let mount = |name: &str| json!({ "mounts": [format!("source={name},target=/v")] });
    let flag = |name: &str| json!({ "runArgs": ["-v", format!("{name}:/v")] });
    up("plain", mount(&plain), &[]).success();
    up("bound", mount(&bound), &[]).exits(1).complains("untrusted").complains(&outside);
    up("flag", flag(&bound), &[]).exits(1).complains("untrusted").complains(&outside);
    // Podman mounts it with a program `mount`, which the harness's has not.
    if kind == EngineKind::Docker {
        up("bound", mount(&bound), &["--trust"]).success();
    }
    up("ours", flag(&ours), &["--trust"]).exits(1).complains("is refused");
}

/// Of two that follow the same question, only who sits at a terminal answers it, or ends it.
#[test]
fn who_joins_without_a_terminal_neither_answers_nor_ends_the_question() {
    let (sandbox, folder) = project(&json!({ "initializeCommand": "echo ran >> canary" }));
    let up = |arguments: &[&str]| sandbox.gangplank([&["up"], arguments].concat()).within(&folder);
    let mut asked = up(&[]).on_terminal(100, 30);
    asked.shows("[y/N]");
    let follows = |input: &str| {
        let mut follower = up(&[]).spawn();
        follower.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let mut told = BufReader::new(follower.stderr.take().unwrap()).lines();
        assert!(told.any(|line| line.unwrap().contains("a question is open")), "{input:?}");
        (follower, told)
    };
    let joined = [follows("y\n"), follows("")];
    let mut second = up(&[]).on_terminal(100, 30);
    second.shows("[y/N]");
    second.types("\u{4}");
    second.shows("no answer from here");
    // More than the running one may is not granted by joining it.
    up(&["--trust"]).run().exits(1).complains("conflict");
    asked.types("n\r");
    let _ = asked.exits(1);
    let _ = second.exits(1);
    for (mut follower, told) in joined {
        let told: Vec<String> = told.map(Result::unwrap).collect();
        assert_eq!(follower.wait().unwrap().code(), Some(1), "{told:?}");
        assert!(told.iter().any(|line| line.contains("untrusted")), "{told:?}");
    }
    assert!(!folder.join("canary").exists());
    up(&[]).run().exits(1).complains("untrusted");
}

/// The engine follows links in a container's mounts anew at every start.
#[test]
fn a_mount_that_was_led_elsewhere_is_not_started_again() {
    let mount = "type=bind,source=${localWorkspaceFolder}/real,target=/x";
    let (sandbox, folder) = project(&json!({ "mounts": [mount] }));
    let outside = outside(&sandbox).display().to_string();
    let real = folder.join("real");
    std::fs::create_dir(&real).unwrap();
    let run = |arguments: &[&str]| sandbox.gangplank(arguments).within(&folder).run();
    let id = run(&["up"]).success().json()["containerId"].as_str().unwrap().to_owned();
    // An innocent restart is one.
    run(&["stop"]).success();
    run(&["up"]).success();
    run(&["stop"]).success();
    run(&["start", &id]).success();
    let labelled =
        run(&["up", "--id-label", "a=b"]).success().json()["containerId"].as_str().unwrap().to_owned();
    run(&["stop", &labelled]).success();
    let image = Image::Busybox.on(engine::for_tests(EngineKind::Docker)).unwrap();
    let script = format!(
        "mv real gone && ln -s {outside} real && printf '{{\"image\":\"{image}\"}}' > .devcontainer/devcontainer.json"
    );
    run(&["exec", "sh", "-c", &script]).success();
    // What runs has what it was given.
    run(&["up"]).success();
    run(&["exec", "ls", "/x"]).success().says_exactly("");
    run(&["stop"]).success();
    let refused = run(&["up"]).exits(1).complains("untrusted").complains("gangplank rebuild");
    refused.complains(&real.display().to_string()).complains(&outside);
    for start in [&["start"][..], &["start", &id], &["start", &labelled]] {
        run(start).complains("untrusted").complains(&outside).exits(4);
    }
    let path = format!("/containers/{id}/json");
    let inspected = || engine::for_tests(EngineKind::Docker).api().get(&path).unwrap();
    assert_eq!(inspected()["State"]["Running"], false);
    // Who may say so may have it.
    run(&["up", "--trust"]).success().complains(&outside);
    run(&["exec", "cat", "/x/secret"]).success().says_exactly("hunter2");
    run(&["rm", &labelled]).success();
    run(&["rebuild"]).success();
    run(&["exec", "ls", "/x"]).complains("No such file");
}

#[test]
fn a_workspace_folder_beneath_another_mount_cannot_lead_itself_elsewhere() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let image = Image::Busybox.on(engine).unwrap();
    let inner =
        json!({ "image": image, "mounts": ["type=bind,source=${localWorkspaceFolder},target=/again"] });
    let folder = sandbox.workspace("root/inner", &inner.to_string());
    std::fs::create_dir(folder.parent().unwrap().join(".git")).unwrap();
    let other = sandbox.workspace("other", &json!({ "image": image }).to_string());
    let named = folder.display().to_string();
    let run = |verb: &str| sandbox.gangplank([verb, "--workspace-folder", &named]).run();
    let id = run("up").success().json()["containerId"].as_str().unwrap().to_owned();
    run("stop").success();
    run("up").success();
    run("stop").success();
    std::fs::rename(&folder, folder.with_extension("gone")).unwrap();
    symlink(&other, &folder).unwrap();
    let start = sandbox.gangplank(["start", &id]).run();
    start.exits(4).complains("untrusted").complains(&other.display().to_string());
    run("up").exits(1).complains("untrusted");
}

#[test]
fn mounts_that_the_user_asked_for_through_a_link_start_again() {
    let (sandbox, folder) = project(&json!({}));
    let outside = outside(&sandbox);
    let link = sandbox.path("work/link-to-outside");
    symlink(&outside, &link).unwrap();
    let run = |arguments: &[&str]| sandbox.gangplank(arguments).within(&folder).run();
    run(&["up", "--mount", &format!("type=bind,source={},target=/x", link.display())]).success();
    run(&["stop"]).success();
    run(&["up"]).success();
    run(&["exec", "cat", "/x/secret"]).success().says_exactly("hunter2");
}
