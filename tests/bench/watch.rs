//! Watching 50,000 files: until the watch stands, and what it costs in memory. The floor is the bare work: reading every
//! directory and asking the kernel for a watch on it, in one thread.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gangplank_tests::error::HarnessError;
use gangplank_tests::{Engine, EngineKind, Sandbox};
use rustix::fs::inotify;

use crate::peer::Peers;
use crate::series::{Line, Table};

const DIRECTORIES: usize = 500;
const FILES_IN_EACH: usize = 100;

/// Says `ready` on its output once the watch stands, then waits for its input's end.
const PEER: &str = r#"
const watcher = require("@parcel/watcher");
watcher.subscribe(process.argv[1], () => {}).then((subscription) => {
  console.log("ready");
  process.stdin.on("end", () => subscription.unsubscribe()).resume();
});
"#;

pub(crate) fn measure(
    binary: &Path,
    peers: &Peers,
    rounds: usize,
    table: &mut Table,
) -> Result<(), HarnessError> {
    let engine = Engine::shared(EngineKind::Docker)?;
    let mut ready = Line::new("50,000 files watched, ready (ms)");
    let mut memory = Line::new("50,000 files watched, memory it takes (MB, anonymous)");
    let tree = Sandbox::on(&engine);
    let root = lay_out(&tree)?;
    for round in 0..=rounds.min(7) {
        let floor = bare(&root)?;
        // A daemon of its own each time: its memory before and after is what the watch takes.
        let sandbox = Sandbox::on(&engine);
        let (ours, ours_memory) = ours(binary, &sandbox, &root)?;
        let (peer, peer_memory) = peer(peers, &root)?;
        if round > 0 {
            ready.limit.add(floor);
            ready.ours.add(ours);
            ready.peer.add(peer);
            memory.ours.add_figure(ours_memory);
            memory.peer.add_figure(peer_memory);
        }
    }
    table.add(ready);
    table.add(memory);
    Ok(())
}

fn lay_out(sandbox: &Sandbox) -> Result<std::path::PathBuf, HarnessError> {
    let root = sandbox.path("work").join("many");
    for directory in 0..DIRECTORIES {
        let directory = root.join(format!("d{}/d{directory}", directory % 20));
        std::fs::create_dir_all(&directory).map_err(HarnessError::io("make the folder", &directory))?;
        for file in 0..FILES_IN_EACH {
            let file = directory.join(format!("f{file}.txt"));
            std::fs::write(&file, "x").map_err(HarnessError::io("write", &file))?;
        }
    }
    Ok(root)
}

fn bare(root: &Path) -> Result<Duration, HarnessError> {
    let begun = Instant::now();
    let watch = inotify::init(inotify::CreateFlags::CLOEXEC)
        .map_err(|e| HarnessError::io("watch", root)(e.into()))?;
    let mut pending = vec![root.to_owned()];
    while let Some(directory) = pending.pop() {
        let flags = inotify::WatchFlags::CREATE
            | inotify::WatchFlags::MODIFY
            | inotify::WatchFlags::DELETE
            | inotify::WatchFlags::MOVE;
        inotify::add_watch(&watch, &directory, flags)
            .map_err(|e| HarnessError::io("watch", &directory)(e.into()))?;
        for entry in std::fs::read_dir(&directory).map_err(HarnessError::io("read", &directory))?.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                pending.push(entry.path());
            }
        }
    }
    Ok(begun.elapsed())
}

fn ours(binary: &Path, sandbox: &Sandbox, root: &Path) -> Result<(Duration, f64), HarnessError> {
    let run = |arguments: &[&str]| {
        let mut command = Command::new(binary);
        command
            .args(arguments)
            .env_clear()
            .envs(sandbox.environment())
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    run(&["ps"]).output().map_err(HarnessError::io("start", binary))?;
    let daemon = sandbox.processes().iter().map(|process| process.id).max().unwrap_or_default();
    let before = anonymous(daemon);
    let mut watch = run(&["watch", "--format", "ndjson", "--workspace-folder"]);
    watch.arg(root).stdout(Stdio::piped());
    let begun = Instant::now();
    let watch = watch.spawn().map_err(HarnessError::io("start", binary))?;
    let (took, watch) = until_ready(watch, begun, binary)?;
    let memory = anonymous(daemon) - before;
    end(watch);
    Ok((took, memory))
}

fn peer(peers: &Peers, root: &Path) -> Result<(Duration, f64), HarnessError> {
    let mut node = Command::new("node");
    node.args(["-e", PEER])
        .arg(root)
        .env("NODE_PATH", peers.modules())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let begun = Instant::now();
    let node = node.spawn().map_err(HarnessError::io("start node", root))?;
    let (took, node) = until_ready(node, begun, root)?;
    let memory = anonymous(node.id());
    end(node);
    Ok((took, memory))
}

fn until_ready(mut child: Child, begun: Instant, what: &Path) -> Result<(Duration, Child), HarnessError> {
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut line).map_err(HarnessError::io("read from", what))?;
    }
    if line.contains("ready") {
        return Ok((begun.elapsed(), child));
    }
    end(child);
    Err(HarnessError::Program { program: what.display().to_string(), status: "no watch".into(), tail: line })
}

fn end(mut child: Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

/// Memory of a process that is its own, in MB: what it shares with other processes of the program does not count.
fn anonymous(process: u32) -> f64 {
    let rollup = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let kilobytes = rollup.lines().find_map(|line| {
        line.strip_prefix("Pss_Anon:")?.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok()
    });
    kilobytes.unwrap_or(f64::NAN) / 1000.0
}
