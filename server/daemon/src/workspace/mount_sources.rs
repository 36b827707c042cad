//! The host paths that a container has mounted, judged at every start: it has them as text, whose links the engine
//! follows each time anew, and what runs in a container can put a link where a folder of its workspace was.
//!
//! It looks before the start, and after it at what was mounted, where the kernel's tables can be read: whoever shares
//! the folder may change a link in between.

use std::collections::BTreeSet;
use std::path::Path;

use gangplank_devcontainer::effects::{DOCKER_SOCKET, EffectKind, escape};
use gangplank_devcontainer::identity::LOCAL_FOLDER_LABEL;
use gangplank_devcontainer::mount::{Mount, MountKind};
use gangplank_devcontainer::paths::HostPath;
use gangplank_engine::Engine;
use gangplank_engine::container::ContainerDetails;
use gangplank_protocol::error::ErrorDetails;
use gangplank_protocol::workspace::HostEffect;
use gangplank_protocol::{ErrorData, ErrorKind};

use super::find::OPENED_FOLDER_LABEL;
use super::leads::place;
use super::{effects, mount_check};
use crate::failure::from_engine;

/// Starts a container as `container/start` does: one of a workspace only where its mounts still are what they were.
///
/// # Errors
/// `untrusted`; the engine's.
pub async fn start(engine: &Engine, container: &ContainerDetails) -> Result<(), ErrorData> {
    let mut labels = [LOCAL_FOLDER_LABEL, OPENED_FOLDER_LABEL].iter();
    let folder = labels.find_map(|label| HostPath::new(container.labels.get(*label)?).ok());
    let judged = folder.filter(|_| engine.is_local() && !container.state.running);
    let named = judged.as_ref().map(named);
    if let Some(named) = &named {
        refuse(container, led_elsewhere(container, named).await?)?;
    }
    engine.start_container(&container.id).await.map_err(from_engine)?;
    let Some(named) = named else { return Ok(()) };
    let started = engine.inspect_container(&container.id).await.map_err(from_engine)?;
    refuse_started(engine, &started, &named).await
}

/// Stops a container that was given something else than was judged.
///
/// # Errors
/// `untrusted`; `internal` when the judging itself failed.
pub(super) async fn refuse_started(
    engine: &Engine,
    container: &ContainerDetails,
    named: &[HostPath],
) -> Result<(), ErrorData> {
    let judged = led_elsewhere(container, named).await.and_then(|effects| refuse(container, effects));
    if judged.is_err() {
        // Killed: nothing of it shall go on with what it was given.
        if let Err(error) = engine.kill_container(&container.id, "KILL").await {
            tracing::warn!(%error, "a container whose mounts lead elsewhere was not stopped");
        }
    }
    judged
}

/// Refuses to start a container whose mounts lead elsewhere.
///
/// # Errors
/// `untrusted`, with each mount.
pub(super) fn refuse(container: &ContainerDetails, effects: Vec<HostEffect>) -> Result<(), ErrorData> {
    if effects.is_empty() {
        return Ok(());
    }
    let mounts: Vec<&str> = effects.iter().map(|effect| effect.value.as_str()).collect();
    let message = format!(
        "the container {} would be given other folders of this machine than it was made with: {}",
        container.name,
        mounts.join(", ")
    );
    let hash = blake3::hash(mounts.join("\0").as_bytes()).to_hex().to_string();
    Err(ErrorData::new(ErrorKind::Untrusted, message)
        .hint("see who made the links; `gangplank rebuild` makes the container anew from its configuration, `gangplank up --trust` starts this one all the same")
        .details(ErrorDetails::HostEffects { effects, hash }))
}

/// The mounts of a container that lead, or led just now, to something else than their text says.
///
/// # Errors
/// `internal` when the judging itself failed.
pub(super) async fn led_elsewhere(
    container: &ContainerDetails,
    named: &[HostPath],
) -> Result<Vec<HostEffect>, ErrorData> {
    let (container, named) = (container.clone(), named.to_vec());
    tokio::task::spawn_blocking(move || look(&container, &named)).await.map_err(|e| {
        ErrorData::new(ErrorKind::Internal, "the container's mounts could not be judged").caused_by(&e)
    })
}

/// Mounts that a request asks for, by where they lead, so that it is this that the container has.
///
/// # Errors
/// `internal` when that could not be looked at.
pub(super) async fn followed(mut mounts: Vec<Mount>) -> Result<Vec<Mount>, ErrorData> {
    let looked = tokio::task::spawn_blocking(move || {
        for mount in mounts.iter_mut().filter(|mount| mount.kind == MountKind::Bind) {
            let source = mount.source.as_deref().filter(|source| *source != DOCKER_SOCKET);
            if let Some(place) = source.and_then(place) {
                mount.source = Some(place.path.to_string());
            }
        }
        mounts
    });
    looked.await.map_err(|e| {
        ErrorData::new(ErrorKind::Internal, "where a mount leads could not be looked at").caused_by(&e)
    })
}

/// The paths that are mounted by the name by which the user opened `folder`.
fn named(folder: &HostPath) -> Vec<HostPath> {
    std::iter::once(folder.clone()).chain(effects::git_root(folder)).collect()
}

fn look(container: &ContainerDetails, named: &[HostPath]) -> Vec<HostEffect> {
    let binds = || container.mounts.iter().filter(|mount| mount.kind == "bind");
    let sources: BTreeSet<HostPath> =
        binds().filter_map(|mount| place(&mount.source)).map(|place| place.path).collect();
    binds()
        .filter_map(|mount| {
            let source = mount.source.as_str();
            let leads = place(source).map(|place| place.path);
            // Made normal: an unusual way to write the same path leads nowhere else.
            let written = HostPath::new(source).ok();
            let named = named.iter().any(|named| named.as_str() == source);
            // A link that no mount holds was made by somebody of this machine; a container of another tool may have one.
            let trusted = named || leads.is_some();
            let held = written.as_ref().is_none_or(|written| is_held(written, &sources));
            let as_written =
                source == DOCKER_SOCKET || (leads.is_some() && leads == written) || (trusted && !held);
            let other_is_mounted =
                || container.state.running && mount_check::was_replaced(container, source, &mount.target);
            if as_written && !other_is_mounted() {
                return None;
            }
            let leads = match leads {
                _ if as_written => "it led elsewhere while the container started".to_owned(),
                Some(path) => format!("leads to {path}"),
                None => "it cannot be told where it leads".to_owned(),
            };
            Some(HostEffect {
                kind: EffectKind::HostMount.as_str().to_owned(),
                property: "mount of the container".to_owned(),
                value: escape(&format!("{source} at {} ({leads})", mount.target)),
                reason: "it is not what it was when the container was made".to_owned(),
            })
        })
        .collect()
}

/// Whether one of the mounts holds a part of the way to `path`: then the container can lead it elsewhere itself.
fn is_held(path: &HostPath, sources: &BTreeSet<HostPath>) -> bool {
    Path::new(path.as_str())
        .ancestors()
        .skip(1)
        .filter_map(|above| place(above.to_str()?))
        .any(|above| sources.iter().any(|source| above.path.is_within(source)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use gangplank_engine::container::MountPoint;

    use super::*;

    #[test]
    fn only_the_folders_own_name_may_lead_elsewhere_unless_a_mount_holds_it() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let at = |name: &str| root.join(name).to_str().unwrap().to_owned();
        for folder in ["git/inner/real", "outside"] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        let led = |named: &[&str], sources: &[&str]| {
            let named: Vec<HostPath> = named.iter().map(|path| HostPath::new(path).unwrap()).collect();
            let mount = |source: &&str| MountPoint {
                kind: "bind".into(),
                name: String::new(),
                source: (*source).to_owned(),
                target: "/x".into(),
                writable: true,
            };
            let mounts = sources.iter().map(mount).collect();
            look(&ContainerDetails { mounts, ..ContainerDetails::default() }, &named).len()
        };
        let [inner, real, git, outside] = ["git/inner", "git/inner/real", "git", "outside"].map(at);
        assert_eq!(led(&[&inner], &[&inner, &real, "/var/run/docker.sock"]), 0);
        // Not there at all, and so made where it says.
        assert_eq!(led(&[&inner], &[&at("git/inner/new"), &at("git/inner/real/")]), 0);
        std::fs::remove_dir(&real).unwrap();
        symlink(&outside, &real).unwrap();
        assert_eq!(led(&[&inner], &[&inner, &real]), 1);
        std::fs::rename(&inner, at("git/gone")).unwrap();
        symlink(&outside, &inner).unwrap();
        assert_eq!(led(&[&inner, &git], &[&inner]), 0);
        assert_eq!(led(&[&inner, &git], &[&git]), 0);
        assert_eq!(led(&[&inner, &git], &[&git, &inner]), 1);
        // Of links that the container cannot have made, nothing is asked.
        assert_eq!(led(&[], &[&inner]), 0);
    }
}
