//! Clients that ask for too much, say too little or talk nonsense: each is stopped, and nobody else notices (T20, P13).

use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gangplank_tests::sandbox::Rpc;
use gangplank_tests::{EngineKind, Image, Sandbox, engine, scale};
use serde_json::{Value, json};

use super::raw::{self, BINARY, RawSocket, TEXT};

/// The daemon goes on, answers others, and no handler of it panicked.
#[track_caller]
fn is_unharmed(sandbox: &Sandbox, pid: &Value) {
    let status = sandbox.rpc().call("daemon/status", &json!({})).unwrap();
    assert_eq!(status["pid"], *pid);
    assert_eq!(status["counters"]["panics"], 0);
}

fn started() -> (Sandbox, Value) {
    let sandbox = Sandbox::on(engine::for_tests(EngineKind::Docker));
    drop(sandbox.rpc());
    let pid = sandbox.daemon().unwrap()["pid"].clone();
    (sandbox, pid)
}

fn status(id: usize) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "daemon/status", "params": {} })
}

/// The memory that the daemon has, in bytes.
fn resident(pid: &Value) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn too_long_a_request_and_too_large_a_batch_are_refused() {
    let (sandbox, pid) = started();
    let mut client = RawSocket::open(&sandbox, "/rpc").unwrap();
    let batch = |size: usize| Value::from((0..size).map(status).collect::<Vec<_>>());
    client.say(&batch(32)).unwrap();
    assert_eq!(client.hear().unwrap().as_array().unwrap().len(), 32);
    client.say(&batch(33)).unwrap();
    assert_eq!(client.hear().unwrap()["error"]["code"], -32010);

    let mut long = status(1);
    long["params"]["padding"] = json!("x".repeat(1024 * 1024));
    // The daemon may end the connection before it has read it all.
    let _ = client.say(&long);
    if let Some(answer) = client.hear() {
        assert_eq!(answer["error"]["code"], -32007, "{answer}");
    }
    let mut long = RawSocket::open(&sandbox, "/rpc").unwrap();
    // Said to be far too long, and never sent.
    long.stream.write_all(&[0x81, 0x80 | 127, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    // The head alone may have ended it.
    let _ = long.say(&status(1));
    if let Some(answer) = long.hear() {
        assert_eq!(answer["error"]["code"], -32007, "{answer}");
    }
    is_unharmed(&sandbox, &pid);
}

#[test]
fn the_257th_subscription_of_a_connection_is_refused() {
    let (sandbox, pid) = started();
    let folder = sandbox.workspace("project", "{}");
    let mut client = sandbox.rpc();
    let params = json!({ "workspaceFolder": folder });
    for _ in 0..256 {
        client.call("watch/subscribe", &params).unwrap();
    }
    assert_eq!(client.call("watch/subscribe", &params).unwrap_err()["code"], -32006);
    // Another connection has its own.
    sandbox.rpc().call("watch/subscribe", &params).unwrap();
    is_unharmed(&sandbox, &pid);
}

#[test]
fn a_client_that_asks_and_never_reads_is_stopped_and_costs_little() {
    let (sandbox, pid) = started();
    // A plan gives the customizations back: an answer of 100 kB for a hundred bytes.
    let configuration = json!({ "customizations": { "x": { "text": "y".repeat(100_000) } } });
    let folder = sandbox.workspace("project", &configuration.to_string());
    let params = json!({ "workspace": { "workspaceFolder": folder } });
    let mut other = sandbox.rpc();
    assert!(other.call("workspace/plan", &params).unwrap().to_string().len() > 100_000);

    let before = resident(&pid);
    let mut flooder = RawSocket::open(&sandbox, "/rpc").unwrap();
    flooder.stream.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
    let flooding = AtomicBool::new(true);
    let (most, answered) = std::thread::scope(|scope| {
        let sent = scope.spawn(|| {
            let requests = scale::trials(20_000, 1_000_000);
            let sent = (0..requests).find(|id| {
                let plan =
                    json!({ "jsonrpc": "2.0", "id": id, "method": "workspace/plan", "params": params });
                flooder.say(&plan).is_err()
            });
            flooding.store(false, Ordering::Relaxed);
            assert!(sent.is_some(), "{requests} requests were read from a client that reads no answer");
        });
        let (mut most, mut answered) = (0, 0);
        while flooding.load(Ordering::Relaxed) {
            other.call("daemon/status", &json!({})).unwrap();
            answered += 1;
            most = most.max(resident(&pid));
        }
        sent.join().unwrap();
        (most, answered)
    });
    let grown = most.saturating_sub(before);
    assert!(answered > 0);
    assert!(grown < 64 << 20, "it grew by {} MiB", grown >> 20);
    // Nor is it waited for: after 20 s it counts as gone, and its socket is closed.
    let end = Instant::now() + Duration::from_secs(90);
    while other.call("daemon/status", &json!({})).unwrap()["activity"]["connections"] != 1 {
        assert!(Instant::now() < end, "a client that never reads is waited for");
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(flooder);
    is_unharmed(&sandbox, &pid);
}

#[test]
fn of_many_requests_at_once_each_is_answered_once() {
    let (sandbox, pid) = started();
    let mut client = RawSocket::open(&sandbox, "/rpc").unwrap();
    for _ in 0..scale::trials(4, 200) {
        // More than may be in flight. Sent beside the reading: a client that takes no answers is not read from.
        let mut seen = [false; 600];
        let mut sending = RawSocket { stream: client.stream.try_clone().unwrap() };
        let sender = std::thread::spawn(move || {
            (0..600).for_each(|id| sending.say(&status(id)).unwrap());
        });
        for _ in 0..seen.len() {
            let answer = client.hear().expect("an answer");
            let id = usize::try_from(answer["id"].as_u64().unwrap()).unwrap();
            assert!(!std::mem::replace(&mut seen[id], true), "{id} was answered twice");
            let refused = answer["error"]["data"]["kind"] == "busy";
            assert!(answer["result"]["pid"] == pid || refused, "{answer}");
        }
        sender.join().unwrap();
    }
    is_unharmed(&sandbox, &pid);
}

#[test]
fn connections_that_say_nothing_or_little_hold_up_nobody() {
    let (sandbox, pid) = started();
    let mut silent: Vec<_> = (0..100).map(|_| raw::connect(&sandbox)).collect();
    let mut slow: Vec<_> = (0..100).map(|_| raw::connect(&sandbox)).collect();
    let half_a_frame: Vec<_> = (0..20)
        .map(|_| {
            let mut socket = RawSocket::open(&sandbox, "/rpc").unwrap();
            let whole = raw::frame(TEXT, status(1).to_string().as_bytes());
            socket.stream.write_all(&whole[..whole.len() / 2]).unwrap();
            socket
        })
        .collect();
    is_unharmed(&sandbox, &pid);
    for stream in &mut silent {
        stream.set_nonblocking(true).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        stream.set_nonblocking(false).unwrap();
    }
    // A byte now and then does not buy them more time than silence.
    let text = raw::upgrade("/rpc");
    let begun = Instant::now();
    for byte in text.bytes().cycle() {
        slow.retain_mut(|stream| stream.write_all(&[byte]).is_ok());
        if slow.is_empty() {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{} slow ones go on", slow.len());
        std::thread::sleep(Duration::from_millis(500));
    }
    for stream in &mut silent {
        let mut byte = [0; 64];
        // An answer of 408 is an end too.
        while stream.read(&mut byte).unwrap() > 0 {}
    }
    is_unharmed(&sandbox, &pid);
    drop(half_a_frame);
}

#[test]
fn silent_connections_to_the_loopback_port_do_not_close_the_socket() {
    let sandbox = Sandbox::on(engine::for_tests(EngineKind::Docker));
    let mut serve = sandbox.gangplank(["serve", "--tcp", "127.0.0.1:0"]).spawn();
    let daemon = sandbox.await_daemon();
    // Any user of the machine can do this, where only our own reaches the socket.
    let connect = || std::net::TcpStream::connect(daemon["tcp"].as_str().unwrap()).unwrap();
    let silent: Vec<_> = (0..300).map(|_| connect()).collect();
    is_unharmed(&sandbox, &daemon["pid"]);
    // The answer did not wait until the first of them were ended for their silence.
    for mut stream in silent {
        stream.set_nonblocking(true).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    }
    sandbox.gangplank(["daemon", "stop"]).run().success();
    assert!(serve.wait().unwrap().success());
}

#[test]
fn nonsense_on_a_connection_is_answered_or_ends_it_and_nothing_else() {
    let (sandbox, pid) = started();
    let mut client = RawSocket::open(&sandbox, "/rpc").unwrap();
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let deep =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"workspace/plan","params":{{"workspace":{deep}}}}}"#);
    let answered: [(&str, i64); 7] = [
        ("{", -32700),
        ("nonsense", -32700),
        (&deep, -32602),
        ("[]", -32600),
        ("{}", -32700),
        (r#"{"jsonrpc":"2.0","id":1,"method":"no/such"}"#, -32601),
        (r#"{"jsonrpc":"2.0","id":1,"method":"process/signal","params":{"processId":1e999}}"#, -32602),
    ];
    for (text, code) in answered {
        client.send(TEXT, text.as_bytes()).unwrap();
        let answer = client.hear().unwrap_or_else(|| panic!("{text:.40}: no answer"));
        // A number that is none may already be no JSON.
        let right = answer["error"]["code"] == code || (code == -32602 && answer["error"]["code"] == -32700);
        assert!(right, "{text:.40}: {answer}");
    }
    client.say(&status(7)).unwrap();
    assert_eq!(client.hear().unwrap()["id"], 7);

    client.send(TEXT, b"{\xff\xfe}").unwrap();
    assert_eq!(client.hear().unwrap()["error"]["code"], -32700);

    let ended: [(&str, Vec<u8>); 3] = [
        ("reserved bits", vec![0xf1, 0x80, 0, 0, 0, 0]),
        ("a reserved opcode", raw::frame(0x5, b"")),
        ("a continuation of nothing", raw::frame(0x0, b"x")),
    ];
    for (what, bytes) in ended {
        let mut client = RawSocket::open(&sandbox, "/rpc").unwrap();
        client.stream.write_all(&bytes).unwrap();
        client.ends(what);
    }
    is_unharmed(&sandbox, &pid);
}

#[test]
fn a_configuration_that_is_no_regular_file_is_refused_and_holds_up_nobody() {
    let (sandbox, pid) = started();
    let folder = sandbox.workspace("project", "{}");
    let pipe = sandbox.path("work/pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // More of them than the daemon has threads for its work.
    let mut plans: Vec<Rpc> = (0..scale::trials(16, 100)).map(|_| sandbox.rpc()).collect();
    let workspace = json!({ "workspaceFolder": folder, "overrideConfig": pipe });
    for plan in &mut plans {
        let params = json!({ "workspace": workspace });
        plan.send(&json!({ "jsonrpc": "2.0", "id": 7, "method": "workspace/plan", "params": params }));
    }
    is_unharmed(&sandbox, &pid);
    for mut plan in plans {
        let error = plan.call("workspace/plan", &json!({ "workspace": workspace })).unwrap_err();
        assert!(error.to_string().contains("no regular file"), "{error}");
    }
    let pipe = pipe.display().to_string();
    for verb in ["plan", "up"] {
        let run = sandbox.gangplank([verb, "--override-config", &pipe]).within(&folder).run();
        assert_ne!(run.code(), Some(0), "{run}");
        run.complains("no regular file");
    }
    sandbox.gangplank(["daemon", "stop"]).run().success();
}

#[test]
fn rules_of_ignored_files_that_have_no_end_cost_little_and_are_told() {
    let (sandbox, pid) = started();
    let folder = sandbox.workspace("project", "{}");
    let mut rpc = sandbox.rpc();
    rpc.call("watch/subscribe", &json!({ "workspaceFolder": folder })).unwrap();
    assert_eq!(rpc.item().unwrap()["event"]["type"], "ready");
    let before = resident(&pid);
    // A container could make it just so.
    std::fs::File::create(folder.join(".gitignore")).unwrap().set_len(512 << 20).unwrap();
    let mut event = Value::Null;
    while event["type"] != "degraded" {
        std::fs::write(folder.join("another"), "").unwrap();
        event = rpc.item().unwrap()["event"].take();
    }
    assert!(event["reason"].as_str().unwrap().contains(".gitignore"), "{event}");
    let grown = resident(&pid).saturating_sub(before);
    assert!(grown < 64 << 20, "it grew by {} MiB", grown >> 20);
    is_unharmed(&sandbox, &pid);
}

#[test]
fn a_log_is_read_only_while_somebody_follows_it() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let (image, name) = (Image::Busybox.on(engine).unwrap(), sandbox.name("chatty"));
    sandbox.gangplank(["run", "-d", "--name", &name, image, "yes"]).run().success();
    let mut rpc = sandbox.rpc();
    let pid = sandbox.daemon().unwrap()["pid"].clone();
    let open = || std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    let before = open();
    // One after the other: calls at once would each leave a connection to the engine that is kept for the next.
    let mut followers = Vec::new();
    for _ in 0..scale::trials(10, 30) {
        let mut follower = sandbox.gangplank(["logs", "-f", &name]).spawn();
        follower.stdout.as_mut().unwrap().read_exact(&mut [0; 4096]).unwrap();
        followers.push(follower);
    }
    let activity = |rpc: &mut Rpc| rpc.call("daemon/status", &json!({})).unwrap()["activity"].clone();
    assert_eq!(activity(&mut rpc)["streams"], followers.len());
    assert!(open() >= before + 2 * followers.len(), "the test counts what is not there");
    // Nobody comes for these.
    for _ in 0..10 {
        rpc.call("container/logs", &json!({ "container": name, "follow": true })).unwrap();
    }
    for follower in &mut followers {
        follower.kill().unwrap();
        follower.wait().unwrap();
    }
    let end = Instant::now() + Duration::from_secs(60);
    // The engine's connections that answered other calls may be kept or let go meanwhile.
    while open() > before + 2 {
        assert!(Instant::now() < end, "{} descriptors, {before} before: {}", open(), activity(&mut rpc));
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(activity(&mut rpc)["streams"], 0);
    is_unharmed(&sandbox, &pid);
}

#[test]
fn nonsense_on_a_stream_ends_that_stream_only() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let (image, name) = (Image::Busybox.on(engine).unwrap(), sandbox.name("held"));
    sandbox.gangplank(["run", "-d", "--name", &name, image, "sleep", "1000"]).run().success();
    let pid = sandbox.daemon().unwrap()["pid"].clone();
    let mut rpc = sandbox.rpc();
    let start = |rpc: &mut Rpc, argv: &[&str]| {
        let target = json!({ "type": "container", "container": name });
        rpc.call("process/start", &json!({ "target": target, "argv": argv, "interactive": true })).unwrap()
    };
    let open = |ticket: &Value| {
        let path = format!("/stream/{}", ticket["streamId"].as_str().unwrap());
        RawSocket::open(&sandbox, &path).unwrap()
    };
    let process = start(&mut rpc, &["cat"]);
    let mut untouched = open(&process["stream"]);

    let mut too_long = vec![0x01];
    too_long.extend([0; 8 + 64 * 1024 + 1]);
    let nonsense: [(&str, Vec<u8>); 14] = [
        ("text", raw::frame(TEXT, b"{}")),
        ("an empty frame", raw::frame(BINARY, b"")),
        ("an unknown kind", raw::frame(BINARY, b"\xff")),
        ("input without an offset", raw::frame(BINARY, b"\x01\0\0")),
        ("input with a hole before it", raw::frame(BINARY, b"\x01\0\0\0\0\0\0\0\x09late")),
        ("input of no byte", raw::frame(BINARY, b"\x01\0\0\0\0\0\0\0\0")),
        ("too long a frame", raw::frame(BINARY, &too_long)),
        ("a size that is none", raw::frame(BINARY, b"\x03{\"columns\":-1}")),
        ("a signal that is none", raw::frame(BINARY, b"\x04../../KILL\n")),
        ("what only the daemon says", raw::frame(BINARY, b"\x15{}")),
        ("no mask", vec![0x82, 1, 0x02]),
        ("a reserved opcode", raw::frame(0x6, b"")),
        ("a frame of 2^62 bytes", vec![0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("a connection that breaks off", b"\x82".to_vec()),
    ];
    for (what, bytes) in nonsense {
        let attach = json!({ "processId": process["processId"] });
        let attached = rpc.call("process/attach", &attach).unwrap();
        let mut stream = open(&attached["stream"]);
        stream.stream.write_all(&bytes).unwrap();
        if what == "a connection that breaks off" {
            stream.stream.shutdown(std::net::Shutdown::Write).unwrap();
        }
        stream.ends(what);
    }

    // These reach the process before they are wrong, so each has one of its own.
    let wrong: [(&str, &[u8]); 2] =
        [("a second end of input", b"\x02"), ("input after its end", b"\x01\0\0\0\0\0\0\0\0late")];
    for (what, second) in wrong {
        let mut stream = open(&start(&mut rpc, &["sleep", "1000"])["stream"]);
        stream.send(BINARY, b"\x02").unwrap();
        stream.send(BINARY, second).unwrap();
        stream.ends(what);
    }

    // A process that does not read must not make the daemon keep what is sent to it.
    let deaf = start(&mut rpc, &["sleep", "1000"]);
    let mut stream = open(&deaf["stream"]);
    let mut offset = 0_u64;
    while offset < 4 << 20 {
        let piece = [&[0x01][..], &offset.to_be_bytes(), &[b'x'; 64 * 1024]].concat();
        if stream.send(BINARY, &piece).is_err() {
            break;
        }
        offset += 64 * 1024;
    }
    stream.ends("more input than was acknowledged");

    // Nor what is done to it: of a flood of sizes and signals only the newest wait.
    let before = resident(&pid);
    let names = ["CONT", "WINCH"].map(|name| raw::frame(BINARY, &[b"\x04", name.as_bytes()].concat()));
    let size = raw::frame(BINARY, b"\x03{\"columns\":80,\"rows\":24}");
    let flood = [&names[0][..], &size, &names[1]].concat().repeat(100);
    for _ in 0..scale::trials(300, 10_000) {
        untouched.stream.write_all(&flood).unwrap();
    }
    untouched.send(BINARY, b"\x01\0\0\0\0\0\0\0\0still here\n").unwrap();
    let mut output = Vec::new();
    while !output.ends_with(b"still here\n") {
        let (opcode, bytes) = untouched.receive().expect("the other stream goes on");
        assert_eq!(opcode, BINARY);
        if bytes[0] == 0x11 {
            output.extend(&bytes[9..]);
        }
    }
    assert_eq!(output, b"still here\n");
    let grown = resident(&pid).saturating_sub(before);
    assert!(grown < 32 << 20, "it grew by {} MiB", grown >> 20);
    is_unharmed(&sandbox, &pid);
}
