//! The change feed of a workspace, as `gangplank watch` shows it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use gangplank_tests::{EngineKind, Image, Sandbox, engine};
use serde_json::{Value, json};

/// A `gangplank watch` whose lines are read.
struct Watch {
    child: Child,
    lines: Receiver<Value>,
}

impl Watch {
    fn start(sandbox: &Sandbox, folder: &Path, more: &[&str]) -> Watch {
        let arguments = [&["watch", "--format", "ndjson"], more].concat();
        let mut child = sandbox.gangplank(arguments).within(folder).spawn();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(serde_json::from_str(&line).unwrap()).is_err() {
                    return;
                }
            }
        });
        let watch = Watch { child, lines };
        watch.until(|event| event["type"] == "ready");
        watch
    }

    /// The events up to the one for which `found` holds.
    fn until(&self, found: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let line = self
                .lines
                .recv_timeout(Duration::from_secs(60))
                .unwrap_or_else(|_| panic!("not among {events:?}"));
            let event = if line["event"].is_null() { line } else { line["event"].clone() };
            let done = found(&event);
            events.push(event);
            if done {
                return events;
            }
        }
    }

    /// Waits until `path` was told as changed in this way; gives all changes until then.
    fn sees(&self, kind: &str, path: &str) -> Vec<Value> {
        let change = |event: &Value| {
            event["changes"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|change| change["kind"] == kind && change["path"] == path)
        };
        self.until(change).iter().filter_map(|event| event["changes"].as_array().cloned()).flatten().collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn files_made_on_either_side_are_told_and_ignored_ones_are_not() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let configuration = json!({ "image": Image::Busybox.on(engine).unwrap() }).to_string();
    let folder = sandbox.workspace("project", &configuration);
    std::fs::write(folder.join(".gitignore"), "*.log\n").unwrap();
    std::fs::create_dir(folder.join("node_modules")).unwrap();
    sandbox.gangplank(["up"]).within(&folder).run().success();
    let (one, other) = (Watch::start(&sandbox, &folder, &[]), Watch::start(&sandbox, &folder, &[]));
    let everything = Watch::start(&sandbox, &folder, &["--all"]);

    let script = "touch ignored.log node_modules/x; touch created_in_container.py";
    sandbox.gangplank(["exec", "sh", "-c", script]).within(&folder).run().success();
    for watch in [&one, &other] {
        let changes = watch.sees("created", "created_in_container.py");
        assert!(changes.iter().all(|change| change["path"] == "created_in_container.py"), "{changes:?}");
    }
    everything.sees("created", "created_in_container.py");

    std::fs::rename(folder.join("created_in_container.py"), folder.join("renamed.py")).unwrap();
    let renamed = one.sees("renamed", "renamed.py");
    let last = renamed.iter().find(|change| change["kind"] == "renamed").unwrap();
    assert_eq!(last["from"], "created_in_container.py");

    std::fs::write(folder.join(".devcontainer/devcontainer.json"), configuration + "\n").unwrap();
    let events = one.until(|event| event["type"] == "configurationChanged");
    assert_eq!(events.last().unwrap()["paths"], json!([".devcontainer/devcontainer.json"]));
}

#[test]
fn a_burst_is_told_in_few_batches_without_loss() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let folder = sandbox.workspace("project", "{}");
    let watch = Watch::start(&sandbox, &folder, &[]);
    std::fs::create_dir(folder.join("many")).unwrap();
    for number in 0..5000 {
        std::fs::write(folder.join(format!("many/{number}")), "").unwrap();
    }
    std::fs::write(folder.join("last"), "").unwrap();
    let mut batches = 0;
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 5000 || !seen.contains("last") {
        for event in watch.until(|event| event["type"] == "changes") {
            batches += 1;
            for change in event["changes"].as_array().into_iter().flatten() {
                seen.insert(change["path"].as_str().unwrap().to_owned());
            }
        }
    }
    assert!(batches < 500, "{batches} batches for 5,000 files");
}

#[test]
fn a_client_that_comes_back_gets_what_it_missed_and_a_replaced_folder_is_told() {
    let sandbox = Sandbox::on(engine::for_tests(EngineKind::Docker));
    let folder = sandbox.workspace("project", "{}");
    let subscribe = |since: Option<&Value>| {
        let mut params = json!({ "workspaceFolder": folder });
        if let Some(item) = since {
            params["since"] = json!({ "epoch": item["epoch"], "seq": item["seq"] });
        }
        let mut rpc = sandbox.rpc();
        rpc.call("watch/subscribe", &params).unwrap();
        rpc
    };
    let mut rpc = subscribe(None);
    let ready = rpc.item().unwrap();
    assert_eq!(ready["event"]["type"], "ready");
    std::fs::write(folder.join("first"), "").unwrap();
    let first = rpc.item().unwrap();
    assert_eq!(first["event"]["changes"][0]["path"], "first", "{first}");
    drop(rpc);
    std::fs::write(folder.join("missed"), "").unwrap();
    let mut rpc = subscribe(Some(&first));
    let missed = rpc.item().unwrap();
    assert_eq!(missed["seq"].as_u64(), first["seq"].as_u64().map(|seq| seq + 1));
    assert_eq!(missed["resync"], Value::Null, "{missed}");
    assert_eq!(missed["event"]["changes"][0]["path"], "missed", "{missed}");

    // As `git clone` over a moved folder does.
    std::fs::rename(&folder, sandbox.path("work/moved")).unwrap();
    while rpc.item().unwrap()["event"]["type"] != "folderGone" {}
    std::fs::create_dir(&folder).unwrap();
    while rpc.item().unwrap()["event"]["type"] != "rescanned" {}
    std::fs::write(folder.join("in the new one"), "").unwrap();
    while rpc.item().unwrap()["event"]["changes"][0]["path"] != "in the new one" {}

    let mut other = sandbox.rpc();
    let stranger = json!({ "workspaceFolder": folder, "since": { "epoch": "another", "seq": 1 } });
    other.call("watch/subscribe", &stranger).unwrap();
    assert_eq!(other.item().unwrap()["resync"], true);
    let nowhere = json!({ "workspaceFolder": sandbox.path("nowhere") });
    assert_eq!(other.call("watch/subscribe", &nowhere).unwrap_err()["data"]["kind"], "notFound");
}

#[test]
fn at_the_kernels_limit_the_rest_is_still_seen_and_a_notice_says_so() {
    let sandbox = Sandbox::on(engine::for_tests(EngineKind::Docker));
    let folder = sandbox.workspace("project", "{}");
    for number in 0..20 {
        std::fs::create_dir(folder.join(format!("folder{number}"))).unwrap();
    }
    // A limit of its own, in a user namespace of its own: nobody else's watches are counted or cut.
    let script = r#"echo 5 > /proc/sys/user/max_inotify_watches && exec "$0" serve"#;
    let mut serve = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "sh", "-c", script])
        .arg(gangplank_tests::sandbox::binary().unwrap())
        .env_clear()
        .envs(sandbox.environment())
        .spawn()
        .unwrap();
    assert!(sandbox.await_daemon()["pid"].is_u64());
    let mut rpc = sandbox.rpc();
    rpc.call("watch/subscribe", &json!({ "workspaceFolder": folder })).unwrap();
    let mut events = Vec::new();
    while events.last().is_none_or(|event: &Value| event["type"] != "ready") {
        events.push(rpc.item().unwrap()["event"].clone());
    }
    let notices: Vec<_> = events.iter().filter(|event| event["type"] == "degraded").collect();
    assert_eq!(notices.len(), 1, "{events:?}");
    assert!(notices[0]["reason"].as_str().unwrap().contains("max_user_watches"), "{notices:?}");
    let mut unseen = std::collections::BTreeSet::new();
    for number in 0..20 {
        let path = format!("folder{number}/new");
        std::fs::write(folder.join(&path), "").unwrap();
        unseen.insert(path);
    }
    while !unseen.is_empty() {
        let item = rpc.item().unwrap_or_else(|| panic!("never told: {unseen:?}"));
        for change in item["event"]["changes"].as_array().into_iter().flatten() {
            unseen.remove(change["path"].as_str().unwrap());
        }
    }
    sandbox.gangplank(["daemon", "stop"]).run().success();
    assert!(serve.wait().unwrap().success());
}
