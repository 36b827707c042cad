//! Ordered feeds: every item a subscription yields carries where it stands, so that a client can resume.

use serde::{Deserialize, Serialize};

/// A place in a feed. `epoch` names one life of the feed (a new one starts with the daemon or when history was
/// lost); `seq` counts its items from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cursor {
    /// Which life of the feed this place belongs to.
    pub epoch: String,
    /// The number of the item, from 1; 0 stands before the first.
    pub seq: u64,
}

/// One item of a feed together with its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Sequenced<T> {
    /// Which life of the feed this item belongs to.
    pub epoch: String,
    /// The item's number, from 1, without gaps within an epoch unless `resync` says so.
    pub seq: u64,
    /// True when items before this one were lost to this subscriber: read the whole state again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resync: bool,
    /// The item.
    pub event: T,
}

impl<T> Sequenced<T> {
    /// The place of this item, to be given as `since` when subscribing again.
    pub fn cursor(&self) -> Cursor {
        Cursor { epoch: self.epoch.clone(), seq: self.seq }
    }
}
