//! Streams that an engine hands over after an HTTP upgrade: exec and attach.
//!
//! The upgrade is hyper's own. Input is closed by shutting the writer down, which half-closes the connection;
//! dropping it does not. With a terminal engines take a half-closed connection for the client's leaving and close the
//! output too, so there shutting down closes nothing: a terminal's end of input is a character (Ctrl-D).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::header;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncWrite, WriteHalf};
use tokio_util::io::ReaderStream;

use crate::EngineError;
use crate::error::Action;
use crate::output::OutputStream;
use crate::wire::{Body, PLAIN_LIMIT, Wire, within};

/// Bytes read at once.
const CHUNK: usize = 32 << 10;

/// A process's streams in a container. Dropping both ends closes the connection, not the process.
#[derive(Debug)]
pub struct Session {
    /// The exec's id, or the container's as it was asked for.
    pub id: String,
    /// What it writes; ends with the process.
    pub reader: OutputStream,
    /// What it reads.
    pub writer: InputWriter,
}

/// Sends a request that upgrades its connection; the answer's streams become a session.
pub(crate) async fn upgrade(
    wire: &Wire,
    action: &Action,
    mut request: http::Request<Body>,
    tty: bool,
) -> Result<Session, EngineError> {
    request.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("Upgrade"));
    request.headers_mut().insert(header::UPGRADE, header::HeaderValue::from_static("tcp"));
    let upgraded = within(action, PLAIN_LIMIT, async {
        let response = wire.ask(action, request).await?;
        if response.status() != http::StatusCode::SWITCHING_PROTOCOLS {
            return Err(action.malformed(format!("no upgrade, but {}", response.status())));
        }
        hyper::upgrade::on(response).await.map_err(|error| wire.unavailable(&error.to_string()))
    })
    .await?;
    let (read, write) = tokio::io::split(TokioIo::new(upgraded));
    Ok(Session {
        id: action.name.clone(),
        reader: OutputStream::new(action.clone(), ReaderStream::with_capacity(read, CHUNK), tty),
        writer: InputWriter { write, tty },
    })
}

/// What a process reads. Without a terminal `shutdown` closes its standard input; with one it only flushes, since
/// engines would end the output too. Dropping the writer closes nothing.
#[derive(Debug)]
pub struct InputWriter {
    write: WriteHalf<TokioIo<Upgraded>>,
    tty: bool,
}

impl AsyncWrite for InputWriter {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.write).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.write).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.tty {
            return Pin::new(&mut self.write).poll_flush(cx);
        }
        Pin::new(&mut self.write).poll_shutdown(cx)
    }
}
