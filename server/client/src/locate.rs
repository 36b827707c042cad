//! Reading where the daemon is, checking it, and connecting to it.

use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use tokio::net::UnixStream;

use crate::error::ClientError;
use gangplank_protocol::daemon::DaemonRecord;

use crate::place::{self, FileFacts, FileKind, Place};

/// The daemon's record; nothing when there is none, or none that makes sense. A daemon that is started then decides by its
/// lock whether one listens, and whichever lives writes the record anew.
///
/// # Errors
/// [`ClientError::Record`] when there is one that cannot be read.
pub fn record(place: &Place) -> Result<Option<DaemonRecord>, ClientError> {
    let path = place.record();
    match std::fs::read(&path) {
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_is_cut_off_anywhere_or_is_nonsense_is_none() {
        let state = tempfile::tempdir().unwrap();
        let place = Place::at(state.path());
        let whole = br#"{"pid":7,"socket":"/run/x","version":"1","protocolVersion":{"major":1,"minor":0}}"#;
        std::fs::write(place.record(), whole).unwrap();
        assert_eq!(record(&place).unwrap().map(|record| record.pid), Some(7));
        for length in 0..whole.len() {
            std::fs::write(place.record(), &whole[..length]).unwrap();
            assert!(record(&place).unwrap().is_none(), "{length}");
        }
        for nonsense in [&b"garbage"[..], b"{}", b"null", b"\0\0\0\0", b"\xff", b"[1]"] {
            std::fs::write(place.record(), nonsense).unwrap();
            assert!(record(&place).unwrap().is_none());
        }
    }
}
