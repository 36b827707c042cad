//! The harness itself: if it lied, every other test would.

use gangplank_tests::engine::{self, Body};
use gangplank_tests::{Engine, EngineKind, Image, Registry, registry};
use serde_json::{Value, json};

/// Creates, starts and waits for a container behind the product's back; gives its exit code.
fn run(engine: &Engine, image: &str, command: &[&str]) -> i64 {
    let api = engine.api();
    let request = json!({ "Image": image, "Cmd": command, "Labels": { "dev.gangplank.test": "harness" } });
    let id = created(&api.post("/containers/create", Body::Json(&request)).unwrap());
    let ran = api
        .post(&format!("/containers/{id}/start"), Body::Empty)
        .and_then(|_| api.post(&format!("/containers/{id}/wait"), Body::Empty));
    api.delete(&format!("/containers/{id}?force=1")).unwrap();
    ran.unwrap()["StatusCode"].as_i64().unwrap()
}

fn created(answer: &Value) -> String {
    answer["Id"].as_str().unwrap().to_owned()
}

fn images_run_on(kind: EngineKind) {
    let engine = engine::for_tests(kind);
    let python = Image::Python.on(engine).unwrap();
    assert_eq!(run(engine, python, &["python", "-c", "raise SystemExit(7)"]), 7);
    let as_user = "test $(id -u vscode) = 1000 && test -d /home/vscode && command -v bash ps python3";
    assert_eq!(run(engine, python, &["sh", "-c", as_user]), 0);
    let busybox = Image::Busybox.on(engine).unwrap();
    assert_eq!(run(engine, busybox, &["sh", "-c", "test $(id -u app) = 1000 && exit 9"]), 9);
    let empty = Image::Empty.on(engine).unwrap();
    assert_eq!(run(engine, empty, &["/sleep", "0"]), 0);
}

#[test]
fn images_run_on_docker() {
    images_run_on(EngineKind::Docker);
}

#[test]
fn images_run_on_docker_classic() {
    images_run_on(EngineKind::DockerClassic);
}

#[test]
fn images_run_on_docker_20_10() {
    images_run_on(EngineKind::Docker20);
}

#[test]
fn images_run_on_podman() {
    images_run_on(EngineKind::Podman);
}

#[test]
fn the_image_stores_differ() {
    let driver = |kind| engine::for_tests(kind).api().get("/info").unwrap()["Driver"].clone();
    assert_eq!(driver(EngineKind::Docker), "overlayfs", "the containerd image store");
    assert_eq!(driver(EngineKind::DockerClassic), "overlay2", "the classic image store");
}

#[test]
fn versions_are_those_that_the_kinds_stand_for() {
    let version = |kind| {
        let version = engine::for_tests(kind).api().get("/version").unwrap();
        version["Version"].as_str().unwrap().to_owned()
    };
    assert!(version(EngineKind::Docker20).starts_with("20.10."), "the oldest");
    let current: u32 = version(EngineKind::Docker).split('.').next().unwrap().parse().unwrap();
    assert!(current >= 28, "the current one is {current}");
    assert!(version(EngineKind::Podman).starts_with("5."), "Podman 5");
}

#[test]
fn an_image_of_the_registry_can_be_pulled_on_every_engine() {
    let registry: &Registry = registry::for_tests();
    let main = engine::for_tests(EngineKind::Docker);
    let reference = registry.offer(Image::Busybox, "harness/busybox:1", main).unwrap();
    for kind in EngineKind::ALL {
        let api = engine::for_tests(kind).api();
        let (name, tag) = reference.rsplit_once(':').unwrap();
        api.post(&format!("/images/create?fromImage={name}&tag={tag}"), Body::Empty).unwrap();
        api.get(&format!("/images/{reference}/json")).unwrap();
        api.delete(&format!("/images/{reference}?noprune=true")).unwrap();
    }
}

#[test]
fn a_private_engine_comes_back_with_its_data_and_ends_when_it_is_dropped() {
    let mut engine = Engine::private(EngineKind::Docker).unwrap();
    let image = Image::Busybox.on(&engine).unwrap();
    engine.restart().unwrap();
    assert_eq!(run(&engine, image, &["sh", "-c", "exit 3"]), 3);
    let socket = engine.socket();
    engine.end().unwrap();
    assert!(!socket.exists() || std::os::unix::net::UnixStream::connect(&socket).is_err());
}
