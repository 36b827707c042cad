//! Notices that the folder on the host was replaced under a running container: a fresh clone, or tools that swap whole
//! trees, leave the container with the old folder, and the runtime then refuses every process in words about an attack.
//!
//! The kernel's own tables of mounts say it without asking the engine: what the container has mounted at the workspace
//! is compared with where the folder is now.

use std::path::Path;

use gangplank_devcontainer::mount::{Mount, MountKind};
use gangplank_engine::container::ContainerDetails;
use gangplank_protocol::{ErrorData, ErrorKind};

use crate::process::host_pid;

/// One line of a mount table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MountLine {
    device: String,
    root: String,
    point: String,
}

/// Refuses to start a process in a container that holds a workspace folder which was replaced on the host.
///
/// # Errors
/// `containerState`, with what to do.
pub(super) fn refuse_replaced(container: &ContainerDetails, mount: Option<&Mount>) -> Result<(), ErrorData> {
    let Some(mount) = mount.filter(|mount| mount.kind == MountKind::Bind) else { return Ok(()) };
    let source = mount.source.as_deref().unwrap_or_default();
    if !was_replaced(container, source, &mount.target) {
        return Ok(());
    }
    Err(ErrorData::new(
        ErrorKind::ContainerState,
        format!("the folder {source} was replaced on this machine, so the container still holds the old one"),
    )
    .hint("`gangplank up` mends it by restarting the container"))
}

/// Whether the container (of an engine on this machine) has something else mounted at `target` than the folder
/// `source` is now. Unknown counts as no: then the first process that fails tells.
pub(super) fn was_replaced(container: &ContainerDetails, source: &str, target: &str) -> bool {
    let Some(pid) = host_pid(container.state.pid, &container.id) else { return false };
    let read = |path: String| std::fs::read_to_string(path).ok().map(|text| parse(&text));
    let (Some(theirs), Some(ours)) =
        (read(format!("/proc/{pid}/mountinfo")), read("/proc/self/mountinfo".into()))
    else {
        return false;
    };
    let Some(canonical) =
        Path::new(source).canonicalize().ok().and_then(|path| path.to_str().map(str::to_owned))
    else {
        return false;
    };
    differs(&theirs, &ours, &canonical, target)
}

fn differs(theirs: &[MountLine], ours: &[MountLine], source: &str, target: &str) -> bool {
    // Later mounts cover earlier ones.
    let Some(mounted) = theirs.iter().rev().find(|line| line.point == target) else { return false };
    if mounted.root.ends_with("//deleted") {
        return true;
    }
    let holds = |line: &&MountLine| {
        line.point == "/" || source == line.point || source.starts_with(&format!("{}/", line.point))
    };
    let Some(here) = ours.iter().filter(holds).max_by_key(|line| line.point.len()) else { return false };
    if here.device != mounted.device {
        // Another file system: the engine sees another tree of mounts than we do, which this cannot judge.
        return false;
    }
    let inner = source.strip_prefix(here.point.trim_end_matches('/')).unwrap_or_default();
    let expected = format!("{}{inner}", here.root.trim_end_matches('/'));
    mounted.root != expected && !(expected.is_empty() && mounted.root == "/")
}

fn parse(table: &str) -> Vec<MountLine> {
    table
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(2);
            let (device, root, point) = (fields.next()?, fields.next()?, fields.next()?);
            Some(MountLine { device: device.to_owned(), root: unescape(root), point: unescape(point) })
        })
        .collect()
}

/// Space, tab, line feed and backslash stand as three octal digits.
fn unescape(field: &str) -> String {
    let mut text = Vec::with_capacity(field.len());
    let mut bytes = field.bytes();
    while let Some(byte) = bytes.next() {
        let digits: Option<Vec<u8>> = (byte == b'\\')
            .then(|| bytes.clone().take(3).filter(|digit| (b'0'..=b'7').contains(digit)).collect());
        match digits {
            Some(digits) if digits.len() == 3 => {
                let value = digits.iter().fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
                text.push(u8::try_from(value & 0xff).unwrap_or(b'?'));
                bytes.by_ref().take(3).for_each(drop);
            }
            _ => text.push(byte),
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 8:2 / /home rw - ext4 /dev/sda2 rw\n31 22 8:3 /sub /srv rw - ext4 /dev/sdb rw\n";

    fn replaced(root: &str, device: &str, source: &str) -> bool {
        let theirs = format!(
            "1 0 0:50 / / rw - overlay overlay rw\n90 1 {device} {root} /workspaces/p rw - ext4 /dev/x rw\n"
        );
        differs(&parse(&theirs), &parse(OURS), source, "/workspaces/p")
    }

    #[test]
    fn the_same_folder_is_not_replaced_wherever_it_is_mounted() {
        assert!(!replaced("/ada/p", "8:2", "/home/ada/p"));
        assert!(!replaced("/opt/p", "8:1", "/opt/p"));
        assert!(!replaced("/sub/p", "8:3", "/srv/p"));
        assert!(!replaced(r"/ada/a\040b", "8:2", "/home/ada/a b"));
        assert!(!replaced("/", "8:2", "/home"));
    }

    #[test]
    fn a_deleted_or_renamed_folder_is() {
        assert!(replaced("/ada/p//deleted", "8:2", "/home/ada/p"));
        assert!(replaced("/ada/p.old", "8:2", "/home/ada/p"));
    }

    #[test]
    fn what_cannot_be_judged_is_not() {
        assert!(!replaced("/elsewhere", "0:99", "/home/ada/p"));
        assert!(!differs(&[], &parse(OURS), "/home/ada/p", "/workspaces/p"));
    }
}
