//! Variables, exactly as the reference CLI substitutes them.
//!
//! `${name:argument:…}` ends at the first `}`, does not nest and does not span lines; what a variable yields is not
//! looked at again in the same stage; what is not a variable of the stage stays as it is written. There are three
//! stages, because their values become known one after the other:
//! 1. [`on_read`]: the client's environment and the folders,
//! 2. [`with_devcontainer_id`]: before the container exists,
//! 3. [`with_container_env`]: once it exists.
//!
//! Every string of a value takes part, names of properties do not. Environment variables are looked up by their exact
//! name (the reference ignores case on Windows hosts, which are not served).

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::diagnostic::{PropertyPath, Segment};

/// What the first stage knows.
#[derive(Debug, Clone)]
pub struct ReadContext<'a> {
    /// The environment of the client that asks.
    pub local_env: &'a BTreeMap<String, String>,
    /// The folder that is opened, absolute.
    pub local_workspace_folder: &'a str,
    /// The workspace folder in the container, as [`crate::workspace`] finds it, variables of this stage substituted.
    pub container_workspace_folder: Option<&'a str>,
}

/// That a configuration takes a value from the host's environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostRead {
    /// The environment variable's name.
    pub variable: String,
    /// The property whose text reads it.
    pub property: PropertyPath,
}

/// A value of which the first stage is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Substituted {
    /// The value.
    pub value: Value,
    /// What was read from the host's environment, in the order of the value, each once.
    pub host_reads: Vec<HostRead>,
}

/// The most text that variables may yield in one stage, in bytes: a small file must not become a huge one.
pub const MAX_YIELDED_BYTES: usize = 4 * 1024 * 1024;
/// The most different reads of the host's environment in one configuration.
pub const MAX_HOST_READS: usize = 500;

/// A variable that cannot be substituted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VariableError {
    /// It names no environment variable: `${localEnv}`.
    #[error("{variable} names no environment variable")]
    NoName {
        /// The variable as written.
        variable: String,
        /// Where it stands.
        property: PropertyPath,
    },
    /// There is more of it than [`MAX_YIELDED_BYTES`] or [`MAX_HOST_READS`] allow.
    #[error("the variables of the configuration come to more than is read")]
    TooMuch {
        /// Where the limit is passed.
        property: PropertyPath,
    },
}

impl VariableError {
    /// Where the variable stands.
    pub fn property(&self) -> &PropertyPath {
        match self {
            Self::NoName { property, .. } | Self::TooMuch { property } => property,
        }
    }
}

/// A variable as written: `${name:argument:argument}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable<'a> {
    /// The whole text, braces included.
    pub written: &'a str,
    /// What stands before the first colon.
    pub name: &'a str,
    /// What stands behind the first colon, unsplit; `None` without a colon.
    arguments: Option<&'a str>,
}

impl<'a> Variable<'a> {
    fn new(written: &'a str, inner: &'a str) -> Self {
        match inner.split_once(':') {
            Some((name, arguments)) => Self { written, name, arguments: Some(arguments) },
            None => Self { written, name: inner, arguments: None },
        }
    }

    /// The arguments, split at each colon.
    pub fn arguments(&self) -> impl Iterator<Item = &'a str> {
        self.arguments.into_iter().flat_map(|arguments| arguments.split(':'))
    }

    /// The value of the environment variable that this names: its value, else the default, else nothing.
    fn look_up(&self, environment: &BTreeMap<String, String>) -> Option<String> {
        let mut arguments = self.arguments();
        let name = arguments.next()?;
        Some(
            environment.get(name).cloned().unwrap_or_else(|| arguments.next().unwrap_or_default().to_owned()),
        )
    }
}

/// Replaces the variables of a text: `resolve` gives a variable's value, or `None` to leave it as written.
///
/// # Errors
/// The first error of `resolve`.
pub fn substitute_text<E>(
    text: &str,
    mut resolve: impl FnMut(Variable<'_>) -> Result<Option<String>, E>,
) -> Result<String, E> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let inner = &rest[start + 2..];
        // As the reference's pattern: any characters but the four that end a line.
        let Some(end) = inner.find(['}', '\n', '\r', '\u{2028}', '\u{2029}']) else { break };
        if inner.as_bytes()[end] != b'}' {
            result.push_str(&rest[..start + 2]);
            rest = inner;
            continue;
        }
        let variable = Variable::new(&rest[start..start + 2 + end + 1], &inner[..end]);
        result.push_str(&rest[..start]);
        match resolve(variable)? {
            Some(value) => result.push_str(&value),
            None => result.push_str(variable.written),
        }
        rest = &inner[end + 1..];
    }
    result.push_str(rest);
    Ok(result)
}

/// Replaces the variables in every string of a value; keys stay.
///
/// # Errors
/// The first error of `resolve`.
pub fn substitute_value<E>(
    value: &Value,
    mut resolve: impl FnMut(Variable<'_>, &PropertyPath) -> Result<Option<String>, E>,
) -> Result<Value, E> {
    walk(value, &mut PropertyPath::root(), &mut resolve)
}

/// `path` is one buffer for the whole walk: hostile files have deep paths and many values.
fn walk<E>(
    value: &Value,
    path: &mut PropertyPath,
    resolve: &mut impl FnMut(Variable<'_>, &PropertyPath) -> Result<Option<String>, E>,
) -> Result<Value, E> {
    Ok(match value {
        Value::String(text) => Value::String(substitute_text(text, |variable| resolve(variable, path))?),
        Value::Array(elements) => {
            let mut done = Vec::with_capacity(elements.len());
            for (index, element) in elements.iter().enumerate() {
                path.push(Segment::Index(index));
                done.push(walk(element, path, resolve)?);
                path.pop();
            }
            Value::Array(done)
        }
        Value::Object(members) => {
            let mut done = Map::new();
            for (key, member) in members {
                path.push(Segment::Key(key.clone()));
                done.insert(key.clone(), walk(member, path, resolve)?);
                path.pop();
            }
            Value::Object(done)
        }
        other => other.clone(),
    })
}

/// Counts what the variables of one stage come to.
#[derive(Default)]
struct Tally {
    yielded: usize,
    host_reads: Vec<HostRead>,
    /// For finding out in one step whether a read is known.
    known: HashSet<HostRead>,
}

impl Tally {
    /// Counts a value; hands it back while there is room.
    fn count(&mut self, value: String, property: &PropertyPath) -> Result<String, VariableError> {
        self.yielded += value.len();
        if self.yielded > MAX_YIELDED_BYTES {
            return Err(VariableError::TooMuch { property: property.clone() });
        }
        Ok(value)
    }

    fn host_read(&mut self, variable: &str, property: &PropertyPath) -> Result<(), VariableError> {
        let read = HostRead { variable: variable.to_owned(), property: property.clone() };
        if self.known.contains(&read) {
            return Ok(());
        }
        if self.known.len() >= MAX_HOST_READS {
            return Err(VariableError::TooMuch { property: read.property });
        }
        self.host_reads.push(read.clone());
        self.known.insert(read);
        Ok(())
    }
}

/// First stage: environment and folders.
///
/// # Errors
/// `${localEnv}` or `${env}` without a name; too much of it all.
pub fn on_read(value: &Value, context: &ReadContext<'_>) -> Result<Substituted, VariableError> {
    let mut tally = Tally::default();
    let value = substitute_value(value, |variable, property| read(variable, property, context, &mut tally))?;
    Ok(Substituted { value, host_reads: tally.host_reads })
}

/// First stage, for one text that stands in `property`.
///
/// # Errors
/// As [`on_read`].
pub fn on_read_text(
    text: &str,
    property: &PropertyPath,
    context: &ReadContext<'_>,
) -> Result<String, VariableError> {
    let mut tally = Tally::default();
    substitute_text(text, |variable| read(variable, property, context, &mut tally))
}

fn read(
    variable: Variable<'_>,
    property: &PropertyPath,
    context: &ReadContext<'_>,
    tally: &mut Tally,
) -> Result<Option<String>, VariableError> {
    let value = match variable.name {
        "env" | "localEnv" => {
            let value = environment(variable, property, context.local_env)?;
            tally.host_read(variable.arguments().next().unwrap_or_default(), property)?;
            Some(value)
        }
        "localWorkspaceFolder" => Some(context.local_workspace_folder.to_owned()),
        "localWorkspaceFolderBasename" => Some(basename(context.local_workspace_folder).to_owned()),
        "containerWorkspaceFolder" => context.container_workspace_folder.map(str::to_owned),
        "containerWorkspaceFolderBasename" => {
            context.container_workspace_folder.map(|folder| basename(folder).to_owned())
        }
        _ => None,
    };
    value.map(|value| tally.count(value, property)).transpose()
}

/// Second stage: `${devcontainerId}`, before the container exists.
pub fn with_devcontainer_id(value: &Value, devcontainer_id: &str) -> Value {
    let result = substitute_value(value, |variable, _| {
        Ok::<_, Infallible>((variable.name == "devcontainerId").then(|| devcontainer_id.to_owned()))
    });
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

/// Third stage: `${containerEnv:X}`, from the environment the container was made with.
///
/// # Errors
/// `${containerEnv}` without a name; too much of it all.
pub fn with_container_env(
    value: &Value,
    container_env: &BTreeMap<String, String>,
) -> Result<Value, VariableError> {
    let mut tally = Tally::default();
    substitute_value(value, |variable, property| match variable.name {
        "containerEnv" => {
            let value = environment(variable, property, container_env)?;
            tally.count(value, property).map(Some)
        }
        _ => Ok(None),
    })
}

fn environment(
    variable: Variable<'_>,
    property: &PropertyPath,
    environment: &BTreeMap<String, String>,
) -> Result<String, VariableError> {
    variable.look_up(environment).ok_or_else(|| VariableError::NoName {
        variable: variable.written.to_owned(),
        property: property.clone(),
    })
}

/// The last part of a POSIX path, as Node's `path.posix.basename`: slashes at the end do not count.
pub(crate) fn basename(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

#[cfg(test)]
mod tests;
