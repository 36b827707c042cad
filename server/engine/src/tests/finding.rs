//! Finding the engine that a client means, with files and sockets in place.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::fake::{FakeEngine, json};
use crate::{Attempt, Endpoint, EngineError, EngineRequest, resolve};

fn fake() -> FakeEngine {
    FakeEngine::start("1.51", |_| json(serde_json::json!({})))
}

fn request(environment: &[(&str, &str)]) -> EngineRequest {
    let environment = environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    EngineRequest { context: None, environment }
}

fn write_context(folder: &Path, name: &str, host: &str) {
    let digest: String = Sha256::digest(name).iter().map(|byte| format!("{byte:02x}")).collect();
    let folder = folder.join("contexts/meta").join(digest);
    std::fs::create_dir_all(&folder).unwrap();
    let meta = serde_json::json!({"Name": name, "Endpoints": {"docker": {"Host": host}}});
    std::fs::write(folder.join("meta.json"), meta.to_string()).unwrap();
}

fn tried(error: EngineError) -> Vec<Attempt> {
    match error {
        EngineError::Unavailable { tried } => tried,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn docker_host_and_back_by_its_id() {
    let fake = fake();
    let host = format!("unix://{}", fake.socket().display());
    let endpoint = resolve(&request(&[("DOCKER_HOST", &host)])).await.unwrap();
    assert_eq!(endpoint.id().as_str(), host);
    let again = Endpoint::from_id(&endpoint.id(), &BTreeMap::new()).unwrap();
    crate::Engine::connect(again).await.unwrap();
}

#[tokio::test]
async fn contexts_by_name_and_the_current_one() {
    let (one, two) = (fake(), fake());
    let folder = tempfile::tempdir().unwrap();
    let address = |fake: &FakeEngine| format!("unix://{}", fake.socket().display());
    write_context(folder.path(), "one", &address(&one));
    write_context(folder.path(), "two", &address(&two));
    std::fs::write(folder.path().join("config.json"), r#"{"currentContext":"two"}"#).unwrap();
    let config = folder.path().to_str().unwrap();
    let current = request(&[("DOCKER_CONFIG", config)]);
    assert_eq!(resolve(&current).await.unwrap().id().as_str(), address(&two));
    let named = EngineRequest { context: Some("one".into()), ..current };
    assert_eq!(resolve(&named).await.unwrap().id().as_str(), address(&one));
    let missing = EngineRequest { context: Some("three".into()), ..named };
    let tried = tried(resolve(&missing).await.unwrap_err());
    assert_eq!((tried.len(), tried[0].what.as_str()), (1, "context three"));
}

#[tokio::test]
async fn a_broken_configuration_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.json"), "{").unwrap();
    let error = resolve(&request(&[("DOCKER_CONFIG", folder.path().to_str().unwrap())])).await.unwrap_err();
    assert_eq!(tried(error)[0].what, "Docker's configuration");
}

#[tokio::test]
async fn what_was_chosen_is_not_replaced() {
    let fake = fake();
    let runtime = fake.socket().parent().unwrap().to_str().unwrap().to_owned();
    std::fs::hard_link(fake.socket(), Path::new(&runtime).join("docker.sock")).unwrap();
    let chosen = request(&[("DOCKER_HOST", "unix:///nowhere/engine.sock"), ("XDG_RUNTIME_DIR", &runtime)]);
    let tried = tried(resolve(&chosen).await.unwrap_err());
    assert_eq!(tried.len(), 1);
    assert_eq!(tried[0].what, "unix:///nowhere/engine.sock");
    assert!(tried[0].why.contains("No such file"), "{}", tried[0].why);
}

#[tokio::test]
async fn one_that_hangs_and_one_that_refuses_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("hangs.sock");
    let _hangs = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let host = format!("unix://{}", socket.display());
    let hangs = tried(resolve(&request(&[("DOCKER_HOST", &host)])).await.unwrap_err());
    assert_eq!(hangs, [Attempt { what: host, why: "it accepts connections but does not answer".into() }]);
    let refuses = tried(resolve(&request(&[("DOCKER_HOST", "tcp://127.0.0.1:1")])).await.unwrap_err());
    assert!(refuses[0].why.contains("refused"), "{}", refuses[0].why);
}
