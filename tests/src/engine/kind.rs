//! The engines that tests run on, and the Debian packages that hold them.

use std::fmt;

/// One of the engines that Gangplank must work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EngineKind {
    /// A current Docker Engine with the containerd image store, the default of new installations: everything is
    /// tested here.
    Docker,
    /// The same engine with the classic image store.
    DockerClassic,
    /// Docker Engine 20.10, the oldest that must work.
    Docker20,
    /// Podman 5 through its Docker-compatible API.
    Podman,
}

impl EngineKind {
    /// All kinds, the main one first.
    pub const ALL: [EngineKind; 4] =
        [EngineKind::Docker, EngineKind::DockerClassic, EngineKind::Docker20, EngineKind::Podman];

    /// Its name in messages and folders.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EngineKind::Docker => "docker",
            EngineKind::DockerClassic => "docker-classic",
            EngineKind::Docker20 => "docker-20.10",
            EngineKind::Podman => "podman",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<EngineKind> {
        EngineKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Debian's release whose packages hold this engine.
    pub(crate) fn suite(self) -> &'static str {
        match self {
            EngineKind::Docker | EngineKind::DockerClassic | EngineKind::Podman => "forky",
            EngineKind::Docker20 => "bookworm",
        }
    }

    /// The packages themselves, with what they call.
    pub(crate) fn packages(self) -> &'static [&'static str] {
        match self {
            EngineKind::Docker | EngineKind::DockerClassic => &[
                "docker.io",
                "docker-cli",
                "docker-buildx",
                "docker-compose",
                "containerd",
                "runc",
                "tini",
                "iptables",
                "ca-certificates",
                "kmod",
                "procps",
                "xz-utils",
                "git",
                "coreutils",
            ],
            EngineKind::Docker20 => &[
                "docker.io",
                "containerd",
                "runc",
                "tini",
                "iptables",
                "ca-certificates",
                "kmod",
                "procps",
                "xz-utils",
                "coreutils",
            ],
            EngineKind::Podman => &[
                "podman",
                "crun",
                "conmon",
                "catatonit",
                "netavark",
                "aardvark-dns",
                "iptables",
                "ca-certificates",
                "kmod",
                "procps",
                "coreutils",
            ],
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
