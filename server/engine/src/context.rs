//! Finds the engine that a client means, as Docker's own tools do, from the client's environment and never from ours.
//!
//! In order: an explicit context, `DOCKER_HOST`, `DOCKER_CONTEXT`, the current context of Docker's configuration; when
//! none of these says anything, the default sockets: Docker's, rootless Docker's, Docker Desktop's, Podman's. What was
//! chosen is never replaced by something else: work would go to an engine that nobody meant.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;

use crate::docker_config::{self, DockerConfig};
use crate::endpoint::{Address, DEFAULT_SOCKET};
use crate::wire::Wire;
use crate::{Attempt, Endpoint, EngineError};

/// How long finding an engine may take in all.
const LIMIT: Duration = Duration::from_millis(4800);

/// What a client says about the engine it means.
#[derive(Clone, Default)]
pub struct EngineRequest {
    /// An explicit context, as by `--context`.
    pub context: Option<String>,
    /// The client's environment. `DOCKER_HOST`, `DOCKER_CONTEXT`, `DOCKER_CONFIG`, `DOCKER_TLS_VERIFY`,
    /// `DOCKER_CERT_PATH`, `HOME` and `XDG_RUNTIME_DIR` are looked at; `ssh` gets all of it.
    pub environment: BTreeMap<String, String>,
}

impl std::fmt::Debug for EngineRequest {
    /// The environment may hold secrets, so it is not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineRequest").field("context", &self.context).finish_non_exhaustive()
    }
}

impl EngineRequest {
    /// A variable that is set and not empty.
    fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The folder with the certificates for `DOCKER_HOST`, when `DOCKER_TLS_VERIFY` asks for TLS.
    fn certificates(&self) -> Option<PathBuf> {
        self.variable("DOCKER_TLS_VERIFY")?;
        self.variable("DOCKER_CERT_PATH")
            .map(PathBuf::from)
            .or_else(|| docker_config::folder(&self.environment))
    }
}

/// What a client means, before anything is looked up.
#[derive(Debug, PartialEq, Eq)]
enum Choice {
    /// The context of this name.
    Context(String),
    /// The address in `DOCKER_HOST`.
    Host(String),
    /// Nothing said: the first of the default sockets that answers.
    Defaults,
}

/// What the client means; `configured` is the current context of Docker's configuration.
fn choose(request: &EngineRequest, configured: Option<&str>) -> Choice {
    let host = || request.variable("DOCKER_HOST").map(|host| Choice::Host(host.to_owned()));
    let context = |name: &str| match name {
        "default" => host().unwrap_or(Choice::Defaults),
        name => Choice::Context(name.to_owned()),
    };
    if let Some(name) = request.context.as_deref().filter(|name| !name.is_empty()) {
        return context(name);
    }
    host().unwrap_or_else(|| {
        match request.variable("DOCKER_CONTEXT").or(configured).filter(|name| !name.is_empty()) {
            Some(name) => context(name),
            None => Choice::Defaults,
        }
    })
}

/// The sockets where engines listen when nobody said otherwise, in the order in which they count.
fn default_sockets(request: &EngineRequest) -> Vec<PathBuf> {
    let below =
        |variable: &str, path: &str| request.variable(variable).map(|folder| Path::new(folder).join(path));
    [
        Some(PathBuf::from(DEFAULT_SOCKET)),
        below("XDG_RUNTIME_DIR", "docker.sock"),
        below("HOME", ".docker/run/docker.sock"),
        below("HOME", ".docker/desktop/docker.sock"),
        below("XDG_RUNTIME_DIR", "podman/podman.sock"),
        Some(PathBuf::from("/run/podman/podman.sock")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Finds the engine that a client means, and checks that it answers; within 5 s.
///
/// # Errors
/// [`EngineError::Unavailable`] with everything that was tried.
pub async fn resolve(request: &EngineRequest) -> Result<Endpoint, EngineError> {
    let candidates = candidates(request).await?;
    // All at once, so that one that hangs does not eat the others' time; the first in order that answers counts.
    let mut probes: FuturesOrdered<_> = candidates.into_iter().map(probe).collect();
    let mut tried = Vec::new();
    while let Some(outcome) = probes.next().await {
        match outcome {
            Ok(endpoint) => return Ok(endpoint),
            Err(attempts) => tried.extend(attempts),
        }
    }
    Err(EngineError::Unavailable { tried })
}

/// Where to look, in order.
async fn candidates(request: &EngineRequest) -> Result<Vec<Endpoint>, EngineError> {
    let folder = docker_config::folder(&request.environment);
    let decided = request.context.is_some() || request.variable("DOCKER_HOST").is_some();
    let configured = match &folder {
        Some(folder) if !decided => {
            let config = DockerConfig::read(folder).await;
            config.map_err(|why| EngineError::unavailable("Docker's configuration", why))?.current_context
        }
        _ => None,
    };
    let endpoint = |address| Endpoint::new(address, &request.environment);
    match choose(request, configured.as_deref()) {
        Choice::Host(host) => Address::parse(&host, request.certificates().as_deref())
            .map(|address| vec![endpoint(address)])
            .map_err(|why| {
                EngineError::unavailable(format!("DOCKER_HOST={}", crate::text::escaped(&host)), why)
            }),
        Choice::Context(name) => {
            let address = match &folder {
                Some(folder) => docker_config::context_address(folder, &name).await,
                None => Err("neither DOCKER_CONFIG nor HOME says where contexts are".to_owned()),
            };
            address.map(|address| vec![endpoint(address)]).map_err(|why| {
                EngineError::unavailable(format!("context {}", crate::text::escaped(&name)), why)
            })
        }
        Choice::Defaults => {
            Ok(default_sockets(request).into_iter().map(|path| endpoint(Address::Unix { path })).collect())
        }
    }
}

/// The endpoint if its engine answers, otherwise what was tried there.
async fn probe(endpoint: Endpoint) -> Result<Endpoint, Vec<Attempt>> {
    let wire = Wire::new(endpoint.clone());
    match tokio::time::timeout(LIMIT, wire.ping()).await {
        Ok(Ok(_)) => Ok(endpoint),
        Ok(Err(EngineError::Unavailable { tried })) => Err(tried),
        Ok(Err(other)) => Err(vec![Attempt::new(endpoint.id().as_str(), other)]),
        Err(_) => Err(vec![Attempt::new(endpoint.id().as_str(), "no answer within 5 s")]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(context: Option<&str>, environment: &[(&str, &str)]) -> EngineRequest {
        EngineRequest {
            context: context.map(str::to_owned),
            environment: environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        }
    }

    #[test]
    fn the_order_is_dockers() {
        let host = || Choice::Host("unix:///h".into());
        let context = |name: &str| Choice::Context(name.into());
        let both = [("DOCKER_HOST", "unix:///h"), ("DOCKER_CONTEXT", "env")];
        for (explicit, environment, configured, expected) in [
            (Some("explicit"), &both[..], Some("file"), context("explicit")),
            (Some("default"), &both, Some("file"), host()),
            (Some("default"), &[], Some("file"), Choice::Defaults),
            (None, &both, Some("file"), host()),
            (None, &both[1..], Some("file"), context("env")),
            (None, &[("DOCKER_CONTEXT", "default")], Some("file"), Choice::Defaults),
            (None, &[("DOCKER_CONTEXT", ""), ("DOCKER_HOST", "")], Some("file"), context("file")),
            (None, &[], Some("default"), Choice::Defaults),
            (None, &[], Some(""), Choice::Defaults),
            (None, &[], None, Choice::Defaults),
        ] {
            assert_eq!(
                choose(&request(explicit, environment), configured),
                expected,
                "{explicit:?} {environment:?}"
            );
        }
    }

    #[test]
    fn default_sockets_in_order() {
        let sockets =
            default_sockets(&request(None, &[("HOME", "/home/me"), ("XDG_RUNTIME_DIR", "/run/user/7")]));
        let expected = [
            "/var/run/docker.sock",
            "/run/user/7/docker.sock",
            "/home/me/.docker/run/docker.sock",
            "/home/me/.docker/desktop/docker.sock",
            "/run/user/7/podman/podman.sock",
            "/run/podman/podman.sock",
        ];
        assert_eq!(sockets, expected.map(PathBuf::from));
        assert_eq!(default_sockets(&request(None, &[])).len(), 2);
    }

    #[test]
    fn certificates_only_when_asked_for() {
        for (environment, expected) in [
            (&[("DOCKER_CERT_PATH", "/c")][..], None),
            (&[("DOCKER_CERT_PATH", "/c"), ("DOCKER_TLS_VERIFY", "1")], Some("/c")),
            (&[("HOME", "/home/me"), ("DOCKER_TLS_VERIFY", "1")], Some("/home/me/.docker")),
        ] {
            assert_eq!(request(None, environment).certificates().as_deref(), expected.map(Path::new));
        }
    }
}
