//! What is wrong with a configuration, and where: the one shape in which every part of this crate reports findings.
//!
//! Findings are data, not errors: reading collects all of them and the caller decides. Positions count as editors
//! do, from 1, columns in characters (Unicode scalar values), so that a message can be pasted behind a file name.

use std::fmt;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The configuration can be used; something in it has no effect or is not as written.
    Warning,
    /// The configuration cannot be used as it stands.
    Error,
}

/// A place in the configuration's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1. `\n`, `\r\n` and a lone `\r` end a line.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// One step of a [`PropertyPath`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// A key of an object.
    Key(String),
    /// An index of an array, from 0.
    Index(usize),
}

/// The way from the root of a configuration to a value: `mounts[0].source`. The root itself is the empty path.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PropertyPath(Vec<Segment>);

impl PropertyPath {
    /// The path of the whole configuration.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path of a property of the root.
    pub fn of(property: &str) -> Self {
        Self::root().key(property)
    }

    /// This path, one key further.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut segments = self.0.clone();
        segments.push(Segment::Key(key.to_owned()));
        Self(segments)
    }

    /// This path, one index further.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let mut segments = self.0.clone();
        segments.push(Segment::Index(index));
        Self(segments)
    }

    pub(crate) fn push(&mut self, segment: Segment) {
        self.0.push(segment);
    }

    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }

    /// The steps from the root.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The property of the root that this path lies in.
    pub fn top(&self) -> Option<&str> {
        match self.0.first() {
            Some(Segment::Key(key)) => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for PropertyPath {
    /// Plain keys are joined by dots; any other key is written as a JSON string in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if is_plain(key) && position == 0 => f.write_str(key)?,
                Segment::Key(key) if is_plain(key) => write!(f, ".{key}")?,
                Segment::Key(key) => write!(f, "[{}]", serde_json::Value::from(key.as_str()))?,
            }
        }
        Ok(())
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$'))
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How much it weighs.
    pub severity: Severity,
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// Where in the text; `None` when the value does not come from a text (an image's label).
    pub position: Option<Position>,
    /// Which value.
    pub property: PropertyPath,
    /// What to do about it, where there is something.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error about `property`.
    pub fn error(property: PropertyPath, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: message.into(), position: None, property, hint: None }
    }

    /// A warning about `property`.
    pub fn warning(property: PropertyPath, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(property, message) }
    }

    /// This finding at a place.
    #[must_use]
    pub fn at(mut self, position: Option<Position>) -> Self {
        self.position = position;
        self
    }

    /// This finding with advice.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether the configuration cannot be used because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Diagnostic {
    /// `3:15: error: image: expected a string, found a number (hint)`, without the parts that are not known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Position { line, column }) = self.position {
            write!(f, "{line}:{column}: ")?;
        }
        f.write_str(match self.severity {
            Severity::Error => "error: ",
            Severity::Warning => "warning: ",
        })?;
        if !self.property.segments().is_empty() {
            write!(f, "{}: ", self.property)?;
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// The errors among findings.
pub fn errors(diagnostics: &[Diagnostic]) -> impl Iterator<Item = &Diagnostic> {
    diagnostics.iter().filter(|diagnostic| diagnostic.is_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_print_as_people_write_them() {
        let path = PropertyPath::of("mounts").index(2).key("source");
        assert_eq!(path.to_string(), "mounts[2].source");
        assert_eq!(PropertyPath::of("containerEnv").key("A B\"").to_string(), "containerEnv[\"A B\\\"\"]");
        assert_eq!(PropertyPath::root().to_string(), "");
        assert_eq!(path.top(), Some("mounts"));
    }

    #[test]
    fn a_finding_prints_everything_it_knows() {
        let finding = Diagnostic::error(PropertyPath::of("image"), "expected a string, found a number")
            .at(Some(Position { line: 3, column: 15 }))
            .with_hint("put it in quotes");
        assert_eq!(
            finding.to_string(),
            "3:15: error: image: expected a string, found a number (put it in quotes)"
        );
        assert_eq!(Diagnostic::warning(PropertyPath::root(), "empty").to_string(), "warning: empty");
    }
}
