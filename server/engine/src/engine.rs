//! The handle to one engine, and what it is and can do.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;

use crate::error::{Action, refusal};
use crate::version::ApiVersion;
use crate::wire::{PLAIN_LIMIT, Wire, on_engine, within};
use crate::{Endpoint, EngineError, EngineId};

/// A handle to one engine; clones share its connections. It outlives restarts of the engine.
#[derive(Clone)]
pub struct Engine {
    pub(crate) wire: Arc<Wire>,
    docker: Docker,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("id", &self.id().as_str()).finish_non_exhaustive()
    }
}

impl Engine {
    /// Connects and negotiates the API version, within 5 s.
    ///
    /// # Errors
    /// [`EngineError::Unavailable`] when no engine answers there.
    pub async fn connect(endpoint: Endpoint) -> Result<Self, EngineError> {
        let engine = Self::new(endpoint)?;
        engine.wire.greeting().await?;
        Ok(engine)
    }

    /// A handle to an engine that may not be there yet: calls fail with [`EngineError::Unavailable`] until it is.
    ///
    /// # Errors
    /// Only when the client library cannot be set up.
    pub fn new(endpoint: Endpoint) -> Result<Self, EngineError> {
        let wire = Arc::new(Wire::new(endpoint));
        let transport = Arc::clone(&wire);
        let docker = Docker::connect_with_custom_transport(
            move |request| {
                let wire = Arc::clone(&transport);
                async move {
                    wire.send(request)
                        .await
                        .map_err(|error| bollard::errors::Error::from(std::io::Error::other(error)))
                }
            },
            Some("http://localhost"),
            // Each call here has a limit of its own.
            u64::from(u32::MAX),
            bollard::API_DEFAULT_VERSION,
        )
        .map_err(|error| failure(&on_engine("connect to"), error))?;
        Ok(Self { wire, docker })
    }

    /// Opens connections as `endpoint`, which names this same engine, says from now on: its client may have another
    /// environment than the one before, and that one's `ssh` agent may be gone.
    pub fn refresh(&self, endpoint: &Endpoint) {
        self.wire.refresh(endpoint);
    }

    /// The id that names this engine.
    #[must_use]
    pub fn id(&self) -> EngineId {
        self.wire.endpoint.id()
    }

    /// Whether the engine is reached by a local socket. A local socket may still be forwarded from elsewhere.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.wire.endpoint.is_local()
    }

    /// Asks the engine whether it is there; within 4 s.
    ///
    /// # Errors
    /// [`EngineError::Unavailable`].
    pub async fn ping(&self) -> Result<(), EngineError> {
        self.wire.ping().await.map(drop)
    }

    /// Whose engine it is; known since the connection was made.
    ///
    /// # Errors
    /// [`EngineError::Unavailable`].
    pub async fn product(&self) -> Result<Product, EngineError> {
        Ok(self.wire.greeting().await?.product())
    }

    /// What the engine is: product, versions, platform, capabilities.
    ///
    /// # Errors
    /// [`EngineError::Unavailable`], [`EngineError::Timeout`] after 60 s, or what the engine says.
    pub async fn info(&self) -> Result<EngineInfo, EngineError> {
        let action = on_engine("ask about the");
        let (greeting, version, system) = tokio::try_join!(
            self.wire.greeting(),
            self.call(&action, |docker| async move { docker.version().await }),
            self.wire.json::<SystemInfo>(&action, crate::wire::request(http::Method::GET, "/info", &[])?),
        )?;
        let product = greeting.product();
        let components = version
            .components
            .unwrap_or_default()
            .into_iter()
            .map(|component| (component.name, component.version))
            .collect();
        Ok(EngineInfo {
            id: self.id(),
            product,
            version: version.version.unwrap_or_default(),
            components,
            api_version: greeting.version,
            newest_api_version: greeting.newest,
            os: version.os.unwrap_or_default(),
            architecture: version.arch.unwrap_or_default(),
            kernel: version.kernel_version.unwrap_or_default(),
            operating_system: system.operating_system,
            storage_driver: system.driver,
            cgroup_version: system.cgroup_version,
            rootless: system.security_options.iter().any(|option| option.contains("name=rootless")),
            host_name: system.name,
            capabilities: Capabilities {
                local_folders: self.is_local(),
                commit: true,
                build: true,
                exec: true,
                events: true,
                console_size: greeting.takes_console_size(),
            },
        })
    }

    /// A plain call of bollard's, held to 60 s and with its error by kind.
    pub(crate) async fn call<T, F>(
        &self,
        action: &Action,
        call: impl FnOnce(Docker) -> F,
    ) -> Result<T, EngineError>
    where
        F: Future<Output = Result<T, bollard::errors::Error>>,
    {
        self.call_within(PLAIN_LIMIT, action, call).await
    }

    /// The same with another limit, for calls that take as long as the caller says.
    pub(crate) async fn call_within<T, F>(
        &self,
        limit: Duration,
        action: &Action,
        call: impl FnOnce(Docker) -> F,
    ) -> Result<T, EngineError>
    where
        F: Future<Output = Result<T, bollard::errors::Error>>,
    {
        // On the heap: bollard's futures carry whole request bodies.
        let call = Box::pin(call(self.docker.clone()));
        within(action, limit, async { call.await.map_err(|error| failure(action, error)) }).await
    }
}

/// bollard's error by kind; our own transport's errors come back out of it unchanged.
fn failure(action: &Action, error: bollard::errors::Error) -> EngineError {
    use bollard::errors::Error;
    match error {
        Error::DockerResponseServerError { status_code, message } => refusal(action, status_code, &message),
        Error::IOError { err } => {
            let words = err.to_string();
            match err.into_inner().and_then(|inner| inner.downcast::<EngineError>().ok()) {
                Some(ours) => *ours,
                None => EngineError::unavailable("the engine's connection", words),
            }
        }
        Error::HyperResponseError { err } => EngineError::unavailable("the engine's connection", err),
        Error::JsonDataError { message, .. } => action.malformed(message),
        Error::JsonSerdeError { err } => action.malformed(err),
        other => EngineError::Other {
            what: action.to_string(),
            status: None,
            message: crate::text::escaped(&other.to_string()),
        },
    }
}

/// Whose engine it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// Docker Engine, or what calls itself so.
    Docker,
    /// Podman's Docker API.
    Podman,
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        })
    }
}

/// What an engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineInfo {
    /// Its id.
    pub id: EngineId,
    /// Whose engine it is.
    pub product: Product,
    /// The product's version.
    pub version: String,
    /// Name and version of the parts it names: `Engine`, `containerd`, `runc`, `docker-init`, `Podman Engine`, …
    pub components: Vec<(String, String)>,
    /// The API version spoken with it.
    pub api_version: ApiVersion,
    /// The newest API version that it speaks.
    pub newest_api_version: ApiVersion,
    /// The containers' operating system: `linux`.
    pub os: String,
    /// The architecture as Go names it: `amd64`, `arm64`.
    pub architecture: String,
    /// The kernel's release.
    pub kernel: String,
    /// The host's operating system in words.
    pub operating_system: String,
    /// The storage driver: `overlay2`, `overlayfs` (containerd image store), `vfs`.
    pub storage_driver: String,
    /// The cgroup version: `1` or `2`.
    pub cgroup_version: String,
    /// Whether it runs without root.
    pub rootless: bool,
    /// The host's name.
    pub host_name: String,
    /// What it can do.
    pub capabilities: Capabilities,
}

/// What an engine can do, for callers that must choose a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Folders of this host can probably be bind-mounted: the engine is reached by a local socket.
    pub local_folders: bool,
    /// Containers can be committed to images.
    pub commit: bool,
    /// It builds images.
    pub build: bool,
    /// It starts processes in running containers.
    pub exec: bool,
    /// It tells what happens to containers.
    pub events: bool,
    /// A terminal has its size from the start (API 1.42), rather than shortly after it.
    pub console_size: bool,
}

/// The parts of `/info` that are used. bollard's type refuses values that Podman sends.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct SystemInfo {
    operating_system: String,
    driver: String,
    cgroup_version: String,
    security_options: Vec<String>,
    name: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ObjectKind;

    #[test]
    fn transport_errors_keep_their_kind_through_bollard() {
        let ours = EngineError::unavailable("unix:///x", "gone");
        let theirs = bollard::errors::Error::from(std::io::Error::other(ours.clone()));
        assert_eq!(failure(&Action::new("start", ObjectKind::Container, "web"), theirs), ours);
    }
}
