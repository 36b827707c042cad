//! Commands in a container that runs: from the program's start to its end, and what they write.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use gangplank_tests::error::HarnessError;
use gangplank_tests::{Engine, EngineKind, Image, Sandbox};
use serde_json::json;

use crate::peer::Peers;
use crate::series::{Line, Table};
use crate::whole::timed;

/// What is written through pipes and through a terminal.
const WRITTEN: &str = "head -c 67108864 /dev/zero | tr '\\0' x";

pub(crate) fn measure(
    binary: &Path,
    peers: &Peers,
    rounds: usize,
    table: &mut Table,
) -> Result<(), HarnessError> {
    let engine = Engine::shared(EngineKind::Docker)?;
    let image = Image::Busybox.on(&engine)?;
    let sandbox = Sandbox::on(&engine);
    let configuration = json!({ "image": image, "userEnvProbe": "none" }).to_string();
    let folder = sandbox.workspace("processes", &configuration);
    let ours = |arguments: &[&str]| {
        let mut command = Command::new(binary);
        command.args(arguments).current_dir(&folder);
        timed(&sandbox, command)
    };
    ours(&["up"])?;
    // A terminal waits for the agent.
    ours(&["exec", "-t", "true"])?;
    let status = engine.api().get("/containers/json")?;
    let id = status.as_array().into_iter().flatten().find_map(|container| {
        let local = container["Labels"]["devcontainer.local_folder"].as_str()?;
        (local == folder.to_str()?).then(|| container["Id"].as_str().unwrap_or_default().to_owned())
    });
    let id = id.unwrap_or_default();
    let docker = |arguments: &[&str]| {
        let mut command = Command::new(engine.program("usr/bin/docker"));
        command.arg("exec").args(arguments);
        timed(&sandbox, command)
    };
    let reference = || {
        let mut command = Command::new("node");
        command.arg(peers.reference()).args(["exec", "--workspace-folder"]).arg(&folder);
        command.arg("--docker-path").arg(engine.program("usr/bin/docker")).arg("true");
        timed(&sandbox, command)
    };
    let mut lines = [
        Line::new("`exec true`, whole process, beside `docker exec` (ms)"),
        Line::new("`exec true`, whole process, beside the reference (ms)"),
        Line::new("64 MiB through pipes, beside `docker exec` (ms)"),
        Line::new("64 MiB through a terminal, beside `docker exec -t` (ms)"),
    ];
    for round in 0..=rounds {
        let mut note = |line: usize, ours: Duration, peer: Duration| {
            if round > 0 {
                lines[line].ours.add(ours);
                lines[line].peer.add(peer);
            }
        };
        note(0, ours(&["exec", "true"])?, docker(&[&id, "true"])?);
        note(1, ours(&["exec", "true"])?, reference()?);
        note(2, ours(&["exec", "sh", "-c", WRITTEN])?, docker(&[&id, "sh", "-c", WRITTEN])?);
        note(3, ours(&["exec", "-t", "sh", "-c", WRITTEN])?, docker(&["-t", &id, "sh", "-c", WRITTEN])?);
    }
    lines.into_iter().for_each(|line| table.add(line));
    ours(&["down"]).map(drop)
}
