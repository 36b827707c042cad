//! Docker's client configuration as its own tools keep it: `config.json` and the contexts beside it.
//!
//! Where it lies depends on the client's environment, never on ours.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::endpoint::Address;

/// The parts of `config.json` that are used.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DockerConfig {
    pub(crate) current_context: Option<String>,
    pub(crate) auths: BTreeMap<String, AuthEntry>,
    pub(crate) creds_store: Option<String>,
    pub(crate) cred_helpers: BTreeMap<String, String>,
}

/// One entry of `auths`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase", default)]
pub(crate) struct AuthEntry {
    /// `base64(user:password)`.
    pub(crate) auth: Option<String>,
    pub(crate) identitytoken: Option<String>,
}

impl std::fmt::Debug for AuthEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuthEntry(secret)")
    }
}

/// The folder of the client's configuration; `None` when its environment names neither it nor a home.
pub(crate) fn folder(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let given = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    given("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| given("HOME").map(|home| Path::new(home).join(".docker")))
}

impl DockerConfig {
    /// Reads `config.json` in `folder`. None there is an empty configuration.
    ///
    /// # Errors
    /// In words, when it is there but cannot be read: going on without it could mean another engine.
    pub(crate) async fn read(folder: &Path) -> Result<Self, String> {
        let file = folder.join("config.json");
        let text = match tokio::fs::read(&file).await {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(format!("{}: {error}", file.display())),
        };
        serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", file.display()))
    }
}

/// The address that a named context stands for.
///
/// # Errors
/// In words: no such context, or one that cannot be used.
pub(crate) async fn context_address(folder: &Path, name: &str) -> Result<Address, String> {
    let digest = Sha256::digest(name.as_bytes());
    let digest = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let file = folder.join("contexts/meta").join(&digest).join("meta.json");
    let text = tokio::fs::read(&file).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such context; `docker context ls` lists them".to_owned(),
        _ => format!("{}: {error}", file.display()),
    })?;
    let tls = folder.join("contexts/tls").join(&digest).join("docker");
    let has_tls = tokio::fs::try_exists(&tls).await.unwrap_or(false);
    parse_context(&text, has_tls.then_some(tls.as_path())).map_err(|why| format!("{}: {why}", file.display()))
}

fn parse_context(text: &[u8], tls: Option<&Path>) -> Result<Address, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Metadata {
        #[serde(default)]
        endpoints: BTreeMap<String, ContextEndpoint>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct ContextEndpoint {
        #[serde(default)]
        host: String,
        #[serde(default, rename = "SkipTLSVerify")]
        skip_tls_verify: bool,
    }
    let metadata: Metadata = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let endpoint = metadata.endpoints.get("docker").ok_or("it has no docker endpoint")?;
    if endpoint.skip_tls_verify && !endpoint.host.starts_with("unix:") {
        return Err(
            "it skips TLS verification, which would give the engine to whoever is in between".to_owned()
        );
    }
    Address::parse(&endpoint.host, tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_environment_says_where() {
        let environment = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect::<BTreeMap<_, _>>()
        };
        for (pairs, expected) in [
            (&[("HOME", "/home/me"), ("DOCKER_CONFIG", "/c")][..], Some("/c")),
            (&[("HOME", "/home/me"), ("DOCKER_CONFIG", "")], Some("/home/me/.docker")),
            (&[("HOME", "/home/me")], Some("/home/me/.docker")),
            (&[], None),
        ] {
            assert_eq!(folder(&environment(pairs)).as_deref(), expected.map(Path::new));
        }
    }

    #[test]
    fn contexts() {
        let text = |host: &str, skip: bool| {
            format!(
                r#"{{"Name":"x","Metadata":{{}},"Endpoints":{{"docker":{{"Host":"{host}","SkipTLSVerify":{skip}}}}}}}"#
            )
        };
        let parsed = |text: &str, tls| parse_context(text.as_bytes(), tls).map(|address| address.to_string());
        assert_eq!(parsed(&text("unix:///x.sock", false), None).as_deref(), Ok("unix:///x.sock"));
        assert_eq!(
            parsed(&text("tcp://h:1", false), Some(Path::new("/t"))).as_deref(),
            Ok("tcp://h:1#tls=/t")
        );
        assert_eq!(parsed(&text("ssh://me@h", false), None).as_deref(), Ok("ssh://me@h"));
        assert!(parsed(&text("tcp://h:1", true), Some(Path::new("/t"))).is_err());
        assert!(parsed("{}", None).is_err());
        assert!(parsed("[", None).is_err());
    }
}
