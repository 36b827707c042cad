//! Who may depend on whom: `docs/architecture.md` as a table, held against `cargo metadata`.

use std::process::Command;

use gangplank_tests::{place, program};
use serde_json::Value;

use super::Law;
use crate::error::TaskError;

/// A crate of ours and those of ours that it may use. Tests may use anything.
const OURS: &[(&str, &[&str])] = &[
    ("gangplank-protocol", &[]),
    ("gangplank-devcontainer", &[]),
    ("gangplank-engine", &[]),
    ("gangplank-oci", &[]),
    ("gangplank-agent-protocol", &[]),
    ("gangplank-agent", &["gangplank-agent-protocol"]),
    (
        "gangplank-daemon",
        &[
            "gangplank-protocol",
            "gangplank-devcontainer",
            "gangplank-engine",
            "gangplank-oci",
            "gangplank-agent-protocol",
        ],
    ),
    ("gangplank-client", &["gangplank-protocol"]),
    ("gangplank-cli", &["gangplank-client", "gangplank-protocol", "gangplank-daemon", "gangplank-lsp"]),
    ("gangplank-lsp", &["gangplank-devcontainer", "gangplank-client"]),
];

/// The crates that only see to tests and tasks.
const FREE: &[&str] = &["gangplank-tests", "gangplank-tasks"];

/// A library, or some features of it, that only these crates link.
struct Confined {
    law: &'static str,
    library: &'static str,
    /// Feature names that fall under the law, by their beginning; none: the library as such.
    features: &'static [&'static str],
    to: &'static [&'static str],
}

const CONFINED: &[Confined] = &[
    Confined {
        law: "only engine knows bollard",
        library: "bollard",
        features: &[],
        to: &["gangplank-engine"],
    },
    Confined {
        law: "only daemon is a JSON-RPC server",
        library: "jsonrpsee",
        features: &["server"],
        to: &["gangplank-daemon"],
    },
    Confined {
        law: "only client is a JSON-RPC client",
        library: "jsonrpsee",
        features: &["client", "async-client", "ws-client", "http-client", "wasm-client"],
        to: &["gangplank-client"],
    },
    Confined {
        law: "only daemon watches files",
        library: "notify",
        features: &[],
        to: &["gangplank-daemon"],
    },
    Confined {
        law: "only lsp serves the language server protocol",
        library: "tower-lsp",
        features: &[],
        to: &["gangplank-lsp"],
    },
];

/// Crates without IO, clock, environment or a runtime.
pub(super) const PURE: &[&str] = &["gangplank-devcontainer", "gangplank-agent-protocol"];

/// What a pure crate must not link.
const IMPURE: &[&str] =
    &["tokio", "tokio-util", "hyper", "rustix", "notify", "tempfile", "getrandom", "cap-std"];

/// One dependency as a crate's manifest declares it.
struct Dependency {
    of: String,
    on: String,
    features: Vec<String>,
    /// Only for the crate's own tests.
    for_tests: bool,
}

pub(super) fn check() -> Result<Vec<Law>, TaskError> {
    let dependencies = read()?;
    let linked = || dependencies.iter().filter(|each| !each.for_tests && !FREE.contains(&each.of.as_str()));
    let mut laws = vec![
        Law {
            name: "crates use those of ours that they may",
            broken: linked().filter_map(forbidden).collect(),
        },
        Law {
            name: "pure crates link nothing that does IO",
            broken: linked()
                .filter(|each| PURE.contains(&each.of.as_str()) && IMPURE.contains(&each.on.as_str()))
                .map(|each| format!("{} uses {}", each.of, each.on))
                .collect(),
        },
    ];
    laws.extend(CONFINED.iter().map(|confined| {
        Law {
            name: confined.law,
            broken: linked()
                .filter(|each| falls_under(each, confined) && !confined.to.contains(&each.of.as_str()))
                .map(|each| format!("{} uses {} {:?}", each.of, each.on, each.features))
                .collect(),
        }
    }));
    Ok(laws)
}

/// Why the table forbids this dependency, if it does.
fn forbidden(dependency: &Dependency) -> Option<String> {
    let Dependency { of, on, .. } = dependency;
    let Some((_, allowed)) = OURS.iter().find(|(name, _)| name == of) else {
        return Some(format!("{of} is not in the table of the house"));
    };
    let ours = on.starts_with("gangplank-");
    (ours && !allowed.contains(&on.as_str())).then(|| format!("{of} uses {on}"))
}

fn falls_under(dependency: &Dependency, confined: &Confined) -> bool {
    let named = |feature: &String| confined.features.iter().any(|start| feature.starts_with(start));
    dependency.on == confined.library
        && (confined.features.is_empty() || dependency.features.iter().any(named))
}

/// The direct dependencies of the workspace's crates.
fn read() -> Result<Vec<Dependency>, TaskError> {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["metadata", "--format-version", "1", "--no-deps", "--locked"])
        .current_dir(place::repository());
    let answer: Value = serde_json::from_slice(&program::run(&mut command)?)
        .map_err(|source| TaskError::Answer { program: "cargo metadata", source })?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    for package in list(&answer["packages"]) {
        for dependency in list(&package["dependencies"]) {
            found.push(Dependency {
                of: text(&package["name"]),
                on: text(&dependency["name"]),
                features: list(&dependency["features"]).iter().map(text).collect(),
                for_tests: dependency["kind"] == "dev",
            });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(of: &str, on: &str, features: &[&str]) -> Dependency {
        let features = features.iter().map(|feature| (*feature).to_owned()).collect();
        Dependency { of: of.to_owned(), on: on.to_owned(), features, for_tests: false }
    }

    #[test]
    fn the_table_forbids_what_it_does_not_list() {
        for (of, on, allowed) in [
            ("gangplank-client", "gangplank-protocol", true),
            ("gangplank-client", "serde", true),
            ("gangplank-client", "gangplank-daemon", false),
            ("gangplank-protocol", "gangplank-engine", false),
            ("gangplank-unheard-of", "serde", false),
        ] {
            assert_eq!(forbidden(&dependency(of, on, &[])).is_none(), allowed, "{of} on {on}");
        }
    }

    #[test]
    fn features_fall_under_their_law_and_no_other() {
        let law = |name: &str| CONFINED.iter().find(|confined| confined.law.contains(name)).unwrap();
        let client = dependency("x", "jsonrpsee", &["client-ws-transport-no-tls", "async-client"]);
        assert!(falls_under(&client, law("JSON-RPC client")));
        assert!(!falls_under(&client, law("JSON-RPC server")));
        assert!(falls_under(&dependency("x", "bollard", &[]), law("bollard")));
        assert!(!falls_under(&dependency("x", "serde", &["server"]), law("JSON-RPC server")));
    }
}
