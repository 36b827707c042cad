//! Who may connect (T1 to T3): pure decisions on a request's head, before anything of its body is read.
//!
//! A browser always sends `Origin` and a page can make it connect anywhere, so an origin that the user did not list is
//! refused on every door. On TCP the name in `Host` must be one of ours (a page can point its own name at 127.0.0.1),
//! and the bearer token must be right. The Unix socket needs no token: the kernel says who the peer is.

use http::{HeaderMap, Method, StatusCode, Uri, header};

use gangplank_protocol::{RPC_PATH, STREAM_PATH};

/// The door a request came through, with what it asks for.
#[derive(Debug, Clone)]
pub enum Door {
    /// The Unix socket; the peer's user was checked by the kernel's word.
    Unix {
        /// Origins the user listed.
        allowed_origins: Vec<String>,
    },
    /// The loopback port.
    Tcp {
        /// Its port.
        port: u16,
        /// The token, 64 hexadecimal digits.
        token: String,
        /// Origins the user listed.
        allowed_origins: Vec<String>,
    },
}

/// Where an admitted request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// To the JSON-RPC server.
    Rpc,
    /// To the stream of this id.
    Stream(String),
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status to answer with.
    pub status: StatusCode,
    /// The reason, safe to tell.
    pub reason: &'static str,
}

const fn refuse(status: StatusCode, reason: &'static str) -> Refusal {
    Refusal { status, reason }
}

impl Door {
    /// Decides on the head of a request.
    ///
    /// # Errors
    /// A refusal with what is wrong; nothing else of the request may then be looked at.
    pub fn admit(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Route, Refusal> {
        let (Self::Unix { allowed_origins } | Self::Tcp { allowed_origins, .. }) = self;
        for origin in headers.get_all(header::ORIGIN) {
            if !allowed_origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()) {
                return Err(refuse(StatusCode::FORBIDDEN, "this origin is not listed with --allow-origin"));
            }
        }
        if let Self::Tcp { port, token, .. } = self {
            check_host(*port, uri, headers)?;
            check_token(token, headers)?;
        }
        if method != Method::GET || !is_websocket_upgrade(headers) {
            return Err(refuse(StatusCode::UPGRADE_REQUIRED, "only WebSocket upgrades are served here"));
        }
        let path = uri.path();
        if path == RPC_PATH {
            return Ok(Route::Rpc);
        }
        match path.strip_prefix(STREAM_PATH) {
            Some(id) if !id.is_empty() && !id.contains('/') => Ok(Route::Stream(id.to_owned())),
            _ => Err(refuse(StatusCode::NOT_FOUND, "there is /rpc and /stream/{id}")),
        }
    }
}

fn check_host(port: u16, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    let wrong = refuse(StatusCode::FORBIDDEN, "the Host header does not name this machine's loopback");
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(wrong) };
    let ours = [format!("127.0.0.1:{port}"), format!("[::1]:{port}"), format!("localhost:{port}")];
    let named = |name: &[u8]| ours.iter().any(|ours| ours.as_bytes() == name);
    if !named(host.as_bytes())
        || uri.authority().is_some_and(|authority| !named(authority.as_str().as_bytes()))
    {
        return Err(wrong);
    }
    Ok(())
}

fn check_token(token: &str, headers: &HeaderMap) -> Result<(), Refusal> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(given), None) = (given.next(), given.next()) else {
        return Err(refuse(StatusCode::UNAUTHORIZED, "the bearer token is missing"));
    };
    let given = given.as_bytes().strip_prefix(b"Bearer ").unwrap_or_default();
    // Hashes compare in constant time, whatever the lengths.
    if blake3::hash(given) == blake3::hash(token.as_bytes()) {
        Ok(())
    } else {
        Err(refuse(StatusCode::UNAUTHORIZED, "the bearer token is wrong"))
    }
}

fn is_websocket_upgrade(headers: &HeaderMap) -> bool {
    let has = |name: header::HeaderName, word: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|part| part.trim().eq_ignore_ascii_case(word))
    };
    has(header::CONNECTION, "upgrade") && has(header::UPGRADE, "websocket")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "c0ffee";

    fn tcp() -> Door {
        Door::Tcp { port: 4000, token: TOKEN.into(), allowed_origins: vec!["https://editor.example".into()] }
    }

    fn head(host: Option<&str>, origin: Option<&str>, token: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONNECTION, "Upgrade".parse().unwrap());
        headers.insert(header::UPGRADE, "websocket".parse().unwrap());
        for (name, value) in [(header::HOST, host), (header::ORIGIN, origin)] {
            if let Some(value) = value {
                headers.insert(name, value.parse().unwrap());
            }
        }
        if let Some(token) = token {
            headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        }
        headers
    }

    #[test]
    fn of_all_origins_hosts_and_tokens_only_the_right_ones_are_admitted() {
        let hosts = [
            Some("127.0.0.1:4000"),
            Some("[::1]:4000"),
            Some("localhost:4000"),
            None,
            Some("evil.example"),
            Some("127.0.0.1.evil.example:4000"),
            Some("LOCALHOST:4000"),
            Some("localhost.:4000"),
            Some("127.0.0.1"),
            Some("127.0.0.1:4001"),
            Some("0.0.0.0:4000"),
        ];
        let origins = [
            None,
            Some("https://editor.example"),
            Some("null"),
            Some("http://evil.example"),
            Some("http://localhost:4001"),
            Some("https://editor.example.evil"),
        ];
        let tokens = [Some(TOKEN), None, Some(""), Some("c0ffe"), Some("c0ffeee")];
        let mut admitted = 0;
        for (h, host) in hosts.iter().enumerate() {
            for (o, origin) in origins.iter().enumerate() {
                for (t, token) in tokens.iter().enumerate() {
                    let uri = Uri::from_static("/rpc");
                    let decision = tcp().admit(&Method::GET, &uri, &head(*host, *origin, *token));
                    assert_eq!(
                        decision.is_ok(),
                        h < 3 && o < 2 && t < 1,
                        "{host:?} {origin:?} {token:?}: {decision:?}"
                    );
                    admitted += usize::from(decision.is_ok());
                }
            }
        }
        assert_eq!(admitted, 6);
    }

    #[test]
    fn a_foreign_absolute_form_and_doubled_headers_are_refused() {
        let good = head(Some("localhost:4000"), None, Some(TOKEN));
        let evil = Uri::from_static("http://evil.example/rpc");
        assert!(tcp().admit(&Method::GET, &evil, &good).is_err());
        let ours = Uri::from_static("http://localhost:4000/rpc");
        assert_eq!(tcp().admit(&Method::GET, &ours, &good), Ok(Route::Rpc));
        let mut doubled = good.clone();
        doubled.append(header::HOST, "evil.example".parse().unwrap());
        assert!(tcp().admit(&Method::GET, &ours, &doubled).is_err());
        let mut doubled = good;
        doubled.append(header::AUTHORIZATION, "Bearer x".parse().unwrap());
        assert!(tcp().admit(&Method::GET, &ours, &doubled).is_err());
    }

    #[test]
    fn plain_requests_and_other_paths_are_refused() {
        let uri = Uri::from_static("/rpc");
        let mut plain = head(Some("localhost:4000"), None, Some(TOKEN));
        plain.remove(header::UPGRADE);
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            let refusal = tcp().admit(&method, &uri, &plain).unwrap_err();
            assert_eq!(refusal.status, StatusCode::UPGRADE_REQUIRED);
            let without = tcp().admit(&method, &uri, &head(Some("localhost:4000"), None, None)).unwrap_err();
            assert_eq!(without.status, StatusCode::UNAUTHORIZED);
        }
        let unix = Door::Unix { allowed_origins: Vec::new() };
        let bare = head(None, None, None);
        assert_eq!(
            unix.admit(&Method::GET, &Uri::from_static("/stream/s-1"), &bare),
            Ok(Route::Stream("s-1".into()))
        );
        for path in ["/", "/rpc/", "/stream/", "/stream/a/b", "/rpc/../stream"] {
            assert!(unix.admit(&Method::GET, &path.parse().unwrap(), &bare).is_err(), "{path}");
        }
        assert!(unix.admit(&Method::GET, &uri, &head(None, Some("http://evil.example"), None)).is_err());
    }
}
