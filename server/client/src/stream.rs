//! A process's bytes: one binary WebSocket of its own, split into a reader and writers of frames.
//!
//! The reader gives output in order; the caller acknowledges what it has rendered, and only that lets more come. Input
//! has offsets and credit: [`StreamWriter::input`] waits while [`CREDIT`] bytes are not taken by the process.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use gangplank_protocol::STREAM_PATH;
use gangplank_protocol::process::StreamTicket;
use gangplank_protocol::stream::{CREDIT, Frame, MAX_PAYLOAD};
use tokio::net::UnixStream;
use tokio::sync::{Mutex, mpsc, watch};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::client::{Client, url};
use crate::error::ClientError;

/// Frames that wait to be sent: more than what credit lets be on its way never piles up here.
const QUEUE: usize = 16;

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
    taken: watch::Sender<u64>,
}

/// The writing side of a stream; clones write to the same one, which is closed when all are dropped.
#[derive(Debug, Clone)]
pub struct StreamWriter {
    frames: mpsc::Sender<Frame>,
    /// Bytes of input sent so far; held while sending, so that input has one order.
    sent: Arc<Mutex<u64>>,
    taken: watch::Receiver<u64>,
}

impl Client {
    /// Opens the stream that a ticket stands for, on a connection of its own.
    ///
    /// # Errors
    /// [`ClientError::Transport`] when the daemon refuses it, as it does 10 s after the ticket was given.
    pub async fn open_stream(&self, ticket: &StreamTicket) -> Result<ProcessStream, ClientError> {
        let socket = self.stream_socket().await?;
        let address = url(&format!("{STREAM_PATH}{}", ticket.stream_id))?;
        let (socket, _) = client_async(address.as_str(), socket)
            .await
            .map_err(|error| ClientError::Transport(error.into()))?;
        Ok(ProcessStream::over(socket))
    }
}

impl ProcessStream {
    fn over(socket: WebSocketStream<UnixStream>) -> ProcessStream {
        let (sink, source) = socket.split();
        let (frames, queue) = mpsc::channel(QUEUE);
        let (taken, is_taken) = watch::channel(0);
        tokio::spawn(write_out(queue, sink));
        ProcessStream {
            reader: StreamReader { source, taken },
            writer: StreamWriter { frames, sent: Arc::default(), taken: is_taken },
        }
    }
}

/// Sends what is queued; what has come together goes out in one write.
async fn write_out(
    mut queue: mpsc::Receiver<Frame>,
    mut sink: SplitSink<WebSocketStream<UnixStream>, Message>,
) {
    while let Some(frame) = queue.recv().await {
        let mut next = Some(frame);
        while let Some(frame) = next {
            // the reader learns that the connection is gone, and tells
            if sink.feed(Message::Binary(frame.encode())).await.is_err() {
                return;
            }
            next = queue.try_recv().ok();
        }
        if sink.flush().await.is_err() {
            return;
        }
    }
    let _ = sink.close().await;
}

impl StreamReader {
    /// The next frame of output: [`Frame::Stdout`], [`Frame::Stderr`], [`Frame::Snapshot`], [`Frame::Gap`] or
    /// [`Frame::Exited`], after which nothing comes.
    ///
    /// # Errors
    /// [`ClientError::StreamEnded`] when it ends before the process, [`ClientError::Frame`] when it is no stream.
    pub async fn next(&mut self) -> Result<Frame, ClientError> {
        loop {
            let message = match self.source.next().await {
                Some(Ok(Message::Binary(message))) => message,
                Some(Ok(Message::Close(_)) | Err(WsError::ConnectionClosed | WsError::Protocol(_)))
                | None => {
                    return Err(ClientError::StreamEnded);
                }
                Some(Ok(_)) => continue,
                Some(Err(WsError::Io(_))) => return Err(ClientError::StreamEnded),
                Some(Err(error)) => return Err(ClientError::Transport(error.into())),
            };
            match Frame::decode(&message).map_err(ClientError::Frame)? {
                Frame::Acknowledge { offset } => {
                    self.taken.send_if_modified(|taken| {
                        let more = offset > *taken;
                        *taken = offset.max(*taken);
                        more
                    });
                }
                frame => return Ok(frame),
            }
        }
    }
}

impl StreamWriter {
    /// Sends standard input, in frames of at most [`MAX_PAYLOAD`] bytes, waiting for credit.
    ///
    /// # Errors
    /// [`ClientError::StreamEnded`] when nobody reads any more.
    pub async fn input(&self, mut bytes: Bytes) -> Result<(), ClientError> {
        let mut sent = self.sent.lock().await;
        let mut taken = self.taken.clone();
        while !bytes.is_empty() {
            let chunk = bytes.split_to(bytes.len().min(MAX_PAYLOAD));
            let after = *sent + chunk.len() as u64;
            taken
                .wait_for(|taken| after.saturating_sub(*taken) <= CREDIT)
                .await
                .map_err(|_| ClientError::StreamEnded)?;
            self.send(Frame::Stdin { offset: *sent, bytes: chunk }).await?;
            *sent = after;
        }
        Ok(())
    }

    /// Ends standard input.
    ///
    /// # Errors
    /// [`ClientError::StreamEnded`] when nobody reads any more.
    pub async fn end_of_input(&self) -> Result<(), ClientError> {
        let _order = self.sent.lock().await;
        self.send(Frame::EndOfInput).await
    }

    /// Tells that all output before `offset` was rendered.
    ///
    /// # Errors
    /// [`ClientError::StreamEnded`] when nobody reads any more.
    pub async fn acknowledge(&self, offset: u64) -> Result<(), ClientError> {
        self.send(Frame::Acknowledge { offset }).await
    }

    /// [`StreamWriter::acknowledge`] for a thread that writes output and may block.
    ///
    /// # Errors
    /// [`ClientError::StreamEnded`] when nobody reads any more.
    ///
    /// # Panics
    /// Within an asynchronous task, which must not block.
    pub fn acknowledge_blocking(&self, offset: u64) -> Result<(), ClientError> {
        self.frames.blocking_send(Frame::Acknowledge { offset }).map_err(|_| ClientError::StreamEnded)
    }

    /// Sends a frame that is no input: [`Frame::Resize`] or [`Frame::Signal`].
    ///
    /// # Errors
    /// [`ClientError::StreamEnded`] when nobody reads any more.
    pub async fn send(&self, frame: Frame) -> Result<(), ClientError> {
        self.frames.send(frame).await.map_err(|_| ClientError::StreamEnded)
    }
}

#[cfg(test)]
mod tests;
