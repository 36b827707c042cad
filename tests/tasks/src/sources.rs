//! The files of the repository, as git sees them: what is ignored or generated beneath `target/` does not count.

use std::path::PathBuf;
use std::process::Command;

use gangplank_tests::{place, program};

use crate::error::TaskError;

/// A text file of the repository.
#[derive(Debug)]
pub(crate) struct Source {
    /// Relative to the repository's top.
    pub(crate) path: PathBuf,
    /// Its content; bytes that are no UTF-8 are replaced.
    pub(crate) text: String,
}

/// All files whose name ends in `.<extension>`, known to git or new.
pub(crate) fn with_extension(extension: &str) -> Result<Vec<Source>, TaskError> {
    let mut list = Command::new("git");
    list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate", "--"]);
    list.arg(format!("*.{extension}")).current_dir(place::repository());
    let names = program::run(&mut list)?;
    let names = String::from_utf8_lossy(&names).into_owned();
    names
        .split_terminator('\0')
        .map(PathBuf::from)
        // removed, but not yet for git
        .filter(|path| place::repository().join(path).exists())
        .map(|path| {
            let file = place::repository().join(&path);
            let bytes = std::fs::read(&file).map_err(TaskError::file("read", file))?;
            Ok(Source { path, text: String::from_utf8_lossy(&bytes).into_owned() })
        })
        .collect()
}
