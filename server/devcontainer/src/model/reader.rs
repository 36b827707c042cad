//! Reads values of known types and notes every one that has another type, with its place.

use serde_json::{Map, Value};

use crate::diagnostic::{Diagnostic, PropertyPath};
use crate::jsonc::Locations;

/// Collects what is wrong while values are read.
pub(crate) struct Reader<'a> {
    locations: &'a Locations,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(locations: &'a Locations) -> Self {
        Self { locations, diagnostics: Vec::new() }
    }

    /// Notes a finding at the place of its value.
    pub(crate) fn note_value(&mut self, diagnostic: Diagnostic) {
        let position = self.locations.value(&diagnostic.property);
        self.diagnostics.push(diagnostic.at(position));
    }

    /// Notes a finding at the place of its key.
    pub(crate) fn note_key(&mut self, diagnostic: Diagnostic) {
        let position = self.locations.key(&diagnostic.property);
        self.diagnostics.push(diagnostic.at(position));
    }

    /// Notes that a value has another type than `expected`.
    pub(crate) fn mismatch(&mut self, path: &PropertyPath, expected: &str, found: &Value) {
        let diagnostic =
            Diagnostic::error(path.clone(), format!("expected {expected}, found {}", type_of(found)));
        let quotable = expected == "a string" && matches!(found, Value::Number(_) | Value::Bool(_));
        self.note_value(if quotable { diagnostic.with_hint("put it in quotes") } else { diagnostic });
    }

    pub(crate) fn string(&mut self, path: &PropertyPath, value: &Value) -> Option<String> {
        match value {
            Value::String(text) if text.contains('\0') => {
                self.note_value(Diagnostic::error(path.clone(), "a NUL character cannot be passed on"));
                None
            }
            Value::String(text) => Some(text.clone()),
            other => {
                self.mismatch(path, "a string", other);
                None
            }
        }
    }

    pub(crate) fn boolean(&mut self, path: &PropertyPath, value: &Value) -> Option<bool> {
        if value.as_bool().is_none() {
            self.mismatch(path, "true or false", value);
        }
        value.as_bool()
    }

    pub(crate) fn object<'v>(
        &mut self,
        path: &PropertyPath,
        value: &'v Value,
    ) -> Option<&'v Map<String, Value>> {
        if value.as_object().is_none() {
            self.mismatch(path, "an object", value);
        }
        value.as_object()
    }

    pub(crate) fn array<'v>(&mut self, path: &PropertyPath, value: &'v Value) -> Option<&'v [Value]> {
        if value.as_array().is_none() {
            self.mismatch(path, "an array", value);
        }
        value.as_array().map(Vec::as_slice)
    }

    /// An array of strings; elements of another type are noted and left out.
    pub(crate) fn strings(&mut self, path: &PropertyPath, value: &Value) -> Vec<String> {
        let elements = match value {
            Value::Array(elements) => elements.as_slice(),
            other => {
                self.mismatch(path, "an array of strings", other);
                &[]
            }
        };
        elements
            .iter()
            .enumerate()
            .filter_map(|(index, element)| self.string(&path.index(index), element))
            .collect()
    }

    /// One of a few texts, as the enum value it stands for.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        path: &PropertyPath,
        value: &Value,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let text = self.string(path, value)?;
        let chosen = choices.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice);
        if chosen.is_none() {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            let diagnostic = Diagnostic::error(
                path.clone(),
                format!("expected one of {}, found {}", names.join(", "), Value::from(text.as_str())),
            );
            self.note_value(match crate::suggest::nearest(&text, names) {
                Some(name) => diagnostic.with_hint(format!("did you mean {name}?")),
                None => diagnostic,
            });
        }
        chosen
    }
}

/// A JSON type in words.
pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
