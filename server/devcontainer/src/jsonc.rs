//! JSON with comments, read strictly and with places.
//!
//! Comments are allowed. A trailing comma is accepted with a warning: the schema forbids it, yet one public file in
//! twenty has one and the reference accepts it. Everything else that lax parsers let through (missing commas, single
//! quotes, bare words, hexadecimal numbers, duplicate keys) is an error, because it hides what the author meant.
//!
//! A parsed file is a plain [`Value`] beside a tree of [`Locations`] of the same shape. They are apart so that
//! variables can be substituted in the value (strings change, the shape does not) and findings about the result
//! still point into the file.
//!
//! Hostile files are bounded by [`MAX_BYTES`], [`MAX_DEPTH`], [`MAX_KEYS`], [`MAX_KEY_BYTES`] and [`MAX_VALUES`]; reading takes time and
//! memory linear in the text.

use std::collections::BTreeMap;

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::{Map, Number, Value};

use crate::diagnostic::{Diagnostic, Position, PropertyPath, Segment};

/// The longest file that is read, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;
/// The deepest nesting of arrays and objects.
pub const MAX_DEPTH: usize = 128;
/// The most keys in a whole file.
pub const MAX_KEYS: usize = 10_000;
/// The longest key, in bytes. Paths of values are made of keys, so this bounds what findings about them cost.
pub const MAX_KEY_BYTES: usize = 512;
/// The most values in a whole file.
pub const MAX_VALUES: usize = 100_000;

/// What a text contained: a document unless there was an error among the findings.
#[derive(Debug)]
pub struct Parsed {
    /// The document; `None` when the text is not JSON or breaks a limit.
    pub document: Option<Document>,
    /// Errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// A parsed text.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The value, keys in the order of the text.
    pub value: Value,
    /// Where each part of it stands.
    pub locations: Locations,
}

/// Places of a value and of all that is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locations {
    position: Option<Position>,
    children: Children,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Children {
    #[default]
    None,
    Elements(Vec<Locations>),
    Members(Members),
}

type Members = BTreeMap<String, Member>;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    key: Position,
    value: Locations,
}

impl Locations {
    /// No places: for values that do not come from a text.
    pub fn none() -> Self {
        Self::default()
    }

    /// Where the value at `path` begins; the nearest enclosing value's place when the text has no such value.
    pub fn value(&self, path: &PropertyPath) -> Option<Position> {
        let mut here = self;
        for segment in path.segments() {
            match here.child(segment) {
                Some((_, child)) => here = child,
                None => break,
            }
        }
        here.position
    }

    /// Where the key of the value at `path` stands; as [`Locations::value`] for what has no key.
    pub fn key(&self, path: &PropertyPath) -> Option<Position> {
        let mut here = self;
        let mut key = None;
        for segment in path.segments() {
            match here.child(segment) {
                Some((place, child)) => (key, here) = (place, child),
                None => return self.value(path),
            }
        }
        key.or(here.position)
    }

    fn child(&self, segment: &Segment) -> Option<(Option<Position>, &Self)> {
        match (&self.children, segment) {
            (Children::Elements(elements), Segment::Index(index)) => Some((None, elements.get(*index)?)),
            (Children::Members(members), Segment::Key(key)) => {
                members.get(key).map(|member| (Some(member.key), &member.value))
            }
            _ => None,
        }
    }
}

/// Reads a text. Never panics, whatever the text.
pub fn parse(text: &str) -> Parsed {
    match read(text) {
        Ok((document, diagnostics)) => Parsed { document: Some(document), diagnostics },
        Err(diagnostic) => Parsed { document: None, diagnostics: vec![diagnostic] },
    }
}

fn read(text: &str) -> Result<(Document, Vec<Diagnostic>), Diagnostic> {
    if text.len() > MAX_BYTES {
        return Err(limit(format!(
            "the file has {} bytes, more than the {MAX_BYTES} that are read",
            text.len()
        )));
    }
    // Editors on Windows write a byte order mark; it is no part of the JSON.
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut diagnostics = Vec::new();
    let tree = match parse_strictly(body, false) {
        Err(error) if matches!(error.kind(), ParseErrorKind::TrailingCommasNotAllowed) => {
            diagnostics.push(
                Diagnostic::warning(PropertyPath::root(), "trailing comma")
                    .at(Some(place(body, error.range().start)))
                    .with_hint("remove it: the schema of devcontainer.json does not allow trailing commas"),
            );
            parse_strictly(body, true)
        }
        other => other,
    };
    let tree = tree.map_err(|error| syntax_error(body, &error))?;
    let tree = tree.ok_or_else(|| {
        Diagnostic::error(PropertyPath::root(), "the file is empty")
            .at(Some(Position { line: 1, column: 1 }))
            .with_hint("write at least {\"image\": \"…\"}")
    })?;
    let mut reader = Reader { cursor: Cursor::new(body), keys: 0, values: 0 };
    let (value, locations) = reader.value(tree, &mut Vec::new())?;
    Ok((Document { value, locations }, diagnostics))
}

fn parse_strictly(text: &str, allow_trailing_commas: bool) -> Result<Option<ast::Value<'_>>, ParseError> {
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    Ok(parse_to_ast(text, &CollectOptions::default(), &options)?.value)
}

fn syntax_error(text: &str, error: &ParseError) -> Diagnostic {
    let kind = error.kind();
    if matches!(kind, ParseErrorKind::NestingDepthExceeded) {
        return too_deep(place(text, error.range().start));
    }
    let described = kind.to_string();
    let mut letters = described.chars();
    let message: String = letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect();
    let hint = match kind {
        ParseErrorKind::SingleQuotedStringsNotAllowed => Some("JSON strings stand in double quotes"),
        ParseErrorKind::ExpectedStringObjectProperty => Some("names of properties stand in double quotes"),
        ParseErrorKind::ExpectedComma => Some("put a comma after the value before it"),
        ParseErrorKind::UnterminatedObject => Some("a } is missing"),
        ParseErrorKind::UnterminatedArray => Some("a ] is missing"),
        ParseErrorKind::UnexpectedWord | ParseErrorKind::UnexpectedToken => {
            Some("text stands in double quotes; only true, false and null do not")
        }
        _ => None,
    };
    let diagnostic =
        Diagnostic::error(PropertyPath::root(), message).at(Some(place(text, error.range().start)));
    match hint {
        Some(hint) => diagnostic.with_hint(hint),
        None => diagnostic,
    }
}

fn limit(message: String) -> Diagnostic {
    Diagnostic::error(PropertyPath::root(), message)
}

fn too_deep(position: Position) -> Diagnostic {
    limit(format!("arrays and objects are nested deeper than {MAX_DEPTH}")).at(Some(position))
}

fn place(text: &str, offset: usize) -> Position {
    Cursor::new(text).advance_to(offset)
}

/// Turns byte offsets into positions. Offsets are asked for in the order of the text, so that a whole file costs one
/// pass, one-line files included.
struct Cursor<'a> {
    text: &'a str,
    offset: usize,
    position: Position,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, offset: 0, position: Position { line: 1, column: 1 } }
    }

    fn advance_to(&mut self, offset: usize) -> Position {
        let rest = self.text.get(self.offset..).unwrap_or_default();
        for (at, character) in rest.char_indices() {
            if self.offset + at >= offset {
                break;
            }
            let ends_line = match character {
                '\n' => true,
                '\r' => !rest[at + 1..].starts_with('\n'),
                _ => false,
            };
            if ends_line {
                self.position.line += 1;
                self.position.column = 1;
            } else {
                self.position.column += 1;
            }
        }
        self.offset = self.offset.max(offset);
        self.position
    }
}

/// Turns the parser's tree into a value and its places, in one pass that counts.
struct Reader<'a> {
    cursor: Cursor<'a>,
    keys: usize,
    values: usize,
}

impl Reader<'_> {
    fn value(
        &mut self,
        node: ast::Value<'_>,
        path: &mut Vec<Segment>,
    ) -> Result<(Value, Locations), Diagnostic> {
        let position = self.cursor.advance_to(node.range().start);
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(limit(format!("more than {MAX_VALUES} values")).at(Some(position)));
        }
        let (value, children) = match node {
            ast::Value::StringLit(text) => (Value::String(text.value.into_owned()), Children::None),
            ast::Value::BooleanLit(literal) => (Value::Bool(literal.value), Children::None),
            ast::Value::NullKeyword(_) => (Value::Null, Children::None),
            ast::Value::NumberLit(number) => (Self::number(number.value, position)?, Children::None),
            ast::Value::Array(array) => {
                check_depth(path, position)?;
                let mut elements = Vec::with_capacity(array.elements.len());
                let mut places = Vec::with_capacity(array.elements.len());
                for (index, element) in array.elements.into_iter().enumerate() {
                    path.push(Segment::Index(index));
                    let (element, place) = self.value(element, path)?;
                    path.pop();
                    elements.push(element);
                    places.push(place);
                }
                (Value::Array(elements), Children::Elements(places))
            }
            ast::Value::Object(object) => {
                check_depth(path, position)?;
                let (members, places) = self.members(object, path)?;
                (Value::Object(members), Children::Members(places))
            }
        };
        Ok((value, Locations { position: Some(position), children }))
    }

    fn members(
        &mut self,
        object: ast::Object<'_>,
        path: &mut Vec<Segment>,
    ) -> Result<(Map<String, Value>, Members), Diagnostic> {
        let mut members = Map::new();
        let mut places = Members::new();
        for property in object.properties {
            let key = self.cursor.advance_to(property.range.start);
            self.keys += 1;
            if self.keys > MAX_KEYS {
                return Err(limit(format!("more than {MAX_KEYS} keys")).at(Some(key)));
            }
            let name = property.name.into_string();
            if name.len() > MAX_KEY_BYTES {
                return Err(limit(format!("a key longer than {MAX_KEY_BYTES} bytes")).at(Some(key)));
            }
            if let Some(first) = places.get(&name) {
                path.push(Segment::Key(name));
                let twice = path_of(path);
                return Err(Diagnostic::error(twice, format!("this key already stands at {}", first.key))
                    .at(Some(key))
                    .with_hint("keep one of the two"));
            }
            path.push(Segment::Key(name.clone()));
            let (value, place) = self.value(property.value, path)?;
            path.pop();
            members.insert(name.clone(), value);
            places.insert(name, Member { key, value: place });
        }
        Ok((members, places))
    }

    fn number(text: &str, position: Position) -> Result<Value, Diagnostic> {
        text.parse::<Number>()
            .map(Value::Number)
            .map_err(|_| limit(format!("{text:.40} is not a number that can be held")).at(Some(position)))
    }
}

fn check_depth(path: &[Segment], position: Position) -> Result<(), Diagnostic> {
    if path.len() >= MAX_DEPTH { Err(too_deep(position)) } else { Ok(()) }
}

fn path_of(segments: &[Segment]) -> PropertyPath {
    segments.iter().fold(PropertyPath::root(), |path, segment| match segment {
        Segment::Key(key) => path.key(key),
        Segment::Index(index) => path.index(*index),
    })
}

#[cfg(test)]
mod tests;
