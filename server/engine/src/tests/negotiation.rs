//! The API version: negotiated, on every path, and negotiated again when the engine was replaced.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::container::{ContainerFilter, ContainerSpec};
use crate::fake::{Asked, FakeEngine, Reply, json, refuse};
use crate::{Engine, EngineError, ObjectKind};

fn script(asked: &Asked) -> Reply {
    match asked.line.as_str() {
        line if line.starts_with("GET /containers/json") || line.starts_with("GET /images/json") => {
            json(json!([]))
        }
        line if line.starts_with("GET /containers/gone/json") => refuse(404, "No such container: gone"),
        line if line.starts_with("POST /containers/create") => {
            Reply::Json(201, json!({"Id": "ab", "Warnings": []}))
        }
        line => refuse(500, &format!("not in the script: {line}")),
    }
}

fn versions(engine: &FakeEngine) -> Vec<String> {
    engine.asked().into_iter().map(|asked| asked.version).collect()
}

#[tokio::test]
async fn the_version_is_the_engines_within_the_tested_range() {
    for (speaks, spoken) in [("1.41", "1.41"), ("1.44", "1.44"), ("1.51", "1.51"), ("1.60", "1.51")] {
        let fake = FakeEngine::start(speaks, script);
        let engine = fake.connect().await;
        engine.list_containers(&ContainerFilter::default()).await.unwrap();
        engine.list_images().await.unwrap();
        engine.create_container(&ContainerSpec::default()).await.unwrap();
        assert_eq!(versions(&fake), [spoken; 3], "{speaks}");
    }
}

#[tokio::test]
async fn an_engine_that_is_too_old_is_unavailable_and_says_so() {
    let fake = FakeEngine::start("1.40", script);
    let error = Engine::connect(fake.endpoint()).await.unwrap_err();
    assert!(error.is_unavailable());
    assert!(error.to_string().contains("it speaks API version 1.40, but at least 1.41 is needed"), "{error}");
}

#[tokio::test]
async fn it_is_negotiated_again_after_a_restart() {
    let fake = FakeEngine::start("1.51", script);
    let engine = fake.connect().await;
    engine.list_images().await.unwrap();
    fake.stop();
    assert!(engine.list_images().await.unwrap_err().is_unavailable());
    fake.start_again("1.44");
    engine.list_images().await.unwrap();
    assert_eq!(versions(&fake), ["1.51", "1.44"]);
}

#[tokio::test]
async fn it_is_negotiated_again_after_a_restart_that_no_call_met() {
    let fake = FakeEngine::start("1.44", script);
    let engine = fake.connect().await;
    engine.list_images().await.unwrap();
    fake.start_again("1.51");
    // The old connection's end is seen when its task runs next.
    for _ in 0..100 {
        tokio::task::yield_now().await;
        engine.list_images().await.unwrap();
    }
    assert_eq!(versions(&fake).last().unwrap(), "1.51");
}

#[tokio::test]
async fn a_refused_version_is_negotiated_again_and_the_request_repeated() {
    let fake = FakeEngine::start("1.51", script);
    let engine = fake.connect().await;
    engine.list_images().await.unwrap();
    // The same connections, another engine behind them, as with a forwarded socket.
    fake.speak("1.43");
    engine.create_container(&ContainerSpec::default()).await.unwrap();
    assert_eq!(versions(&fake), ["1.51", "1.51", "1.43"]);
}

#[tokio::test]
async fn refusals_have_their_kind() {
    let fake = FakeEngine::start("1.51", script);
    let engine = fake.connect().await;
    let expected = EngineError::NotFound { kind: ObjectKind::Container, name: "gone".into() };
    assert_eq!(engine.inspect_container("gone").await, Err(expected));
    let error = engine.remove_container("gone", true, true).await.unwrap_err();
    assert!(matches!(error, EngineError::Other { status: Some(500), .. }), "{error}");
}

#[tokio::test]
async fn images_that_are_removed_while_they_are_listed_do_not_fail_the_list() {
    let listings = AtomicUsize::new(0);
    let fake = FakeEngine::start("1.51", move |_| match listings.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => refuse(404, "failed to read config content: content digest sha256:ab: not found"),
        _ => json(json!([])),
    });
    assert_eq!(fake.connect().await.list_images().await, Ok(Vec::new()));
    let fake = FakeEngine::start("1.51", |_| refuse(404, "page not found"));
    let error = fake.connect().await.list_images().await.unwrap_err();
    assert!(matches!(error, EngineError::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn a_name_that_would_change_the_path_is_not_sent() {
    let fake = FakeEngine::start("1.51", script);
    let engine = fake.connect().await;
    let error = engine.remove_container("../images/x", true, true).await.unwrap_err();
    assert!(matches!(error, EngineError::InvalidParameter { .. }), "{error}");
    assert!(fake.asked().is_empty());
}
