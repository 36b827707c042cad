//! What every source file keeps.

use std::path::Path;

use gangplank_tests::place;

use super::Law;
use super::dependencies::PURE;
use crate::error::TaskError;
use crate::sources::{self, Source};

/// A file longer than this is two files.
const LINES: usize = 600;

pub(super) fn check() -> Result<Vec<Law>, TaskError> {
    let files = sources::with_extension("rs")?;
    let offenders = |complaint: &dyn Fn(&Source) -> Option<String>| -> Vec<String> {
        let told = |file| complaint(file).map(|why| format!("{}: {why}", file.path.display()));
        files.iter().filter_map(told).collect()
    };
    Ok(vec![
        Law { name: "every source file says what it is for", broken: offenders(&without_head) },
        Law { name: "no source file is too long", broken: offenders(&too_long) },
        Law { name: "modules are files of their own name", broken: offenders(&named_mod) },
        Law { name: "pure crates forbid IO to themselves", broken: pure_without_clippy_toml() },
    ])
}

fn without_head(file: &Source) -> Option<String> {
    (!file.text.starts_with("//!")).then(|| "does not begin with `//!`".to_owned())
}

fn too_long(file: &Source) -> Option<String> {
    let lines = file.text.lines().count();
    (lines > LINES).then(|| format!("{lines} lines, more than {LINES}"))
}

fn named_mod(file: &Source) -> Option<String> {
    (file.path.file_name()? == "mod.rs").then(|| "call it by its module's name".to_owned())
}

/// The pure crates that exist and do not ban std's IO, clock and environment in a `clippy.toml` of their own.
fn pure_without_clippy_toml() -> Vec<String> {
    let complaint = |name: &&str| -> Option<String> {
        let folder = Path::new("server").join(name.trim_start_matches("gangplank-"));
        let settings = folder.join("clippy.toml");
        if !place::repository().join(&folder).exists() {
            return None;
        }
        let text = std::fs::read_to_string(place::repository().join(&settings)).unwrap_or_default();
        let missing: Vec<&str> =
            ["std::fs", "std::env", "std::time"].into_iter().filter(|path| !text.contains(path)).collect();
        (!missing.is_empty()).then(|| format!("{} does not ban {missing:?}", settings.display()))
    };
    PURE.iter().filter_map(complaint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.to_owned() }
    }

    #[test]
    fn offenders_are_found() {
        assert!(without_head(&source("a.rs", "use std::fs;\n")).is_some());
        assert!(without_head(&source("a.rs", "//! Says.\n")).is_none());
        assert!(too_long(&source("a.rs", &"\n".repeat(LINES + 1))).is_some());
        assert!(too_long(&source("a.rs", &"\n".repeat(LINES))).is_none());
        assert!(named_mod(&source("a/mod.rs", "")).is_some());
        assert!(named_mod(&source("a/modern.rs", "")).is_none());
    }
}
