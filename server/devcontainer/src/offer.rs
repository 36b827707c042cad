//! A folder without a configuration: which images suit it, and the file that is written for one.

use std::collections::BTreeSet;

use serde_json::Value;

/// An image that is offered for a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The image's reference.
    pub image: String,
    /// What it is for: `Python 3`.
    pub title: String,
    /// Why it is offered: the file that was seen; `None` for the one that always suits.
    pub because: Option<String>,
}

struct Kind {
    title: &'static str,
    image: &'static str,
    /// Names of files that speak for it, the strongest first.
    files: &'static [&'static str],
    /// Ends of file names that speak for it where none of [`Kind::files`] is there.
    endings: &'static [&'static str],
}

/// Images of the dev container project, public and made for this use. Real, current major versions; the tag without
/// a minor version is kept up to date by its maintainers.
const KINDS: [Kind; 5] = [
    Kind {
        title: "Python 3",
        image: "mcr.microsoft.com/devcontainers/python:3-bookworm",
        files: &[
            "pyproject.toml",
            "requirements.txt",
            "setup.py",
            "setup.cfg",
            "Pipfile",
            "uv.lock",
            "main.py",
        ],
        endings: &[".py", ".ipynb"],
    },
    Kind {
        title: "Node.js with TypeScript",
        image: "mcr.microsoft.com/devcontainers/typescript-node:22-bookworm",
        files: &["tsconfig.json"],
        endings: &[".ts", ".tsx"],
    },
    Kind {
        title: "Node.js",
        image: "mcr.microsoft.com/devcontainers/javascript-node:22-bookworm",
        files: &["package.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml"],
        endings: &[".js", ".mjs"],
    },
    Kind {
        title: "Rust",
        image: "mcr.microsoft.com/devcontainers/rust:1-bookworm",
        files: &["Cargo.toml", "rust-toolchain.toml"],
        endings: &[".rs"],
    },
    Kind {
        title: "Go",
        image: "mcr.microsoft.com/devcontainers/go:1-bookworm",
        files: &["go.mod", "go.work"],
        endings: &[".go"],
    },
];

const BASE_TITLE: &str = "Debian";
const BASE_IMAGE: &str = "mcr.microsoft.com/devcontainers/base:bookworm";

/// The images that suit a folder with these names at its top level: those that a project file speaks for, then those
/// that only an ending speaks for, last the one that suits any folder. Never empty.
pub fn offers<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Offer> {
    let names: BTreeSet<&str> = names.into_iter().collect();
    let by_file = KINDS.iter().filter_map(|kind| {
        let file = kind.files.iter().find(|file| names.contains(**file))?;
        Some((kind, (*file).to_owned()))
    });
    let by_ending = KINDS.iter().filter_map(|kind| {
        if kind.files.iter().any(|file| names.contains(file)) {
            return None;
        }
        let file = names.iter().find(|name| kind.endings.iter().any(|ending| name.ends_with(ending)))?;
        Some((kind, (*file).to_owned()))
    });
    let base = Offer { image: BASE_IMAGE.to_owned(), title: BASE_TITLE.to_owned(), because: None };
    by_file
        .chain(by_ending)
        .map(|(kind, file)| Offer {
            image: kind.image.to_owned(),
            title: kind.title.to_owned(),
            because: Some(file),
        })
        .chain([base])
        .collect()
}

/// The text of a `devcontainer.json` for a folder of this name with this image.
pub fn render(name: &str, image: &str) -> String {
    let (name, image) = (Value::from(name), Value::from(image));
    format!(
        r#"// What each property means: https://containers.dev/implementors/json_reference/
{{
  "name": {name},

  // A command in the container, once, after it was made:
  // "postCreateCommand": "echo ready",

  // Who works in the container, where that is not the image's own user:
  // "remoteUser": "root",

  "image": {image}
}}
"#
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::jsonc;

    fn titles(names: &[&str]) -> Vec<String> {
        offers(names.iter().copied()).into_iter().map(|offer| offer.title).collect()
    }

    #[test]
    fn content_decides_and_the_base_comes_last() {
        assert_eq!(titles(&[]), ["Debian"]);
        assert_eq!(titles(&["main.py", "README.md"]), ["Python 3", "Debian"]);
        assert_eq!(titles(&["Cargo.toml", "tool.py"]), ["Rust", "Python 3", "Debian"]);
        assert_eq!(
            titles(&["package.json", "tsconfig.json"]),
            ["Node.js with TypeScript", "Node.js", "Debian"]
        );
        assert_eq!(titles(&["go.mod"])[0], "Go");
        let offer = offers(["x.py", "a.py"]).remove(0);
        assert_eq!(offer.because.as_deref(), Some("a.py"));
    }

    proptest! {
        #[test]
        fn the_file_says_what_was_chosen(name in any::<String>(), image in "[a-z./:0-9-]{1,40}") {
            let parsed = jsonc::parse(&render(&name, &image));
            prop_assert!(parsed.diagnostics.is_empty());
            let value = parsed.document.unwrap().value;
            prop_assert_eq!(value["name"].as_str(), Some(name.as_str()));
            prop_assert_eq!(value["image"].as_str(), Some(image.as_str()));
        }
    }
}
