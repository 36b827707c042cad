//! Who gets in: spoken over raw sockets, since no well-behaved client says such things.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use gangplank_tests::{EngineKind, Image, Sandbox, engine};
use serde_json::json;

use super::raw::RawSocket;

/// A daemon with a loopback port.
struct Door {
    sandbox: Sandbox,
    _serve: Child,
    port: u16,
    token: String,
}

impl Door {
    fn open() -> Door {
        let sandbox = Sandbox::on(engine::for_tests(EngineKind::Docker));
        let serve = ["serve", "--tcp", "127.0.0.1:0", "--allow-origin", "https://editor.example"];
        let serve = sandbox.gangplank(serve).spawn();
        let daemon = sandbox.await_daemon();
        let address = daemon["tcp"].as_str().unwrap();
        let port = address.rsplit(':').next().unwrap().parse().unwrap();
        let token = std::fs::read_to_string(daemon["tokenFile"].as_str().unwrap()).unwrap();
        Door { sandbox, _serve: serve, port, token }
    }

    /// The status that a request is answered with.
    fn status(&self, line: &str, headers: &[(&str, &str)]) -> u16 {
        self.status_with(line, headers, "")
    }

    fn status_with(&self, line: &str, headers: &[(&str, &str)], body: &str) -> u16 {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut head = format!("{line} HTTP/1.1\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        write!(stream, "{head}\r\n{body}").unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        std::str::from_utf8(&answer).unwrap()[9..].parse().unwrap()
    }

    fn upgrade(&self, host: &str, origin: Option<&str>, token: Option<&str>) -> u16 {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        if !host.is_empty() {
            headers.push(("Host", host));
        }
        headers.extend(origin.map(|origin| ("Origin", origin)));
        headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
        self.status("GET /rpc", &headers)
    }
}

#[test]
fn of_all_origins_hosts_and_tokens_only_the_right_ones_get_in() {
    let door = Door::open();
    let port = door.port;
    let right = format!("localhost:{port}");
    let good_hosts = [format!("127.0.0.1:{port}"), right.clone()];
    let bad_hosts = [
        "evil.example".to_owned(),
        format!("127.0.0.1.evil.example:{port}"),
        format!("LOCALHOST:{port}"),
        format!("localhost.:{port}"),
        "127.0.0.1".to_owned(),
    ];
    let token = Some(door.token.as_str());
    for host in &good_hosts {
        for origin in [None, Some("https://editor.example")] {
            assert_eq!(door.upgrade(host, origin, token), 101, "{host} {origin:?}");
        }
    }
    for host in &bad_hosts {
        assert_eq!(door.upgrade(host, None, token), 403, "{host}");
    }
    // Without a Host the request is no HTTP/1.1 at all.
    assert!([400, 403].contains(&door.upgrade("", None, token)));
    for origin in ["null", "http://evil.example", "http://localhost:1", "https://editor.example.evil"] {
        assert_eq!(door.upgrade(&right, Some(origin), token), 403, "{origin}");
    }
    for token in [None, Some(""), Some("0"), Some(&door.token[1..])] {
        assert_eq!(door.upgrade(&right, None, token), 401, "{token:?}");
    }
    for method in ["GET", "POST", "OPTIONS", "PUT"] {
        assert_eq!(door.status(&format!("{method} /rpc"), &[("Host", &right)]), 401);
        let authorised = [("Host", &right[..]), ("Authorization", &format!("Bearer {}", door.token)[..])];
        assert_eq!(door.status(&format!("{method} /rpc"), &authorised), 426);
    }
    assert_eq!(door.status("GET http://evil.example/rpc", &[("Host", &right)]), 403);
    let counted = door.sandbox.gangplank(["daemon", "status"]).run().success().text();
    assert!(
        counted.lines().any(|line| line.contains("connectionsRefused") && !line.ends_with(" 0")),
        "{counted}"
    );
}

#[test]
fn tokens_are_new_at_each_start_and_only_loopback_is_listened_on() {
    let first = Door::open().token;
    assert_eq!(first.len(), 64);
    assert_ne!(first, Door::open().token);
    let sandbox = Sandbox::on(engine::for_tests(EngineKind::Docker));
    sandbox.gangplank(["serve", "--tcp", "0.0.0.0:0"]).run().exits(1).complains("loopback");
}

#[test]
fn another_user_is_refused() {
    let sandbox = Sandbox::on(engine::for_tests(EngineKind::Docker));
    sandbox.gangplank(["ps"]).run().success();
    let socket = sandbox.daemon().unwrap()["socket"].as_str().unwrap().to_owned();
    let ask = r#"
import socket, sys
peer = socket.socket(socket.AF_UNIX)
try:
    peer.connect(sys.argv[1])
    peer.sendall(b"GET /rpc HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    sys.exit(0 if peer.recv(12) else 7)
except (PermissionError, ConnectionError):
    sys.exit(7)
"#;
    let ask_as = |uid: u32| {
        Command::new("/usr/bin/python3").args(["-c", ask, &socket]).uid(uid).status().unwrap().code()
    };
    assert_eq!(ask_as(0), Some(0), "the question itself is right");
    // First the directory keeps others out; were it open, the peer's user would.
    assert_eq!(ask_as(65534), Some(7));
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    let socket_path = std::path::Path::new(&socket);
    for ancestor in socket_path.ancestors().skip(1).take(3).filter(|path| path.starts_with(sandbox.path("")))
    {
        open(ancestor, 0o755);
    }
    open(socket_path, 0o666);
    assert_eq!(ask_as(65534), Some(7));
}

#[test]
fn a_place_prepared_by_somebody_else_is_not_used() {
    let sandbox = Sandbox::on(engine::for_tests(EngineKind::Docker));
    let elsewhere = sandbox.path("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, sandbox.path("run").join("gangplank")).unwrap();
    sandbox.gangplank(["ps"]).run().exits(1).complains("not a directory of its own");
    std::fs::remove_file(sandbox.path("run").join("gangplank")).unwrap();
    std::fs::create_dir(sandbox.path("run").join("gangplank")).unwrap();
    std::os::unix::fs::chown(sandbox.path("run").join("gangplank"), Some(65534), None).unwrap();
    sandbox.gangplank(["ps"]).run().exits(1).complains("belongs to user 65534");
}

#[test]
fn a_call_posted_to_the_door_does_nothing() {
    let door = Door::open();
    let host = format!("localhost:{}", door.port);
    let bearer = format!("Bearer {}", door.token);
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"daemon/shutdown","params":{}}"#;
    let length = body.len().to_string();
    for token in [None, Some(&bearer[..])] {
        let mut headers = vec![("Host", &host[..]), ("Content-Type", "application/json")];
        headers.extend(token.map(|token| ("Authorization", token)));
        headers.push(("Content-Length", &length));
        let expected = if token.is_some() { 426 } else { 401 };
        assert_eq!(door.status_with("POST /rpc", &headers, body), expected);
    }
    // It would have ended.
    let status = door.sandbox.rpc().call("daemon/status", &json!({})).unwrap();
    assert_eq!(status["pid"], door.sandbox.daemon().unwrap()["pid"]);
}

#[test]
fn the_token_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let door = Door::open();
    let file = door.sandbox.daemon().unwrap()["tokenFile"].as_str().unwrap().to_owned();
    let metadata = std::fs::symlink_metadata(file).unwrap();
    assert!(metadata.is_file());
    assert_eq!(metadata.permissions().mode() & 0o7777, 0o600);
}

#[test]
fn what_stands_in_the_sockets_place_is_not_removed() {
    let sandbox = Sandbox::on(engine::for_tests(EngineKind::Docker));
    sandbox.gangplank(["ps"]).run().success();
    let socket = std::path::PathBuf::from(sandbox.daemon().unwrap()["socket"].as_str().unwrap());
    sandbox.gangplank(["daemon", "stop"]).run().success();
    // It lets go of its socket last of all.
    let end = Instant::now() + Duration::from_secs(60);
    while socket.symlink_metadata().is_ok() {
        assert!(Instant::now() < end, "the socket is left behind");
        std::thread::sleep(Duration::from_millis(20));
    }
    let precious = sandbox.write("precious", "kept");
    symlink(&precious, &socket).unwrap();
    sandbox.gangplank(["ps"]).run().exits(1).complains("is not a socket of ours");
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "kept");
    assert!(socket.is_symlink());
    std::fs::remove_file(&socket).unwrap();
    sandbox.gangplank(["ps"]).run().success();
}

#[test]
fn a_ticket_opens_one_stream_once() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let (image, name) = (Image::Busybox.on(engine).unwrap(), sandbox.name("streams"));
    sandbox.gangplank(["run", "-d", "--name", &name, image, "sleep", "1000"]).run().success();
    let mut rpc = sandbox.rpc();
    let start = json!({
        "target": { "type": "container", "container": name },
        "argv": ["cat"], "interactive": true, "requestKey": "once",
    });
    let started = rpc.call("process/start", &start).unwrap();
    // The same key gives the same process and the same ticket.
    assert_eq!(rpc.call("process/start", &start).unwrap(), started);
    let path = format!("/stream/{}", started["stream"]["streamId"].as_str().unwrap());
    let stream = RawSocket::open(&sandbox, &path).unwrap();
    for other in [&path[..], "/stream/s-0123456789abcdef", "/stream/", "/stream/../rpc"] {
        assert_eq!(RawSocket::open(&sandbox, other).err(), Some(404), "{other}");
    }
    assert_eq!(rpc.call("daemon/status", &json!({})).unwrap()["activity"]["processes"], 1);
    drop(stream);
}

#[test]
fn a_ticket_that_is_not_used_expires_and_holds_nothing() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let (image, name) = (Image::Busybox.on(engine).unwrap(), sandbox.name("unused"));
    sandbox.gangplank(["run", "-d", "--name", &name, image, "sleep", "1000"]).run().success();
    let mut rpc = sandbox.rpc();
    let start =
        json!({ "target": { "type": "container", "container": name }, "argv": ["cat"], "interactive": true });
    let started = rpc.call("process/start", &start).unwrap();
    let mut clients =
        || rpc.call("process/list", &json!({})).unwrap()["processes"][0]["clients"].as_u64().unwrap();
    // Who holds a ticket counts as attached, so that nothing is lost until it comes.
    assert_eq!(clients(), 1);
    let end = Instant::now() + Duration::from_secs(60);
    while clients() != 0 {
        assert!(Instant::now() < end, "the ticket holds its place for ever");
        std::thread::sleep(Duration::from_millis(100));
    }
    let path = format!("/stream/{}", started["stream"]["streamId"].as_str().unwrap());
    assert_eq!(RawSocket::open(&sandbox, &path).err(), Some(404));
}

#[test]
fn a_container_reaches_no_port_of_the_daemon() {
    let door = Door::open();
    let sandbox = &door.sandbox;
    let image = Image::Busybox.on(engine::for_tests(EngineKind::Docker)).unwrap();
    // What listens on all addresses is reached: the question itself is right.
    let everywhere = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let open = everywhere.local_addr().unwrap().port();
    let scan = format!(
        "gateway=$(ip route | sed -n 's/^default via \\([0-9.]*\\).*/\\1/p')
         for host in $gateway 127.0.0.1 host.docker.internal; do
           for port in {open} {port}; do
             nc -w 2 $host $port -e true && echo $host $port
           done
         done
         echo gateway $gateway",
        port = door.port
    );
    let hosts = ["--rm", "--network=bridge"];
    let run = ["run"].into_iter().chain(hosts).chain([image, "sh", "-c", &scan]);
    let seen = sandbox.gangplank(run).run().success().text();
    let gateway = seen.lines().find_map(|line| line.strip_prefix("gateway ")).unwrap();
    assert!(seen.contains(&format!("{gateway} {open}\n")), "{seen}");
    assert!(!seen.contains(&format!(" {}\n", door.port)), "{seen}");
}
