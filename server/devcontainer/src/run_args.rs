//! `runArgs`: flags of `docker run`, read into what an engine's API can be asked for.
//!
//! Docker's CLI is not called, so each flag is mapped by hand ([`Flag`]). A flag that is not mapped is an error: a
//! container without it would look right and be used for ever. Grammar as Docker's (spf13/pflag): `--flag value`,
//! `--flag=value`, `-f value`, `-fvalue`, `-f=value`, switches together as `-it`, switches with `=false`.
//! One liberty: `"-e NAME=value"` in a single entry, where Docker takes the space for part of the name, is read as
//! meant.
//!
//! A general argument parser (clap, lexopt) would do the grammar; neither can also tell which entry of the array a
//! mistake stands in, nor say of each flag whether it reaches out to the host.

mod flags;
mod options;

use thiserror::Error;

pub use flags::{Flag, Reach, Takes, flag};
pub use options::*;

use crate::suggest::nearest;

/// A flag as given, with the value it was given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunArg<'a> {
    /// The index of the entry that names the flag.
    pub index: usize,
    /// The index of the entry that holds the value: the same one, or the next.
    pub value_index: usize,
    /// The flag.
    pub flag: &'static Flag,
    /// Its value; for a switch `true` or `false`.
    pub value: &'a str,
}

/// An entry of `runArgs` that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{problem}")]
pub struct RunArgError {
    /// The index of the entry.
    pub index: usize,
    /// What is wrong.
    pub problem: RunArgProblem,
}

/// What is wrong with an entry of `runArgs`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RunArgProblem {
    /// Docker has this flag, but it is not mapped to the engine's API.
    #[error("{0} is not applied yet")]
    NotApplied(String),
    /// No such flag.
    #[error("there is no flag {flag}")]
    Unknown {
        /// The flag as written.
        flag: String,
        /// The flag that was probably meant.
        meant: Option<String>,
    },
    /// No flag and no value of one: Docker would take it for the image's name.
    #[error("{0:?} belongs to no flag")]
    Stray(String),
    /// A flag at the end that wants a value.
    #[error("{0} needs a value")]
    NoValue(String),
    /// A value that the flag cannot have.
    #[error("{flag} cannot be {value:?}: {expected}")]
    Value {
        /// The flag.
        flag: String,
        /// The value.
        value: String,
        /// What it should have been.
        expected: String,
    },
    /// Two flags that exclude each other.
    #[error("{0} and {1} exclude each other")]
    Conflict(&'static str, &'static str),
}

impl RunArgProblem {
    /// What to do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { flag, meant: _ } if flag.contains(' ') => {
                Some("write the flag and its value as two entries, or with = between them".to_owned())
            }
            Self::Unknown { meant, .. } => meant.as_ref().map(|flag| format!("did you mean {flag}?")),
            Self::Stray(_) => Some("a flag and its value are two entries, in this order".to_owned()),
            Self::NotApplied(_) => {
                Some("a container made without it would not be the one that is asked for".to_owned())
            }
            Self::NoValue(_) | Self::Value { .. } | Self::Conflict(..) => None,
        }
    }
}

/// What `runArgs` ask for.
///
/// # Errors
/// Every entry that cannot be used.
pub fn parse(args: &[String]) -> Result<RunOptions, Vec<RunArgError>> {
    let (given, mut errors) = split(args);
    let mut options = RunOptions::default();
    for RunArg { index, flag, value, .. } in given {
        if let Err(expected) = (flag.apply)(&mut options, value) {
            let problem = RunArgProblem::Value { flag: flag.name(), value: value.to_owned(), expected };
            errors.push(RunArgError { index, problem });
        } else if flag.takes == Takes::NoEffect || flag.takes == Takes::SwitchWithoutEffect {
            options.without_effect.push(flag.name());
        }
    }
    if options.remove_when_stopped && options.restart.is_some_and(|restart| restart != Restart::No) {
        let index = args.iter().position(|arg| arg.starts_with("--restart")).unwrap_or_default();
        errors.push(RunArgError { index, problem: RunArgProblem::Conflict("--restart", "--rm") });
    }
    errors.sort_by_key(|error| error.index);
    if errors.is_empty() { Ok(options) } else { Err(errors) }
}

/// The user that `runArgs` set, as the reference looks it up: the last `-u` or `--user`.
pub fn user(args: &[String]) -> Option<String> {
    let (given, _) = split(args);
    given.iter().rev().find(|arg| arg.flag.long == "user").map(|arg| arg.value.to_owned())
}

/// The flags of `runArgs` with their values, and what is wrong with the rest.
pub fn split(args: &[String]) -> (Vec<RunArg<'_>>, Vec<RunArgError>) {
    let mut splitter = Splitter { args, next: 0, given: Vec::new(), errors: Vec::new() };
    while let Some(arg) = splitter.take() {
        let index = splitter.next - 1;
        if let Err(problem) = splitter.entry(index, arg) {
            splitter.errors.push(RunArgError { index, problem });
        }
    }
    (splitter.given, splitter.errors)
}

struct Splitter<'a> {
    args: &'a [String],
    next: usize,
    given: Vec<RunArg<'a>>,
    errors: Vec<RunArgError>,
}

impl<'a> Splitter<'a> {
    fn take(&mut self) -> Option<&'a str> {
        let arg = self.args.get(self.next)?;
        self.next += 1;
        Some(arg)
    }

    fn push(&mut self, index: usize, flag: &'static Flag, value: &'a str) {
        self.given.push(RunArg { index, value_index: self.next - 1, flag, value });
    }

    fn entry(&mut self, index: usize, arg: &'a str) -> Result<(), RunArgProblem> {
        if let Some(long) = arg.strip_prefix("--").filter(|long| !long.is_empty()) {
            return self.long(index, long);
        }
        match arg.strip_prefix('-') {
            Some(letters) if !letters.is_empty() && !letters.starts_with('-') => self.short(index, letters),
            _ => Err(RunArgProblem::Stray(arg.to_owned())),
        }
    }

    fn long(&mut self, index: usize, text: &'a str) -> Result<(), RunArgProblem> {
        let (name, attached) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let flag = flag(name).ok_or_else(|| unknown(name))?;
        let value = match (attached, flag.takes.a_value()) {
            (Some(value), _) => value,
            (None, false) => "true",
            (None, true) => self.take().ok_or_else(|| RunArgProblem::NoValue(flag.name()))?,
        };
        self.push(index, flag, value);
        Ok(())
    }

    fn short(&mut self, index: usize, text: &'a str) -> Result<(), RunArgProblem> {
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            let flag = flags::short_flag(letter).ok_or_else(|| unknown_short(letter))?;
            let attached = rest.strip_prefix('=');
            let value = match (attached, flag.takes.a_value()) {
                (Some(value), _) => value,
                (None, false) => "true",
                (None, true) if rest.is_empty() => {
                    self.take().ok_or_else(|| RunArgProblem::NoValue(flag.name()))?
                }
                (None, true) => rest.trim_start(),
            };
            self.push(index, flag, value);
            if flag.takes.a_value() || attached.is_some() {
                break;
            }
        }
        Ok(())
    }
}

fn unknown(name: &str) -> RunArgProblem {
    let flag = format!("--{name}");
    if flags::NOT_APPLIED.contains(&name) {
        return RunArgProblem::NotApplied(flag);
    }
    let meant = nearest(name, flags::names()).map(|name| format!("--{name}"));
    RunArgProblem::Unknown { flag, meant }
}

fn unknown_short(letter: char) -> RunArgProblem {
    RunArgProblem::Unknown { flag: format!("-{letter}"), meant: None }
}

#[cfg(test)]
mod tests;
