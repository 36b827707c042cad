//! What a sandbox takes with it. Nothing here may fail a test: what is gone already is as good.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{LABEL, Sandbox};
use crate::engine::Api;
use crate::image::query;
use crate::process::Process;

/// How long a daemon may take to stop on its own before it is killed.
const STOPS_WITHIN: Duration = Duration::from_secs(10);

pub(super) fn clean_up(sandbox: &Sandbox) {
    end_processes(sandbox);
    for api in &sandbox.engines {
        remove_containers(sandbox, api);
        remove_agents_volumes(sandbox, api);
        remove_named(sandbox, api, "/volumes", "Volumes", "Name");
        remove_named(sandbox, api, "/networks", "", "Name");
    }
}

fn end_processes(sandbox: &Sandbox) {
    if sandbox.processes().is_empty() {
        return;
    }
    let stopped = std::process::Command::new(&sandbox.binary)
        .args(["daemon", "stop"])
        .env_clear()
        .envs(sandbox.environment())
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
    let begun = Instant::now();
    let mut asked = stopped.ok();
    while !sandbox.processes().is_empty() && begun.elapsed() < STOPS_WITHIN {
        // the asker is in the sandbox too, and counts until it is looked after
        if let Some(child) = &mut asked {
            let _ = child.try_wait();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    for process in sandbox.processes() {
        process.kill();
    }
}

/// The processes that have `variable` (`NAME=value`) in their environment. Those of containers do not carry ours.
pub(super) fn processes_with(variable: &str) -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            let environment = std::fs::read(entry.path().join("environ")).ok()?;
            let has = environment.split(|byte| *byte == 0).any(|each| each == variable.as_bytes());
            has.then(|| Process::of(id))?
        })
        .filter(|process| process.is_alive())
        .collect()
}

fn remove_containers(sandbox: &Sandbox, api: &Api) {
    let Ok(containers) = api.get("/containers/json?all=1") else { return };
    for container in containers.as_array().into_iter().flatten() {
        if let Some(id) = container["Id"].as_str().filter(|_| is_ours(sandbox, container)) {
            let _ = api.delete(&format!("/containers/{id}?force=1&v=1"));
        }
    }
}

/// By name, by our label, or by the folder that the container was made for.
fn is_ours(sandbox: &Sandbox, container: &Value) -> bool {
    let labels = &container["Labels"];
    let mut names = container["Names"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let beneath = |folder: &str| Path::new(folder).starts_with(sandbox.place.path());
    names.any(|name| name.trim_start_matches('/').starts_with(&sandbox.unique))
        || labels[LABEL].as_str().is_some_and(|value| value == sandbox.unique)
        || labels["devcontainer.local_folder"].as_str().is_some_and(beneath)
}

/// Removes the volumes that the sandbox's daemons made for their agents, and what was to fill them.
fn remove_agents_volumes(sandbox: &Sandbox, api: &Api) {
    let Some(installation) = sandbox.installation() else { return };
    let label =
        |name: &str| query(&serde_json::json!({ "label": [format!("{name}={installation}")] }).to_string());
    let fillers = api.get(&format!("/containers/json?all=1&filters={}", label("dev.gangplank.agent.filler")));
    for filler in fillers.ok().iter().filter_map(Value::as_array).flatten() {
        let _ = api.delete(&format!("/containers/{}?v=1", filler["Id"].as_str().unwrap_or_default()));
    }
    let volumes = api.get(&format!("/volumes?filters={}", label("dev.gangplank.agent.installation")));
    for volume in volumes.ok().iter().filter_map(|answer| answer["Volumes"].as_array()).flatten() {
        let _ = api.delete(&format!("/volumes/{}", volume["Name"].as_str().unwrap_or_default()));
    }
}

/// Removes what `path` lists under a name of ours. `list` is the field with the list, empty where the answer is it.
fn remove_named(sandbox: &Sandbox, api: &Api, path: &str, list: &str, name: &str) {
    let Ok(answer) = api.get(path) else { return };
    let entries = if list.is_empty() { &answer } else { &answer[list] };
    for entry in entries.as_array().into_iter().flatten() {
        if let Some(name) = entry[name].as_str().filter(|name| name.starts_with(&sandbox.unique)) {
            let _ = api.delete(&format!("{path}/{}", query(name)));
        }
    }
}
