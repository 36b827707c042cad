//! Exec, attach and logs: bytes pass unchanged both ways, whatever their values.

use futures_util::StreamExt as _;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use crate::container::{LogOptions, WaitCondition};
use crate::exec::{AttachSpec, ExecSpec, TerminalSize};
use crate::fake::{Asked, FakeEngine, Reply, json, refuse};
use crate::{EngineError, Session, Source};

const SIZE: TerminalSize = TerminalSize { columns: 100, rows: 30 };

/// Every byte value, beginning with those that look like a frame's header.
fn every_byte() -> Vec<u8> {
    (0..=255).collect()
}

fn framed(stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[stream, 0, 0, 0], &length[..], payload].concat()
}

/// An engine whose execs write `output`, then their input.
fn engine_with_exec(version: &str, output: Vec<u8>) -> FakeEngine {
    FakeEngine::start(version, move |asked: &Asked| match asked.line.as_str() {
        "POST /containers/web/exec" => Reply::Json(201, json!({"Id": "e1"})),
        "POST /exec/e1/start" => Reply::Hijack(output.clone()),
        "GET /exec/e1/json" => json(json!({"ID": "e1", "Running": false, "ExitCode": 3, "Pid": 9})),
        line if line.starts_with("POST /exec/e1/resize") => Reply::Json(200, json!({})),
        line if line.starts_with("POST /containers/web/attach") => Reply::Hijack(output.clone()),
        line => refuse(404, &format!("not in the script: {line}")),
    })
}

async fn collect(session: &mut Session) -> (Vec<u8>, Vec<u8>) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    while let Some(output) = session.reader.next().await {
        let output = output.unwrap();
        match output.source {
            Source::Stdout => stdout.extend_from_slice(&output.bytes),
            Source::Stderr => stderr.extend_from_slice(&output.bytes),
        }
    }
    (stdout, stderr)
}

#[tokio::test]
async fn without_a_terminal_streams_stay_apart_and_input_can_be_closed() {
    let fake = engine_with_exec("1.51", [framed(1, &every_byte()), framed(2, b"err")].concat());
    let engine = fake.connect().await;
    let spec = ExecSpec { argv: vec!["cat".into()], attach_stdin: true, ..ExecSpec::default() };
    let mut session = engine.exec("web", &spec).await.unwrap();
    session.writer.write_all(&framed(1, b"input")).await.unwrap();
    session.writer.shutdown().await.unwrap();
    let (stdout, stderr) = collect(&mut session).await;
    assert_eq!(stdout, [&every_byte()[..], b"input"].concat());
    assert_eq!(stderr, b"err");
    assert_eq!(engine.exec_exit_code("e1").await, Ok(3));
}

#[tokio::test]
async fn a_terminals_first_bytes_are_no_header_and_its_input_is_not_closed() {
    let fake = engine_with_exec("1.51", every_byte());
    let engine = fake.connect().await;
    let spec = ExecSpec { argv: vec!["sh".into()], tty: true, size: Some(SIZE), ..ExecSpec::default() };
    let mut session = engine.exec("web", &spec).await.unwrap();
    session.writer.shutdown().await.unwrap();
    session.writer.write_all(b"more").await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 260 {
        let output = session.reader.next().await.unwrap().unwrap();
        assert_eq!(output.source, Source::Stdout);
        seen.extend_from_slice(&output.bytes);
    }
    assert_eq!(seen, [&every_byte()[..], b"more"].concat());
}

#[tokio::test]
async fn a_terminal_has_its_size_in_each_dialect() {
    let spec = ExecSpec { argv: vec!["sh".into()], tty: true, size: Some(SIZE), ..ExecSpec::default() };
    for (version, at_create, resizes) in [("1.51", Some(json!([30, 100])), 0), ("1.41", None, 1)] {
        let fake = engine_with_exec(version, Vec::new());
        let engine = fake.connect().await;
        let _session = engine.exec("web", &spec).await.unwrap();
        let asked = fake.asked();
        let created: serde_json::Value = serde_json::from_slice(&asked[0].body).unwrap();
        assert_eq!(created.get("ConsoleSize"), at_create.as_ref(), "{version}");
        assert!(created["DetachKeys"].as_str().unwrap().starts_with("ctrl-^,ctrl-_"));
        let resize = asked.iter().filter(|asked| asked.line == "POST /exec/e1/resize?h=30&w=100").count();
        assert_eq!(resize, resizes, "{version}");
    }
}

#[tokio::test]
async fn output_is_kept_up_to_the_limit() {
    let fake = engine_with_exec("1.51", [framed(1, b"123456"), framed(2, b"12")].concat());
    let engine = fake.connect().await;
    let spec = ExecSpec { argv: vec!["x".into()], ..ExecSpec::default() };
    let output = engine.exec_output("web", &spec, &framed(2, b"34"), 4).await.unwrap();
    assert_eq!((output.stdout, output.stderr), (b"1234".to_vec(), b"1234".to_vec()));
    assert!(output.truncated);
    assert_eq!(output.exit_code, 3);
}

#[tokio::test]
async fn a_process_that_ends_without_its_input_is_not_waited_for() {
    let fake = FakeEngine::start("1.51", move |asked: &Asked| match asked.line.as_str() {
        "POST /containers/web/exec" => Reply::Json(201, json!({"Id": "e1"})),
        "POST /exec/e1/start" => Reply::HijackDeaf(framed(2, b"no such program")),
        _ => json(json!({"ID": "e1", "Running": false, "ExitCode": 127, "Pid": 0})),
    });
    let engine = fake.connect().await;
    let spec = ExecSpec { argv: vec!["x".into()], ..ExecSpec::default() };
    // More than the connection holds on its way.
    let output = engine.exec_output("web", &spec, &vec![b'x'; 8 << 20], 100).await.unwrap();
    assert_eq!((output.exit_code, output.stderr), (127, b"no such program".to_vec()));
}

#[tokio::test]
async fn a_stream_that_breaks_within_a_frame_is_an_error() {
    let fake = engine_with_exec("1.51", vec![1, 0, 0, 0, 0, 0, 0, 9, b'x']);
    let engine = fake.connect().await;
    let spec = ExecSpec { argv: vec!["x".into()], attach_stdin: true, ..ExecSpec::default() };
    let mut session = engine.exec("web", &spec).await.unwrap();
    session.writer.shutdown().await.unwrap();
    assert_eq!(session.reader.next().await.unwrap().unwrap().bytes, "x");
    assert!(matches!(session.reader.next().await, Some(Err(EngineError::Malformed { .. }))));
    assert!(session.reader.next().await.is_none());
}

#[tokio::test]
async fn attach_asks_for_what_was_wanted() {
    let fake = engine_with_exec("1.51", framed(1, b"hello"));
    let engine = fake.connect().await;
    let spec = AttachSpec { tty: false, stdin: true, stdout: true, stderr: false };
    let mut session = engine.attach("web", spec).await.unwrap();
    session.writer.shutdown().await.unwrap();
    assert_eq!(collect(&mut session).await.0, b"hello");
    assert!(
        fake.asked()[0].line.starts_with(
            "POST /containers/web/attach?stream=true&logs=false&stdin=true&stdout=true&stderr=false&detachKeys=%FF"
        ),
        "{}",
        fake.asked()[0].line
    );
}

#[tokio::test]
async fn logs_of_a_terminal_are_raw() {
    let fake = FakeEngine::start("1.51", |_| crate::fake::chunks(&["\u{1}\u{0}", "\u{2}prompt$ "]));
    let engine = fake.connect().await;
    let options = LogOptions { tty: true, ..LogOptions::default() };
    let mut logs = engine.container_logs("web", &options).await.unwrap();
    let mut seen = Vec::new();
    while let Some(output) = logs.next().await {
        seen.extend_from_slice(&output.unwrap().bytes);
    }
    assert_eq!(seen, b"\x01\x00\x02prompt$ ");
}

#[tokio::test]
async fn waiting_gives_the_exit_code_or_the_engines_words() {
    let fake = FakeEngine::start("1.51", |asked| match asked.line.as_str() {
        "POST /containers/web/wait?condition=next%2Dexit" => json(json!({"StatusCode": 137, "Error": null})),
        _ => json(json!({"StatusCode": 0, "Error": {"Message": "removal failed"}})),
    });
    let engine = fake.connect().await;
    assert_eq!(engine.wait_container("web", WaitCondition::NextExit).await, Ok(137));
    let error = engine.wait_container("web", WaitCondition::Removed).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot wait for container web: removal failed");
}
