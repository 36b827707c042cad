//! What an engine says of itself when it is pinged.

use http::HeaderMap;

use crate::Product;
use crate::version::{self, ApiVersion};

/// What an engine said of itself when it was pinged.
#[derive(Debug, Clone)]
pub(crate) struct Greeting {
    /// The version to speak.
    pub(crate) version: ApiVersion,
    /// The newest version that the engine speaks.
    pub(crate) newest: ApiVersion,
    /// The `Server` header, such as `Docker/28.5.2 (linux)` or `Libpod/5.8.6 (linux)`.
    pub(crate) server: String,
}

impl Greeting {
    /// Whose engine it is.
    pub(crate) fn product(&self) -> Product {
        if self.server.starts_with("Libpod") { Product::Podman } else { Product::Docker }
    }

    /// Whether an exec's terminal has its size from the start. Podman takes the size and ignores it.
    pub(crate) fn takes_console_size(&self) -> bool {
        self.version >= version::CONSOLE_SIZE && self.product() == Product::Docker
    }
}

/// The greeting in the headers of a ping's answer; the error says why the engine cannot be used.
pub(super) fn greeting_of(headers: &HeaderMap) -> Result<Greeting, String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let spoken = text("Api-Version");
    let newest: ApiVersion =
        spoken.parse().map_err(|_| "it is no container engine: no API version in its answer".to_owned())?;
    let version = newest.clamped().ok_or_else(|| {
        format!("it speaks API version {newest}, but at least {} is needed", version::OLDEST)
    })?;
    Ok(Greeting { version, newest, server: text("Server").to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting(version: &str, server: &str) -> Result<Greeting, String> {
        let headers = [("Api-Version", version), ("Server", server)];
        let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        greeting_of(&HeaderMap::from_iter(headers))
    }

    #[test]
    fn each_engines_greeting() {
        for (version, server, product, console_size) in [
            ("1.51", "Docker/28.5.2 (linux)", Product::Docker, true),
            ("1.41", "Docker/20.10.24 (linux)", Product::Docker, false),
            ("1.44", "Libpod/5.8.6 (linux)", Product::Podman, false),
            ("1.44", "", Product::Docker, true),
        ] {
            let greeting = greeting(version, server).unwrap();
            assert_eq!(
                (greeting.product(), greeting.takes_console_size()),
                (product, console_size),
                "{server}"
            );
        }
    }

    #[test]
    fn what_is_no_engine_is_refused() {
        assert_eq!(
            greeting("", "nginx").unwrap_err(),
            "it is no container engine: no API version in its answer"
        );
        assert!(greeting("1.24", "Docker/1.12").is_err());
    }
}
