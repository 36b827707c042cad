//! The client's environment reaches a container's processes only as far as it was allowed for that container: what asks
//! for it can be changed from inside, or come with an image.

use gangplank_tests::engine::Body;
use gangplank_tests::{EngineKind, Image, Sandbox, engine};
use serde_json::json;

const READS: &str = r#"{"X":"${localEnv:GP_SECRET}"}"#;

#[test]
fn a_container_that_edits_its_own_configuration_gets_nothing() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let image = Image::Busybox.on(engine).unwrap();
    let folder = sandbox.workspace("project", &json!({ "image": image }).to_string());
    let run =
        |arguments: &[&str]| sandbox.gangplank(arguments).within(&folder).env("GP_SECRET", "hunter2").run();
    run(&["up"]).success();
    let edited = format!(r#"{{"image":"{image}","remoteEnv":{READS}}}"#);
    run(&["exec", "sh", "-c", "printf %s \"$0\" > .devcontainer/devcontainer.json", &edited]).success();
    for verb in [&["exec", "sh", "-c", "echo [$X]"][..], &["shell", "-c", "echo [$X]"]] {
        run(verb).complains("untrusted").complains("GP_SECRET").does_not_say("hunter2");
    }
    // `up` asks for the edit as for any other; allowed once, it holds for the container.
    run(&["up"]).exits(1).complains("GP_SECRET");
    run(&["up", "--trust"]).success();
    run(&["exec", "sh", "-c", "echo [$X]"]).success().says_exactly("[hunter2]\n");
}

#[test]
fn a_label_that_asks_for_it_gets_nothing_unless_it_is_granted() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let image = Image::Busybox.on(engine).unwrap();
    let folder = sandbox.workspace("project", &json!({ "image": image }).to_string());
    let file = folder.join(".devcontainer/devcontainer.json");
    let name = sandbox.name("labelled");
    let container = json!({
        "Image": image, "Cmd": ["sleep", "1000"],
        "Labels": {
            "devcontainer.metadata": format!(r#"[{{"remoteEnv":{READS}}}]"#),
            "devcontainer.local_folder": folder, "devcontainer.config_file": file,
        },
        "HostConfig": { "Mounts": [{ "Type": "bind", "Source": folder, "Target": "/workspaces/project" }] },
    });
    engine.api().post(&format!("/containers/create?name={name}"), Body::Json(&container)).unwrap();
    engine.api().post(&format!("/containers/{name}/start"), Body::Empty).unwrap();
    let run =
        |arguments: &[&str]| sandbox.gangplank(arguments).within(&folder).env("GP_SECRET", "hunter2").run();
    let exec = ["exec", "--container-id", &name, "sh", "-c", "echo [$X]"];
    run(&exec).exits(1).complains("GP_SECRET").does_not_say("hunter2");
    run(&["up"]).exits(1).complains("GP_SECRET");
    let once =
        sandbox.gangplank(exec).within(&folder).env("GP_SECRET", "hunter2").env("GANGPLANK_TRUST", "all");
    once.run().success().says_exactly("[hunter2]\n");
    run(&exec).exits(1);
}

#[test]
fn a_container_of_another_tool_needs_no_consent_to_what_its_processes_never_see() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let image = Image::Busybox.on(engine).unwrap();
    let mount = "type=bind,source=${localEnv:HOME},target=/home-of-host";
    let configuration = json!({ "image": image, "name": "${localEnv:GP_SECRET}", "mounts": [mount] });
    let folder = sandbox.workspace("project", &configuration.to_string());
    let name = sandbox.name("other");
    let container = json!({
        "Image": image, "Cmd": ["sleep", "1000"],
        "Labels": {
            "devcontainer.metadata": json!([{ "mounts": [mount] }]).to_string(),
            "devcontainer.local_folder": folder,
            "devcontainer.config_file": folder.join(".devcontainer/devcontainer.json"),
        },
        "HostConfig": { "Mounts": [{ "Type": "bind", "Source": folder, "Target": "/workspaces/project" }] },
    });
    engine.api().post(&format!("/containers/create?name={name}"), Body::Json(&container)).unwrap();
    engine.api().post(&format!("/containers/{name}/start"), Body::Empty).unwrap();
    for verb in [&["exec", "pwd"][..], &["shell", "-c", "pwd"]] {
        sandbox.gangplank(verb).within(&folder).run().success().says("/workspaces/project");
    }
}

#[test]
fn a_link_that_is_turned_around_after_the_consent_is_not_followed() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let image = Image::Busybox.on(engine).unwrap();
    let secret = sandbox.write("outside/secret", "TOKEN=hunter2\n").display().to_string();
    let mount = json!({
        "mounts": ["type=bind,source=${localWorkspaceFolder}/data,target=/data"],
        "initializeCommand": "rm -rf data && ln -s /etc data",
    });
    let missing = json!({
        "runArgs": ["-v", "${localWorkspaceFolder}/data/new:/data"],
        "initializeCommand": "rm -rf data && ln -s ../outside data",
    });
    let file = json!({
        "runArgs": ["--env-file", ".env"], "initializeCommand": format!("ln -sf {secret} .env"),
    });
    for (name, more) in [("mount", mount), ("missing", missing), ("file", file)] {
        let mut configuration = json!({ "image": image });
        configuration.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let folder = sandbox.workspace(name, &configuration.to_string());
        std::fs::create_dir(folder.join("data")).unwrap();
        std::fs::write(folder.join(".env"), "A=1\n").unwrap();
        let refused = sandbox.gangplank(["up", "--trust"]).within(&folder).run();
        refused.exits(1).complains("changed while it was being opened");
        let all = engine.api().get("/containers/json?all=true").unwrap().to_string();
        assert!(!all.contains(&folder.display().to_string()), "a container was made");
    }
    assert!(!sandbox.path("work/outside/new").exists());
}

#[test]
fn what_a_command_of_the_host_makes_first_is_no_change() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let configuration = json!({
        "image": Image::Busybox.on(engine).unwrap(),
        "mounts": ["type=bind,source=${localEnv:HOME}/made,target=/made"],
        "runArgs": ["--env-file", ".env"],
        "initializeCommand": "mkdir -p $HOME/made && echo A=1 > .env",
    });
    let folder = sandbox.workspace("project", &configuration.to_string());
    sandbox.gangplank(["up", "--trust"]).within(&folder).run().success();
    sandbox
        .gangplank(["exec", "sh", "-c", "ls -d /made && echo $A"])
        .within(&folder)
        .run()
        .says("/made\n1\n");
}

#[test]
fn a_file_of_variables_is_allowed_for_where_it_leads_and_for_what_it_reads() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let configuration = json!({
        "image": Image::Busybox.on(engine).unwrap(), "runArgs": ["--env-file", ".env"],
    });
    let folder = sandbox.workspace("project", &configuration.to_string());
    let file = folder.join(".env");
    let secret = sandbox.write("outside/secret", "TOKEN=hunter2\n");
    let run = |verb: &str| sandbox.gangplank([verb]).within(&folder).env("GP_SECRET", "hunter2").run();
    let hash = || {
        let plan = sandbox.gangplank(["plan", "--format", "json"]).within(&folder).run().success();
        plan.json()["hostEffectsHash"].clone()
    };

    std::fs::write(&file, "A=1\n").unwrap();
    let inside = hash();
    let mut asked = sandbox.gangplank(["up"]).within(&folder).on_terminal(200, 30);
    asked.shows("--env-file .env");
    asked.types("y\r");
    let _ = asked.exits(0);
    run("rebuild").success();
    // The same text, and another file.
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("../outside/secret", &file).unwrap();
    assert_ne!(hash(), inside);
    run("plan").says("outside the workspace").says(&secret.display().to_string());
    run("rebuild").exits(4).complains("untrusted").does_not_say("hunter2");
    // The same file, that now reads a variable of the client.
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, "A=1\nGP_SECRET\nNOT_SET\n").unwrap();
    run("plan").says("hostEnvironment").says("GP_SECRET").does_not_say("NOT_SET");
    run("rebuild").exits(4).complains("untrusted").complains("GP_SECRET").does_not_say("hunter2");
    // What is no file is not waited for.
    std::fs::remove_file(&file).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &file,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    run("plan").says("--env-file .env");
    let refused = sandbox.gangplank(["rebuild", "--trust"]).within(&folder).run();
    refused.exits(1).complains("--env-file").complains("no regular file");
}
