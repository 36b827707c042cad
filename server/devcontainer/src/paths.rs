//! Paths of the host and paths of the container, as types of their own, so that one cannot stand in for the other.
//!
//! Both are absolute POSIX paths as text. They are normalised by their text alone (`.`, `..`, repeated slashes):
//! links are for the caller, who passes canonical paths where that matters.

use std::fmt;

use thiserror::Error;

/// A path that is not absolute.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path:?} is not an absolute path")]
pub struct NotAbsolute {
    /// The path as written.
    pub path: String,
}

/// An absolute path on the host, normalised.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPath(String);

/// An absolute path in the container, normalised.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContainerPath(String);

macro_rules! absolute_path {
    ($path:ident, $side:literal) => {
        impl $path {
            #[doc = concat!("A path ", $side, ".")]
            ///
            /// # Errors
            /// When it is not absolute.
            pub fn new(path: &str) -> Result<Self, NotAbsolute> {
                match normalize(path) {
                    Some(normal) => Ok(Self(normal)),
                    None => Err(NotAbsolute { path: path.to_owned() }),
                }
            }

            /// The path's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The last part; empty for the root.
            pub fn basename(&self) -> &str {
                self.0.rsplit_once('/').map_or("", |(_, name)| name)
            }

            /// The folder that holds it; `None` for the root.
            pub fn parent(&self) -> Option<Self> {
                let (parent, name) = self.0.rsplit_once('/')?;
                if name.is_empty() {
                    return None;
                }
                Some(Self(if parent.is_empty() { "/".to_owned() } else { parent.to_owned() }))
            }

            /// The path of `relative` seen from here; an absolute `relative` replaces this one.
            #[must_use]
            pub fn join(&self, relative: &str) -> Self {
                let joined = if relative.starts_with('/') {
                    relative.to_owned()
                } else {
                    format!("{}/{relative}", self.0)
                };
                // Both forms begin with a slash, which is all that normalising asks for.
                Self(normalize(&joined).unwrap_or(joined))
            }

            /// Whether this is `ancestor` or lies beneath it.
            pub fn is_within(&self, ancestor: &Self) -> bool {
                self.beneath(ancestor).is_some()
            }

            /// The way from `ancestor` to this path: empty when they are the same, `None` when it does not lie beneath.
            pub fn beneath(&self, ancestor: &Self) -> Option<&str> {
                let rest = self.0.strip_prefix(ancestor.0.trim_end_matches('/'))?;
                match rest.strip_prefix('/') {
                    Some(relative) => Some(relative),
                    None => rest.is_empty().then_some(""),
                }
            }
        }

        impl fmt::Display for $path {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

absolute_path!(HostPath, "on the host");
absolute_path!(ContainerPath, "in the container");

/// `None` unless absolute.
fn normalize(path: &str) -> Option<String> {
    if !path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    Some(format!("/{}", parts.join("/")))
}

/// A host folder seen in a container at another path: translates between the two sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathMap {
    /// The folder on the host.
    pub host: HostPath,
    /// Where the container sees it.
    pub container: ContainerPath,
}

impl PathMap {
    /// Where the container sees a host path; `None` when it lies outside the folder.
    pub fn to_container(&self, path: &HostPath) -> Option<ContainerPath> {
        path.beneath(&self.host).map(|relative| self.container.join(relative))
    }

    /// Where the host holds a container's path; `None` when it lies outside the folder.
    pub fn to_host(&self, path: &ContainerPath) -> Option<HostPath> {
        path.beneath(&self.container).map(|relative| self.host.join(relative))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_normalised_by_text() {
        for (written, expected) in [
            ("/", "/"),
            ("//a//b/", "/a/b"),
            ("/a/./b/../c", "/a/c"),
            ("/../..", "/"),
            ("/a/..b", "/a/..b"),
            ("/ä b,c:d", "/ä b,c:d"),
        ] {
            assert_eq!(HostPath::new(written).unwrap().as_str(), expected);
        }
        assert_eq!(ContainerPath::new("a/b").unwrap_err().to_string(), "\"a/b\" is not an absolute path");
    }

    #[test]
    fn within_is_by_whole_names() {
        let at = |path| HostPath::new(path).unwrap();
        assert!(at("/a/b").is_within(&at("/a")));
        assert!(at("/a").is_within(&at("/a")));
        assert!(at("/a").is_within(&at("/")));
        assert!(at("/").is_within(&at("/")));
        assert!(!at("/ab").is_within(&at("/a")));
        assert!(!at("/a/../c").is_within(&at("/a")));
        assert_eq!(at("/a/b/c").parent(), Some(at("/a/b")));
        assert_eq!(at("/a").parent(), Some(at("/")));
        assert_eq!(at("/").parent(), None);
        assert_eq!(at("/a/b").basename(), "b");
        assert_eq!(at("/").basename(), "");
        assert_eq!(at("/a").join("/b"), at("/b"));
    }

    proptest! {
        #[test]
        fn translation_there_and_back_is_the_identity(relative in "[a-z. é/]{0,20}") {
            let map = PathMap {
                host: HostPath::new("/home/u/p").unwrap(),
                container: ContainerPath::new("/workspaces/p").unwrap(),
            };
            let host = map.host.join(&relative);
            if let Some(inside) = map.to_container(&host) {
                prop_assert_eq!(map.to_host(&inside), Some(host));
            } else {
                prop_assert!(relative.contains("..") || relative.starts_with('/'));
            }
        }
    }
}
