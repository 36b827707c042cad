//! The agents that this user's daemons have started, kept so that a daemon that starts anew finds their terminals again.
//! One file for each container, 0600: it holds the agents' keys.

use std::sync::{Arc, Mutex, PoisonError};

use gangplank_agent_protocol::handshake::Key;
use serde::{Deserialize, Serialize};

use crate::store::Store;

/// An agent, as the daemon knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Known {
    /// Its id; a part of its processes' ids.
    pub(super) id: String,
    /// The engine of its container.
    pub(super) engine: String,
    /// Its container's full id.
    pub(super) container_id: String,
    /// When that start of the container was, in the engine's words: an agent ends with it.
    pub(super) started_at: String,
    /// The user as named to the engine; empty for the container's own.
    pub(super) user: String,
    /// Its program's path in the container.
    pub(super) program: String,
    /// The abstract socket it listens on.
    pub(super) socket: String,
    /// Its key.
    pub(super) key: Key,
}

/// The files.
#[derive(Debug, Clone)]
pub(super) struct KnownAgents {
    store: Store,
    /// Held from reading a file to writing it.
    writing: Arc<Mutex<()>>,
}

const DIRECTORY: &str = "agents";

impl KnownAgents {
    pub(super) fn new(store: Store) -> Self {
        Self { store, writing: Arc::default() }
    }

    fn name(container_id: &str) -> String {
        format!("{DIRECTORY}/{container_id}.json")
    }

    /// Those in one container.
    pub(super) fn of(&self, container_id: &str) -> Vec<Known> {
        self.store.read(&Self::name(container_id)).unwrap_or_default()
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Known> {
        self.store.names(DIRECTORY).iter().flat_map(|container_id| self.of(container_id)).collect()
    }

    /// Keeps one, in place of those of the same user and of earlier starts of the container.
    ///
    /// # Errors
    /// When it cannot be written: an agent nobody can come back to would be of no use.
    pub(super) fn keep(&self, known: &Known) -> std::io::Result<()> {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = self.of(&known.container_id);
        all.retain(|other| other.user != known.user && other.started_at == known.started_at);
        all.push(known.clone());
        self.store.write_quickly(&Self::name(&known.container_id), &all)
    }

    /// Forgets one that is gone.
    pub(super) fn forget(&self, known: &Known) {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = self.of(&known.container_id);
        all.retain(|other| other.id != known.id);
        let name = Self::name(&known.container_id);
        // What stays is asked for once more in vain, and then forgotten.
        let _ = if all.is_empty() {
            std::fs::remove_file(self.store.path(&name))
        } else {
            self.store.write_quickly(&name, &all)
        };
    }
}
