//! Volumes made, and files laid into containers that never ran.

use std::collections::BTreeMap;
use std::io::Read as _;

use serde_json::{Value, json};

use crate::EngineError;
use crate::container::NewFile;
use crate::fake::{Asked, FakeEngine, Reply, json, refuse};

const PROGRAM: NewFile<'static> = NewFile { name: "agent", mode: 0o555, content: b"\x7fELF" };

/// An engine with one container, in this state.
fn engine_with(status: &'static str) -> FakeEngine {
    FakeEngine::start("1.51", move |asked: &Asked| match asked.line.as_str() {
        "GET /containers/helper/json" => json(json!({"Id": "h1", "State": {"Status": status}})),
        "PUT /containers/h1/archive?path=%2Fin" => Reply::Json(200, Value::Null),
        line => refuse(404, &format!("not in the script: {line}")),
    })
}

#[tokio::test]
async fn a_file_is_laid_as_a_plain_archive() {
    let fake = engine_with("created");
    fake.connect().await.lay_file("helper", "/in", PROGRAM).await.unwrap();
    let body = fake.asked().pop().unwrap().body;
    let mut archive = tar::Archive::new(&*body);
    let mut files = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let header = entry.header();
        files.push((entry.path_bytes().into_owned(), header.mode().unwrap(), header.uid().unwrap(), content));
    }
    assert_eq!(files, [(b"agent".to_vec(), 0o555, 0, PROGRAM.content.to_vec())]);
}

#[tokio::test]
async fn a_container_that_ever_ran_gets_none() {
    for status in ["running", "paused", "restarting", "exited", "dead", "removing", ""] {
        let fake = engine_with(status);
        let refused = fake.connect().await.lay_file("helper", "/in", PROGRAM).await.unwrap_err();
        assert!(matches!(refused, EngineError::Conflict { .. }), "{status}: {refused}");
        assert_eq!(fake.asked().len(), 1, "{status}: {:?}", fake.asked());
    }
}

#[tokio::test]
async fn a_name_leads_nowhere_else() {
    let fake = engine_with("created");
    for name in ["../agent", "/agent/../../etc/passwd", ""] {
        let file = NewFile { name, ..PROGRAM };
        let refused = fake.connect().await.lay_file("helper", "/in", file).await.unwrap_err();
        assert!(matches!(refused, EngineError::InvalidParameter { .. }), "{name}: {refused}");
    }
    assert!(fake.asked().is_empty());
}

#[tokio::test]
async fn a_volume_comes_with_its_own_labels() {
    let volume = json!({"Name": "v", "Driver": "local", "Mountpoint": "/m", "Labels": {"whose": "theirs"},
                        "Options": null, "Scope": "local", "CreatedAt": "2026-01-02T03:04:05Z"});
    let fake = FakeEngine::start("1.41", move |asked: &Asked| match asked.line.as_str() {
        "POST /volumes/create" => Reply::Json(201, volume.clone()),
        "GET /volumes/v" => json(volume.clone()),
        _ => refuse(404, "get gone: no such volume"),
    });
    let engine = fake.connect().await;
    let labels = BTreeMap::from([("whose".to_owned(), "ours".to_owned())]);
    let made = engine.create_volume("v", &labels).await.unwrap();
    assert_eq!(made.labels["whose"], "theirs");
    assert_eq!(made.created, "2026-01-02T03:04:05Z");
    assert_eq!(engine.inspect_volume("v").await.unwrap(), made);
    let asked: Value = serde_json::from_slice(&fake.asked()[0].body).unwrap();
    assert_eq!((&asked["Name"], &asked["Labels"]["whose"]), (&json!("v"), &json!("ours")));
    assert!(engine.inspect_volume("gone").await.unwrap_err().is_not_found());
    assert!(engine.inspect_volume("../x").await.is_err());
}
