//! Debian underneath: packages that the harness needs, and the mirror that this system uses.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use crate::error::HarnessError;
use crate::program;

/// A program of the host that the harness calls, and the package that has it.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    /// The program.
    pub program: &'static str,
    /// Debian's package.
    pub package: &'static str,
}

/// Makes small Debian trees without installing anything.
pub const MMDEBSTRAP: Tool = Tool { program: "mmdebstrap", package: "mmdebstrap" };
/// A shell and the usual commands in one static file.
pub const BUSYBOX: Tool = Tool { program: "busybox", package: "busybox-static" };
/// An image registry.
pub const REGISTRY: Tool = Tool { program: "docker-registry", package: "docker-registry" };
/// Network interfaces.
pub const IP: Tool = Tool { program: "ip", package: "iproute2" };

/// Sees to it that `tools` are there, by `apt-get install` as root.
///
/// # Errors
/// [`HarnessError::Missing`] with the packages to install where this user may not or this is no Debian.
pub fn require(tools: &[Tool]) -> Result<(), HarnessError> {
    // apt allows one at a time, and the second caller finds the work done
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    let missing: Vec<&str> =
        tools.iter().filter(|tool| program::find(tool.program).is_none()).map(|tool| tool.package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    if !is_root() || program::find("apt-get").is_none() {
        return Err(HarnessError::Missing {
            what: format!("these programs are missing: {packages}"),
            hint: format!("install them: sudo apt-get install {packages}"),
        });
    }
    crate::say(format_args!("installing {packages}"));
    program::run(Command::new("apt-get").args(["-qq", "update"]))?;
    program::run(
        Command::new("apt-get")
            .args(["-qq", "install", "-y", "--no-install-recommends"])
            .args(missing)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )?;
    Ok(())
}

/// Checks that private engines can run here: root on Debian.
///
/// # Errors
/// [`HarnessError::Missing`] that names what does not hold.
pub fn require_root_on_debian(purpose: &str) -> Result<(), HarnessError> {
    if !Path::new("/etc/debian_version").exists() {
        return Err(HarnessError::Missing {
            what: format!("{purpose} needs Debian: its packages are unpacked for it"),
            hint: "run it on Debian, or in a privileged container of a Debian image".to_owned(),
        });
    }
    if !is_root() {
        return Err(HarnessError::Missing {
            what: format!("{purpose} needs root: namespaces, mounts and network bridges are made for it"),
            hint: "run it as root, for example in a virtual machine".to_owned(),
        });
    }
    Ok(())
}

/// Whether this process has root's user id.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The package mirror that this system is set up with, if its settings name one in a form we know.
#[must_use]
pub fn mirror() -> Option<String> {
    let lists = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"];
    lists.iter().filter_map(|list| std::fs::read_to_string(list).ok()).find_map(|text| mirror_in(&text))
}

/// The first mirror in an apt source list of either format.
fn mirror_in(list: &str) -> Option<String> {
    list.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let is_address = |word: &&str| word.contains("://");
        match words.next() {
            Some("URIs:" | "deb") => words.find(is_address).map(str::to_owned),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::mirror_in;

    #[test]
    fn a_mirror_is_found_in_both_formats() {
        let deb822 = "# comment\nTypes: deb\nURIs: http://mirror.example/debian\nSuites: stable\n";
        let one_line =
            "# deb http://old.example/\ndeb [signed-by=/k.gpg] http://mirror.example/debian stable main\n";
        for list in [deb822, one_line] {
            assert_eq!(mirror_in(list).as_deref(), Some("http://mirror.example/debian"), "in {list:?}");
        }
        assert_eq!(mirror_in("# nothing\n"), None);
    }
}
