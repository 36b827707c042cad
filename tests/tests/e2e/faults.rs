//! What happens when the daemon, the engine or the container goes away in the middle.

use std::path::Path;
use std::time::{Duration, Instant};

use gangplank_tests::{Engine, EngineKind, Image, Sandbox, engine};
use serde_json::{Value, json};

fn containers_of(engine: &Engine, folder: &Path) -> usize {
    let all = engine.api().get("/containers/json?all=true").unwrap();
    let folder = folder.display().to_string();
    let ours = |container: &&Value| container["Labels"]["devcontainer.local_folder"] == folder.as_str();
    all.as_array().unwrap().iter().filter(ours).count()
}

fn kill_daemon(sandbox: &Sandbox) {
    let pid = sandbox.daemon().unwrap()["pid"].to_string();
    let killed = std::process::Command::new("kill").args(["-s", "KILL", &pid]).status().unwrap();
    assert!(killed.success());
}

/// Begins an `up` and follows it until `when` holds for an item; gives the operation's id.
fn up_until(sandbox: &Sandbox, folder: &Path, when: impl Fn(&Value) -> bool) -> Option<String> {
    let mut rpc = sandbox.rpc();
    let params = json!({ "workspace": { "workspaceFolder": folder }, "trust": "grant" });
    let started = rpc.call("workspace/up", &params).unwrap();
    let id = json!({ "operationId": started["operationId"] });
    rpc.call("operation/subscribe", &id).unwrap();
    while let Some(item) = rpc.item() {
        if when(&item["event"]) {
            return started["operationId"].as_str().map(str::to_owned);
        }
        if item["event"]["type"] == "ended" {
            return None;
        }
    }
    None
}

#[test]
fn killed_at_each_step_the_next_up_converges_on_one_container() {
    let engine = engine::for_tests(EngineKind::Docker);
    let steps = [
        "configuration",
        "initializeCommand",
        "create",
        "start",
        "environment",
        "onCreateCommand",
        "postStartCommand",
    ];
    let configuration = json!({
        "image": Image::Busybox.on(engine).unwrap(),
        "initializeCommand": "true",
        "onCreateCommand": "true",
        "postStartCommand": "true",
    });
    for step in steps {
        for status in ["running", "succeeded"] {
            let sandbox = Sandbox::on(engine);
            let folder = sandbox.workspace("project", &configuration.to_string());
            let at = |event: &Value| event["step"]["step"] == step && event["step"]["status"] == status;
            let operation =
                up_until(&sandbox, &folder, at).unwrap_or_else(|| panic!("{step} {status} never came"));
            kill_daemon(&sandbox);
            let result = sandbox.gangplank(["up", "--trust"]).within(&folder).run().success().json();
            assert_eq!(result["outcome"], "success", "{step} {status}");
            assert_eq!(containers_of(engine, &folder), 1, "{step} {status}");
            let before = sandbox.rpc().call("operation/get", &json!({ "operationId": operation })).unwrap();
            if before["state"] != "succeeded" {
                assert_eq!(before["state"], "interrupted", "{before}");
                assert!(before["nextStep"].as_str().unwrap().contains("gangplank up"), "{before}");
                assert!(Path::new(before["logPath"].as_str().unwrap()).exists());
            }
        }
    }
}

#[test]
fn cancelled_at_each_step_it_ends_and_the_next_up_converges() {
    let engine = engine::for_tests(EngineKind::Docker);
    let configuration = json!({
        "image": Image::Busybox.on(engine).unwrap(),
        "initializeCommand": "sleep 0.2",
        "onCreateCommand": "sleep 1000",
    });
    for step in ["configuration", "initializeCommand", "create", "start", "environment", "onCreateCommand"] {
        let sandbox = Sandbox::on(engine);
        let folder = sandbox.workspace("project", &configuration.to_string());
        let at = |event: &Value| event["step"]["step"] == step && event["step"]["status"] == "running";
        let operation = up_until(&sandbox, &folder, at).unwrap_or_else(|| panic!("{step} never came"));
        let cancelled = sandbox.rpc().call("operation/cancel", &json!({ "operationId": operation })).unwrap();
        assert_eq!(cancelled["state"], "cancelled", "{step}: {cancelled}");
        std::fs::write(
            folder.join(".devcontainer/devcontainer.json"),
            configuration.to_string().replace("sleep 1000", "true"),
        )
        .unwrap();
        let up = ["up", "--trust", "--remove-existing-container"];
        sandbox.gangplank(up).within(&folder).run().success();
        assert_eq!(containers_of(engine, &folder), 1, "{step}");
    }
}

#[test]
fn an_engine_that_goes_and_comes_back_is_noticed_and_state_is_right_again() {
    let mut engine = Engine::private(EngineKind::Docker).unwrap();
    let image = Image::Busybox.on(&engine).unwrap();
    let sandbox = Sandbox::on(&engine);
    let folder =
        sandbox.workspace("project", &json!({ "image": image, "runArgs": ["--network=none"] }).to_string());
    let first = sandbox.gangplank(["up"]).within(&folder).run().success().json();
    let mut exec = sandbox.gangplank(["exec", "sleep", "1000"]).within(&folder).spawn();
    let mut rpc = sandbox.rpc();
    let end = Instant::now() + Duration::from_secs(60);
    while rpc.call("daemon/status", &json!({})).unwrap()["activity"]["processes"] != 1 {
        assert!(Instant::now() < end, "the process never ran");
    }
    engine.stop().unwrap();
    while rpc.call("daemon/status", &json!({})).unwrap()["engines"][0]["available"] == true {
        assert!(Instant::now() < end, "its absence was not noticed");
    }
    assert_eq!(rpc.call("container/list", &json!({})).unwrap_err()["data"]["kind"], "engineUnavailable");
    sandbox.gangplank(["up"]).within(&folder).run().exits(1).complains("engineUnavailable");
    assert!(!exec.wait().unwrap().success());
    engine.start().unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while rpc.call("daemon/status", &json!({})).unwrap()["engines"][0]["available"] == false {
        assert!(Instant::now() < end, "its return was not noticed");
    }
    let again = sandbox.gangplank(["up"]).within(&folder).run().success().json();
    assert_eq!(again["containerId"], first["containerId"]);
    sandbox.gangplank(["exec", "true"]).within(&folder).run().success();
    drop(rpc);
    drop(sandbox);
    engine.end().unwrap();
}

#[test]
fn why_a_process_ended_is_told_with_its_containers_end() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let (image, name) = (Image::Busybox.on(engine).unwrap(), sandbox.name("ends"));
    sandbox.gangplank(["run", "-d", "--name", &name, image, "sleep", "1000"]).run().success();
    let mut rpc = sandbox.rpc();
    let start = json!({ "target": { "type": "container", "container": name }, "argv": ["sleep", "1000"], "detach": true });
    rpc.call("process/start", &start).unwrap();
    engine.api().post(&format!("/containers/{name}/kill"), engine::Body::Empty).unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    let exit = loop {
        let list = rpc.call("process/list", &json!({})).unwrap();
        if !list["processes"][0]["exit"].is_null() {
            break list["processes"][0]["exit"].clone();
        }
        assert!(Instant::now() < end, "its end was not noticed");
    };
    assert_eq!(exit["reason"], "containerStopped", "{exit}");
    sandbox.gangplank(["exec", "--container-id", &name, "true"]).run().exits(1).complains("does not run");
}
