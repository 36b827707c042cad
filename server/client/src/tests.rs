//! The client against a daemon played by a few lines: a WebSocket server on a Unix socket with a record beside it, that
//! answers what each test scripts.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::{Client, ClientError, ConnectOptions, Place};
use futures_util::{SinkExt, StreamExt};
use gangplank_protocol::ErrorKind;
use gangplank_protocol::catalogue::ContainerList;
use gangplank_protocol::container::ContainerListParams;
use gangplank_protocol::daemon::Program;
use gangplank_protocol::operation::{OperationEvent, OperationState};
use serde_json::{Value, json};
use tokio::net::{UnixListener, UnixStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

struct Daemon {
    listener: UnixListener,
    directory: tempfile::TempDir,
}

/// One connection to the played daemon.
struct Connection(WebSocketStream<UnixStream>);

impl Daemon {
    fn start(major: u32) -> Daemon {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o700)).unwrap();
        let socket = directory.path().join("daemon.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let record = json!({
            "pid": std::process::id(),
            "socket": socket,
            "version": "0.1.0",
            "protocolVersion": {"major": major, "minor": 0},
        });
        std::fs::write(directory.path().join("daemon.json"), record.to_string()).unwrap();
        Daemon { listener, directory }
    }

    /// Takes a connection and answers its hello.
    async fn accept(&self) -> Connection {
        let (stream, _) = self.listener.accept().await.unwrap();
        let mut connection = Connection(accept_async(stream).await.unwrap());
        let hello = connection.request("daemon/hello").await;
        assert_eq!(hello["params"]["environment"], json!({"HOME": "/home/ada"}));
        let answer = json!({
            "protocolVersion": {"major": 1, "minor": 0},
            "daemon": {"name": "gangplank", "version": "0.1.0"},
            "epoch": "e",
            "capabilities": [],
        });
        connection.answer(&hello, answer).await;
        connection
    }
}

impl Connection {
    async fn request(&mut self, method: &str) -> Value {
        let message = self.0.next().await.unwrap().unwrap().into_text().unwrap();
        let request: Value = serde_json::from_str(&message).unwrap();
        assert_eq!(request["method"], method);
        request
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn answer(&mut self, request: &Value, result: Value) {
        self.send(json!({"jsonrpc": "2.0", "id": request["id"], "result": result})).await;
    }

    async fn event(&mut self, seq: u64, event: Value) {
        let result = json!({"epoch": "e", "seq": seq, "event": event});
        let params = json!({"subscription": "sub", "result": result});
        self.send(json!({"jsonrpc": "2.0", "method": "operation/event", "params": params})).await;
    }
}

fn options(state: &Path) -> ConnectOptions {
    ConnectOptions {
        place: Some(Place::at(state)),
        program: Program { name: "gangplank".into(), version: "0.1.0".into() },
        environment: [("HOME".to_owned(), "/home/ada".to_owned())].into(),
        context: None,
        start: false,
    }
}

async fn connected() -> (Daemon, Client, Connection) {
    connected_as(false).await
}

async fn connected_as(start: bool) -> (Daemon, Client, Connection) {
    let daemon = Daemon::start(1);
    let options = ConnectOptions { start, ..options(daemon.directory.path()) };
    let (client, connection) = tokio::join!(Client::connect(options), daemon.accept());
    (daemon, client.unwrap(), connection)
}

fn operation(state: &str) -> Value {
    json!({"operationId": "op-1", "kind": "imagePull", "subject": "python:3", "state": state, "startedAt": 1, "steps": []})
}

#[tokio::test]
async fn an_error_of_the_daemon_arrives_whole() {
    let (_daemon, client, mut connection) = connected().await;
    let serve = async {
        let request = connection.request("container/list").await;
        assert_eq!(request["params"]["all"], true, "parameters go by name");
        let data = json!({"kind": "engineUnavailable", "message": "no engine answers", "causes": ["a", "b"]});
        let error = json!({"code": 1001, "message": "no engine answers", "data": data});
        connection.send(json!({"jsonrpc": "2.0", "id": request["id"], "error": error})).await;
    };
    let params = ContainerListParams { all: true, ..ContainerListParams::default() };
    let (result, ()) = tokio::join!(client.call::<ContainerList>(&params), serve);
    let Err(ClientError::Rpc(data)) = result else { panic!("{result:?}") };
    assert_eq!(data.kind, ErrorKind::EngineUnavailable);
    assert_eq!(data.causes, ["a", "b"]);
}

#[tokio::test]
async fn an_operation_is_followed_over_a_lost_connection_from_the_last_item() {
    let (daemon, client, mut connection) = connected().await;
    let progress = |status: &str| json!({"type": "progress", "step": "pull", "item": "", "status": status});
    let serve = async {
        let request = connection.request("operation/subscribe").await;
        assert!(request["params"].get("since").is_none());
        connection.answer(&request, json!("sub")).await;
        connection.event(1, progress("one")).await;
        connection.event(2, progress("two")).await;
        connection.0.close(None).await.unwrap();
        drop(connection);

        let mut connection = daemon.accept().await;
        let request = connection.request("operation/get").await;
        connection.answer(&request, operation("running")).await;
        let request = connection.request("operation/subscribe").await;
        assert_eq!(request["params"]["since"], json!({"epoch": "e", "seq": 2}));
        connection.answer(&request, json!("sub")).await;
        connection.event(3, progress("three")).await;
        connection.event(4, json!({"type": "ended", "operation": operation("succeeded")})).await;
        connection
    };
    let mut seen = Vec::new();
    let follow = client.follow_operation("op-1", |item| {
        seen.push(match &item.event {
            OperationEvent::Progress { status, .. } => status.clone(),
            _ => "end".to_owned(),
        });
    });
    let (ended, _connection) = tokio::join!(follow, serve);
    assert_eq!(ended.unwrap().state, OperationState::Succeeded);
    assert_eq!(seen, ["one", "two", "three", "end"]);
}

#[tokio::test]
async fn an_operation_that_ended_with_its_daemon_is_told_by_the_next() {
    let (daemon, client, mut connection) = connected().await;
    let serve = async {
        let request = connection.request("operation/subscribe").await;
        connection.answer(&request, json!("sub")).await;
        drop(connection);
        let mut connection = daemon.accept().await;
        let request = connection.request("operation/get").await;
        connection.answer(&request, operation("interrupted")).await;
        connection
    };
    let (ended, _connection) = tokio::join!(client.follow_operation("op-1", |_| {}), serve);
    assert_eq!(ended.unwrap().state, OperationState::Interrupted);
}

#[tokio::test]
async fn without_a_daemon_and_without_leave_to_start_one_there_is_none() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(Client::connect(options(directory.path())).await, Err(ClientError::NotRunning)));
    // a record that outlived its daemon
    let daemon = Daemon::start(1);
    drop(daemon.listener);
    assert!(matches!(Client::connect(options(daemon.directory.path())).await, Err(ClientError::NotRunning)));
}

#[tokio::test]
async fn a_lost_daemon_is_not_started_again_by_who_does_not_want_it() {
    let (daemon, client, connection) = connected_as(true).await;
    drop((daemon.listener, connection));
    let client = client.without_starting();
    let params = ContainerListParams::default();
    loop {
        match client.call::<ContainerList>(&params).await {
            // the loss itself is seen first
            Err(ClientError::ConnectionLost) => {}
            other => break assert!(matches!(other, Err(ClientError::NotRunning)), "{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_socket_that_others_can_reach_is_not_used() {
    let daemon = Daemon::start(1);
    std::fs::set_permissions(daemon.directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
    assert!(matches!(Client::connect(options(daemon.directory.path())).await, Err(ClientError::Place(_))));
}

#[tokio::test]
async fn another_major_version_is_refused_before_anything_is_said() {
    let daemon = Daemon::start(2);
    let refused = Client::connect(options(daemon.directory.path())).await;
    assert!(matches!(refused, Err(ClientError::ProtocolVersion { .. })), "{refused:?}");
}
