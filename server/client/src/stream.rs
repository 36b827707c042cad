//! A process's bytes: one binary WebSocket of its own, split into a reader and writers of frames, which go on over another
//! one when it is lost.
//!
//! The reader gives output in order; the caller acknowledges what it has rendered, and only that lets more come. Input
//! has offsets and credit: [`StreamWriter::input`] waits while [`CREDIT`](gangplank_protocol::stream::CREDIT) bytes are not
//! taken. A stream that ended before its process is taken up with [`Client::reattach`] and [`StreamReader::resume`]: no byte
//! of output is given twice, and of the input goes again what the process does not have.

mod input;
mod writer;

use std::sync::{Arc, Weak};

use bytes::Buf;
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use gangplank_protocol::STREAM_PATH;
use gangplank_protocol::catalogue::ProcessAttach;
use gangplank_protocol::process::{Process, ProcessAttachParams, StreamTicket};
use gangplank_protocol::stream::Frame;
use tokio::net::UnixStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::client::{Client, url};
use crate::error::ClientError;
use input::{Input, Standing};
pub use writer::StreamWriter;
use writer::{Line, connect};

/// The stream of a process.
#[derive(Debug)]
pub struct ProcessStream {
    /// Gives frames.
    pub reader: StreamReader,
    /// Takes frames.
    pub writer: StreamWriter,
}

/// The reading side of a stream.
#[derive(Debug)]
pub struct StreamReader {
    source: SplitStream<WebSocketStream<UnixStream>>,
    input: Arc<Input>,
    line: Weak<Line>,
    /// The first byte of output that has not come yet.
    position: u64,
    /// The daemon's, of this connection.
    epoch: String,
}

/// A connection to a process whose stream was lost, for [`StreamReader::resume`].
#[derive(Debug)]
pub struct Reattached {
    /// The process as it is now.
    pub process: Process,
    input_bytes: Option<u64>,
    opened: Opened,
}

#[derive(Debug)]
struct Opened {
    socket: WebSocketStream<UnixStream>,
    epoch: String,
}

impl Client {
    /// Opens the stream that a ticket stands for, on a connection of its own. `input_before` is what the process had taken
    /// from its clients before: nothing when it was just started, else what `process/attach` told.
    ///
    /// # Errors
    /// [`ClientError::Transport`] when the daemon refuses it, as it does 10 s after the ticket was given.
    pub async fn open_stream(
        &self,
        ticket: &StreamTicket,
        input_before: Option<u64>,
    ) -> Result<ProcessStream, ClientError> {
        Ok(ProcessStream::over(self.open(ticket).await?, ticket.offset, input_before))
    }

    /// Attaches again to a process whose stream was lost, at the first byte of output that did not come.
    ///
    /// # Errors
    /// As [`Client::call`] and [`Client::open_stream`]; `notResumable` when the process ended with its daemon.
    pub async fn reattach(&self, process_id: &str, position: u64) -> Result<Reattached, ClientError> {
        let params = ProcessAttachParams { process_id: process_id.to_owned(), offset: Some(position) };
        let attached = self.call::<ProcessAttach>(&params).await?;
        let opened = self.open(&attached.stream).await?;
        Ok(Reattached { process: attached.process, input_bytes: attached.input_bytes, opened })
    }

    async fn open(&self, ticket: &StreamTicket) -> Result<Opened, ClientError> {
        let (socket, epoch) = self.stream_socket().await?;
        let address = url(&format!("{STREAM_PATH}{}", ticket.stream_id))?;
        let (socket, _) = client_async(address.as_str(), socket)
            .await
            .map_err(|error| ClientError::Transport(error.into()))?;
        Ok(Opened { socket, epoch })
    }
}

impl ProcessStream {
    fn over(opened: Opened, position: u64, input_before: Option<u64>) -> ProcessStream {
        let Opened { socket, epoch } = opened;
        let (sink, source) = socket.split();
        let input = Arc::new(Input::new(input_before));
        let writer = StreamWriter::new(connect(sink, Arc::clone(&input), 0), Arc::clone(&input));
        let line = Arc::downgrade(writer.line());
        ProcessStream { reader: StreamReader { source, input, line, position, epoch }, writer }
    }
}

impl StreamReader {
    /// The next frame of output: [`Frame::Stdout`], [`Frame::Stderr`], [`Frame::Snapshot`], [`Frame::Gap`] or
    /// [`Frame::Exited`], after which nothing comes.
    ///
    /// # Errors
    /// [`ClientError::StreamEnded`] when it ends before the process, [`ClientError::DaemonStopped`] when it does so because
    /// the daemon was stopped, [`ClientError::StreamRefused`] when the daemon did not understand what was sent,
    /// [`ClientError::Frame`] when it is no stream.
    pub async fn next(&mut self) -> Result<Frame, ClientError> {
        let next = self.receive().await;
        if next.is_err() {
            // what is given from now on waits for another connection
            self.input.disconnect();
        }
        next
    }

    async fn receive(&mut self) -> Result<Frame, ClientError> {
        loop {
            let message = match self.source.next().await {
                Some(Ok(Message::Binary(message))) => message,
                Some(Ok(Message::Close(Some(close)))) => {
                    return Err(match close.code {
                        CloseCode::Away => ClientError::DaemonStopped,
                        CloseCode::Protocol => ClientError::StreamRefused(close.reason.to_string()),
                        _ => ClientError::StreamEnded,
                    });
                }
                Some(Ok(Message::Close(None)) | Err(WsError::ConnectionClosed | WsError::Protocol(_)))
                | None => {
                    return Err(ClientError::StreamEnded);
                }
                Some(Ok(_)) => continue,
                Some(Err(WsError::Io(_))) => return Err(ClientError::StreamEnded),
                Some(Err(error)) => return Err(ClientError::Transport(error.into())),
            };
            match Frame::decode(&message).map_err(ClientError::Frame)? {
                Frame::Acknowledge { offset } => self.input.acknowledged(offset),
                frame => {
                    if let Some(frame) = self.new_in(frame) {
                        return Ok(frame);
                    }
                }
            }
        }
    }

    /// What of a frame did not come before. A screen does not count as come: should the connection be lost within its
    /// parts, the whole of it has to come again.
    fn new_in(&mut self, mut frame: Frame) -> Option<Frame> {
        match &mut frame {
            Frame::Stdout { offset, bytes } | Frame::Stderr { offset, bytes } => {
                let old = usize::try_from(self.position.saturating_sub(*offset)).unwrap_or(usize::MAX);
                if old > 0 {
                    if old >= bytes.len() {
                        return None;
                    }
                    bytes.advance(old);
                    *offset = self.position;
                }
                self.position = *offset + bytes.len() as u64;
            }
            Frame::Gap { offset } => self.position = self.position.max(*offset),
            _ => {}
        }
        Some(frame)
    }

    /// The first byte of output that has not come yet.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Goes on over another connection, the writers too: of their input goes again what the process does not have.
    pub fn resume(&mut self, reattached: Reattached) {
        let Reattached { input_bytes, opened: Opened { socket, epoch }, .. } = reattached;
        let (sink, source) = socket.split();
        let standing = Standing { taken: input_bytes, same_daemon: epoch == self.epoch };
        let number = self.input.begin_again(standing);
        let frames = connect(sink, Arc::clone(&self.input), number);
        if let Some(line) = self.line.upgrade() {
            line.lead_to(frames);
        }
        self.source = source;
        self.epoch = epoch;
    }
}

impl Drop for StreamReader {
    fn drop(&mut self) {
        self.input.give_up();
    }
}

#[cfg(test)]
mod tests;
