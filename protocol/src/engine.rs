//! Where containers run.

use serde::{Deserialize, Serialize};

/// Names an engine: its endpoint (`unix:///var/run/docker.sock`, `tcp://host:2375`), with `#context=NAME` where the
/// endpoint needs a Docker context's TLS files.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(transparent)]
pub struct EngineId(pub String);

impl std::fmt::Display for EngineId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Parameters of `engine/info`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EngineInfoParams {
    /// The engine asked about; without it the one this client's `daemon/hello` leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineId>,
}

/// What an engine is and can do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct EngineInfo {
    /// The id to name it by in other requests.
    pub engine: EngineId,
    /// `docker` or `podman`.
    pub product: String,
    /// Its version, as it says it.
    pub version: String,
    /// The API version used with it.
    pub api_version: String,
    /// Operating system and architecture of the machine it runs containers on, as in `linux/amd64`.
    pub platform: String,
    /// The storage driver, as the engine says it.
    pub storage_driver: String,
    /// True when the engine's socket is on this machine.
    pub local: bool,
    /// What it can do.
    pub capabilities: EngineCapabilities,
}

/// What an engine can do; what is missing is refused with `unsupported`, not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct EngineCapabilities {
    /// Folders of this machine can be mounted.
    pub bind_local: bool,
    /// Processes can be started in running containers.
    pub exec: bool,
    /// A container can be saved as an image.
    pub commit: bool,
    /// Images can be built.
    pub build: bool,
    /// It tells of changes by itself.
    pub events: bool,
}
