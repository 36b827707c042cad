//! What of this process's environment travels with a connection or a request.

use std::collections::BTreeMap;

/// The variables that lead to an engine and to credentials: `DOCKER_*`, `HOME`, `PATH`, `XDG_RUNTIME_DIR`,
/// `SSH_AUTH_SOCK`.
#[must_use]
pub fn engine_environment() -> BTreeMap<String, String> {
    whole_environment().into_iter().filter(|(name, _)| leads_to_engine(name)).collect()
}

/// The whole environment, for `${localEnv:…}`. Variables that are not UTF-8 are left out: JSON cannot carry them.
#[must_use]
pub fn whole_environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn leads_to_engine(name: &str) -> bool {
    name.starts_with("DOCKER_") || matches!(name, "HOME" | "PATH" | "XDG_RUNTIME_DIR" | "SSH_AUTH_SOCK")
}

/// True for what a daemon keeps of the environment it is started from. Everything else belongs to requests.
pub(crate) fn kept_by_daemon(name: &str) -> bool {
    matches!(name, "HOME" | "PATH" | "LANG") || name.starts_with("XDG_") || name.starts_with("GANGPLANK_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_reach_neither_the_hello_nor_the_daemon() {
        for name in ["GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "PATHX", "LD_PRELOAD"] {
            assert!(!leads_to_engine(name) && !kept_by_daemon(name), "{name}");
        }
        assert!(leads_to_engine("DOCKER_HOST") && !kept_by_daemon("DOCKER_HOST"));
        assert!(kept_by_daemon("XDG_STATE_HOME") && kept_by_daemon("GANGPLANK_LOG"));
    }
}
