//! Where paths of the host lead when their links are followed, by looking only. It may wait for a file system, so it
//! is not for tasks.

use std::io::ErrorKind;
use std::path::{Component, Path};

use gangplank_devcontainer::effects::Place;
use gangplank_devcontainer::paths::HostPath;

/// Where `path` leads. Of a path that is not there, the nearest folder above it that is; what is made later is made
/// there. `None` when nobody can tell: we may not look, a link leads to nothing or in a circle, a name is no text.
pub(super) fn place(path: &str) -> Option<Place> {
    let path = Path::new(path);
    if !path.is_absolute() {
        return None;
    }
    let mut missing = Vec::new();
    for above in path.ancestors() {
        match std::fs::canonicalize(above) {
            Ok(canonical) => {
                missing.reverse();
                let path = HostPath::new(canonical.to_str()?).ok()?.join(&missing.join("/"));
                return Some(Place { path, exists: missing.is_empty() });
            }
            // A link whose end is missing would be followed by whoever makes that.
            Err(error) if error.kind() == ErrorKind::NotFound && above.symlink_metadata().is_err() => {
                match above.components().next_back()? {
                    Component::Normal(name) => missing.push(name.to_str()?),
                    _ => return None,
                }
            }
            Err(_) => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_as_far_as_something_is_there() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let at = |name: &str| root.join(name).to_str().unwrap().to_owned();
        std::fs::create_dir_all(at("inside/real")).unwrap();
        std::fs::create_dir_all(at("outside")).unwrap();
        symlink("real", at("inside/lnk")).unwrap();
        symlink("../outside", at("inside/h")).unwrap();
        let told = |name: &str| place(&at(name)).map(|place| (place.path.to_string(), place.exists));
        assert_eq!(told("inside/lnk"), Some((at("inside/real"), true)));
        assert_eq!(told("inside/lnk/"), Some((at("inside/real"), true)));
        assert_eq!(told("inside/lnk/a/b"), Some((at("inside/real/a/b"), false)));
        assert_eq!(told("inside/h/new"), Some((at("outside/new"), false)));
        assert_eq!(told("inside/h/../x"), Some((at("x"), false)));
        assert_eq!(told("inside"), Some((at("inside"), true)));
        assert_eq!(place("/").unwrap().path.as_str(), "/");
    }

    #[test]
    fn what_nobody_can_tell_has_no_place() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        std::fs::write(at("file"), "").unwrap();
        std::fs::create_dir(at("folder").join("").as_path()).unwrap();
        let unspeakable = root.path().join(OsStr::from_bytes(b"\xff"));
        std::fs::create_dir(&unspeakable).unwrap();
        for (link, target) in
            [("odd", unspeakable.as_path()), ("dangling", Path::new("gone")), ("circle", Path::new("circle"))]
        {
            symlink(target, at(link)).unwrap();
        }
        let long = "x".repeat(300);
        for name in
            ["odd", "odd/new", "dangling", "dangling/new", "circle", "file/x", "new/../folder", "a\0b", &long]
        {
            assert_eq!(place(at(name).to_str().unwrap()), None, "{name:?}");
        }
        assert_eq!(place("relative"), None);
        assert_eq!(place(""), None);
    }
}
