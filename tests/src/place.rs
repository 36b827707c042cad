//! Where things are: the repository, and what the harness keeps beneath `target/`.

use std::path::{Path, PathBuf};

use crate::error::HarnessError;

/// The repository's top folder.
#[must_use]
pub fn repository() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

/// Cargo's target folder: `CARGO_TARGET_DIR`, else `target` in the repository.
#[must_use]
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => repository().join(dir),
        None => repository().join("target"),
    }
}

/// `target/<name>`, made where it is missing.
///
/// # Errors
/// When the folder cannot be made.
pub fn beneath_target(name: &str) -> Result<PathBuf, HarnessError> {
    let dir = target().join(name);
    std::fs::create_dir_all(&dir).map_err(HarnessError::io("make the folder", &dir))?;
    Ok(dir)
}
