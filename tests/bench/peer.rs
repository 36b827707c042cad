//! The peers, by name and version from npm: the reference CLI and a watcher for Node.

use std::path::PathBuf;
use std::process::Command;

use gangplank_tests::error::HarnessError;
use gangplank_tests::place;

const REFERENCE: &str = "@devcontainers/cli@0.89.0";
const WATCHER: &str = "@parcel/watcher@2.5.1";

/// Where the peers are.
#[derive(Debug)]
pub(crate) struct Peers {
    folder: PathBuf,
}

impl Peers {
    /// Gets them, unless they are there.
    pub(crate) fn install() -> Result<Self, HarnessError> {
        let folder = place::beneath_target("bench")?.join("peers");
        std::fs::create_dir_all(&folder).map_err(HarnessError::io("make the folder", &folder))?;
        let peers = Self { folder };
        if !peers.reference().exists() || !peers.folder.join("node_modules/@parcel/watcher").exists() {
            let installed = Command::new("npm")
                .args(["install", "--no-audit", "--no-fund", "--no-package-lock", "--prefix"])
                .arg(&peers.folder)
                .args([REFERENCE, WATCHER])
                .output()
                .map_err(HarnessError::io("start npm", &peers.folder))?;
            if !installed.status.success() {
                return Err(HarnessError::Program {
                    program: format!("npm install {REFERENCE} {WATCHER}"),
                    status: installed.status.to_string(),
                    tail: String::from_utf8_lossy(&installed.stderr).into_owned(),
                });
            }
        }
        Ok(peers)
    }

    /// The reference CLI's program, to be run by Node.
    pub(crate) fn reference(&self) -> PathBuf {
        self.folder.join("node_modules/@devcontainers/cli/devcontainer.js")
    }

    /// Where Node finds the watcher.
    pub(crate) fn modules(&self) -> PathBuf {
        self.folder.join("node_modules")
    }
}
