//! Reading where the daemon is, checking it, and connecting to it.

use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use tokio::net::UnixStream;

use crate::error::ClientError;
use gangplank_protocol::daemon::DaemonRecord;

use crate::place::{self, FileFacts, FileKind, Place};

/// The daemon's record; nothing when there is none, which means that no daemon listens.
///
/// # Errors
/// [`ClientError::Record`] or [`ClientError::Malformed`] when there is one that cannot be read.
pub fn record(place: &Place) -> Result<Option<DaemonRecord>, ClientError> {
    let path = place.record();
    match std::fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|source| ClientError::Malformed {
            what: format!("record {}", path.display()),
            source: source.into(),
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ClientError::Record { path, source }),
    }
}

/// Connects to the socket of `record`, after checking that it is this user's own. Nothing when nobody listens there,
/// as after a daemon's violent end.
///
/// # Errors
/// [`ClientError::Place`] when the socket is not to be trusted, [`ClientError::Transport`] when connecting fails for
/// another reason than that nobody listens.
pub async fn connect(record: &DaemonRecord) -> Result<Option<UnixStream>, ClientError> {
    let socket = &record.socket;
    let directory = place::directory_of(socket).map_err(ClientError::Place)?;
    let (Some(directory), Some(own)) = (facts(directory)?, facts(socket)?) else {
        return Ok(None);
    };
    let uid = rustix::process::getuid().as_raw();
    place::check(socket, directory, own, uid).map_err(ClientError::Place)?;
    match UnixStream::connect(socket).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) => Err(ClientError::Transport(error.into())),
    }
}

fn facts(path: &Path) -> Result<Option<FileFacts>, ClientError> {
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(ClientError::Record { path: path.to_owned(), source }),
    };
    let kind = match metadata.file_type() {
        kind if kind.is_dir() => FileKind::Directory,
        kind if kind.is_socket() => FileKind::Socket,
        _ => FileKind::Other,
    };
    Ok(Some(FileFacts { kind, owner: metadata.uid(), mode: metadata.mode() & 0o7777 }))
}
