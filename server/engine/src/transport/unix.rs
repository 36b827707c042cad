//! The local socket of an engine.

use std::io;
use std::path::Path;

use tokio::net::UnixStream;

pub(crate) async fn open(path: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(path).await
}
