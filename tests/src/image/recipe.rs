//! What the images are made of. A recipe's text names its archive, so a change of it makes a new one.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::error::HarnessError;
use crate::{debian, program};

/// How an image's files come into being.
#[derive(Debug)]
pub(super) enum Recipe {
    /// Debian packages, then commands run in the tree.
    Debian { suite: &'static str, packages: &'static str, commands: &'static [&'static str] },
    /// The host's static busybox, as `program` and, with applets, by a link for each; plus these files.
    Busybox { program: &'static str, applets: bool, files: &'static [(&'static str, &'static str)] },
}

/// See [`super::Image::Python`].
pub(super) fn python() -> Recipe {
    Recipe::Debian {
        suite: "bookworm",
        packages: "python3-minimal,procps",
        commands: &[
            "useradd --create-home --uid 1000 --shell /bin/bash vscode",
            "ln -s python3 /usr/bin/python",
            "rm -rf /usr/share/doc /usr/share/man /usr/share/locale /var/lib/apt/lists /var/cache/apt",
        ],
    }
}

/// See [`super::Image::Busybox`].
pub(super) fn busybox() -> Recipe {
    Recipe::Busybox {
        program: "bin/busybox",
        applets: true,
        files: &[
            ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n"),
            ("etc/group", "root:x:0:\napp:x:1000:\n"),
            ("home/app/.profile", ""),
            ("root/.profile", ""),
        ],
    }
}

/// See [`super::Image::Empty`].
pub(super) fn empty() -> Recipe {
    Recipe::Busybox { program: "sleep", applets: false, files: &[] }
}

impl Recipe {
    /// Writes the archive of the image's files.
    pub(super) fn make(&self, archive: &Path) -> Result<(), HarnessError> {
        match self {
            Recipe::Debian { suite, packages, commands } => {
                debian::require_root_on_debian("making a Debian image")?;
                debian::require(&[debian::MMDEBSTRAP])?;
                let mut command = Command::new("mmdebstrap");
                command.args(["--quiet", "--mode=root", "--variant=minbase"]);
                command.args(["--aptopt", "Acquire::Check-Valid-Until \"false\""]);
                command.arg(format!("--include={packages}"));
                for each in *commands {
                    command.arg(format!("--customize-hook=chroot \"$1\" {each}"));
                }
                program::run(command.arg(suite).arg(archive).args(debian::mirror())).map(drop)
            }
            Recipe::Busybox { program, applets, files } => {
                debian::require(&[debian::BUSYBOX])?;
                let tree = tempfile::tempdir().map_err(HarnessError::io("make", "a temporary folder"))?;
                lay_out(tree.path(), program, *applets, files)?;
                let mut tar = Command::new("tar");
                tar.arg("--create").arg("--file").arg(archive).arg("--directory").arg(tree.path());
                tar.args(["--numeric-owner", "--owner=0", "--group=0", "--sort=name", "--mtime=@0", "."]);
                program::run(&mut tar).map(drop)
            }
        }
    }
}

fn lay_out(tree: &Path, program: &str, applets: bool, files: &[(&str, &str)]) -> Result<(), HarnessError> {
    let busybox = program::find("busybox").ok_or_else(|| HarnessError::Missing {
        what: "busybox is missing".to_owned(),
        hint: "install Debian's package busybox-static".to_owned(),
    })?;
    let place = |path: &str| -> Result<std::path::PathBuf, HarnessError> {
        let file = tree.join(path);
        if let Some(dir) = file.parent() {
            std::fs::create_dir_all(dir).map_err(HarnessError::io("make the folder", dir))?;
        }
        Ok(file)
    };
    let target = place(program)?;
    std::fs::copy(&busybox, &target).map_err(HarnessError::io("copy", &target))?;
    for (path, content) in files {
        let file = place(path)?;
        std::fs::write(&file, content).map_err(HarnessError::io("write", &file))?;
    }
    let open = tree.join("tmp");
    std::fs::create_dir_all(&open).map_err(HarnessError::io("make the folder", &open))?;
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o1777))
        .map_err(HarnessError::io("open to all", &open))?;
    std::fs::set_permissions(tree, std::fs::Permissions::from_mode(0o755))
        .map_err(HarnessError::io("open to all", tree))?;
    if applets {
        let list = program::run(Command::new(&busybox).arg("--list"))?;
        for applet in String::from_utf8_lossy(&list).lines().filter(|name| *name != "busybox") {
            let link = place(&format!("bin/{applet}"))?;
            symlink("busybox", &link).map_err(HarnessError::io("make the link", &link))?;
        }
    }
    Ok(())
}
