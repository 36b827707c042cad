//! From an engine's status and words to a kind. Pure; the words are those of Docker 20.10 to 28 and Podman 4 and 5.

use super::{Action, EngineError, ObjectKind};
use crate::text::escaped;

/// The error for an HTTP status of 400 or more and its message.
pub(crate) fn refusal(action: &Action, status: u16, message: &str) -> EngineError {
    let lower = message.to_lowercase();
    let has = |part: &str| lower.contains(part);
    let (what, message, name) = (action.to_string(), escaped(message), action.name.clone());

    if has("no such image") || (has("image not known") && status == 404) {
        return EngineError::ImageNotFound { image: name, message };
    }
    if has("port is already allocated") || has("address already in use") {
        return EngineError::PortInUse { what, message };
    }
    if has("bind source path does not exist") || (has("statfs") && has("no such file or directory")) {
        return EngineError::MountSourceMissing { what, message };
    }
    if has("executable file not found") || (has("exec: ") && has("no such file or directory")) {
        return EngineError::CommandNotRunnable { what, message, exit_code: 127 };
    }
    if (has("exec: ") && has("permission denied")) || has("exec format error") {
        return EngineError::CommandNotRunnable { what, message, exit_code: 126 };
    }
    if has("name") && has("already in use") {
        return EngineError::NameInUse { name, message };
    }
    if action.kind == ObjectKind::Container
        && (has("is not running")
            || has("can only create exec sessions on running containers")
            || has("can only kill running containers"))
    {
        return EngineError::NotRunning { container: name };
    }
    let running = has("container is running: stop") || has("a running container") || has("as it is running");
    if action.kind == ObjectKind::Container && running {
        return EngineError::StillRunning { container: name };
    }
    if action.kind == ObjectKind::Container && has("is marked for removal") {
        return EngineError::NotFound { kind: ObjectKind::Container, name };
    }
    if has("client version") && (has("too new") || has("too old")) {
        return EngineError::Unsupported { what, message };
    }
    if has("unable to find user") || has("unable to find group") {
        return EngineError::InvalidParameter { what, message };
    }
    if has("container state improper") {
        return EngineError::Conflict { what, message };
    }
    match status {
        404 => not_found(action, &lower),
        400 => EngineError::InvalidParameter { what, message },
        409 => EngineError::Conflict { what, message },
        501 => EngineError::Unsupported { what, message },
        _ => EngineError::Other { what, status: Some(status), message },
    }
}

/// A 404 may be about another thing than the one called on: a network or volume in a container's configuration.
fn not_found(action: &Action, lower: &str) -> EngineError {
    let kind = [
        ("no such exec", ObjectKind::Exec),
        ("no such container", ObjectKind::Container),
        ("no such volume", ObjectKind::Volume),
    ]
    .into_iter()
    .find_map(|(words, kind)| lower.contains(words).then_some(kind))
    .or_else(|| {
        (lower.starts_with("network ") || lower.contains("no such network")).then_some(ObjectKind::Network)
    });
    match kind {
        Some(kind) if kind != action.kind => {
            let name = lower.rsplit_once(": ").map_or(lower, |(_, name)| name);
            EngineError::NotFound { kind, name: escaped(name) }
        }
        _ => EngineError::NotFound { kind: action.kind, name: action.name.clone() },
    }
}

/// The error for a pull that failed, from the answer's status or from within its stream.
///
/// Docker Hub answers alike for a repository that is private and one that does not exist ("pull access denied …
/// may require 'docker login'"); a mistyped name is by far the likelier, and the message carries the other. A registry
/// that got no credentials or wrong ones says more, which comes first here.
pub(crate) fn pull_failure(image: &str, status: Option<u16>, message: &str) -> EngineError {
    const UNREACHABLE: [&str; 14] = [
        "connection refused",
        "no such host",
        "i/o timeout",
        "tls handshake timeout",
        "network is unreachable",
        "no route to host",
        "context deadline exceeded",
        "client.timeout",
        "server misbehaving",
        "connection reset",
        "server gave http response to https client",
        "certificate signed by unknown authority",
        "failed to verify certificate",
        "pinging container registry",
    ];
    const AUTH: [&str; 4] = [
        "unauthorized",
        "authentication required",
        "no basic auth credentials",
        "incorrect username or password",
    ];
    const MISSING: [&str; 7] = [
        "manifest unknown",
        "manifest for",
        "not found",
        "pull access denied",
        "repository does not exist",
        "name unknown",
        "no such image",
    ];
    let lower = message.to_lowercase();
    let any = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    let (image, message) = (image.to_owned(), escaped(message));
    if any(&UNREACHABLE) {
        EngineError::RegistryUnreachable { image, message }
    } else if any(&AUTH) || status == Some(401) {
        EngineError::AuthRequired { image, message }
    } else if any(&MISSING) || status == Some(404) {
        EngineError::ImageNotFound { image, message }
    } else if status == Some(400) {
        EngineError::InvalidParameter { what: format!("pull image {image}"), message }
    } else {
        EngineError::Other { what: format!("pull image {image}"), status, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(error: &EngineError) -> &'static str {
        match error {
            EngineError::Unavailable { .. } => "unavailable",
            EngineError::NotFound { kind: ObjectKind::Network, .. } => "network not found",
            EngineError::NotFound { .. } => "not found",
            EngineError::NotRunning { .. } => "not running",
            EngineError::StillRunning { .. } => "still running",
            EngineError::NameInUse { .. } => "name in use",
            EngineError::PortInUse { .. } => "port in use",
            EngineError::MountSourceMissing { .. } => "mount source missing",
            EngineError::Conflict { .. } => "conflict",
            EngineError::ImageNotFound { .. } => "image not found",
            EngineError::RegistryUnreachable { .. } => "registry unreachable",
            EngineError::AuthRequired { .. } => "auth required",
            EngineError::CommandNotRunnable { exit_code: 127, .. } => "command not found",
            EngineError::CommandNotRunnable { .. } => "command not executable",
            EngineError::InvalidParameter { .. } => "invalid",
            EngineError::Timeout { .. } => "timeout",
            EngineError::Unsupported { .. } => "unsupported",
            EngineError::Malformed { .. } => "malformed",
            EngineError::Other { .. } => "other",
        }
    }

    #[test]
    fn refusals_by_status_and_words() {
        let action = Action::new("start", ObjectKind::Container, "web");
        for (status, message, expected) in [
            (404, "No such container: web", "not found"),
            (404, "No such image: nope:latest", "image not found"),
            (404, "network nope not found", "network not found"),
            (
                409,
                "Conflict. The container name \"/web\" is already in use by container \"a\".",
                "name in use",
            ),
            (
                500,
                "creating container storage: the container name \"web\" is already in use by a",
                "name in use",
            ),
            (409, "Container a is not running", "not running"),
            (
                409,
                "can only kill running containers. ab is in state exited: container state improper",
                "not running",
            ),
            (
                500,
                "cannot remove container ab as it is running - running or paused containers cannot be removed without force: container state improper",
                "still running",
            ),
            (
                409,
                "cannot remove container \"ab\": container is running: stop the container before removing or force remove",
                "still running",
            ),
            (
                409,
                "You cannot remove a running container ab. Stop the container before attempting removal or force remove",
                "still running",
            ),
            (500, "unable to find user nobody1: no matching entries in passwd file", "invalid"),
            (409, "container is marked for removal and cannot be started", "not found"),
            (409, "Container a is paused, unpause the container before exec", "conflict"),
            (500, "Bind for 0.0.0.0:80 failed: port is already allocated", "port in use"),
            (
                400,
                "invalid mount config for type \"bind\": bind source path does not exist: /x",
                "mount source missing",
            ),
            (400, "exec: \"nope\": executable file not found in $PATH: unknown", "command not found"),
            (400, "exec: \"/etc\": permission denied: unknown", "command not executable"),
            (400, "client version 1.51 is too new. Maximum supported API version is 1.43", "unsupported"),
            (400, "bad parameter", "invalid"),
            (500, "boom", "other"),
        ] {
            assert_eq!(kind(&refusal(&action, status, message)), expected, "{message}");
        }
    }

    #[test]
    fn pull_failures_by_words() {
        for (status, message, expected) in [
            (None, "manifest unknown: manifest unknown", "image not found"),
            (
                Some(404),
                "pull access denied for nope, repository does not exist or may require 'docker login'",
                "image not found",
            ),
            (
                Some(500),
                "Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused",
                "registry unreachable",
            ),
            (None, "dial tcp: lookup nope.invalid: no such host", "registry unreachable"),
            (Some(500), "Head \"https://r/v2/x\": no basic auth credentials", "auth required"),
            (Some(500), "unauthorized: authentication required", "auth required"),
            (
                None,
                "pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials",
                "auth required",
            ),
            (
                None,
                "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
                "image not found",
            ),
            (None, "failed to resolve reference \"r/x:1\": r/x:1: not found", "image not found"),
            (Some(400), "invalid reference format", "invalid"),
            (None, "no space left on device", "other"),
        ] {
            assert_eq!(kind(&pull_failure("x", status, message)), expected, "{message}");
        }
    }

    #[test]
    fn messages_cannot_drive_a_terminal() {
        let error = refusal(&Action::new("start", ObjectKind::Container, "web"), 500, "\u{1b}[31mboom");
        assert_eq!(error.to_string(), "cannot start container web: \\u{1b}[31mboom");
    }
}
