//! Proves that an engine that is not on this machine would mount the very folder that is meant: a file with a random
//! name is put into it, and a container (never started) is made that mounts this file. The engine refuses a source that
//! does not exist, so only an engine that sees the same folder can make it.

use gangplank_engine::container::{ContainerSpec, Mount, MountKind};
use gangplank_engine::{Engine, EngineError, Product};
use gangplank_protocol::{ErrorData, ErrorKind};

use super::host_write;
use crate::failure::from_engine;

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
        labels: [("dev.gangplank.nonce".to_owned(), "1".to_owned())].into(),
        ..ContainerSpec::default()
    };
    match engine.create_container(&spec).await {
        Ok(created) => engine.remove_container(&created.id, true, true).await.map_err(from_engine),
        Err(EngineError::MountSourceMissing { .. }) => {
            Err(elsewhere("a file made there does not appear on the engine's machine"))
        }
        Err(error) => Err(from_engine(error)),
    }
}

/// A file with a random name, removed when it is dropped.
struct Nonce {
    root: String,
    name: String,
}

impl Nonce {
    fn create(root: &str) -> std::io::Result<Self> {
        let name = crate::identifier::random(".gangplank-nonce-");
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
