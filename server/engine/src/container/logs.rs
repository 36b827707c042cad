//! What of a container's logs to read, as a request.

use http::{Method, Request};

use crate::EngineError;
use crate::wire::{Body, request};

/// What to read of a container's logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOptions {
    /// Whether the container has a terminal: its output is then unframed.
    pub tty: bool,
    /// Whether to go on as long as it runs.
    pub follow: bool,
    /// Standard output.
    pub stdout: bool,
    /// Standard error.
    pub stderr: bool,
    /// Only so many lines at the end; all when absent.
    pub tail: Option<u64>,
    /// Only from this time on: seconds since the epoch with up to nine decimals, or RFC 3339.
    pub since: Option<String>,
    /// Only up to this time.
    pub until: Option<String>,
    /// Whether each line begins with its time.
    pub timestamps: bool,
}

impl Default for LogOptions {
    /// All that was written to both streams of a container without a terminal.
    fn default() -> Self {
        Self {
            tty: false,
            follow: false,
            stdout: true,
            stderr: true,
            tail: None,
            since: None,
            until: None,
            timestamps: false,
        }
    }
}

pub(super) fn logs_request(container: &str, options: &LogOptions) -> Result<Request<Body>, EngineError> {
    let tail = options.tail.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
    let flag = |value: bool| if value { "true" } else { "false" };
    let mut query = vec![
        ("follow", flag(options.follow)),
        ("stdout", flag(options.stdout)),
        ("stderr", flag(options.stderr)),
        ("timestamps", flag(options.timestamps)),
        ("tail", tail.as_str()),
    ];
    query.extend(options.since.as_deref().map(|since| ("since", since)));
    query.extend(options.until.as_deref().map(|until| ("until", until)));
    request(Method::GET, &format!("/containers/{container}/logs"), &query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request() {
        let options = LogOptions { tail: Some(5), since: Some("1.5+x".into()), ..LogOptions::default() };
        assert_eq!(
            logs_request("web", &options).unwrap().uri(),
            "/containers/web/logs?follow=false&stdout=true&stderr=true&timestamps=false&tail=5&since=1%2E5%2Bx"
        );
    }
}
