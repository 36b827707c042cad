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

use std::collections::BTreeMap;
use std::convert::Infallible;

use serde_json::Value;
use thiserror::Error;

use crate::diagnostic::PropertyPath;

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
    /// What was read from the host's environment, in the order of the value.
    pub host_reads: Vec<HostRead>,
}

/// A variable that names no environment variable: `${localEnv}`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{variable} in {property} names no environment variable")]
pub struct VariableError {
    /// The variable as written.
    pub variable: String,
    /// Where it stands.
    pub property: PropertyPath,
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
    walk(value, &PropertyPath::root(), &mut resolve)
}

fn walk<E>(
    value: &Value,
    path: &PropertyPath,
    resolve: &mut impl FnMut(Variable<'_>, &PropertyPath) -> Result<Option<String>, E>,
) -> Result<Value, E> {
    Ok(match value {
        Value::String(text) => Value::String(substitute_text(text, |variable| resolve(variable, path))?),
        Value::Array(elements) => Value::Array(
            elements
                .iter()
                .enumerate()
                .map(|(index, element)| walk(element, &path.index(index), resolve))
                .collect::<Result<_, E>>()?,
        ),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(key, member)| Ok((key.clone(), walk(member, &path.key(key), resolve)?)))
                .collect::<Result<_, E>>()?,
        ),
        other => other.clone(),
    })
}

/// First stage: environment and folders.
///
/// # Errors
/// `${localEnv}` or `${env}` without a name.
pub fn on_read(value: &Value, context: &ReadContext<'_>) -> Result<Substituted, VariableError> {
    let mut host_reads = Vec::new();
    let value =
        substitute_value(value, |variable, property| read(variable, property, context, &mut host_reads))?;
    Ok(Substituted { value, host_reads })
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
    substitute_text(text, |variable| read(variable, property, context, &mut Vec::new()))
}

fn read(
    variable: Variable<'_>,
    property: &PropertyPath,
    context: &ReadContext<'_>,
    host_reads: &mut Vec<HostRead>,
) -> Result<Option<String>, VariableError> {
    Ok(match variable.name {
        "env" | "localEnv" => {
            let value = environment(variable, property, context.local_env)?;
            let name = variable.arguments().next().unwrap_or_default().to_owned();
            host_reads.push(HostRead { variable: name, property: property.clone() });
            Some(value)
        }
        "localWorkspaceFolder" => Some(context.local_workspace_folder.to_owned()),
        "localWorkspaceFolderBasename" => Some(basename(context.local_workspace_folder).to_owned()),
        "containerWorkspaceFolder" => context.container_workspace_folder.map(str::to_owned),
        "containerWorkspaceFolderBasename" => {
            context.container_workspace_folder.map(|folder| basename(folder).to_owned())
        }
        _ => None,
    })
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
/// `${containerEnv}` without a name.
pub fn with_container_env(
    value: &Value,
    container_env: &BTreeMap<String, String>,
) -> Result<Value, VariableError> {
    substitute_value(value, |variable, property| match variable.name {
        "containerEnv" => environment(variable, property, container_env).map(Some),
        _ => Ok(None),
    })
}

fn environment(
    variable: Variable<'_>,
    property: &PropertyPath,
    environment: &BTreeMap<String, String>,
) -> Result<String, VariableError> {
    variable
        .look_up(environment)
        .ok_or_else(|| VariableError { variable: variable.written.to_owned(), property: property.clone() })
}

/// The last part of a POSIX path, as Node's `path.posix.basename`: slashes at the end do not count.
pub(crate) fn basename(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

#[cfg(test)]
mod tests;
