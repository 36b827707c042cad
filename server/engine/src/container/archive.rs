//! Files that are laid into a container before its first start, mostly to fill a volume that it mounts.
//!
//! Engines unpack archives as root of their machine. In a container that runs, its processes can move what is unpacked
//! onto the machine's own files while that happens, and a compressed archive has some engines run a program of the
//! container to unpack it. So it is done only where nothing has ever run, and with a plain archive of our own making.

use bollard::query_parameters as query;
use bytes::Bytes;

use super::on;
use crate::{Engine, EngineError};

/// The only state in which nothing has run in a container.
const NEVER_STARTED: &str = "created";

/// A file to lay into a container; it will be root's.
#[derive(Debug, Clone, Copy)]
pub struct NewFile<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its permission bits.
    pub mode: u32,
    /// What is in it.
    pub content: &'a [u8],
}

impl Engine {
    /// Lays a file into `directory`, which must exist, of a container that was never started. One of this name that is
    /// there is replaced; who has it open or runs it keeps the old one.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] when the container was ever started, [`EngineError::NotFound`],
    /// [`EngineError::InvalidParameter`] for a name that is no file name.
    pub async fn lay_file(
        &self,
        container: &str,
        directory: &str,
        file: NewFile<'_>,
    ) -> Result<(), EngineError> {
        let action = on("put a file into", container)?;
        let archive = archive(file).map_err(|error| EngineError::InvalidParameter {
            what: action.to_string(),
            message: crate::text::escaped(&error.to_string()),
        })?;
        let details = self.inspect_container(container).await?;
        if details.state.status != NEVER_STARTED {
            return Err(EngineError::Conflict {
                what: action.to_string(),
                message: format!(
                    "it is {}, and only one that was never started is safe",
                    details.state.status
                ),
            });
        }
        let options = query::UploadToContainerOptions { path: directory.to_owned(), ..Default::default() };
        // By its id: a name may be another container's by now.
        let id = details.id.as_str();
        self.call(&action, |docker| async move {
            docker.upload_to_container(id, Some(options), bollard::body_full(archive)).await
        })
        .await
    }
}

fn archive(file: NewFile<'_>) -> std::io::Result<Bytes> {
    let mut header = tar::Header::new_gnu();
    header.set_size(file.content.len() as u64);
    header.set_mode(file.mode);
    header.set_uid(0);
    header.set_gid(0);
    let mut archive = tar::Builder::new(Vec::with_capacity(file.content.len() + 4096));
    archive.append_data(&mut header, file.name, file.content)?;
    archive.into_inner().map(Bytes::from)
}
