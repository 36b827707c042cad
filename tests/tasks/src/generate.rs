//! `cargo generate`: the files that follow from the protocol's declarations, written or compared.
//!
//! They are committed, so that users of the protocol need no Rust to read them and reviews see what changes on the
//! wire.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;
use gangplank_protocol::generate;
use gangplank_tests::place;

use crate::error::TaskError;

const TYPESCRIPT: &str = "protocol/typescript";

/// The command's flags.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Writes nothing and fails when a file differs
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(options: &Options) -> Result<bool, TaskError> {
    if options.check {
        let drift = drift()?;
        drift.iter().for_each(|line| tell!("{line}"));
        return Ok(drift.is_empty());
    }
    let files = generated();
    for stale in committed()?.difference(&files.keys().cloned().collect()) {
        let file = place::repository().join(stale);
        std::fs::remove_file(&file).map_err(TaskError::file("remove", file))?;
        tell!("removed {}", stale.display());
    }
    for (path, content) in &files {
        let file = place::repository().join(path);
        if std::fs::read(&file).is_ok_and(|current| current == content.as_bytes()) {
            continue;
        }
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(TaskError::file("make the folder", folder))?;
        }
        std::fs::write(&file, content).map_err(TaskError::file("write", file))?;
        tell!("wrote {}", path.display());
    }
    tell!("{} generated files are current", files.len());
    Ok(true)
}

/// What differs between the generated files and the committed ones, a line each; the last names the command that
/// mends it.
pub(crate) fn drift() -> Result<Vec<String>, TaskError> {
    let files = generated();
    let names: BTreeSet<PathBuf> = files.keys().cloned().collect();
    let committed = committed()?;
    let mut drift = Vec::new();
    drift.extend(committed.difference(&names).map(|path| format!("{}: no longer generated", path.display())));
    drift.extend(names.difference(&committed).map(|path| format!("{}: missing", path.display())));
    for path in names.intersection(&committed) {
        let file = place::repository().join(path);
        let current = std::fs::read_to_string(&file).map_err(TaskError::file("read", file))?;
        if files.get(path) != Some(&current) {
            drift.push(format!("{}: differs from what the protocol's declarations say", path.display()));
        }
    }
    if !drift.is_empty() {
        drift.push("run `cargo generate` and commit what it writes".to_owned());
    }
    Ok(drift)
}

/// All generated files by their path in the repository.
fn generated() -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    files.insert(PathBuf::from("protocol/openrpc.json"), generate::openrpc());
    files.insert(PathBuf::from("docs/protocol.md"), generate::reference());
    for (name, content) in generate::typescript() {
        files.insert(Path::new(TYPESCRIPT).join(name), content);
    }
    files
}

/// The generated files that are there now: the fixed ones, and everything in the TypeScript package's folder that is
/// not installed or built there.
fn committed() -> Result<BTreeSet<PathBuf>, TaskError> {
    let fixed = ["protocol/openrpc.json", "docs/protocol.md"].map(PathBuf::from);
    let mut found: BTreeSet<PathBuf> =
        fixed.into_iter().filter(|path| place::repository().join(path).exists()).collect();
    let mut folders = vec![PathBuf::from(TYPESCRIPT)];
    while let Some(folder) = folders.pop() {
        let path = place::repository().join(&folder);
        if !path.exists() {
            continue;
        }
        for entry in std::fs::read_dir(&path).map_err(TaskError::file("list", &path))? {
            let entry = entry.map_err(TaskError::file("list", &path))?;
            let inside = folder.join(entry.file_name());
            match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                true if entry.file_name() == "node_modules" => {}
                true => folders.push(inside),
                false => drop(found.insert(inside)),
            }
        }
    }
    Ok(found)
}
