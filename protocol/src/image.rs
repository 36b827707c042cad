//! Images of an engine.

use serde::{Deserialize, Serialize};

use crate::engine::EngineId;

/// Parameters of `image/list`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImageListParams {
    /// The engine; the client's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineId>,
}

/// Result of `image/list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ImageListResult {
    /// The engine that answered.
    pub engine: EngineId,
    /// Its images, newest first.
    pub images: Vec<ImageSummary>,
}

/// One image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ImageSummary {
    /// Its id, with the algorithm.
    pub id: String,
    /// `repository:tag` names; empty for an image without a name.
    pub tags: Vec<String>,
    /// Digests it was pulled by.
    pub digests: Vec<String>,
    /// When it was made; negative values do not occur.
    pub created_at: u64,
    /// Bytes on disk, as the engine counts them.
    pub size: u64,
}

/// Parameters of `image/pull`, which answers with an operation whose result is [`ImagePullResult`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImagePullParams {
    /// The engine; the client's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineId>,
    /// The image, as `docker pull` takes it.
    pub image: String,
    /// As in `linux/arm64`; the engine's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The same key again gives the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_key: Option<String>,
}

/// What `image/pull` comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ImagePullResult {
    /// The image as it was asked for, with the tag that was taken.
    pub image: String,
    /// Its id.
    pub id: String,
    /// False when the engine already had exactly this.
    pub changed: bool,
}

/// Parameters of `image/remove`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImageRemoveParams {
    /// The engine; the client's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineId>,
    /// Name or id.
    pub image: String,
    /// Also when stopped containers use it, and with all its names.
    #[serde(default)]
    pub force: bool,
    /// The same key again gives the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_key: Option<String>,
}

/// Result of `image/remove`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ImageRemoveResult {
    /// Names taken away.
    pub untagged: Vec<String>,
    /// Ids removed from disk.
    pub deleted: Vec<String>,
}
