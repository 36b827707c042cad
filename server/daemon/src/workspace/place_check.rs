//! Proves that an engine that is not on this machine would mount the very folder that is meant: a file with a random
//! name is put into it, and a container (never started) is made that mounts this file. The engine refuses a source that
//! does not exist, so only an engine that sees the same folder can make it. Both go at once, also when the operation is
//! cancelled; what a daemon that was killed left is removed by the next check.

use std::time::Duration;

use gangplank_engine::container::{
    ContainerFilter, ContainerSpec, ContainerSummary, Mount, MountKind, MountPoint,
};
use gangplank_engine::{Engine, EngineError, Product};
use gangplank_protocol::{ErrorData, ErrorKind};

use super::host_write;
use crate::failure::from_engine;

const LABEL: &str = "dev.gangplank.nonce";
const FILE_BEGINS: &str = ".gangplank-nonce-";
/// A file of this age is no other check's that is at work.
const STALE: Duration = Duration::from_secs(600);

/// Checks that `engine` sees `source` as we do; `image` is one that it has.
///
/// # Errors
/// `workspaceNotOnEngine`; the engine's.
pub(super) async fn check(engine: &Engine, source: &str, image: &str) -> Result<(), ErrorData> {
    if engine.is_local() {
        return Ok(());
    }
    let elsewhere = |why: &str| {
        ErrorData::new(
            ErrorKind::WorkspaceNotOnEngine,
            format!("the engine does not see the folder {source}: {why}"),
        )
        .hint("use an engine on this machine, or one that shares this folder under the same path")
    };
    if engine.product().await.map_err(from_engine)? == Product::Podman {
        return Err(elsewhere("Podman on another machine cannot be asked whether it is the same folder"));
    }
    sweep(engine, source).await;
    let nonce = Nonce::create(source).map_err(|e| elsewhere("it cannot be written to").caused_by(&e))?;
    let spec = ContainerSpec {
        image: image.to_owned(),
        entrypoint: Some(vec!["/gangplank-nonce".into()]),
        mounts: vec![Mount {
            kind: MountKind::Bind { source: nonce.path(), propagation: None },
            target: "/gangplank-nonce".into(),
            read_only: true,
            consistency: None,
        }],
        labels: [(LABEL.to_owned(), "1".to_owned())].into(),
        ..ContainerSpec::default()
    };
    // A task of its own: when the operation is cancelled meanwhile, it still removes what it made.
    let engine = engine.clone();
    let proof = tokio::spawn(async move {
        let made = engine.create_container(&spec).await;
        drop(nonce);
        match engine.remove_container(&made?.id, true, true).await {
            // Another check has swept it away.
            Err(error) if error.is_not_found() || matches!(error, EngineError::Conflict { .. }) => Ok(()),
            removed => removed,
        }
    });
    match proof.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(EngineError::MountSourceMissing { .. })) => {
            Err(elsewhere("a file made there does not appear on the engine's machine"))
        }
        Ok(Err(error)) => Err(from_engine(error)),
        Err(panic) => {
            Err(ErrorData::new(ErrorKind::Internal, "a defect ended the check of the folder")
                .caused_by(&panic))
        }
    }
}

/// Removes what checks left that were killed in the middle: their containers never ran, and their files are empty. An
/// image can bring the label, and so a container of anybody's have it, but no mount of a check's file.
async fn sweep(engine: &Engine, folder: &str) {
    let filter = ContainerFilter { all: true, labels: vec![format!("{LABEL}=1")] };
    for container in engine.list_containers(&filter).await.unwrap_or_default().into_iter().filter(is_ours) {
        // Without force: one that runs by now stays.
        if let Err(error) = engine.remove_container(&container.id, false, true).await {
            tracing::debug!(%error, "a container that an earlier check left was not removed");
        }
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with(FILE_BEGINS) && entry.metadata().is_ok_and(|file| is_stale(&file)) {
            host_write::remove(folder, &name);
        }
    }
}

fn is_ours(container: &ContainerSummary) -> bool {
    let of_check = |mount: &MountPoint| {
        let file = mount.source.rsplit('/').next().unwrap_or_default();
        mount.kind == "bind" && file.starts_with(FILE_BEGINS)
    };
    container.state == "created" && container.mounts.iter().any(of_check)
}

fn is_stale(file: &std::fs::Metadata) -> bool {
    let age = file.modified().ok().and_then(|modified| modified.elapsed().ok());
    file.is_file() && file.len() == 0 && age.is_some_and(|age| age > STALE)
}

/// A file with a random name, removed when it is dropped.
struct Nonce {
    root: String,
    name: String,
}

impl Nonce {
    fn create(root: &str) -> std::io::Result<Self> {
        let name = crate::identifier::random(FILE_BEGINS);
        host_write::create_new(root, &name, b"")?;
        Ok(Self { root: root.to_owned(), name })
    }

    fn path(&self) -> String {
        format!("{}/{}", self.root, self.name)
    }
}

impl Drop for Nonce {
    fn drop(&mut self) {
        host_write::remove(&self.root, &self.name);
    }
}
