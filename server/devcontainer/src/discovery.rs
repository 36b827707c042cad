//! Where a folder's configuration is looked for, and which of those found is used.
//!
//! The caller looks at the file system; what it saw is decided here.

use crate::paths::HostPath;

/// The folder in which configurations stand.
pub const FOLDER: &str = ".devcontainer";
/// The names that a configuration file can have.
pub const FILE_NAMES: [&str; 2] = ["devcontainer.json", ".devcontainer.json"];

/// Where to look in a folder, relative to it and in this order, given the names of the directories directly in its
/// `.devcontainer`.
pub fn candidates<'a>(sub_folders: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut sub_folders: Vec<&str> = sub_folders.into_iter().collect();
    sub_folders.sort_unstable();
    let [inner, outer] = FILE_NAMES;
    let first = [format!("{FOLDER}/{inner}"), outer.to_owned()];
    let further = sub_folders.iter().map(|sub_folder| format!("{FOLDER}/{sub_folder}/{inner}"));
    first.into_iter().chain(further).collect()
}

/// Which configuration is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice<'a> {
    /// None was found.
    None,
    /// This one.
    Use(&'a str),
    /// The user has to say which.
    Ask(&'a [String]),
}

/// Decides among the candidates that exist, in their order. The first two places win over the sub-folders, as in the
/// reference; it does not look into sub-folders by itself, so a single one there is a liberty, and several are a
/// question.
pub fn choose(found: &[String]) -> Choice<'_> {
    match found {
        [] => Choice::None,
        [only] => Choice::Use(only),
        [first, ..] if is_standard(first) => Choice::Use(first),
        several => Choice::Ask(several),
    }
}

/// Whether a relative path is one of the two places that the reference finds by itself.
fn is_standard(candidate: &str) -> bool {
    candidates([]).iter().any(|standard| standard == candidate)
}

/// Whether a file given by `--config` has a name that a configuration can have.
pub fn is_config_file(path: &HostPath) -> bool {
    FILE_NAMES.contains(&path.basename())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_in_order() {
        assert_eq!(
            candidates(["py", "node"]),
            [
                ".devcontainer/devcontainer.json",
                ".devcontainer.json",
                ".devcontainer/node/devcontainer.json",
                ".devcontainer/py/devcontainer.json",
            ]
        );
    }

    #[test]
    fn standard_places_win_and_several_others_are_a_question() {
        let all = candidates(["a", "b"]);
        assert_eq!(choose(&[]), Choice::None);
        assert_eq!(choose(&all), Choice::Use(".devcontainer/devcontainer.json"));
        assert_eq!(choose(&all[1..]), Choice::Use(".devcontainer.json"));
        assert_eq!(choose(&all[2..]), Choice::Ask(&all[2..]));
        assert_eq!(choose(&all[3..]), Choice::Use(".devcontainer/b/devcontainer.json"));
    }

    #[test]
    fn other_names_are_no_configurations() {
        let named = |path| is_config_file(&HostPath::new(path).unwrap());
        assert!(named("/a/devcontainer.json"));
        assert!(named("/a/.devcontainer.json"));
        assert!(!named("/a/devcontainer.json5"));
        assert!(!named("/a/my.devcontainer.json"));
    }
}
