//! What an earlier run that was killed left on a shared engine's disk. Done when the engine has just come up: whatever
//! is on it then is nobody's.

use serde_json::Value;

use super::api::{Api, Body};
use crate::image::{self, query};

/// Removes all containers, networks, volumes and images but those that the harness makes. What cannot be removed stays:
/// tests use names of their own and do not meet it.
pub(super) fn sweep(api: &Api) {
    for container in list(api, "/containers/json?all=1") {
        remove(api, "/containers", &container["Id"], "?force=1&v=1");
    }
    let _ = api.post("/networks/prune", Body::Empty);
    if let Ok(answer) = api.get("/volumes") {
        for volume in answer["Volumes"].as_array().into_iter().flatten() {
            remove(api, "/volumes", &volume["Name"], "?force=1");
        }
    }
    for each in api.images(false).ok().and_then(|answer| answer.as_array().cloned()).unwrap_or_default() {
        let tags: Vec<&Value> = each["RepoTags"].as_array().into_iter().flatten().collect();
        for foreign in tags.iter().filter(|tag| !tag.as_str().is_some_and(image::is_ours)) {
            remove(api, "/images", foreign, "?force=1&noprune=1");
        }
        if tags.is_empty() {
            remove(api, "/images", &each["Id"], "?force=1");
        }
    }
}

fn list(api: &Api, path: &str) -> Vec<Value> {
    api.get(path).ok().and_then(|answer| answer.as_array().cloned()).unwrap_or_default()
}

fn remove(api: &Api, kind: &str, name: &Value, how: &str) {
    if let Some(name) = name.as_str() {
        let _ = api.delete(&format!("{kind}/{}{how}", query(name)));
    }
}
