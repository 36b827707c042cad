//! What of the host belongs to a workspace, found by looking at files only: no program of the host, git included,
//! runs before the user trusted the configuration.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use gangplank_devcontainer::configuration::Configuration;
use gangplank_devcontainer::effects::HostEffect;
use gangplank_devcontainer::effects::{HostView, hash, host_effects};
use gangplank_devcontainer::paths::HostPath;
use gangplank_protocol::workspace as wire;

use crate::place::own_uid;

/// The effects of a configuration, and the hash that consent is kept by.
#[derive(Debug, Clone)]
pub(super) struct Effects {
    /// Every effect.
    pub list: Vec<HostEffect>,
    /// Their hash; `None` when there are none.
    pub hash: Option<String>,
}

impl Effects {
    /// Judges `configuration` for the workspace at `folder`. `sockets` are the engine's own, wherever they are.
    pub(super) fn of(
        configuration: &Configuration,
        folder: &HostPath,
        home: Option<&str>,
        sockets: Vec<HostPath>,
    ) -> Self {
        let git_root = git_root(folder);
        let home = home.and_then(canonical);
        let mut view = HostView::new(folder, git_root.as_ref(), home.as_ref());
        view.sockets = sockets;
        view.canonical = configuration
            .bind_sources()
            .into_iter()
            .filter_map(|source| canonical(&source).map(|path| (source, path)))
            .collect();
        let list = host_effects(&[configuration.source()], configuration.workspace.mount.as_ref(), &view);
        let hash = (!list.is_empty()).then(|| hash(&list));
        Self { list, hash }
    }

    /// The effects as the protocol has them.
    pub(super) fn wire(&self) -> Vec<wire::HostEffect> {
        self.list
            .iter()
            .map(|effect| wire::HostEffect {
                kind: effect.kind.as_str().to_owned(),
                property: effect.property.clone(),
                value: effect.value.clone(),
                reason: effect.reason.clone(),
            })
            .collect()
    }
}

fn canonical(path: &str) -> Option<HostPath> {
    HostPath::new(std::fs::canonicalize(path).ok()?.to_str()?).ok()
}

/// The nearest folder, from `folder` upwards, that holds `.git`. One that belongs to another user does not count: git
/// itself refuses to work in it.
pub(super) fn git_root(folder: &HostPath) -> Option<HostPath> {
    let mut next = Some(folder.clone());
    while let Some(candidate) = next {
        if let Ok(metadata) = Path::new(candidate.join(".git").as_str()).symlink_metadata() {
            let ours = metadata.uid() == own_uid() || own_uid() == 0;
            return (ours && (metadata.is_dir() || metadata.is_file())).then_some(candidate);
        }
        next = candidate.parent();
    }
    None
}

/// The environment's home, for which a git root does not widen the workspace.
pub(super) fn home(environment: &BTreeMap<String, String>) -> Option<&str> {
    environment.get("HOME").map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_git_root_is_the_nearest_folder_with_git_in_it() {
        let root = tempfile::tempdir().unwrap();
        let root_path = HostPath::new(root.path().canonicalize().unwrap().to_str().unwrap()).unwrap();
        let inner = root_path.join("a/b");
        std::fs::create_dir_all(inner.as_str()).unwrap();
        assert_eq!(git_root(&inner), None);
        std::fs::create_dir(root_path.join(".git").as_str()).unwrap();
        assert_eq!(git_root(&inner), Some(root_path.clone()));
        std::fs::write(root_path.join("a/.git").as_str(), "gitdir: ../.git/worktrees/a").unwrap();
        assert_eq!(git_root(&inner), Some(root_path.join("a")));
    }
}
