//! Pulls: progress and errors within the stream, and the client's credentials.

use std::collections::BTreeMap;

use base64::Engine as _;
use futures_util::StreamExt as _;

use crate::EngineError;
use crate::fake::{FakeEngine, chunks, refuse};
use crate::image::{PullProgress, PullRequest};

async fn pull(fake: &FakeEngine, request: PullRequest) -> Vec<Result<PullProgress, EngineError>> {
    fake.connect().await.pull_image(&request).collect().await
}

fn request(image: &str) -> PullRequest {
    PullRequest { image: image.into(), ..PullRequest::default() }
}

#[tokio::test]
async fn progress_then_an_error_within_the_stream() {
    let fake = FakeEngine::start("1.51", |_| {
        chunks(&[
            "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":1,\"to",
            "tal\":2},\"id\":\"ab\"}\n{\"error\":\"manifest unknown\"}\n",
        ])
    });
    let seen = pull(&fake, request("r.example:5000/app")).await;
    let progress =
        PullProgress { id: "ab".into(), status: "Downloading".into(), current: Some(1), total: Some(2) };
    assert_eq!(seen[0], Ok(progress));
    assert!(
        matches!(&seen[1..], [Err(EngineError::ImageNotFound { image, .. })] if image == "r.example:5000/app")
    );
    assert_eq!(fake.asked()[0].line, "POST /images/create?fromImage=r%2Eexample%3A5000%2Fapp&tag=latest");
    assert!(fake.asked()[0].headers.get("X-Registry-Auth").is_none());
}

#[tokio::test]
async fn a_refusal_before_the_stream() {
    let fake = FakeEngine::start("1.51", |_| refuse(404, "pull access denied for nope"));
    assert!(matches!(
        pull(&fake, request("nope")).await.as_slice(),
        [Err(EngineError::ImageNotFound { .. })]
    ));
}

#[tokio::test]
async fn credentials_are_in_the_url_safe_alphabet() {
    let fake = FakeEngine::start("1.51", |_| chunks(&[]));
    let folder = tempfile::tempdir().unwrap();
    let auth = base64::engine::general_purpose::STANDARD.encode("me:>>>???~~~");
    let config = serde_json::json!({"auths": {"r.example": {"auth": auth}}});
    std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    let folder = folder.path().to_str().unwrap().to_owned();
    let environment = BTreeMap::from([("DOCKER_CONFIG".to_owned(), folder)]);
    let seen = pull(&fake, PullRequest { environment, ..request("r.example/app:1") }).await;
    assert!(seen.is_empty());
    let header = fake.asked()[0].headers["X-Registry-Auth"].to_str().unwrap().to_owned();
    assert!(!header.contains(['+', '/']), "{header}");
    let sent = base64::engine::general_purpose::URL_SAFE.decode(header).unwrap();
    let sent: serde_json::Value = serde_json::from_slice(&sent).unwrap();
    assert_eq!(
        sent,
        serde_json::json!({"username": "me", "password": ">>>???~~~", "serveraddress": "r.example"})
    );
}
