//! How the agent's program gets into containers: by a volume that those of our workspaces mount, and into others by a
//! shell's standard input. `docs/design/agent-delivery.md` says why.

mod stdin;

use std::fmt;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gangplank_devcontainer::effects::{AGENT_VOLUME_PREFIX, escape};
use gangplank_engine::container::{ContainerDetails, ContainerSpec, Mount, MountKind};
use gangplank_engine::image::ImageDetails;
use gangplank_engine::{Engine, EngineError};
use gangplank_protocol::{ErrorData, ErrorKind};

use super::binary;
use super::volume::{OwnVolume, Volumes};
use crate::store::Store;

/// On a container: the program's path in it. On a volume: the program's version.
pub(super) const AGENT_LABEL: &str = "dev.gangplank.agent";
/// On a container of a workspace that was made without the volume: why.
const MISSING_LABEL: &str = "dev.gangplank.agent.missing";

/// The program's name in the volume.
pub(super) const PROGRAM_NAME: &str = "agent";
/// Where the volume is mounted, unless the configuration mounts something there.
pub(super) const PLACE: &str = "/.gangplank";

/// Why a container has no agent: a fragment for people.
#[derive(Debug, thiserror::Error)]
pub enum NoAgent {
    /// Nothing there runs the program.
    #[error("it is built for {}, and the engine is {engine} and the image {image}", binary::ARCHITECTURE)]
    Architecture {
        /// The engine's architecture.
        engine: String,
        /// The image's.
        image: String,
    },
    /// The volume's name is taken.
    #[error(
        "the volume {name} was not made by this installation; `docker volume rm {name}` makes room for its own"
    )]
    ForeignVolume {
        /// The name.
        name: String,
    },
    /// The program cannot be laid into the container by a shell.
    #[error("the container has no /bin/sh that this user may run")]
    NoShell,
    /// Neither by a shell that is there.
    #[error("no folder in the container takes a program that this user may run{}", Words(last_words))]
    NoPlace {
        /// The last complaint, if there was one.
        last_words: String,
    },
    /// What laid it there failed.
    #[error("the container's shell ended with {code}{}", Words(words))]
    Failed {
        /// Its exit code.
        code: i64,
        /// What it said last.
        words: String,
    },
    /// What was to lay it there does not end.
    #[error("the container's shell did not end within {} s", within.as_secs())]
    Silent {
        /// How long it was given.
        within: Duration,
    },
    /// What the volume is called cannot be kept.
    #[error("the state directory cannot be written: {0}")]
    State(#[source] io::Error),
    /// The engine's error.
    #[error("{0}")]
    Engine(#[from] EngineError),
    /// A defect of ours.
    #[error("a defect ended what brings it: {0}")]
    Defect(String),
    /// Neither way led there.
    #[error("{now}; the container was made without the agent's volume: {before}")]
    NeitherWay {
        /// Why not now.
        now: Box<NoAgent>,
        /// Why not when the container was made.
        before: String,
    },
}

/// What somebody said last, in brackets.
struct Words<'a>(&'a str);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " ({})", self.0) }
    }
}

/// Brings the agent's program into containers; cheap to clone.
#[derive(Debug, Clone)]
pub struct Delivery(Arc<Volumes>);

/// The volume for a container that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentMount(OwnVolume);

impl Delivery {
    /// Keeps what it must remember in `store`.
    pub fn new(store: Store) -> Self {
        Self(Arc::new(Volumes::new(store)))
    }

    /// The volume to mount in a container of `image`, filled where it was not. `platform` is what the container is made
    /// for, where the configuration says it.
    ///
    /// # Errors
    /// [`NoAgent`]: the container is to be made without.
    pub async fn mount_for(
        &self,
        engine: &Engine,
        image: &ImageDetails,
        platform: Option<&str>,
    ) -> Result<AgentMount, NoAgent> {
        check_architecture(engine, &image.architecture).await?;
        self.0.ensure(engine, &image.id, platform).await.map(AgentMount)
    }

    /// The path of the agent's program in a container that runs, for `user`. Where the container does not mount the
    /// volume, each call lays another copy: keep the path as long as the container is not started anew.
    ///
    /// # Errors
    /// [`NoAgent`].
    pub async fn locate(
        &self,
        engine: &Engine,
        container: &ContainerDetails,
        user: &str,
    ) -> Result<String, NoAgent> {
        if let Some(path) = self.in_volume(engine, container).await {
            return Ok(path);
        }
        let laid = async {
            // The image may be gone; then the engine's own architecture decides.
            let image = engine.inspect_image(&container.image_id).await.unwrap_or_default();
            check_architecture(engine, &image.architecture).await?;
            stdin::deliver(engine, &container.id, user).await
        };
        laid.await.map_err(|now| match container.labels.get(MISSING_LABEL) {
            Some(before) => NoAgent::NeitherWay { now: Box::new(now), before: escape(before) },
            None => now,
        })
    }

    /// The program's path where the container mounts a volume of ours. Its labels alone prove nothing: an image may
    /// bring them.
    async fn in_volume(&self, engine: &Engine, container: &ContainerDetails) -> Option<String> {
        let path = container.labels.get(AGENT_LABEL)?;
        let directory = path.strip_suffix(&format!("/{PROGRAM_NAME}"))?;
        let mount = container.mounts.iter().rfind(|mount| mount.target == directory)?;
        if mount.kind != "volume" || mount.writable || !mount.name.starts_with(AGENT_VOLUME_PREFIX) {
            return None;
        }
        match self.0.holds_program(engine, &mount.name, &container.image_id).await {
            Ok(true) => Some(path.clone()),
            Ok(false) => None,
            Err(why) => {
                tracing::debug!(%why, container = container.id, "the agent's volume is not used");
                None
            }
        }
    }
}

impl AgentMount {
    /// Adds the mount to a container, at a place where it mounts nothing else, and the label that says where.
    pub fn put_into(self, spec: &mut ContainerSpec) {
        let directory = free_place(spec);
        spec.labels.insert(AGENT_LABEL.to_owned(), format!("{directory}/{PROGRAM_NAME}"));
        spec.mounts.push(self.0.mounted_at(&directory, true));
    }
}

/// Notes on a container that it is made without the volume, and why.
pub fn note_missing(spec: &mut ContainerSpec, why: &NoAgent) {
    spec.labels.insert(MISSING_LABEL.to_owned(), why.to_string());
}

/// Refuses to let a request mount a volume of the agent's, by its name: what it changed there would run in other
/// containers. What a configuration mounts is judged with its other effects.
///
/// # Errors
/// `invalidParams`.
pub fn refuse_own_volumes<'a>(
    flag: &str,
    sources: impl IntoIterator<Item = &'a str>,
) -> Result<(), ErrorData> {
    let own = sources.into_iter().find(|source| source.starts_with(AGENT_VOLUME_PREFIX));
    own.map_or(Ok(()), |name| {
        let message = format!("{flag} names the volume {name}, which is Gangplank's own");
        Err(ErrorData::new(ErrorKind::InvalidParams, message).hint("take a volume of another name"))
    })
}

/// The program is static, so what counts is who runs programs: the engine's machine its own, and whatever runs the
/// image those of the image's.
async fn check_architecture(engine: &Engine, image: &str) -> Result<(), NoAgent> {
    if image == binary::ARCHITECTURE {
        return Ok(());
    }
    let engine = engine.info().await?.architecture;
    if engine == binary::ARCHITECTURE {
        return Ok(());
    }
    let image = if image.is_empty() { "unknown" } else { image };
    Err(NoAgent::Architecture { engine, image: escape(image) })
}

/// [`PLACE`], with a number where the container mounts something there, beneath it, or above it.
fn free_place(spec: &ContainerSpec) -> String {
    let mounts = spec.mounts.iter().map(|mount| mount.target.as_str());
    // `source:target[:options]`
    let binds = spec.binds.iter().filter_map(|bind| bind.split(':').nth(1));
    let volumes = spec.anonymous_volumes.iter().map(String::as_str);
    let tmpfs = spec.tmpfs.keys().map(String::as_str);
    let taken: Vec<PathBuf> = mounts.chain(binds).chain(volumes).chain(tmpfs).map(normal).collect();
    let is_free = |place: &String| {
        let place = Path::new(place);
        !taken.iter().any(|taken| taken.starts_with(place) || place.starts_with(taken))
    };
    let numbered = (2_u64..).map(|number| format!("{PLACE}-{number}"));
    // As many places as there are mounts cannot all be taken, but by one that holds them all.
    std::iter::once(PLACE.to_owned())
        .chain(numbered)
        .take(taken.len() + 1)
        .find(is_free)
        .unwrap_or_else(|| PLACE.to_owned())
}

/// A path of the container as the engine makes it of this text.
fn normal(path: &str) -> PathBuf {
    Path::new(path).components().fold(PathBuf::from("/"), |mut path, component| {
        match component {
            Component::ParentDir => drop(path.pop()),
            Component::Normal(name) => path.push(name),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
        path
    })
}

impl OwnVolume {
    /// The mount of it at `target`.
    pub(super) fn mounted_at(self, target: &str, read_only: bool) -> Mount {
        Mount {
            kind: MountKind::Volume {
                name: Some(self.name),
                // Should it be removed in this moment, the engine makes it anew: empty, and ours to fill again.
                labels: self.labels,
                // What the image has there is not the agent's.
                no_copy: true,
                subpath: None,
            },
            target: target.to_owned(),
            read_only,
            consistency: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(mounts: &[&str], binds: &[&str], tmpfs: &[&str], anonymous: &[&str]) -> ContainerSpec {
        let volume = OwnVolume { name: "v".into(), labels: Default::default() };
        ContainerSpec {
            mounts: mounts.iter().map(|target| volume.clone().mounted_at(target, false)).collect(),
            binds: binds.iter().map(ToString::to_string).collect(),
            tmpfs: tmpfs.iter().map(|target| (target.to_string(), String::new())).collect(),
            anonymous_volumes: anonymous.iter().map(ToString::to_string).collect(),
            ..ContainerSpec::default()
        }
    }

    #[test]
    fn the_volume_is_mounted_where_nothing_else_is() {
        let place = |mounts: &[&str], binds: &[&str], tmpfs: &[&str], anonymous: &[&str]| {
            free_place(&spec(mounts, binds, tmpfs, anonymous))
        };
        assert_eq!(place(&["/workspaces/p"], &[], &[], &[]), "/.gangplank");
        for taken in ["/.gangplank", "/.gangplank/", "//.gangplank/./x", "/a/../.gangplank/deep/er"] {
            assert_eq!(place(&[taken], &[], &[], &[]), "/.gangplank-2", "{taken}");
        }
        let all = place(&["/.gangplank"], &["v:/.gangplank-2:ro"], &["/.gangplank-3"], &["/.gangplank-4/x"]);
        assert_eq!(all, "/.gangplank-5");
        assert_eq!(place(&["/.gangplanks"], &[], &[], &[]), "/.gangplank");
    }

    #[test]
    fn the_mount_is_read_only_and_the_label_says_where() {
        let labels = [("dev.gangplank.agent".to_owned(), "1".to_owned())].into();
        let mut spec = spec(&["/.gangplank"], &[], &[], &[]);
        AgentMount(OwnVolume { name: "gangplank-agent-1-2".into(), labels }).put_into(&mut spec);
        assert_eq!(spec.labels[AGENT_LABEL], "/.gangplank-2/agent");
        let mount = spec.mounts.last().unwrap();
        assert!(mount.read_only);
        assert_eq!(mount.target, "/.gangplank-2");
        assert!(
            matches!(&mount.kind, MountKind::Volume { name: Some(name), no_copy: true, .. } if name == "gangplank-agent-1-2")
        );
    }

    #[test]
    fn reasons_are_sentences() {
        let shell = NoAgent::NoPlace { last_words: "cat: write error: No space left on device".into() };
        assert_eq!(
            shell.to_string(),
            "no folder in the container takes a program that this user may run (cat: write error: No space left on device)"
        );
        let both = NoAgent::NeitherWay { now: Box::new(NoAgent::NoShell), before: "the disk is full".into() };
        assert_eq!(
            both.to_string(),
            "the container has no /bin/sh that this user may run; the container was made without the agent's volume: the disk is full"
        );
    }
}
