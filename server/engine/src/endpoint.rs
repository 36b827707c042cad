//! Where an engine is: parsed addresses, and the stable id by which an engine is named from then on.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::EngineError;

/// Names one engine in requests, stable between runs: `unix:///var/run/docker.sock`, `tcp://host:2375`,
/// `tcp://host:2376#tls=/home/me/.docker` (with the folder that holds `ca.pem`, `cert.pem`, `key.pem`),
/// `ssh://user@host:22/socket`. It is all that is needed to connect again, apart from the client's environment
/// for ssh.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EngineId(String);

impl EngineId {
    /// Takes an id back that this crate gave out. It is checked when an [`Endpoint`] is made of it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EngineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A parsed address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Unix { path: PathBuf },
    Tcp { host: String, port: u16 },
    Tls { host: String, port: u16, certificates: PathBuf },
    Ssh { user: Option<String>, host: String, port: Option<u16>, socket: Option<String> },
}

/// The socket where Docker listens when nobody said otherwise.
pub(crate) const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

impl Address {
    /// Parses an address as `DOCKER_HOST` and contexts have it. `certificates` makes a tcp address a TLS one.
    pub(crate) fn parse(text: &str, certificates: Option<&Path>) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("tcp", text));
        match scheme {
            "unix" if rest.is_empty() => Ok(Self::Unix { path: DEFAULT_SOCKET.into() }),
            "unix" if rest.starts_with('/') => Ok(Self::Unix { path: rest.into() }),
            "unix" => Err("a unix address needs an absolute path: unix:///path".to_owned()),
            "tcp" | "http" | "https" => {
                if certificates.is_none() && scheme == "https" {
                    return Err(
                        "https needs certificates: set DOCKER_TLS_VERIFY and DOCKER_CERT_PATH".to_owned()
                    );
                }
                let default_port = if certificates.is_some() { 2376 } else { 2375 };
                let (host, port) = host_and_port(rest.trim_end_matches('/'))?;
                let port = port.unwrap_or(default_port);
                Ok(match certificates {
                    Some(certificates) => Self::Tls { host, port, certificates: certificates.into() },
                    None => Self::Tcp { host, port },
                })
            }
            "ssh" => Self::parse_ssh(rest),
            other => Err(format!("unknown scheme {other}: one of unix, tcp, ssh is wanted")),
        }
    }

    fn parse_ssh(rest: &str) -> Result<Self, String> {
        let (authority, socket) = match rest.find('/') {
            Some(at) => (&rest[..at], Some(&rest[at..]).filter(|socket| *socket != "/")),
            None => (rest, None),
        };
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        if user.is_some_and(|user| user.contains(':')) {
            return Err("an ssh address must not hold a password".to_owned());
        }
        let (host, port) = host_and_port(host)?;
        // What begins with a dash would be an option to ssh, and the remote command goes through a shell.
        let plain = |text: &str| {
            !text.starts_with('-') && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-:%/+".contains(c))
        };
        if !plain(&host)
            || !user.is_none_or(|user| !user.is_empty() && plain(user))
            || !socket.is_none_or(plain)
        {
            return Err("an ssh address must be ssh://user@host:port/socket in plain characters".to_owned());
        }
        Ok(Self::Ssh { user: user.map(str::to_owned), host, port, socket: socket.map(str::to_owned) })
    }
}

/// Splits `host`, `host:port`, `[v6]` and `[v6]:port`.
fn host_and_port(text: &str) -> Result<(String, Option<u16>), String> {
    let (host, port) = match text.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let usable = !host.is_empty()
        && !host.contains(|c: char| c.is_whitespace() || c.is_control() || "/?#@".contains(c));
    if !usable {
        return Err(format!("{} is no host", crate::text::escaped(text)));
    }
    let port = port.map(|port| port.parse().map_err(|_| format!("{port} is no port"))).transpose()?;
    Ok((host.to_owned(), port))
}

/// A host as it stands in an address: IPv6 in brackets.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix { path } => write!(f, "unix://{}", path.display()),
            Self::Tcp { host, port } => write!(f, "tcp://{}:{port}", bracketed(host)),
            Self::Tls { host, port, certificates } => {
                write!(f, "tcp://{}:{port}#tls={}", bracketed(host), certificates.display())
            }
            Self::Ssh { user, host, port, socket } => {
                f.write_str("ssh://")?;
                if let Some(user) = user {
                    write!(f, "{user}@")?;
                }
                f.write_str(&bracketed(host))?;
                if let Some(port) = port {
                    write!(f, ":{port}")?;
                }
                f.write_str(socket.as_deref().unwrap_or_default())
            }
        }
    }
}

/// Where an engine is, with what is needed to connect to it.
#[derive(Clone)]
pub struct Endpoint {
    pub(crate) address: Address,
    /// The client's environment: `ssh` looks for the client's keys, agent and configuration.
    pub(crate) environment: BTreeMap<String, String>,
}

impl fmt::Debug for Endpoint {
    /// The environment may hold secrets, so it is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("id", &self.id().as_str()).finish_non_exhaustive()
    }
}

impl Endpoint {
    pub(crate) fn new(address: Address, environment: &BTreeMap<String, String>) -> Self {
        let environment = match address {
            Address::Ssh { .. } => environment.clone(),
            _ => BTreeMap::new(),
        };
        Self { address, environment }
    }

    /// The endpoint that an id names. `environment` is the client's; only `ssh` needs it.
    ///
    /// # Errors
    /// [`EngineError::InvalidParameter`] when the text is no id.
    pub fn from_id(id: &EngineId, environment: &BTreeMap<String, String>) -> Result<Self, EngineError> {
        let text = id.as_str();
        // A unix path may contain anything, so only the other schemes have a fragment.
        let (text, certificates) = match text.split_once("#tls=") {
            Some((text, folder)) if !text.starts_with("unix://") => (text, Some(Path::new(folder))),
            _ => (text, None),
        };
        let address =
            Address::parse(text, certificates).map_err(|message| EngineError::InvalidParameter {
                what: format!("connect to engine {}", crate::text::escaped(id.as_str())),
                message,
            })?;
        Ok(Self::new(address, environment))
    }

    /// The id that names this engine in later requests.
    #[must_use]
    pub fn id(&self) -> EngineId {
        EngineId(self.address.to_string())
    }

    /// Whether the engine is reached by a local socket, so that its host is probably ours.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(self.address, Address::Unix { .. })
    }

    /// What stands in the `Host` header.
    pub(crate) fn authority(&self) -> String {
        match &self.address {
            Address::Tcp { host, port } | Address::Tls { host, port, .. } => {
                format!("{}:{port}", bracketed(host))
            }
            Address::Unix { .. } | Address::Ssh { .. } => "localhost".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Result<String, String> {
        Endpoint::from_id(&EngineId::new(text), &BTreeMap::new())
            .map(|endpoint| endpoint.id().to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn ids_come_back_as_they_went() {
        for text in [
            "unix:///var/run/docker.sock",
            "unix:///a path/#tls=odd/ünïcode.sock",
            "tcp://host:2375",
            "tcp://[::1]:2375",
            "tcp://host:2376#tls=/home/me/.docker",
            "ssh://me@host:22",
            "ssh://host/run/podman/podman.sock",
        ] {
            assert_eq!(id(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn short_forms_are_completed() {
        for (text, full) in [
            ("unix://", "unix:///var/run/docker.sock"),
            ("tcp://host", "tcp://host:2375"),
            ("host:99", "tcp://host:99"),
            ("tcp://host#tls=/c", "tcp://host:2376#tls=/c"),
            ("http://host:1/", "tcp://host:1"),
        ] {
            assert_eq!(id(text).as_deref(), Ok(full));
        }
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in [
            "",
            "unix://relative",
            "tcp://",
            "tcp://host:port",
            "tcp://ho st",
            "npipe:////./pipe/docker",
            "https://host:1",
            "ssh://-oProxyCommand=x",
            "ssh://me:secret@host",
            "ssh://host/$(touch x)",
            "ssh://-l@host",
        ] {
            assert!(id(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_a_socket_is_local() {
        for (text, local) in [("unix:///x", true), ("tcp://localhost:1", false), ("ssh://host", false)] {
            let endpoint = Endpoint::from_id(&EngineId::new(text), &BTreeMap::new()).unwrap();
            assert_eq!(endpoint.is_local(), local, "{text}");
        }
    }

    #[test]
    fn the_environment_is_not_shown() {
        let environment = BTreeMap::from([("TOKEN".to_owned(), "canary".to_owned())]);
        let endpoint = Endpoint::from_id(&EngineId::new("ssh://host"), &environment).unwrap();
        assert!(!format!("{endpoint:?}").contains("canary"));
    }
}
