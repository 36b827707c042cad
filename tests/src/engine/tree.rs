//! An engine's Debian packages, unpacked into a folder and installed nowhere.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use sha2::{Digest, Sha256};

use super::kind::EngineKind;
use crate::error::HarnessError;
use crate::{debian, place, program};

/// Counts up when what is done to a tree after unpacking changes.
const REVISION: u32 = 2;

/// The tree of `kind`, unpacked now where it was not before. Trees are named by what they are made of.
pub(super) fn unpacked(kind: EngineKind) -> Result<PathBuf, HarnessError> {
    let recipe = format!("{REVISION} {} {}", kind.suite(), kind.packages().join(","));
    let digest = Sha256::digest(recipe.as_bytes());
    let name =
        format!("{}-{:02x}{:02x}{:02x}{:02x}", kind.suite(), digest[0], digest[1], digest[2], digest[3]);
    let trees = place::beneath_target("engines/trees")?;
    let tree = trees.join(&name);
    let lock = trees.join(format!("{name}.lock"));
    let turn = File::create(&lock).map_err(HarnessError::io("make", &lock))?;
    turn.lock().map_err(HarnessError::io("lock", &lock))?;
    if !tree.exists() {
        unpack(kind, &trees, &name)?;
    }
    Ok(tree)
}

fn unpack(kind: EngineKind, trees: &Path, name: &str) -> Result<(), HarnessError> {
    let begun = Instant::now();
    crate::say(format_args!("unpacking the packages of {kind} from Debian {}", kind.suite()));
    debian::require(&[debian::MMDEBSTRAP])?;
    let half_done = trees.join(format!("{name}.partial"));
    if half_done.exists() {
        std::fs::remove_dir_all(&half_done).map_err(HarnessError::io("remove", &half_done))?;
    }
    let mut command = Command::new("mmdebstrap");
    command
        .args(["--quiet", "--mode=root", "--variant=extract"])
        // a mirror's copy of a release may be older than the release file's validity
        .args(["--aptopt", "Acquire::Check-Valid-Until \"false\""])
        // everything beneath /usr, in older releases too: it is all that an engine's namespace takes from the tree
        .arg("--hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr")
        .arg(format!("--include={}", kind.packages().join(",")))
        .arg(kind.suite())
        .arg(&half_done)
        .args(debian::mirror());
    program::run(&mut command)?;
    finish(&half_done)?;
    let tree = trees.join(name);
    std::fs::rename(&half_done, &tree).map_err(HarnessError::io("move into place", &tree))?;
    crate::say(format_args!("unpacked {kind} in {:.0} s", begun.elapsed().as_secs_f32()));
    Ok(())
}

/// What the packages' own installation scripts would have done, as far as an engine needs it.
fn finish(tree: &Path) -> Result<(), HarnessError> {
    for family in ["iptables", "ip6tables"] {
        for part in ["", "-save", "-restore"] {
            let link = tree.join(format!("usr/sbin/{family}{part}"));
            if !link.exists() {
                std::os::unix::fs::symlink("xtables-nft-multi", &link)
                    .map_err(HarnessError::io("make the link", &link))?;
            }
        }
    }
    // mount points for what stays the host's
    let local = tree.join("usr/local");
    std::fs::create_dir_all(&local).map_err(HarnessError::io("make the folder", local))?;
    // /etc/os-release is a link into /usr, which the tree replaces
    let release = tree.join("usr/lib/os-release");
    if !release.exists() {
        std::fs::copy("/etc/os-release", &release).map_err(HarnessError::io("copy", release))?;
    }
    Ok(())
}
