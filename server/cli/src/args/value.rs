//! Values that are completed from the shell's surroundings before they travel: variables named without a value, host
//! paths relative to the current folder.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use crate::failure::Failure;

/// The variable `NAME=value`; `NAME` alone takes its value from `environment`, and is left out where it has none, as
/// Docker does.
///
/// # Errors
/// A usage error when there is no name, or the value is not UTF-8.
pub(crate) fn variable(
    text: &str,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<(String, String)>, Failure> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, own_value(text, environment)?),
    };
    if name.is_empty() {
        return Err(Failure::Usage(format!("`{text}` is no variable: it has no name")));
    }
    Ok(value.map(|value| (name.to_owned(), value)))
}

fn own_value(name: &str, environment: impl Fn(&str) -> Option<OsString>) -> Result<Option<String>, Failure> {
    let Some(value) = environment(name) else { return Ok(None) };
    let value = value.into_string();
    value.map(Some).map_err(|_| Failure::Usage(format!("the value of {name} is not UTF-8")))
}

/// Variables by name; later ones win.
///
/// # Errors
/// As [`variable`].
pub(crate) fn variables<'a>(
    texts: impl IntoIterator<Item = &'a String>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut variables = BTreeMap::new();
    for text in texts {
        variables.extend(variable(text, &environment)?);
    }
    Ok(variables)
}

/// The lines of a `--env-file`: `NAME=value` or `NAME`; empty lines and lines that begin with `#` count for nothing.
pub(crate) fn variable_lines(content: &str) -> impl Iterator<Item = &str> {
    content.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// A `-v` with its host path made absolute against `cwd`. A name without `/` is a volume, and `~` is not ours to
/// expand, as with Docker.
///
/// # Errors
/// A usage error when the folder's path is not UTF-8.
pub(crate) fn volume(text: &str, cwd: &Path) -> Result<String, Failure> {
    let Some((source, rest)) = text.split_once(':') else { return Ok(text.to_owned()) };
    let relative =
        source == "." || source == ".." || (source.contains('/') && !source.starts_with(['/', '~']));
    if !relative {
        return Ok(text.to_owned());
    }
    let source = absolute(Path::new(source), cwd)?;
    if source.contains(':') {
        return Err(Failure::Usage(format!("`{source}` cannot be mounted with -v: its path has a colon")));
    }
    Ok(format!("{source}:{rest}"))
}

/// A path against `cwd`, without `.` and `..` where that can be told from the text.
///
/// # Errors
/// A usage error when it is not UTF-8.
pub(crate) fn absolute(path: &Path, cwd: &Path) -> Result<String, Failure> {
    let mut clean = PathBuf::new();
    for component in cwd.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean.into_os_string().into_string().map_err(|path| {
        Failure::Usage(format!(
            "the path {} is not UTF-8, and cannot be named in the protocol",
            path.display()
        ))
    })
}

/// A duration in seconds: `90` or `90s`, `30m`, `12h`, `7d`, and together as in `1h30m`.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn seconds(text: &str) -> Result<u64, String> {
    let wrong =
        || format!("`{text}` is no duration: give seconds, or numbers with s, m, h or d, as in 1h30m");
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let (mut total, mut rest) = (0_u64, text);
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let unit = match rest.as_bytes()[digits] {
            b's' => 1,
            b'm' => 60,
            b'h' => 60 * 60,
            b'd' => 24 * 60 * 60,
            _ => return Err(wrong()),
        };
        total = number.checked_mul(unit).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        rest = &rest[digits + 1..];
    }
    if text.is_empty() { Err(wrong()) } else { Ok(total) }
}

/// A name for a terminal.
///
/// # Errors
/// Why it can be none.
pub(crate) fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("a name is needed".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err("a name has no control characters".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(name: &str) -> Option<OsString> {
        (name == "GP_X").then(|| OsString::from("1"))
    }

    #[test]
    fn a_name_alone_takes_our_value_or_counts_for_nothing() {
        assert_eq!(variable("A=b=c", own).unwrap(), Some(("A".into(), "b=c".into())));
        assert_eq!(variable("A=", own).unwrap(), Some(("A".into(), String::new())));
        assert_eq!(variable("GP_X", own).unwrap(), Some(("GP_X".into(), "1".into())));
        assert_eq!(variable("GP_Y", own).unwrap(), None);
        assert!(variable("=x", own).is_err());
    }

    #[test]
    fn only_host_paths_become_absolute() {
        let at = |text: &str| volume(text, Path::new("/home/ada/project")).unwrap();
        assert_eq!(at("./folder:/my_project"), "/home/ada/project/folder:/my_project");
        assert_eq!(at(".:/w:ro"), "/home/ada/project:/w:ro");
        assert_eq!(at("../other:/w"), "/home/ada/other:/w");
        assert_eq!(at("a/b:/w"), "/home/ada/project/a/b:/w");
        for same in ["/abs:/w", "volume:/w", "/only", "~/x:/w", "volume"] {
            assert_eq!(at(same), same);
        }
        assert!(volume("./x:/w", Path::new("/a:b")).is_err());
    }

    #[test]
    fn durations_are_seconds_or_have_units() {
        for (text, expected) in [
            ("0", 0),
            ("90", 90),
            ("90s", 90),
            ("30m", 1800),
            ("12h", 43_200),
            ("7d", 604_800),
            ("1h30m", 5400),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for wrong in ["", "m", "1w", "1h30", "-1", "1.5h", " 1", "1 h", "99999999999999999999d", "1é"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn comments_and_empty_lines_are_no_variables() {
        let lines: Vec<_> = variable_lines("# c\n\nA=1\n  B\n").collect();
        assert_eq!(lines, ["A=1", "B"]);
    }
}
