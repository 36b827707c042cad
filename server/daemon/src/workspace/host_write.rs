//! The few files that are written into a workspace on the host: beneath its root by descriptor, never through a link,
//! never over what is there (T17).

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

/// Makes a new file at `relative` beneath `root` with `content`, and the folders on the way.
///
/// # Errors
/// When it exists already, a link leads out of the root, or the file system refuses.
pub(super) fn create_new(root: &str, relative: &str, content: &[u8]) -> io::Result<PathBuf> {
    let folder = Dir::open_ambient_dir(root, ambient_authority())?;
    let path = Path::new(relative);
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        folder.create_dir_all(parent)?;
    }
    let mut file = folder.open_with(path, OpenOptions::new().write(true).create_new(true))?;
    file.write_all(content)?;
    file.sync_all()?;
    Ok(Path::new(root).join(path))
}

/// Removes the file at `relative` beneath `root`.
pub(super) fn remove(root: &str, relative: &str) {
    let removed =
        Dir::open_ambient_dir(root, ambient_authority()).and_then(|folder| folder.remove_file(relative));
    if let Err(error) = removed {
        tracing::debug!(%error, root, relative, "a file of ours in the workspace was not removed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_over_or_outside() {
        let root = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        let path = root.path().display().to_string();
        create_new(&path, ".devcontainer/devcontainer.json", b"{}").unwrap();
        assert!(create_new(&path, ".devcontainer/devcontainer.json", b"x").is_err());
        std::os::unix::fs::symlink(outside.path(), root.path().join("link")).unwrap();
        assert!(create_new(&path, "link/file", b"x").is_err());
        assert!(create_new(&path, "../file", b"x").is_err());
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
        remove(&path, ".devcontainer/devcontainer.json");
        assert!(create_new(&path, ".devcontainer/devcontainer.json", b"y").is_ok());
    }
}
