//! One ordered feed of file changes per workspace. Nobody can know which side of a shared folder wrote, so the feed
//! promises no origin.

use serde::{Deserialize, Serialize};

use crate::feed::Cursor;

/// Parameters of `watch/subscribe`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WatchSubscribeParams {
    /// The workspace's folder on the host, absolute.
    pub workspace_folder: String,
    /// Also `.git` internals, `node_modules` and what `.gitignore` hides.
    #[serde(default)]
    pub all: bool,
    /// The last item the client has seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Cursor>,
}

/// An item of the feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase", tag = "type")]
pub enum WatchEvent {
    /// The watch stands: what changes from now on is told.
    Ready {
        /// How many directories are watched.
        directories: u64,
    },
    /// Files changed; one batch of what came close together, in order.
    Changes {
        /// The changes.
        changes: Vec<FileChange>,
    },
    /// A configuration file of the workspace changed.
    ConfigurationChanged {
        /// Which, relative to the folder.
        paths: Vec<String>,
    },
    /// Events were lost and the folder was read again: whatever a client remembers of its files may be out of date.
    Rescanned {
        /// Why.
        reason: String,
    },
    /// Part of the folder cannot be watched.
    Degraded {
        /// Why, and what to do about it.
        reason: String,
    },
    /// The folder itself is gone; the feed goes on when it is back.
    FolderGone,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct FileChange {
    /// What happened.
    pub kind: FileChangeKind,
    /// Where, relative to the folder, with `/`. Bytes that are not UTF-8 are shown as U+FFFD.
    pub path: String,
    /// Where it was before, for `renamed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// What happened to a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum FileChangeKind {
    /// It is new.
    Created,
    /// Its content or attributes changed.
    Modified,
    /// It is gone.
    Deleted,
    /// It has another name.
    Renamed,
}
