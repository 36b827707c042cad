//! How the workspace gets into the container, and which folder in there is opened.
//!
//! As the reference: the folder's git root (or the folder itself) is mounted at `/workspaces/<its name>`, and the
//! folder's place beneath it is opened. `workspaceFolder` and `workspaceMount` each replace their half.

use crate::model::{DevContainer, WorkspaceMountSetting};
use crate::mount::{Mount, MountKind};
use crate::paths::{ContainerPath, HostPath, PathMap};

/// Where workspaces are mounted by default.
const DEFAULT_PARENT: &str = "/workspaces";

/// The workspace in its container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceInContainer {
    /// The folder that is opened, as written or by default: what the reference calls `remoteWorkspaceFolder`.
    pub folder: String,
    /// What is mounted for it; `None` when the configuration wants no mount.
    pub mount: Option<Mount>,
}

impl WorkspaceInContainer {
    /// The translation between host and container that the mount gives; `None` without a bind mount of absolute paths.
    pub fn path_map(&self) -> Option<PathMap> {
        let mount = self.mount.as_ref().filter(|mount| mount.kind == MountKind::Bind)?;
        Some(PathMap {
            host: HostPath::new(mount.source.as_deref()?).ok()?,
            container: ContainerPath::new(&mount.target).ok()?,
        })
    }
}

/// The place that the reference gives to `folder` when nothing else is configured: the mount of `mount_root`, which
/// is the folder's git root or the folder itself, and the folder that is opened.
pub fn default_workspace(folder: &HostPath, mount_root: &HostPath) -> WorkspaceInContainer {
    let target = format!("{DEFAULT_PARENT}/{}", mount_root.basename());
    let folder = match folder.beneath(mount_root) {
        None | Some("") => target.clone(),
        Some(relative) => format!("{target}/{relative}"),
    };
    // The root of a file system has no name; the reference then joins to the parent itself.
    let target = target.trim_end_matches('/').to_owned();
    let folder = folder.trim_end_matches('/').to_owned();
    WorkspaceInContainer { folder, mount: Some(Mount::bind(mount_root.as_str(), target)) }
}

/// The workspace as a configuration wants it: `container` with variables substituted, else the default.
pub fn workspace(container: &DevContainer, default: WorkspaceInContainer) -> WorkspaceInContainer {
    let folder = container.workspace_folder.clone().filter(|folder| !folder.is_empty());
    WorkspaceInContainer {
        folder: folder.unwrap_or(default.folder),
        mount: match &container.workspace_mount {
            WorkspaceMountSetting::Default => default.mount,
            WorkspaceMountSetting::None => None,
            WorkspaceMountSetting::Mount(mount) => Some(mount.clone()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> HostPath {
        HostPath::new(path).unwrap()
    }

    #[test]
    fn the_default_is_the_git_root_and_the_folder_beneath_it() {
        let plain = default_workspace(&at("/w/p1"), &at("/w/p1"));
        assert_eq!(plain.folder, "/workspaces/p1");
        assert_eq!(plain.mount.unwrap().to_string(), "type=bind,source=/w/p1,target=/workspaces/p1");
        let inner = default_workspace(&at("/w/p,1/a b/c"), &at("/w/p,1"));
        assert_eq!(inner.folder, "/workspaces/p,1/a b/c");
        assert_eq!(
            inner.mount.unwrap().to_string(),
            "type=bind,\"source=/w/p,1\",\"target=/workspaces/p,1\""
        );
        assert_eq!(default_workspace(&at("/"), &at("/")).folder, "/workspaces");
    }

    #[test]
    fn each_half_can_be_replaced() {
        let default = || default_workspace(&at("/w/p1"), &at("/w/p1"));
        let folder = DevContainer { workspace_folder: Some("/x/".to_owned()), ..DevContainer::default() };
        assert_eq!(workspace(&folder, default()).folder, "/x/");
        assert_eq!(workspace(&folder, default()).mount, default().mount);
        let no_mount =
            DevContainer { workspace_mount: WorkspaceMountSetting::None, ..DevContainer::default() };
        assert_eq!(workspace(&no_mount, default()).mount, None);
        assert_eq!(workspace(&no_mount, default()).folder, "/workspaces/p1");
        assert_eq!(workspace(&no_mount, default()).path_map(), None);
        let mount = WorkspaceMountSetting::Mount(Mount::bind("/w", "/y"));
        let mounted = DevContainer { workspace_mount: mount, ..DevContainer::default() };
        let map = workspace(&mounted, default()).path_map().unwrap();
        assert_eq!(map.to_container(&at("/w/p1/f")).unwrap().as_str(), "/y/p1/f");
    }
}
