//! Mounts, judged by where their sources lead. A source that is not known to lead into the workspace is an effect,
//! and so is an option that is not known to be harmless.
//!
//! A mount is shown as it is written, so that what a variable holds is not shown; where it leads is shown only when
//! something is there.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    AGENT_VOLUME_PREFIX, ENGINE_SOCKETS, EffectKind, Exact, HostEffect, HostView, Place, Source, VolumeReach,
    escape,
};
use crate::csv;
use crate::model::DevContainer;
use crate::mount::{Mount, MountKind, Volume};
use crate::paths::HostPath;
use crate::run_args::{self, RunOptions};

/// Options of `-v` that reach no further than its source does. Anything else may: Podman's `O` with `upperdir=`
/// writes anywhere, `U` changes owners, `rshared` takes mounts out of the container.
const HARMLESS_OPTIONS: [&str; 13] = [
    "ro",
    "rw",
    "z",
    "Z",
    "cached",
    "delegated",
    "consistent",
    "default",
    "nocopy",
    "private",
    "rprivate",
    "slave",
    "rslave",
];

const UNKNOWN_OPTION: &str = "a mount with an option that is not known to be harmless";

/// A mount as it is asked for.
pub(super) struct Asked {
    /// Where.
    pub property: String,
    /// Its text as written.
    pub written: String,
}

/// The text of a mount as it is written in `mounts` or `workspaceMount`, the object form as its fields.
pub(super) fn written(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(members) => {
            let fields: Vec<String> = members
                .iter()
                .filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?)))
                .collect();
            Some(csv::join(fields.iter().map(String::as_str)))
        }
        _ => None,
    }
}

/// The host paths that parts of a configuration mount: for [`HostView::places`].
pub fn bind_sources(sources: &[Source<'_>], workspace_mount: Option<&Mount>) -> Vec<String> {
    mounted(sources, workspace_mount, MountKind::Bind)
}

/// The volumes with a name that parts of a configuration mount: for [`HostView::volumes`].
pub fn named_volumes(sources: &[Source<'_>], workspace_mount: Option<&Mount>) -> Vec<String> {
    mounted(sources, workspace_mount, MountKind::Volume)
}

fn mounted(sources: &[Source<'_>], workspace_mount: Option<&Mount>, kind: MountKind) -> Vec<String> {
    let flags = sources.iter().map(|source| mounting_flags(source.resolved));
    let (volumes, flag_mounts): (Vec<_>, Vec<_>) = flags.unzip();
    let mounts = sources
        .iter()
        .flat_map(|source| &source.resolved.mounts)
        .chain(workspace_mount)
        .chain(flag_mounts.iter().flatten())
        .filter(|mount| mount.kind == kind)
        .filter_map(|mount| mount.source.clone());
    let volumes = volumes
        .iter()
        .flatten()
        .filter(|volume| volume.host_path().is_some() == (kind == MountKind::Bind))
        .filter_map(|volume| volume.source.clone());
    mounts.chain(volumes).collect::<BTreeSet<_>>().into_iter().collect()
}

fn mounting_flags(container: &DevContainer) -> (Vec<Volume>, Vec<Mount>) {
    let RunOptions { volumes, mounts, .. } = run_args::parse(&container.run_args).unwrap_or_default();
    (volumes, mounts)
}

pub(super) fn mount_effect(asked: &Asked, mount: &Mount, host: &HostView) -> Option<HostEffect> {
    let source = mount.source.as_deref()?;
    match mount.kind {
        MountKind::Tmpfs => None,
        MountKind::Volume => volume_effect(asked, source, false, host),
        MountKind::Bind => {
            let unknown_option = mount.propagation.as_deref().is_some_and(|mode| !is_harmless(mode));
            bind_effect(asked, source, unknown_option, host)
        }
    }
}

pub(super) fn flag_volume_effect(asked: &Asked, volume: &Volume, host: &HostView) -> Option<HostEffect> {
    let source = volume.source.as_deref()?;
    let unknown_option =
        volume.options.as_deref().is_some_and(|options| !options.split(',').all(is_harmless));
    if volume.host_path().is_none() {
        return volume_effect(asked, source, unknown_option, host);
    }
    bind_effect(asked, source, unknown_option, host)
}

fn is_harmless(option: &str) -> bool {
    HARMLESS_OPTIONS.contains(&option)
}

fn volume_effect(asked: &Asked, name: &str, unknown_option: bool, host: &HostView) -> Option<HostEffect> {
    let reach = host.volumes.get(name);
    if name.starts_with(AGENT_VOLUME_PREFIX) || reach == Some(&VolumeReach::Own) {
        let reason = "a volume of Gangplank's own, which other containers run programs from";
        return Some(effect(asked, EffectKind::AgentVolume, reason, "", name));
    }
    match reach {
        Some(VolumeReach::Device(device)) => {
            let leads = format!(" (leads to {device})");
            let reason = "a volume that mounts something of the engine's machine";
            Some(effect(asked, EffectKind::HostMount, reason, &leads, device))
        }
        _ if unknown_option => Some(effect(asked, EffectKind::HostMount, UNKNOWN_OPTION, "", name)),
        _ => None,
    }
}

fn bind_effect(asked: &Asked, source: &str, unknown_option: bool, host: &HostView) -> Option<HostEffect> {
    let place = host.places.get(source);
    let (kind, reason) = match place.map(|place| &place.path) {
        Some(path) if ENGINE_SOCKETS.contains(&path.basename()) || host.sockets.contains(path) => {
            (EffectKind::EngineSocket, "the engine's socket: whoever has it is root on the engine's machine")
        }
        Some(path) if host.is_inside(path) && unknown_option => (EffectKind::HostMount, UNKNOWN_OPTION),
        Some(path) if host.is_inside(path) => return None,
        Some(_) => (EffectKind::HostMount, "a path of the host outside the workspace"),
        None if HostPath::new(source).is_err() => {
            (EffectKind::HostMount, "a path of the host that is not absolute")
        }
        None => (EffectKind::HostMount, "a path of the host; it cannot be told where it leads"),
    };
    let leads = leads(&asked.written, source, place);
    Some(effect(asked, kind, reason, &leads, place.map_or(source, |place| place.path.as_str())))
}

/// Where `source`, which stands in `written`, leads: in words, when that says more than the text itself.
pub(super) fn leads(written: &str, source: &str, place: Option<&Place>) -> String {
    match place {
        Some(place) if place.exists && (place.path.as_str() != source || written.contains("${")) => {
            format!(" (leads to {})", place.path)
        }
        _ => String::new(),
    }
}

/// An effect that is shown as it is written, and consented to for what is mounted too.
fn effect(asked: &Asked, kind: EffectKind, reason: &str, leads: &str, mounted: &str) -> HostEffect {
    HostEffect {
        kind,
        property: escape(&asked.property),
        value: escape(&format!("{}{leads}", asked.written)),
        reason: reason.to_owned(),
        exact: Exact::leading(&asked.written, mounted),
    }
}
