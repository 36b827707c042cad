//! Which folders of a container are this machine's: asked of the engine, which knows what is mounted whatever a
//! configuration says by now.

use std::path::Path;

use gangplank_client::Client;
use gangplank_protocol::catalogue::{ContainerInspect, WorkspaceInspect};
use gangplank_protocol::container::{ContainerParams, MountPoint};
use gangplank_protocol::workspace::{WorkspaceParams, WorkspaceSelector};

use crate::failure::Failure;
use crate::terminal::host_paths::{HostPaths, Pair};

/// The folders that a workspace's container shares with this machine.
///
/// # Errors
/// When the container or its workspace cannot be inspected.
pub(super) async fn host_paths(client: &Client, workspace: WorkspaceSelector) -> Result<HostPaths, Failure> {
    let details =
        client.call::<WorkspaceInspect>(&WorkspaceParams { workspace, ..WorkspaceParams::default() }).await?;
    let found = details.workspace.container;
    let container =
        ContainerParams { engine: Some(found.engine), container: found.container_id, request_key: None };
    let mounts = client.call::<ContainerInspect>(&container).await?.mounts;
    Ok(HostPaths::new(pairs(&details.remote_workspace_folder, &mounts)))
}

/// Of a workspace folder in the container: the mount that it lies in, and those that lie in it.
fn pairs(folder: &str, mounts: &[MountPoint]) -> Vec<Pair> {
    let holding = mounts.iter().filter(|mount| Path::new(folder).starts_with(&mount.target));
    let holding = holding.max_by_key(|mount| mount.target.len());
    let within = mounts.iter().filter(|mount| Path::new(&mount.target).starts_with(folder));
    let within = within.filter(|mount| holding.is_none_or(|holding| holding.target != mount.target));
    holding.into_iter().chain(within).map(pair).collect()
}

fn pair(mount: &MountPoint) -> Pair {
    let container = mount.target.trim_end_matches('/').to_owned();
    let host = match mount.kind.as_str() {
        "bind" if mount.source.starts_with('/') => mount.source.trim_end_matches('/').to_owned(),
        _ => container.clone(),
    };
    Pair { container, host }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(kind: &str, source: &str, target: &str) -> MountPoint {
        MountPoint { kind: kind.into(), source: source.into(), target: target.into(), read_only: false }
    }

    fn told(folder: &str, mounts: &[MountPoint]) -> Vec<String> {
        let pairs = pairs(folder, mounts);
        pairs.into_iter().map(|Pair { container, host }| format!("{container} {host}")).collect()
    }

    #[test]
    fn the_mount_of_the_folder_and_those_in_it_count() {
        let mounts = [
            mount("bind", "/home/ada/repo", "/workspaces/repo"),
            mount("volume", "deps", "/workspaces/repo/sub/node_modules"),
            mount("bind", "/data", "/workspaces/repo/sub/data"),
            mount("bind", "/home/ada/.ssh", "/root/.ssh"),
            mount("bind", "/home/ada/repository", "/workspaces/repository"),
        ];
        let expected = [
            "/workspaces/repo /home/ada/repo",
            "/workspaces/repo/sub/node_modules /workspaces/repo/sub/node_modules",
            "/workspaces/repo/sub/data /data",
        ];
        assert_eq!(told("/workspaces/repo/sub", &mounts), expected);
        assert_eq!(told("/elsewhere", &mounts), [""; 0]);
    }

    #[test]
    fn a_folder_in_a_volume_is_the_containers_alone() {
        let mounts = [mount("bind", "/home/ada", "/w"), mount("volume", "v", "/w/app")];
        assert_eq!(told("/w/app", &mounts), ["/w/app /w/app"]);
    }
}
