//! The API version: what an engine speaks, clamped to what this crate is tested with, and put on each path.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use http::uri::PathAndQuery;

/// A version of the Docker Engine API, such as 1.41.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    /// The number before the dot.
    pub major: u16,
    /// The number behind the dot.
    pub minor: u16,
}

/// The oldest dialect that is tested: Docker Engine 20.10.
pub(crate) const OLDEST: ApiVersion = ApiVersion { major: 1, minor: 41 };
/// The newest dialect that is tested: Docker Engine 28.
pub(crate) const NEWEST: ApiVersion = ApiVersion { major: 1, minor: 51 };
/// From here on Docker's execs have their terminal's size from the start.
pub(crate) const CONSOLE_SIZE: ApiVersion = ApiVersion { major: 1, minor: 42 };

impl ApiVersion {
    /// The dialect to speak with an engine whose newest is `self`; `None` when it is too old for us.
    pub(crate) fn clamped(self) -> Option<Self> {
        (self >= OLDEST).then(|| self.min(NEWEST))
    }

    /// The request target for `uri`'s path in this dialect: `/v1.51/containers/json?all=true`.
    ///
    /// Takes path and query only: whatever host bollard wrote there means nothing on our connections.
    pub(crate) fn on_path(self, uri: &Uri) -> Result<PathAndQuery, http::uri::InvalidUri> {
        format!("/v{self}{}", uri.path_and_query().map_or("/", PathAndQuery::as_str)).parse()
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for ApiVersion {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (major, minor) = text.trim().split_once('.').unwrap_or((text, ""));
        Ok(Self { major: major.parse()?, minor: minor.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clamps_to_the_tested_range() {
        for (engine, spoken) in [
            ("1.40", None),
            ("1.41", Some("1.41")),
            ("1.44", Some("1.44")),
            ("1.51", Some("1.51")),
            ("1.99", Some("1.51")),
            ("2.0", Some("1.51")),
        ] {
            let version: ApiVersion = engine.parse().unwrap();
            assert_eq!(version.clamped().map(|version| version.to_string()).as_deref(), spoken, "{engine}");
        }
    }

    #[test]
    fn refuses_what_is_no_version() {
        for text in ["", "1", "1.", "x.y", "1.2.3", "-1.2"] {
            assert!(text.parse::<ApiVersion>().is_err(), "{text}");
        }
    }

    #[test]
    fn stands_on_the_path() {
        let version = ApiVersion { major: 1, minor: 44 };
        let uri: Uri = "http://localhost/containers/json?all=true".parse().unwrap();
        assert_eq!(version.on_path(&uri).unwrap().as_str(), "/v1.44/containers/json?all=true");
    }
}
