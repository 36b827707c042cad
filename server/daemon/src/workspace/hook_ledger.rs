//! What happened to the hooks of a container: for `workspace/inspect`, and so that an `up` that has nothing to run asks
//! the container nothing. Losing it loses no truth: the markers in the container then decide.

use std::collections::BTreeMap;

use gangplank_devcontainer::hooks::LifecycleHook;
use gangplank_protocol::workspace::HookRecord;
use serde::{Deserialize, Serialize};

use crate::store::Store;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    /// How it went; absent when it was found to have run by another tool's hand.
    record: Option<HookRecord>,
    /// The marker's content it ran for.
    ran_for: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Content {
    hooks: BTreeMap<String, Entry>,
    /// Of hooks that are at work: the process of each command that was started.
    #[serde(default)]
    at_work: BTreeMap<String, BTreeMap<String, String>>,
    /// The remote user who was last found to be in the container.
    #[serde(default)]
    user: Option<String>,
}

/// The ledgers, one file for each container.
#[derive(Debug, Clone)]
pub(super) struct HookLedger {
    store: Store,
}

impl HookLedger {
    pub(super) fn new(store: Store) -> Self {
        Self { store }
    }

    fn name(container_id: &str) -> String {
        format!("hooks/{container_id}.json")
    }

    fn content(&self, container_id: &str) -> Content {
        self.store.read(&Self::name(container_id)).unwrap_or_default()
    }

    /// Whether the hook is known to have run, or to be marked so, for this marker content.
    pub(super) fn has_run(&self, container_id: &str, hook: LifecycleHook, content: &str) -> bool {
        self.content(container_id)
            .hooks
            .get(hook.property())
            .is_some_and(|entry| entry.ran_for.as_deref() == Some(content))
    }

    /// Whether this user is known to be in the container.
    pub(super) fn knows_user(&self, container_id: &str, user: &str) -> bool {
        self.content(container_id).user.as_deref() == Some(user)
    }

    /// Notes that this user is in the container.
    pub(super) fn note_user(&self, container_id: &str, user: &str) {
        let mut content = self.content(container_id);
        if content.user.as_deref() != Some(user) {
            content.user = Some(user.to_owned());
            self.write(container_id, &content);
        }
    }

    /// Notes how a hook went.
    pub(super) fn note(&self, container_id: &str, record: HookRecord, ran_for: Option<String>) {
        let mut content = self.content(container_id);
        if record.exit_code.is_some() {
            content.at_work.remove(&record.hook);
        }
        content.hooks.insert(record.hook.clone(), Entry { record: Some(record), ran_for });
        self.write(container_id, &content);
    }

    /// Notes which process a command of a hook is, so that it can be joined when this daemon dies over it.
    pub(super) fn note_at_work(
        &self,
        container_id: &str,
        hook: LifecycleHook,
        command: &str,
        process_id: &str,
    ) {
        let mut content = self.content(container_id);
        let commands = content.at_work.entry(hook.property().to_owned()).or_default();
        commands.insert(command.to_owned(), process_id.to_owned());
        self.write(container_id, &content);
    }

    /// The processes of a hook that was at work when it was heard of last, by command.
    pub(super) fn at_work(&self, container_id: &str, hook: LifecycleHook) -> BTreeMap<String, String> {
        self.content(container_id).at_work.remove(hook.property()).unwrap_or_default()
    }

    /// Notes that a hook need not run for this marker content.
    pub(super) fn note_marked(&self, container_id: &str, hook: LifecycleHook, ran_for: String) {
        let mut content = self.content(container_id);
        let record = content.hooks.get(hook.property()).and_then(|entry| entry.record.clone());
        content.hooks.insert(hook.property().to_owned(), Entry { record, ran_for: Some(ran_for) });
        self.write(container_id, &content);
    }

    fn write(&self, container_id: &str, content: &Content) {
        if let Err(error) = self.store.write_quickly(&Self::name(container_id), content) {
            tracing::warn!(%error, container_id, "what happened to a hook could not be kept");
        }
    }

    /// Every hook's record, in the order in which hooks run.
    pub(super) fn records(&self, container_id: &str) -> Vec<HookRecord> {
        let content = self.content(container_id);
        LifecycleHook::ALL
            .iter()
            .filter_map(|hook| content.hooks.get(hook.property()).and_then(|entry| entry.record.clone()))
            .collect()
    }

    /// Forgets a container that is gone.
    pub(super) fn forget(&self, container_id: &str) {
        // Nothing reads it any more; a leftover would only be litter.
        let _ = std::fs::remove_file(self.store.path(&Self::name(container_id)));
    }
}
