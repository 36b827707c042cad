//! `up`: with no container, with one that runs, with one that is stopped, and with three hooks.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use gangplank_tests::engine::Body;
use gangplank_tests::error::HarnessError;
use gangplank_tests::{Engine, EngineKind, Image, Sandbox};
use serde_json::json;

use crate::peer::Peers;
use crate::raw::Raw;
use crate::series::{Line, Table};
use crate::whole::timed;

struct Bench<'a> {
    binary: &'a Path,
    peers: &'a Peers,
    engine: Engine,
    sandbox: Sandbox,
    image: &'static str,
}

pub(crate) fn measure(
    binary: &Path,
    peers: &Peers,
    rounds: usize,
    table: &mut Table,
) -> Result<(), HarnessError> {
    let engine = Engine::shared(EngineKind::Docker)?;
    let image = Image::Busybox.on(&engine)?;
    let sandbox = Sandbox::on(&engine);
    let bench = Bench { binary, peers, engine, sandbox, image };
    let plain = |folder: &str| {
        bench.sandbox.workspace(folder, &json!({ "image": bench.image, "userEnvProbe": "none" }).to_string())
    };
    let hooks = |folder: &str| {
        let three = json!({
            "image": bench.image, "userEnvProbe": "none",
            "onCreateCommand": ["true"], "postCreateCommand": ["true"], "postStartCommand": ["true"],
        });
        bench.sandbox.workspace(folder, &three.to_string())
    };
    let [ours, theirs] = ["ours", "theirs"].map(plain);
    let [ours_hooks, theirs_hooks] = ["ours-hooks", "theirs-hooks"].map(hooks);

    let mut lines = [
        Line::new("`up`, no container (ms)"),
        Line::new("`up`, running (ms)"),
        Line::new("`up`, stopped (ms)"),
        Line::new("`up`, three hooks, no container (ms)"),
    ];
    let mut raw = Raw::connect(&bench.engine)?;
    // The first round starts the daemon and fills caches on all sides; it does not count.
    for round in 0..=rounds {
        let mut note = |line: usize, limit: Duration, ours: Duration, peer: Duration| {
            if round > 0 {
                lines[line].limit.add(limit);
                lines[line].ours.add(ours);
                lines[line].peer.add(peer);
            }
        };
        let (fresh, id) = bench.raw_create_and_start(&mut raw, 0)?;
        note(0, fresh, bench.ours(&ours)?, bench.reference(&theirs)?);
        note(1, raw_look(&mut raw, &id)?, bench.ours(&ours)?, bench.reference(&theirs)?);
        bench.stop_all()?;
        note(2, raw_start(&mut raw, &id)?, bench.ours(&ours)?, bench.reference(&theirs)?);
        bench.remove_all()?;
        let (hooked, _) = bench.raw_create_and_start(&mut raw, 3)?;
        note(3, hooked, bench.ours(&ours_hooks)?, bench.reference(&theirs_hooks)?);
        bench.remove_all()?;
    }
    lines.into_iter().for_each(|line| table.add(line));
    Ok(())
}

impl Bench<'_> {
    fn ours(&self, folder: &Path) -> Result<Duration, HarnessError> {
        let mut command = Command::new(self.binary);
        command.args(["up", "--workspace-folder"]).arg(folder);
        timed(&self.sandbox, command)
    }

    fn reference(&self, folder: &Path) -> Result<Duration, HarnessError> {
        let mut command = Command::new("node");
        command.arg(self.peers.reference()).args(["up", "--workspace-folder"]).arg(folder);
        command.arg("--docker-path").arg(self.docker());
        timed(&self.sandbox, command)
    }

    /// Docker's own CLI, which the reference needs.
    fn docker(&self) -> PathBuf {
        self.engine.program("usr/bin/docker")
    }

    fn raw_create_and_start(&self, raw: &mut Raw, execs: usize) -> Result<(Duration, String), HarnessError> {
        let source = self.sandbox.path("work");
        let container = json!({
            "Image": self.image,
            "Entrypoint": ["/bin/sh"],
            "Cmd": ["-c", "trap 'exit 0' 15; while sleep 1 & wait $!; do :; done"],
            "Labels": { "dev.gangplank.test": self.sandbox.unique() },
            "HostConfig": { "Mounts": [{ "Type": "bind", "Source": source, "Target": "/workspaces/raw" }] },
        });
        let begun = Instant::now();
        let made = raw.call("POST", "/containers/create", Some(&container))?;
        let id = made["Id"].as_str().unwrap_or_default().to_owned();
        raw.call("POST", &format!("/containers/{id}/start"), None)?;
        for _ in 0..execs {
            let exec = json!({ "Cmd": ["true"], "AttachStdout": true, "AttachStderr": true });
            let exec = raw.call("POST", &format!("/containers/{id}/exec"), Some(&exec))?;
            let exec = exec["Id"].as_str().unwrap_or_default().to_owned();
            raw.call("POST", &format!("/exec/{exec}/start"), Some(&json!({ "Detach": true })))?;
            while raw.call("GET", &format!("/exec/{exec}/json"), None)?["Running"] == true {}
        }
        Ok((begun.elapsed(), id))
    }

    /// The containers of this run: its own by label, those of workspaces by their folder.
    fn containers(&self) -> Result<Vec<String>, HarnessError> {
        let folder = self.sandbox.path("work").display().to_string();
        let all = self.engine.api().get("/containers/json?all=true")?;
        Ok(all
            .as_array()
            .into_iter()
            .flatten()
            .filter(|container| {
                let labels = &container["Labels"];
                labels["dev.gangplank.test"] == self.sandbox.unique()
                    || labels["devcontainer.local_folder"]
                        .as_str()
                        .is_some_and(|local| local.starts_with(&folder))
            })
            .filter_map(|container| container["Id"].as_str().map(str::to_owned))
            .collect())
    }

    fn stop_all(&self) -> Result<(), HarnessError> {
        for id in self.containers()? {
            self.engine.api().post(&format!("/containers/{id}/stop?t=0"), Body::Empty)?;
        }
        Ok(())
    }

    fn remove_all(&self) -> Result<(), HarnessError> {
        for id in self.containers()? {
            self.engine.api().delete(&format!("/containers/{id}?force=true"))?;
        }
        Ok(())
    }
}

fn raw_look(raw: &mut Raw, id: &str) -> Result<Duration, HarnessError> {
    let begun = Instant::now();
    raw.call("GET", "/containers/json?all=true", None)?;
    raw.call("GET", &format!("/containers/{id}/json"), None)?;
    Ok(begun.elapsed())
}

fn raw_start(raw: &mut Raw, id: &str) -> Result<Duration, HarnessError> {
    let begun = Instant::now();
    raw.call("POST", &format!("/containers/{id}/start"), None)?;
    Ok(begun.elapsed())
}
