//! Methods behind an engine that hangs, fails or breaks off at each of its calls: the client gets an error with a kind,
//! in bounded time, and nothing panics. The engine speaks HTTP by hand, since no server library would break off in the
//! middle of an answer; it notes a request without a version, and one that unpacks an archive.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use gangplank_protocol::ErrorKind;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

use crate::daemon::Daemon;

/// What the engine does with the call that fails.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Hangs,
    Refuses,
    BreaksOff,
    ClosesAtOnce,
    TalksNonsense,
}

type Violations = Arc<Mutex<Vec<String>>>;

/// Serves every call with success but those whose path ends with `at`.
fn serve(socket: &Path, at: &'static str, fault: Fault) -> Violations {
    let violations = Violations::default();
    let (listener, noted) = (UnixListener::bind(socket).unwrap(), Arc::clone(&violations));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_all(stream, at, fault, Arc::clone(&noted)));
        }
    });
    violations
}

async fn answer_all(mut stream: UnixStream, at: &str, fault: Fault, violations: Violations) -> Option<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).unwrap();
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        stream.read_exact(&mut vec![0; length.unwrap_or(0)]).await.ok()?;
        let target = head.split(' ').nth(1).unwrap();
        let path = target.split('?').next().unwrap();
        if (path != "/_ping" && !path.starts_with("/v1."))
            || (head.starts_with("PUT") && path.ends_with("/archive"))
        {
            violations.lock().unwrap().push(target.to_owned());
        }
        let answer = |status: &str, body: &str| {
            format!(
                "HTTP/1.1 {status}\r\nApi-Version: 1.51\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
        };
        let answer = if path.ends_with(at) {
            match fault {
                Fault::Hangs => std::future::pending().await,
                Fault::Refuses => answer("500 Internal Server Error", r#"{"message":"the disk is full"}"#),
                Fault::BreaksOff => {
                    let begun = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n[{\"Id\":\"";
                    stream.write_all(begun.as_bytes()).await.ok()?;
                    return None;
                }
                Fault::ClosesAtOnce => return None,
                Fault::TalksNonsense => answer("200 OK", "<html>a proxy</html>"),
            }
        } else {
            match path.rsplit('/').next().unwrap() {
                "events" => std::future::pending().await,
                "_ping" => answer("200 OK", "OK"),
                "start" => answer("204 No Content", ""),
                _ => answer(
                    "200 OK",
                    r#"{"Id":"c1","Name":"/c1","Warnings":[],"State":{"Status":"running","Running":true},"Config":{},"ExecIDs":[]}"#,
                ),
            }
        };
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

async fn call(daemon: &Arc<Daemon>, method: &str, params: &Value) -> Value {
    let module = super::module(Arc::clone(daemon)).unwrap();
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
    let (answer, _) = module.raw_json_request(&request, 1).await.unwrap();
    serde_json::from_str(answer.get()).unwrap()
}

/// The clock stands still while anything goes on, so waiting for ever would show as a test without an end.
#[tokio::test(start_paused = true)]
async fn each_call_that_fails_is_an_error_with_a_kind() {
    let target = json!({ "type": "container", "container": "c1" });
    let cases = [
        ("container/list", "/containers/json", json!({ "all": true })),
        ("container/inspect", "/containers/c1/json", json!({ "container": "c1" })),
        ("container/start", "/containers/c1/start", json!({ "container": "c1" })),
        ("container/stop", "/containers/c1/stop", json!({ "container": "c1" })),
        ("image/list", "/images/json", json!({})),
        ("process/start", "/exec", json!({ "target": target, "argv": ["true"] })),
    ];
    for (method, at, params) in cases {
        for fault in
            [Fault::Hangs, Fault::Refuses, Fault::BreaksOff, Fault::ClosesAtOnce, Fault::TalksNonsense]
        {
            let home = tempfile::tempdir().unwrap();
            let socket = home.path().join("engine.sock");
            let violations = serve(&socket, at, fault);
            let daemon = Arc::new(crate::serve::for_tests(home.path()));
            let mut params = params.clone();
            params["engine"] = json!(format!("unix://{}", socket.display()));
            let answer = call(&daemon, method, &params).await;
            // Whether a container was started or stopped is told by the status alone.
            if at.starts_with("/containers/c1/st") && matches!(fault, Fault::BreaksOff | Fault::TalksNonsense)
            {
                continue;
            }
            let kind = &answer["error"]["data"]["kind"];
            let known = ErrorKind::ALL.iter().any(|each| *kind == each.name().as_str());
            assert!(known && *kind != "internal", "{method}, {fault:?}: {answer}");
            assert_eq!(daemon.counters.panics.load(Ordering::Relaxed), 0);
            assert!(violations.lock().unwrap().is_empty(), "{violations:?}");
        }
    }
}
