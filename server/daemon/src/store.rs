//! State on disk: small versioned, checksummed JSON files beneath the state directory, written whole or not at all.
//! A file that is damaged is put aside and reported, and its owner starts from what the engine's labels say.

use std::io;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::place::{Durability, Place, private_directory, write_atomically};

/// Raised when a field is added or its meaning changes; a file of a later format is left alone.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Envelope {
    format: u32,
    /// blake3 of `content` as it stands in the file, in hexadecimal.
    checksum: String,
    content: Box<serde_json::value::RawValue>,
}

/// The state directory's files.
#[derive(Debug, Clone)]
pub struct Store {
    place: Place,
}

impl Store {
    /// The store of this place.
    pub fn new(place: Place) -> Self {
        Self { place }
    }

    /// Where the file of this name is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.place.state_file(name)
    }

    /// The names of the files in a folder, without `.json`.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect()
    }

    /// Reads `name`; `None` when there is none or it was damaged, in which case it is kept beside as `NAME.damaged`.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let path = self.path(name);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return None,
            Err(e) => {
                tracing::warn!(path = %path.display(), error = %e, "state could not be read");
                return None;
            }
        };
        match open(&text) {
            Ok(value) => Some(value),
            Err(reason) => {
                let aside = path.with_extension("damaged");
                tracing::warn!(path = %path.display(), aside = %aside.display(), reason, "damaged state put aside");
                let _ = std::fs::rename(&path, aside);
                None
            }
        }
    }

    /// Writes `name` whole and waits until it is on the disk.
    ///
    /// # Errors
    /// When the disk or the permissions do not allow it; what was there still stands.
    pub fn write<T: Serialize>(&self, name: &str, value: &T) -> io::Result<()> {
        self.write_with(name, value, Durability::Disk)
    }

    /// Writes `name` whole; it outlives the daemon, but perhaps not a power cut.
    ///
    /// # Errors
    /// When the disk or the permissions do not allow it; what was there still stands.
    pub fn write_quickly<T: Serialize>(&self, name: &str, value: &T) -> io::Result<()> {
        self.write_with(name, value, Durability::Kernel)
    }

    fn write_with<T: Serialize>(&self, name: &str, value: &T, durability: Durability) -> io::Result<()> {
        let content = serde_json::value::to_raw_value(value).map_err(io::Error::other)?;
        let envelope = Envelope {
            format: FORMAT,
            checksum: blake3::hash(content.get().as_bytes()).to_hex().to_string(),
            content,
        };
        let path = self.path(name);
        if let Some(parent) = path.parent() {
            private_directory(parent).map_err(io::Error::other)?;
        }
        write_atomically(&path, &serde_json::to_vec(&envelope).map_err(io::Error::other)?, durability)
    }
}

fn open<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let envelope: Envelope = serde_json::from_str(text).map_err(|e| e.to_string())?;
    if envelope.format > FORMAT {
        return Err(format!("it has format {}, this daemon knows {FORMAT}", envelope.format));
    }
    if blake3::hash(envelope.content.get().as_bytes()).to_hex().as_str() != envelope.checksum {
        return Err("its checksum is wrong".into());
    }
    serde_json::from_str(envelope.content.get()).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn store(home: &std::path::Path) -> Store {
        let environment = [("XDG_STATE_HOME".to_owned(), home.display().to_string())].into();
        Store::new(Place::prepare(&environment).unwrap())
    }

    #[test]
    fn a_file_truncated_at_any_byte_or_changed_is_put_aside() {
        let home = tempfile::tempdir().unwrap();
        let store = store(home.path());
        let value = BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
        store.write("trust.json", &value).unwrap();
        assert_eq!(store.read::<BTreeMap<String, i32>>("trust.json"), Some(value));
        let whole = std::fs::read(store.path("trust.json")).unwrap();
        for length in 0..whole.len() {
            std::fs::write(store.path("trust.json"), &whole[..length]).unwrap();
            assert_eq!(store.read::<BTreeMap<String, i32>>("trust.json"), None, "cut at {length}");
            assert!(store.path("trust.damaged").exists());
        }
        let changed = String::from_utf8(whole).unwrap().replace("\"a\":1", "\"a\":7");
        std::fs::write(store.path("trust.json"), changed).unwrap();
        assert_eq!(store.read::<BTreeMap<String, i32>>("trust.json"), None);
    }
}
