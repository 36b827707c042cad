//! Which paths of a folder count: not `.git`, not `node_modules`, not what `.gitignore` files hide; configuration files
//! always.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use gangplank_devcontainer::discovery::{FILE_NAMES, FOLDER};
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::host_file;

const NEVER: [&str; 2] = [".git", "node_modules"];
const GITIGNORE: &str = ".gitignore";

/// Longest `.gitignore` that is read.
const MOST_BYTES: u64 = 1024 * 1024;
/// Memory that the rules of one folder may take, as [`weight`] has it.
const MOST_WEIGHT: usize = 64 * 1024 * 1024;

/// The rules of one folder. The `.gitignore` of each directory is read when it is first needed.
#[derive(Debug)]
pub(super) struct Rules {
    root: PathBuf,
    all: bool,
    by_directory: HashMap<PathBuf, Option<Ruled>>,
    /// Memory that they take together.
    weight: usize,
    complaints: Vec<String>,
}

/// What one `.gitignore` says.
#[derive(Debug)]
struct Ruled {
    rules: Gitignore,
    weight: usize,
}

impl Rules {
    /// Those of the folder `root`; `all` counts every path.
    pub(super) fn new(root: PathBuf, all: bool) -> Self {
        Self { root, all, by_directory: HashMap::new(), weight: 0, complaints: Vec::new() }
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
            let old = self.by_directory.remove(directory).flatten();
            self.weight -= old.map_or(0, |old| old.weight);
        }
        is_one
    }

    /// Forgets the rules of directories that are gone: `directory` and those beneath it.
    pub(super) fn forget(&mut self, directory: &Path) {
        self.by_directory.retain(|ruled, _| !ruled.starts_with(directory));
        self.weight = self.by_directory.values().flatten().map(|ruled| ruled.weight).sum();
    }

    /// Which rules could not be heeded, and why; each is told once.
    pub(super) fn complaints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.complaints)
    }

    fn of_directory(&mut self, directory: &Path) -> Option<&Gitignore> {
        if !self.by_directory.contains_key(directory) {
            let rules = self.read(directory);
            self.weight += rules.as_ref().map_or(0, |ruled| ruled.weight);
            self.by_directory.insert(directory.to_owned(), rules);
        }
        self.by_directory.get(directory).and_then(Option::as_ref).map(|ruled| &ruled.rules)
    }

    fn read(&mut self, directory: &Path) -> Option<Ruled> {
        let file = directory.join(GITIGNORE);
        let read = match host_file::read(&file, MOST_BYTES) {
            Ok(bytes) => build(directory, &String::from_utf8_lossy(&bytes), MOST_WEIGHT - self.weight),
            Err(error) if error.kind() == ErrorKind::FileTooLarge => Err(error.to_string()),
            // There is none, or none that is a file.
            Err(_) => return None,
        };
        match read {
            Ok(ruled) => Some(ruled),
            Err(why) => {
                self.complaints.push(format!(
                    "what {} hides is told as well, since {why}; shorten it to have it heeded",
                    file.display()
                ));
                None
            }
        }
    }
}

/// The rules in `text`, when they take no more memory than `most`.
fn build(directory: &Path, text: &str, most: usize) -> Result<Ruled, String> {
    let lines = || text.trim_start_matches('\u{feff}').lines();
    let weight = lines().map(weight).sum();
    if weight > most {
        return Err("the folder's rules would take too much memory".into());
    }
    let mut builder = GitignoreBuilder::new(directory);
    for line in lines() {
        // A line that cannot be understood is left out, as git does.
        let _ = builder.add_line(None, line);
    }
    let rules = builder.build().map_err(|error| error.to_string())?;
    Ok(Ruled { rules, weight })
}

/// About how many bytes of memory a line of a `.gitignore` comes to, measured: what it matches is compiled, and there
/// each of the pattern's own characters is thousandfold.
fn weight(line: &str) -> usize {
    if line.starts_with('#') {
        return 0;
    }
    let special = line.bytes().filter(|byte| b"*?[{".contains(byte)).count();
    128 * line.len() + 2048 * special
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
    fn rules_that_would_take_too_much_memory_are_not_heeded_and_that_is_told() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        let mut rules = Rules::new(root.path().to_owned(), false);
        let hides = |rules: &mut Rules, path: &str, text: &str| {
            std::fs::write(at(path), text).unwrap();
            rules.changed(&at(path));
            !rules.counts(&at(path).with_file_name("a.log"), false)
        };
        assert!(hides(&mut rules, ".gitignore", &format!("{}*.log\n", "a line\n".repeat(10_000))));
        assert!(rules.complaints().is_empty());

        std::fs::File::create(at(".gitignore")).unwrap().set_len(1 << 40).unwrap();
        rules.changed(&at(".gitignore"));
        assert!(rules.counts(&at("a.log"), false));
        assert!(rules.counts(&at("b.log"), false));
        let complaints = rules.complaints();
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(
            complaints[0].contains(".gitignore") && complaints[0].contains("1048576 bytes"),
            "{complaints:?}"
        );

        // Short, and would be a gigabyte.
        assert!(!hides(&mut rules, ".gitignore", &format!("{}*.log\n", "*?\n".repeat(300_000))));
        assert_eq!(rules.complaints().len(), 1);
        assert_eq!(rules.weight, 0);

        // Many together are one of too much.
        let large = format!("{}*.log\n", "a*b\n".repeat(3000));
        let heeded = (0..20).filter(|number| {
            std::fs::create_dir(at(&number.to_string())).unwrap();
            hides(&mut rules, &format!("{number}/.gitignore"), &large)
        });
        let heeded = heeded.count();
        assert!((1..20).contains(&heeded), "{heeded}");
        assert_eq!(rules.complaints().len(), 20 - heeded);
        assert!(rules.weight <= MOST_WEIGHT);
        rules.forget(root.path());
        assert_eq!((rules.weight, rules.by_directory.len()), (0, 0));
        assert!(hides(&mut rules, ".gitignore", "*.log\n"));
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
