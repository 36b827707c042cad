//! What the user allowed configurations to do to the host: kept by the folder's canonical path and the hash of exactly
//! those effects, so that an edit or another folder asks again.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::store::Store;

const FILE: &str = "trust.json";
/// Sets of effects remembered for one folder; the oldest goes first.
const MOST_PER_FOLDER: usize = 16;
/// Containers remembered; the one that was not used for longest goes first.
const MOST_CONTAINERS: usize = 256;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Trusted {
    /// Hashes by canonical folder, oldest first.
    folders: BTreeMap<String, Vec<String>>,
    /// What containers may be given, the one last used at the end.
    #[serde(default)]
    containers: Vec<ForContainer>,
}

/// Variables of the client's environment that the processes of one container may be given.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ForContainer {
    container_id: String,
    variables: BTreeSet<String>,
}

/// The consent given so far.
#[derive(Debug)]
pub struct TrustStore {
    store: Store,
    trusted: Mutex<Trusted>,
}

impl TrustStore {
    /// What is remembered on disk; nothing when that is damaged: then the user is asked again.
    pub fn open(store: Store) -> Self {
        let trusted = store.read(FILE).unwrap_or_default();
        Self { store, trusted: Mutex::new(trusted) }
    }

    /// Whether exactly these effects were allowed in this folder.
    pub fn allows(&self, folder: &str, hash: &str) -> bool {
        let trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        trusted.folders.get(folder).is_some_and(|hashes| hashes.iter().any(|known| known == hash))
    }

    /// Remembers that they were.
    ///
    /// # Errors
    /// When it cannot be written; it then holds until the daemon ends.
    pub fn remember(&self, folder: &str, hash: &str) -> io::Result<()> {
        let mut trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        let hashes = trusted.folders.entry(folder.to_owned()).or_default();
        hashes.retain(|known| known != hash);
        hashes.push(hash.to_owned());
        if hashes.len() > MOST_PER_FOLDER {
            hashes.remove(0);
        }
        self.store.write(FILE, &*trusted)
    }

    /// The variables of the client's environment that the container's processes may be given.
    pub fn variables_of(&self, container_id: &str) -> BTreeSet<String> {
        let mut trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        trusted.used(container_id).map(|known| known.variables.clone()).unwrap_or_default()
    }

    /// Remembers, until the container is forgotten, that its processes may be given these too.
    ///
    /// # Errors
    /// When it cannot be written; it then holds until the daemon ends.
    pub fn allow_variables(&self, container_id: &str, variables: &BTreeSet<String>) -> io::Result<()> {
        let mut trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        match trusted.used(container_id) {
            Some(known) if variables.is_subset(&known.variables) => return Ok(()),
            Some(known) => known.variables.extend(variables.iter().cloned()),
            None if variables.is_empty() => return Ok(()),
            None => {
                let variables = variables.clone();
                trusted.containers.push(ForContainer { container_id: container_id.to_owned(), variables });
            }
        }
        if trusted.containers.len() > MOST_CONTAINERS {
            trusted.containers.remove(0);
        }
        self.store.write(FILE, &*trusted)
    }

    /// Forgets a container that is gone.
    ///
    /// # Errors
    /// When it cannot be written; the next write does it.
    pub fn forget_container(&self, container_id: &str) -> io::Result<()> {
        let mut trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        let before = trusted.containers.len();
        trusted.containers.retain(|known| known.container_id != container_id);
        if trusted.containers.len() == before { Ok(()) } else { self.store.write(FILE, &*trusted) }
    }
}

impl Trusted {
    /// What is known of the container, which becomes the last to be forgotten: one that is used lives, and one that
    /// another tool removed is not used any more.
    fn used(&mut self, container_id: &str) -> Option<&mut ForContainer> {
        let at = self.containers.iter().position(|known| known.container_id == container_id)?;
        let known = self.containers.remove(at);
        self.containers.push(known);
        self.containers.last_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Place;

    fn store() -> (tempfile::TempDir, Store) {
        let home = tempfile::tempdir().unwrap();
        let environment = [("XDG_STATE_HOME".to_owned(), home.path().display().to_string())].into();
        let store = Store::new(Place::prepare(&environment).unwrap());
        (home, store)
    }

    #[test]
    fn variables_are_kept_with_the_container_and_the_unused_go_first() {
        let (_home, store) = store();
        let trust = TrustStore::open(store.clone());
        let set = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        trust.allow_variables("used", &set(&["A"])).unwrap();
        trust.allow_variables("used", &set(&["B"])).unwrap();
        trust.allow_variables("gone", &set(&["A"])).unwrap();
        trust.forget_container("gone").unwrap();
        for number in 0..MOST_CONTAINERS + 1 {
            assert_eq!(trust.variables_of("used"), set(&["A", "B"]), "{number}");
            trust.allow_variables(&format!("unused{number}"), &set(&["A"])).unwrap();
        }
        let again = TrustStore::open(store);
        assert_eq!(again.variables_of("used"), set(&["A", "B"]));
        assert_eq!(again.variables_of("gone"), set(&[]));
        assert_eq!(again.variables_of("unused0"), set(&[]));
    }

    #[test]
    fn what_is_allowed_at_once_is_all_kept() {
        let (_home, store) = store();
        let trust = TrustStore::open(store);
        std::thread::scope(|scope| {
            for number in 0..16 {
                let one = BTreeSet::from([number.to_string()]);
                let trust = &trust;
                scope.spawn(move || trust.allow_variables("container", &one).unwrap());
            }
        });
        assert_eq!(trust.variables_of("container").len(), 16);
    }

    #[test]
    fn consent_is_for_one_folder_and_one_hash_and_outlives_the_daemon() {
        let (_home, store) = store();
        let trust = TrustStore::open(store.clone());
        trust.remember("/a", "one").unwrap();
        assert!(trust.allows("/a", "one"));
        assert!(!trust.allows("/a", "two"));
        assert!(!trust.allows("/a/b", "one"));
        assert!(TrustStore::open(store.clone()).allows("/a", "one"));
        for number in 0..MOST_PER_FOLDER {
            trust.remember("/a", &number.to_string()).unwrap();
        }
        assert!(!TrustStore::open(store).allows("/a", "one"));
    }
}
