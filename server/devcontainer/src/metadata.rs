//! The label `devcontainer.metadata`, in which images and containers carry parts of a configuration.

use serde_json::{Map, Value};

use crate::jsonc::Locations;
use crate::model::DevContainer;

/// What the label held.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    /// Its entries, in the order in which they count: later ones over earlier ones.
    pub entries: Vec<MetadataEntry>,
    /// Why the label, or a part of it, was ignored: for the log. The reference ignores it too.
    pub ignored: Option<String>,
}

/// One entry: what a base image, a Feature or a configuration asked for when the image was made. Values are raw:
/// variables are not substituted.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataEntry {
    /// The Feature it comes from.
    pub id: Option<String>,
    /// The script that the container runs at its start, before its command.
    pub entrypoint: Option<String>,
    /// All properties but those two.
    pub properties: Map<String, Value>,
}

impl Metadata {
    /// Reads the label's text: a JSON array of objects, or one object.
    pub fn parse(label: &str) -> Self {
        let value = match serde_json::from_str::<Value>(label) {
            Ok(Value::Array(entries)) => entries,
            Ok(entry @ Value::Object(_)) => vec![entry],
            Ok(other) => return Self::ignoring(format!("neither an array nor an object: {other:.80}")),
            Err(error) => return Self::ignoring(error.to_string()),
        };
        let mut metadata = Self::default();
        for (index, entry) in value.into_iter().enumerate() {
            match entry {
                Value::Object(properties) => metadata.entries.push(MetadataEntry::new(properties)),
                _ => metadata.ignored = Some(format!("entry {index} is no object")),
            }
        }
        metadata
    }

    /// The entries that ask for something.
    pub fn with_content(&self) -> impl Iterator<Item = &MetadataEntry> {
        self.entries.iter().filter(|entry| entry.entrypoint.is_some() || !entry.properties.is_empty())
    }

    fn ignoring(reason: String) -> Self {
        Self { entries: Vec::new(), ignored: Some(reason) }
    }
}

impl MetadataEntry {
    fn new(mut properties: Map<String, Value>) -> Self {
        let mut take =
            |name: &str| properties.remove(name).and_then(|value| value.as_str().map(str::to_owned));
        Self { id: take("id"), entrypoint: take("entrypoint"), properties }
    }

    /// The entry as a model; what cannot be read is left out, since the label is not the user's to mend.
    pub fn model(&self) -> DevContainer {
        let value = Value::Object(self.properties.clone());
        DevContainer::from_value(&value, &Locations::none()).0.unwrap_or_default()
    }

    /// The names of the properties it sets, for a message.
    pub fn names(&self) -> Vec<&str> {
        let entrypoint = self.entrypoint.as_ref().map(|_| "entrypoint");
        self.properties.keys().map(String::as_str).chain(entrypoint).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_and_objects_are_read() {
        let metadata = Metadata::parse(
            r#"[{"id":"./f","init":true,"entrypoint":"/e.sh"},{},{"id":"x"},{"remoteUser":"dev"}]"#,
        );
        assert_eq!(metadata.ignored, None);
        let names: Vec<Vec<&str>> = metadata.with_content().map(MetadataEntry::names).collect();
        assert_eq!(names, [vec!["init", "entrypoint"], vec!["remoteUser"]]);
        assert_eq!(metadata.entries[0].id.as_deref(), Some("./f"));
        assert_eq!(metadata.entries[0].model().init, Some(true));
        assert_eq!(Metadata::parse(r#"{"remoteUser":"dev"}"#).entries.len(), 1);
    }

    #[test]
    fn what_is_no_metadata_is_ignored_with_a_reason() {
        assert_eq!(Metadata::parse("[]"), Metadata::default());
        assert!(Metadata::parse("{").ignored.is_some());
        assert!(Metadata::parse("5").ignored.unwrap().contains("neither"));
        let partly = Metadata::parse("[1, {\"init\": true}]");
        assert_eq!(partly.with_content().count(), 1);
        assert_eq!(partly.ignored.as_deref(), Some("entry 0 is no object"));
    }
}
