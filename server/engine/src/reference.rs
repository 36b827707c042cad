//! Names that go into request paths. bollard joins them into a URL unescaped, so what could change the path is refused.

use crate::EngineError;
use crate::error::Action;

/// Checks the name of an action on a container, exec, volume or network.
pub(crate) fn check_name(action: &Action) -> Result<(), EngineError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    check(action, plain, "letters, digits, `_`, `.` and `-`")
}

/// Checks the name of an action on an image: a name, with tag or digest, or an id.
pub(crate) fn check_image(action: &Action) -> Result<(), EngineError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-/:@".contains(c);
    check(action, plain, "letters, digits and `_.-/:@`")
}

fn check(action: &Action, plain: impl Fn(char) -> bool, allowed: &str) -> Result<(), EngineError> {
    let name = &action.name;
    let steps = || name.split('/').any(|part| part.is_empty() || part == "." || part == "..");
    if name.is_empty() || name.len() > 1024 || !name.chars().all(plain) || steps() {
        return Err(EngineError::InvalidParameter {
            what: action.to_string(),
            message: format!(
                "{:?} is no {} name: {allowed} are allowed",
                crate::text::escaped(name),
                action.kind
            ),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ObjectKind;

    #[test]
    fn names_cannot_change_the_path() {
        for name in ["", "..", "a/../b", "/a", "a?force=1", "a#b", "a b", "a%2fb", "a//b", "ä", "a\u{0}"] {
            assert!(check_image(&Action::new("remove", ObjectKind::Image, name)).is_err(), "{name}");
            assert!(check_name(&Action::new("remove", ObjectKind::Container, name)).is_err(), "{name}");
        }
        assert!(check_name(&Action::new("remove", ObjectKind::Container, "a/b")).is_err());
    }

    #[test]
    fn everyday_names_pass() {
        for name in ["busybox", "ghcr.io/a/b:1.2-x", "127.0.0.1:5000/a@sha256:00ff", "sha256:00ff"] {
            assert!(check_image(&Action::new("remove", ObjectKind::Image, name)).is_ok(), "{name}");
        }
        for name in ["web", "web_1.2-x", "0123abcdef"] {
            assert!(check_name(&Action::new("remove", ObjectKind::Container, name)).is_ok(), "{name}");
        }
    }
}
