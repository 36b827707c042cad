//! The client's credentials for a registry, from its Docker configuration or its credential helpers.
//!
//! They are looked up for each pull, in memory only, and have no `Debug`. Written by hand because the
//! `docker_credential` crate reads the configuration by this process's environment, not by the client's.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::docker_config::{self, AuthEntry, DockerConfig};

/// How long a credential helper may take.
const HELPER_LIMIT: Duration = Duration::from_secs(10);
/// The key of Docker Hub in configurations.
const HUB_KEY: &str = "https://index.docker.io/v1/";

/// An image reference in the parts that a pull needs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    /// All but tag and digest, as it was given.
    pub(super) name: &'a str,
    /// The digest, else the tag, else `latest`.
    pub(super) tag_or_digest: &'a str,
    /// The registry: `docker.io` when none is named.
    pub(super) registry: &'a str,
}

impl<'a> Reference<'a> {
    pub(super) fn parse(image: &'a str) -> Self {
        let (rest, digest) = match image.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (image, None),
        };
        // A colon before the last slash belongs to a port.
        let last = rest.rfind('/').map_or(0, |at| at + 1);
        let (name, tag) = match rest[last..].find(':') {
            Some(at) => (&rest[..last + at], Some(&rest[last + at + 1..])),
            None => (rest, None),
        };
        let registry = match name.split_once('/') {
            Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
            _ => "docker.io",
        };
        Self { name, tag_or_digest: digest.or(tag).unwrap_or("latest"), registry }
    }
}

/// Credentials in the form of the API's `X-Registry-Auth`.
#[derive(Serialize, PartialEq, Eq)]
pub(super) struct Credentials {
    #[serde(skip_serializing_if = "String::is_empty")]
    username: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    password: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    identitytoken: String,
    serveraddress: String,
}

impl Credentials {
    /// The header's value.
    pub(super) fn header(&self) -> String {
        URL_SAFE.encode(serde_json::json!(self).to_string())
    }

    fn of_login(username: String, secret: String, server: &str) -> Self {
        let serveraddress = server.to_owned();
        // Helpers mark a token by this user name.
        if username == "<token>" {
            return Self {
                username: String::new(),
                password: String::new(),
                identitytoken: secret,
                serveraddress,
            };
        }
        Self { username, password: secret, identitytoken: String::new(), serveraddress }
    }

    fn of_entry(entry: &AuthEntry, server: &str) -> Result<Option<Self>, String> {
        let identitytoken = entry.identitytoken.clone().unwrap_or_default();
        let Some(auth) = entry.auth.as_deref().filter(|auth| !auth.is_empty()) else { return Ok(None) };
        let unreadable =
            || format!("the entry of {server} in Docker's configuration is not base64 of user:password");
        let login = STANDARD.decode(auth).map_err(|_| unreadable())?;
        let login = String::from_utf8(login).map_err(|_| unreadable())?;
        let (username, password) = login.split_once(':').ok_or_else(unreadable)?;
        let password = password.trim_end_matches('\0');
        Ok(Some(Self { identitytoken, ..Self::of_login(username.to_owned(), password.to_owned(), server) }))
    }
}

/// The client's credentials for `registry`, if it has some.
///
/// # Errors
/// Why what is configured cannot be used; never with a secret in it.
pub(super) async fn find(
    environment: &BTreeMap<String, String>,
    registry: &str,
) -> Result<Option<Credentials>, String> {
    let Some(folder) = docker_config::folder(environment) else { return Ok(None) };
    let config = DockerConfig::read(&folder).await?;
    let key = if registry == "docker.io" { HUB_KEY } else { registry };
    let helper = config
        .cred_helpers
        .get(key)
        .or_else(|| config.cred_helpers.get(registry))
        .or(config.creds_store.as_ref());
    if let Some(helper) = helper.filter(|helper| !helper.is_empty())
        && let Some(found) = ask_helper(helper, key, environment).await?
    {
        return Ok(Some(found));
    }
    match config.auths.iter().find(|(name, _)| *name == key || host(name) == registry) {
        Some((_, entry)) => Credentials::of_entry(entry, key),
        None => Ok(None),
    }
}

/// The host of a configuration's key, which may be an address.
fn host(key: &str) -> &str {
    let key = key.split_once("://").map_or(key, |(_, rest)| rest);
    key.split('/').next().unwrap_or(key)
}

/// Asks `docker-credential-NAME get`, with the client's environment.
async fn ask_helper(
    name: &str,
    server: &str,
    environment: &BTreeMap<String, String>,
) -> Result<Option<Credentials>, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        #[serde(default)]
        username: String,
        #[serde(default)]
        secret: String,
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)) {
        return Err(format!("{} is no name of a credential helper", crate::text::escaped(name)));
    }
    let program = format!("docker-credential-{name}");
    let failed = |error: &dyn std::fmt::Display| format!("{program}: {error}");
    let mut child = Command::new(&program)
        .arg("get")
        .env_clear()
        .envs(environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(&error))?;
    let stdin = child.stdin.take();
    let conversation = async {
        if let Some(mut stdin) = stdin {
            stdin.write_all(server.as_bytes()).await?;
        }
        child.wait_with_output().await
    };
    let output = tokio::time::timeout(HELPER_LIMIT, conversation)
        .await
        .map_err(|_| failed(&"no answer within 10 s"))?
        .map_err(|error| failed(&error))?;
    if !output.status.success() {
        // The protocol tells "none" apart from other failures by this text alone.
        let says = String::from_utf8_lossy(&output.stdout);
        return if says.contains("credentials not found") { Ok(None) } else { Err(failed(&output.status)) };
    }
    let answer: Answer =
        serde_json::from_slice(&output.stdout).map_err(|_| failed(&"its answer is not JSON"))?;
    let empty = answer.username.is_empty() && answer.secret.is_empty();
    Ok((!empty).then(|| Credentials::of_login(answer.username, answer.secret, server)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn references() {
        for (image, name, tag_or_digest, registry) in [
            ("busybox", "busybox", "latest", "docker.io"),
            ("me/app:1", "me/app", "1", "docker.io"),
            ("127.0.0.1:5000/app", "127.0.0.1:5000/app", "latest", "127.0.0.1:5000"),
            ("localhost/app:2", "localhost/app", "2", "localhost"),
            ("ghcr.io/a/b:1@sha256:0f", "ghcr.io/a/b", "sha256:0f", "ghcr.io"),
        ] {
            assert_eq!(Reference::parse(image), Reference { name, tag_or_digest, registry });
        }
    }

    fn client(config: &str) -> (tempfile::TempDir, BTreeMap<String, String>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), config).unwrap();
        let path = folder.path().to_str().unwrap();
        let environment = BTreeMap::from([
            ("DOCKER_CONFIG".to_owned(), path.to_owned()),
            ("PATH".to_owned(), format!("{path}:/usr/bin:/bin")),
        ]);
        (folder, environment)
    }

    fn decoded(found: &Credentials) -> String {
        String::from_utf8(URL_SAFE.decode(found.header()).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn from_the_configuration() {
        let login = STANDARD.encode("me:pass?>wörd");
        let config = format!(
            r#"{{"auths":{{"https://r.example/v2/":{{"auth":"{login}"}},"{HUB_KEY}":{{"auth":"{login}"}}}}}}"#
        );
        let (_folder, environment) = client(&config);
        let found = find(&environment, "r.example").await.unwrap().unwrap();
        assert_eq!(
            decoded(&found),
            r#"{"username":"me","password":"pass?>wörd","serveraddress":"r.example"}"#
        );
        let found = find(&environment, "docker.io").await.unwrap().unwrap();
        assert!(decoded(&found).contains(HUB_KEY));
        assert!(find(&environment, "other.example").await.unwrap().is_none());
        assert!(find(&BTreeMap::new(), "r.example").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn from_a_helper() {
        let (folder, environment) = client(r#"{"credHelpers":{"r.example":"test","none.example":"test"}}"#);
        let helper = folder.path().join("docker-credential-test");
        let script = r#"#!/bin/sh
read -r server || :
case $server in
r.example) echo '{"ServerURL":"r.example","Username":"me","Secret":"canary"}' ;;
*) echo 'credentials not found in native keychain'; exit 1 ;;
esac
"#;
        std::fs::write(&helper, script).unwrap();
        std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
        let found = find(&environment, "r.example").await.unwrap().unwrap();
        assert!(decoded(&found).contains("canary"));
        assert!(find(&environment, "none.example").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn failures_do_not_tell_secrets() {
        let (_folder, environment) =
            client(r#"{"auths":{"r.example":{"auth":"canary!"}},"credsStore":"gone"}"#);
        let Err(why) = find(&environment, "r.example").await else { panic!("the helper does not exist") };
        assert!(why.contains("docker-credential-gone") && !why.contains("canary"), "{why}");
        let (_folder, environment) = client(r#"{"auths":{"r.example":{"auth":"canary!"}}}"#);
        let Err(why) = find(&environment, "r.example").await else { panic!("that is no base64") };
        assert!(!why.contains("canary"), "{why}");
    }
}
