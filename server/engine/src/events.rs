//! What happens to containers, as engines tell it. Hints only: engines drop events for slow listeners and forget them
//! when they restart; the truth is in listing and inspecting.

use std::collections::{BTreeMap, HashMap};

use futures_util::{StreamExt as _, TryStreamExt as _};
use http::Method;
use serde::Deserialize;

use crate::lines::lines;
use crate::wire::{on_engine, request};
use crate::{Engine, EngineError, EngineStream};

/// Something that happened to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerEvent {
    /// The container's id.
    pub container: String,
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// Labels, and what else the engine says of it.
    pub attributes: BTreeMap<String, String>,
    /// When, in nanoseconds since the epoch.
    pub time_nano: i64,
    /// What.
    pub happened: Happened,
}

/// What happened to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// It was made.
    Created,
    /// It was started.
    Started,
    /// It ended.
    Died {
        /// With this exit code.
        exit_code: Option<i64>,
    },
    /// It was sent a signal.
    Killed {
        /// Which, as a number or name.
        signal: String,
    },
    /// It was stopped by a request.
    Stopped,
    /// It was paused.
    Paused,
    /// It goes on.
    Unpaused,
    /// It was removed.
    Destroyed,
    /// It has another name.
    Renamed {
        /// The name it had.
        old_name: String,
    },
    /// Memory ran out in it.
    OutOfMemory,
    /// Its health check found it so: `starting`, `healthy`, `unhealthy`.
    Health {
        /// The status.
        status: String,
    },
}

/// An event as engines send it.
#[derive(Deserialize)]
struct Message {
    #[serde(default, rename = "Action")]
    action: String,
    #[serde(default, rename = "Actor")]
    actor: Actor,
    #[serde(default, rename = "timeNano")]
    time_nano: i64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Actor {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "Attributes")]
    attributes: BTreeMap<String, String>,
}

impl Engine {
    /// Events of containers with all of these labels, each `name` or `name=value`, from now on. The stream ends or
    /// fails when the connection does.
    ///
    /// # Errors
    /// [`EngineError::Unavailable`]; in the stream also [`EngineError::Malformed`].
    pub async fn container_events(
        &self,
        labels: &[String],
    ) -> Result<EngineStream<ContainerEvent>, EngineError> {
        let action = on_engine("listen to the");
        let mut filters = HashMap::from([("type", vec!["container".to_owned()])]);
        if !labels.is_empty() {
            filters.insert("label", labels.to_vec());
        }
        let filters = serde_json::to_string(&filters).map_err(|error| action.malformed(error))?;
        let body =
            self.wire.stream(&action, request(Method::GET, "/events", &[("filters", &filters)])?).await?;
        let broken = self.wire.unavailable("the events broke off");
        let body = body.map_err(move |_| broken.clone());
        let events = lines(body).map(move |line| {
            let message: Message = serde_json::from_slice(&line?).map_err(|error| action.malformed(error))?;
            Ok(event(message))
        });
        Ok(Box::pin(events.try_filter_map(|event| std::future::ready(Ok(event)))))
    }
}

/// The event that a message tells; `None` for what is not about a container's life, such as its execs.
fn event(message: Message) -> Option<ContainerEvent> {
    let attributes = message.actor.attributes;
    let attribute = |names: &[&str]| names.iter().find_map(|name| attributes.get(*name)).cloned();
    let (name, image) = (attribute(&["name"]).unwrap_or_default(), attribute(&["image"]).unwrap_or_default());
    let health = |status: Option<String>| Happened::Health { status: status.unwrap_or_default() };
    // Podman says `died`, `remove` and `rename` without the old name, and has health in an attribute.
    let happened = match message.action.as_str() {
        "create" => Happened::Created,
        "start" => Happened::Started,
        "die" | "died" => Happened::Died {
            exit_code: attribute(&["exitCode", "containerExitCode"]).and_then(|code| code.parse().ok()),
        },
        "kill" => Happened::Killed { signal: attribute(&["signal"]).unwrap_or_default() },
        "stop" => Happened::Stopped,
        "pause" => Happened::Paused,
        "unpause" => Happened::Unpaused,
        "destroy" | "remove" => Happened::Destroyed,
        "rename" => Happened::Renamed {
            old_name: attribute(&["oldName"]).unwrap_or_default().trim_start_matches('/').to_owned(),
        },
        "oom" => Happened::OutOfMemory,
        "health_status" => health(attribute(&["health_status"])),
        other => health(Some(other.strip_prefix("health_status: ")?.to_owned())),
    };
    let time_nano = message.time_nano;
    Some(ContainerEvent { container: message.actor.id, name, image, attributes, time_nano, happened })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn happened(action: &str, attributes: &[(&str, &str)]) -> Option<Happened> {
        let attributes: BTreeMap<_, _> = attributes.iter().copied().collect();
        let message = serde_json::json!({
            "Type": "container", "Action": action, "Actor": {"ID": "ab", "Attributes": attributes}, "timeNano": 7,
        });
        event(serde_json::from_value(message).unwrap()).map(|event| event.happened)
    }

    #[test]
    fn each_engines_names() {
        for (action, attributes, expected) in [
            ("create", &[][..], Some(Happened::Created)),
            ("start", &[], Some(Happened::Started)),
            ("die", &[("exitCode", "137")], Some(Happened::Died { exit_code: Some(137) })),
            ("died", &[("containerExitCode", "1")], Some(Happened::Died { exit_code: Some(1) })),
            ("kill", &[("signal", "9")], Some(Happened::Killed { signal: "9".into() })),
            ("stop", &[], Some(Happened::Stopped)),
            ("pause", &[], Some(Happened::Paused)),
            ("unpause", &[], Some(Happened::Unpaused)),
            ("destroy", &[], Some(Happened::Destroyed)),
            ("remove", &[], Some(Happened::Destroyed)),
            ("rename", &[("oldName", "/a")], Some(Happened::Renamed { old_name: "a".into() })),
            ("oom", &[], Some(Happened::OutOfMemory)),
            ("health_status: healthy", &[], Some(Happened::Health { status: "healthy".into() })),
            (
                "health_status",
                &[("health_status", "unhealthy")],
                Some(Happened::Health { status: "unhealthy".into() }),
            ),
            ("exec_start: sh", &[], None),
            ("resize", &[], None),
        ] {
            assert_eq!(happened(action, attributes), expected, "{action}");
        }
    }
}
