//! What happens when the daemon, the engine or the container goes away in the middle.

use std::path::Path;
use std::time::{Duration, Instant};

use gangplank_tests::{Engine, EngineKind, Image, Sandbox, engine, registry};
use serde_json::{Value, json};

fn containers_of(engine: &Engine, folder: &Path) -> usize {
    let all = engine.api().get("/containers/json?all=true").unwrap();
    let folder = folder.display().to_string();
    let ours = |container: &&Value| container["Labels"]["devcontainer.local_folder"] == folder.as_str();
    all.as_array().unwrap().iter().filter(ours).count()
}

pub(super) fn kill_daemon(sandbox: &Sandbox) {
    let pid = sandbox.daemon().unwrap()["pid"].to_string();
    let killed = std::process::Command::new("kill").args(["-s", "KILL", &pid]).status().unwrap();
    assert!(killed.success());
    let status = format!("/proc/{pid}/stat");
    super::project::wait_for(
        || std::fs::read_to_string(&status).map_or(true, |status| status.contains(") Z ")),
        "the daemon lives on",
    );
}

/// Begins an `up` and follows it until `when` holds for an item; gives the operation's id.
fn up_until(sandbox: &Sandbox, folder: &Path, when: impl Fn(&Value) -> bool) -> Option<String> {
    until(sandbox, "workspace/up", folder, when)
}

/// The same of any method that begins an operation on a workspace.
fn until(sandbox: &Sandbox, method: &str, folder: &Path, when: impl Fn(&Value) -> bool) -> Option<String> {
    let mut rpc = sandbox.rpc();
    let params = json!({ "workspace": { "workspaceFolder": folder }, "trust": "grant" });
    let started = rpc.call(method, &params).unwrap();
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
        "updateContentCommand",
        "postCreateCommand",
        "postStartCommand",
        "postAttachCommand",
    ];
    let configuration = json!({
        "image": Image::Busybox.on(engine).unwrap(),
        "initializeCommand": "true",
        "onCreateCommand": "true",
        "updateContentCommand": "true",
        "postCreateCommand": "true",
        "postStartCommand": "true",
        "postAttachCommand": "true",
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
            leaves_nothing_beside(engine, &folder);
            let before = sandbox.rpc().call("operation/get", &json!({ "operationId": operation })).unwrap();
            if before["state"] != "succeeded" {
                assert_eq!(before["state"], "interrupted", "{before}");
                // The kill may come a little later than the event. A hook with a marker that was cut off counts as
                // run: another `up` would not run it again.
                let last = before["steps"].as_array().unwrap().last().unwrap();
                let marked =
                    ["onCreateCommand", "updateContentCommand", "postCreateCommand", "postStartCommand"];
                let cut_off =
                    marked.contains(&last["step"].as_str().unwrap()) && last["status"] != "succeeded";
                let next = if cut_off { "`gangplank rebuild " } else { "`gangplank up " };
                assert!(before["nextStep"].as_str().unwrap().contains(next), "{step} {status}: {before}");
                assert!(Path::new(before["logPath"].as_str().unwrap()).exists());
            }
        }
    }
}

#[test]
fn a_rebuild_killed_at_each_step_says_how_to_go_on_and_leaves_one_container() {
    let engine = engine::for_tests(EngineKind::Docker);
    let configuration = json!({ "image": Image::Busybox.on(engine).unwrap() });
    for step in ["configuration", "remove", "create", "start"] {
        for status in ["running", "succeeded"] {
            let sandbox = Sandbox::on(engine);
            let folder = sandbox.workspace("project", &configuration.to_string());
            let up =
                || sandbox.gangplank(["up"]).within(&folder).run().success().json()["containerId"].clone();
            let old = up();
            let at = |event: &Value| event["step"]["step"] == step && event["step"]["status"] == status;
            let operation = until(&sandbox, "workspace/rebuild", &folder, at)
                .unwrap_or_else(|| panic!("{step} {status} never came"));
            kill_daemon(&sandbox);
            let before = sandbox.rpc().call("operation/get", &json!({ "operationId": operation })).unwrap();
            let new = up();
            if before["state"] == "interrupted" {
                // Where the old container is still there, another `up` would be content with it.
                let next = if new == old { "`gangplank rebuild " } else { "`gangplank " };
                assert!(before["nextStep"].as_str().unwrap().contains(next), "{step} {status}: {before}");
            }
            assert_eq!(containers_of(engine, &folder), 1, "{step} {status}");
            leaves_nothing_beside(engine, &folder);
        }
    }
}

#[test]
fn cancelled_at_each_step_it_ends_and_the_next_up_converges() {
    let engine = engine::for_tests(EngineKind::Docker);
    let configuration = json!({
        "image": Image::Busybox.on(engine).unwrap(),
        "initializeCommand": "sleep 0.2",
        "onCreateCommand": "until [ -e go ]; do sleep 0.1; done",
    });
    for step in ["configuration", "initializeCommand", "create", "start", "environment", "onCreateCommand"] {
        let sandbox = Sandbox::on(engine);
        let folder = sandbox.workspace("project", &configuration.to_string());
        let at = |event: &Value| event["step"]["step"] == step && event["step"]["status"] == "running";
        let operation = up_until(&sandbox, &folder, at).unwrap_or_else(|| panic!("{step} never came"));
        let cancelled = sandbox.rpc().call("operation/cancel", &json!({ "operationId": operation })).unwrap();
        assert_eq!(cancelled["state"], "cancelled", "{step}: {cancelled}");
        std::fs::write(folder.join("go"), "").unwrap();
        for up in [&["up", "--trust"][..], &["up", "--trust", "--remove-existing-container"]] {
            let result = sandbox.gangplank(up).within(&folder).run().success().json();
            assert_eq!(result["outcome"], "success", "{step}");
            assert_eq!(containers_of(engine, &folder), 1, "{step}");
            sandbox.gangplank(["exec", "test", "-e", "go"]).within(&folder).run().success();
        }
        std::fs::remove_file(folder.join("go")).unwrap();
        leaves_nothing_beside(engine, &folder);
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
    let mut exec = sandbox.gangplank(["exec", "-t", "sleep", "1000"]).within(&folder).spawn();
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
    // What runs in a container may outlive its engine, so nobody is told an end before it is known.
    assert!(exec.try_wait().unwrap().is_none());
    engine.start().unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while rpc.call("daemon/status", &json!({})).unwrap()["engines"][0]["available"] == false {
        assert!(Instant::now() < end, "its return was not noticed");
    }
    assert!(!exec.wait().unwrap().success());
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

#[test]
fn killed_while_it_pulls_the_next_up_pulls_again() {
    let engine = engine::for_tests(EngineKind::Docker);
    for status in ["running", "succeeded"] {
        let sandbox = Sandbox::on(engine);
        let name = format!("{}/pulled:1", sandbox.unique());
        let reference = registry::for_tests().offer(Image::Busybox, &name, engine).unwrap();
        let _pulled = super::project::TemporaryImage { engine, reference: reference.clone() };
        let folder = sandbox.workspace("project", &json!({ "image": reference }).to_string());
        let at = |event: &Value| event["step"]["step"] == "pull" && event["step"]["status"] == status;
        up_until(&sandbox, &folder, at).unwrap_or_else(|| panic!("pull {status} never came"));
        kill_daemon(&sandbox);
        sandbox.gangplank(["up"]).within(&folder).run().success();
        assert_eq!(containers_of(engine, &folder), 1, "{status}");
        leaves_nothing_beside(engine, &folder);
        drop(sandbox);
    }
}

/// Nothing of ours is in the folder but its configuration, and nothing on the engine but its one container.
fn leaves_nothing_beside(engine: &Engine, folder: &Path) {
    let left: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != ".devcontainer")
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let folder = folder.display().to_string();
    let get = |path: &str| engine.api().get(path).unwrap();
    let of_folder = |object: &Value| object.to_string().contains(&folder);
    let containers = items(get("/containers/json?all=true"));
    let containers: Vec<_> = containers.iter().filter(|container| of_folder(container)).collect();
    assert_eq!(containers.len(), 1, "{containers:?}");
    // The folder, and the agent.
    assert_eq!(containers[0]["Mounts"].as_array().unwrap().len(), 2, "{containers:?}");
    let others = [get("/volumes")["Volumes"].take(), get("/networks"), engine.api().images(true).unwrap()];
    let ours: Vec<_> = others
        .into_iter()
        .flat_map(items)
        .filter(|object| of_folder(object) || is_of_product(object))
        .filter(|object| object["Labels"]["dev.gangplank.agent.installation"].is_null())
        .collect();
    assert!(ours.is_empty(), "{ours:?}");
}

fn items(list: Value) -> Vec<Value> {
    match list {
        Value::Array(list) => list,
        Value::Null => Vec::new(),
        other => panic!("not a list: {other}"),
    }
}

/// By a label or a name such as the product gives; those of the tests are others, also of one that plays the product.
fn is_of_product(object: &Value) -> bool {
    let labels: Vec<&String> =
        object["Labels"].as_object().into_iter().flat_map(|labels| labels.keys()).collect();
    // One that the harness made plays the product where it has the product's labels too.
    if labels.iter().any(|label| label.starts_with("dev.gangplank.test")) {
        return false;
    }
    let tags = object["RepoTags"].as_array().into_iter().flatten();
    let mut names = tags.chain(object.get("Name")).filter_map(Value::as_str).peekable();
    if names.peek().is_some_and(|name| name.starts_with("gp-")) {
        return false;
    }
    labels.iter().any(|label| label.starts_with("dev.gangplank."))
        || names.any(|name| {
            name.starts_with("gp_") || (name.starts_with("gangplank") && !name.starts_with("gangplank-test"))
        })
}

#[test]
fn a_process_that_ran_out_of_memory_and_a_container_that_was_removed_are_told() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let (image, name) = (Image::Python.on(engine).unwrap(), sandbox.name("small"));
    let host = json!({ "Memory": 32 << 20, "MemorySwap": 32 << 20 });
    let small = json!({ "Image": image, "Cmd": ["sleep", "1000"], "HostConfig": host });
    let api = engine.api();
    api.post(&format!("/containers/create?name={name}"), engine::Body::Json(&small)).unwrap();
    api.post(&format!("/containers/{name}/start"), engine::Body::Empty).unwrap();
    let eats =
        ["exec", "--container-id", &name, "python3", "-c", "x = [bytearray(1 << 20) for _ in range(200)]"];
    sandbox.gangplank(eats).run().exits(137).complains("ran out of memory");

    // As its first process the container itself ends by it.
    let first = sandbox.name("first");
    let eater = json!({ "Image": image, "Cmd": ["python3", "-c", eats[5]], "HostConfig": host });
    api.post(&format!("/containers/create?name={first}"), engine::Body::Json(&eater)).unwrap();
    api.post(&format!("/containers/{first}/start"), engine::Body::Empty).unwrap();
    api.post(&format!("/containers/{first}/wait"), engine::Body::Empty).unwrap();
    let inspected = sandbox.rpc().call("container/inspect", &json!({ "container": first })).unwrap();
    assert!(inspected.to_string().contains("137"), "{inspected}");

    let mut held = sandbox.gangplank(["exec", "--container-id", &name, "sleep", "1000"]).spawn();
    let mut rpc = sandbox.rpc();
    let end = Instant::now() + Duration::from_secs(60);
    while rpc.call("daemon/status", &json!({})).unwrap()["activity"]["processes"] != 1 {
        assert!(Instant::now() < end, "the process never ran");
    }
    api.delete(&format!("/containers/{name}?force=true")).unwrap();
    assert!(!held.wait().unwrap().success());
    let mut told = String::new();
    std::io::Read::read_to_string(&mut held.stderr.take().unwrap(), &mut told).unwrap();
    assert!(told.contains("its container"), "{told:?}");
    sandbox.gangplank(["exec", "--container-id", &name, "true"]).run().exits(1).complains("notFound");
}

#[test]
fn a_paused_container_is_said_to_be_paused() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let folder =
        sandbox.workspace("project", &json!({ "image": Image::Busybox.on(engine).unwrap() }).to_string());
    let up = sandbox.gangplank(["up"]).within(&folder).run().success().json();
    let id = up["containerId"].as_str().unwrap();
    engine.api().post(&format!("/containers/{id}/pause"), engine::Body::Empty).unwrap();
    sandbox.gangplank(["up"]).within(&folder).run().exits(1).complains("paused");
    sandbox.gangplank(["exec", "true"]).within(&folder).run().exits(1).complains("paused");
    engine.api().post(&format!("/containers/{id}/unpause"), engine::Body::Empty).unwrap();
    sandbox.gangplank(["exec", "true"]).within(&folder).run().success();
}
