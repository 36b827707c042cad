//! Which paths of a folder count: not `.git`, not `node_modules`, not what `.gitignore` files hide; configuration files
//! always.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use gangplank_devcontainer::discovery::{FILE_NAMES, FOLDER};
use ignore::Match;
use ignore::gitignore::Gitignore;

const NEVER: [&str; 2] = [".git", "node_modules"];
const GITIGNORE: &str = ".gitignore";

/// The rules of one folder. The `.gitignore` of each directory is read when it is first needed.
#[derive(Debug)]
pub(super) struct Rules {
    root: PathBuf,
    all: bool,
    by_directory: HashMap<PathBuf, Option<Gitignore>>,
}

impl Rules {
    /// Those of the folder `root`; `all` counts every path.
    pub(super) fn new(root: PathBuf, all: bool) -> Self {
        Self { root, all, by_directory: HashMap::new() }
    }

    /// Whether `path` counts, given that the directory it is in does.
    pub(super) fn counts(&mut self, path: &Path, is_directory: bool) -> bool {
        let Ok(relative) = path.strip_prefix(&self.root) else { return false };
        if self.all
            || relative.as_os_str().is_empty()
            || relative.starts_with(FOLDER)
            || is_configuration(relative)
        {
            return true;
        }
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return true };
        if NEVER.contains(&name) {
            return false;
        }
        let mut directory = path.parent();
        while let Some(current) = directory.filter(|current| current.starts_with(&self.root)) {
            if let Some(rules) = self.of_directory(current) {
                match rules.matched(path, is_directory) {
                    Match::Ignore(_) => return false,
                    Match::Whitelist(_) => return true,
                    Match::None => {}
                }
            }
            directory = current.parent();
        }
        true
    }

    /// Forgets what a changed `.gitignore` said; true when `path` is one.
    pub(super) fn changed(&mut self, path: &Path) -> bool {
        let is_one = path.file_name().is_some_and(|name| name == GITIGNORE);
        if is_one && let Some(directory) = path.parent() {
            self.by_directory.remove(directory);
        }
        is_one
    }

    fn of_directory(&mut self, directory: &Path) -> Option<&Gitignore> {
        if !self.by_directory.contains_key(directory) {
            let file = directory.join(GITIGNORE);
            // A line that cannot be understood is left out, as git does.
            let rules = file.is_file().then(|| Gitignore::new(&file).0);
            self.by_directory.insert(directory.to_owned(), rules);
        }
        self.by_directory.get(directory).and_then(Option::as_ref)
    }
}

/// Whether a path, relative to the folder, is one of a configuration file.
pub(super) fn is_configuration(relative: &Path) -> bool {
    let parts: Vec<&str> = relative.iter().filter_map(|part| part.to_str()).collect();
    match parts.as_slice() {
        [file] => *file == FILE_NAMES[1],
        [folder, file] | [folder, _, file] => *folder == FOLDER && *file == FILE_NAMES[0],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_paths_do_not_count_and_deeper_rules_win() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        std::fs::create_dir_all(at("sub")).unwrap();
        std::fs::write(at(".gitignore"), "*.log\nbuild/\n.devcontainer\n").unwrap();
        std::fs::write(at("sub/.gitignore"), "!keep.log\n").unwrap();
        let mut rules = Rules::new(root.path().to_owned(), false);
        for (path, is_directory, counts) in [
            ("main.py", false, true),
            ("a.log", false, false),
            ("build", true, false),
            ("build", false, true),
            ("sub/keep.log", false, true),
            ("sub/other.log", false, false),
            (".git", true, false),
            ("node_modules", true, false),
            ("sub/node_modules", true, false),
            (".devcontainer", true, true),
            (".devcontainer/devcontainer.json", false, true),
            (".gitignore", false, true),
        ] {
            assert_eq!(rules.counts(&at(path), is_directory), counts, "{path}");
        }
        assert!(Rules::new(root.path().to_owned(), true).counts(&at(".git"), true));
        std::fs::write(at(".gitignore"), "").unwrap();
        assert!(rules.changed(&at(".gitignore")));
        assert!(rules.counts(&at("a.log"), false));
    }

    #[test]
    fn configurations_are_known_by_their_places() {
        for (path, is) in [
            (".devcontainer.json", true),
            (".devcontainer/devcontainer.json", true),
            (".devcontainer/a/devcontainer.json", true),
            (".devcontainer/a/b/devcontainer.json", false),
            ("devcontainer.json", false),
            ("sub/.devcontainer.json", false),
        ] {
            assert_eq!(is_configuration(Path::new(path)), is, "{path}");
        }
    }
}
