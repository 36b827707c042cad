//! The writing side: what clients of the stream say, and the task that puts it on the connection of the moment.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::SinkExt;
use futures_util::stream::SplitSink;
use gangplank_protocol::stream::Frame;
use tokio::net::UnixStream;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::input::{Input, Next};
use crate::error::ClientError;

/// Frames that wait to be sent; input is not among them.
const QUEUE: usize = 16;

/// The writing side of a stream; clones write to the same one, which is closed when all are dropped. It outlives its
/// connection: input waits for the next one ([`StreamReader::resume`](super::StreamReader::resume)), other frames are lost
/// with theirs.
#[derive(Debug, Clone)]
pub struct StreamWriter(Arc<Line>);

/// What all writers of a stream share.
#[derive(Debug)]
pub(super) struct Line {
    /// Leads to the connection of the moment.
    frames: Mutex<mpsc::Sender<Frame>>,
    input: Arc<Input>,
    /// Held while adding input, so that what one writer gives stays together.
    order: AsyncMutex<()>,
}

impl Line {
    fn frames(&self) -> mpsc::Sender<Frame> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends over this connection from now on.
    pub(super) fn lead_to(&self, frames: mpsc::Sender<Frame>) {
        *self.frames.lock().unwrap_or_else(PoisonError::into_inner) = frames;
    }
}

/// Begins to send on a connection.
pub(super) fn connect(
    sink: SplitSink<WebSocketStream<UnixStream>, Message>,
    input: Arc<Input>,
    number: u64,
) -> mpsc::Sender<Frame> {
    let (frames, queue) = mpsc::channel(QUEUE);
    tokio::spawn(write_out(queue, sink, input, number));
    frames
}

/// Sends input and what is queued; what has come together goes out in one write.
async fn write_out(
    mut queue: mpsc::Receiver<Frame>,
    mut sink: SplitSink<WebSocketStream<UnixStream>, Message>,
    input: Arc<Input>,
    number: u64,
) {
    loop {
        let next = match input.next(number) {
            Next::Over => return,
            Next::Frame(frame) => Ok(frame),
            Next::Nothing => queue.try_recv(),
        };
        let frame = match next {
            Ok(frame) => frame,
            Err(TryRecvError::Disconnected) if input.is_drained(number) => break,
            Err(reason) => {
                // the reader learns that the connection is gone, and tells
                if sink.flush().await.is_err() {
                    return;
                }
                tokio::select! {
                    biased;
                    () = input.ready(number) => continue,
                    frame = queue.recv(), if reason == TryRecvError::Empty => match frame {
                        Some(frame) => frame,
                        None => continue,
                    },
                }
            }
        };
        if sink.feed(Message::Binary(frame.encode())).await.is_err() {
            return;
        }
    }
    let _ = sink.close().await;
}

impl StreamWriter {
    pub(super) fn new(frames: mpsc::Sender<Frame>, input: Arc<Input>) -> StreamWriter {
        StreamWriter(Arc::new(Line { frames: Mutex::new(frames), input, order: AsyncMutex::default() }))
    }

    pub(super) fn line(&self) -> &Arc<Line> {
        &self.0
    }

    /// Gives standard input, waiting while [`CREDIT`](gangplank_protocol::stream::CREDIT) bytes are not taken.
    ///
    /// # Errors
    /// [`ClientError::StreamEnded`] when nobody reads any more.
    pub async fn input(&self, mut bytes: Bytes) -> Result<(), ClientError> {
        let _order = self.0.order.lock().await;
        if self.0.input.put(&mut bytes).await { Ok(()) } else { Err(ClientError::StreamEnded) }
    }

    /// Ends standard input.
    ///
    /// # Errors
    /// [`ClientError::StreamEnded`] when nobody reads any more.
    pub async fn end_of_input(&self) -> Result<(), ClientError> {
        let _order = self.0.order.lock().await;
        if self.0.input.end() { Ok(()) } else { Err(ClientError::StreamEnded) }
    }

    /// Tells that all output before `offset` was rendered.
    ///
    /// # Errors
    /// [`ClientError::StreamEnded`] when nobody hears it now.
    pub async fn acknowledge(&self, offset: u64) -> Result<(), ClientError> {
        self.send(Frame::Acknowledge { offset }).await
    }

    /// [`StreamWriter::acknowledge`] for a thread that writes output and may block.
    ///
    /// # Errors
    /// [`ClientError::StreamEnded`] when nobody hears it now.
    ///
    /// # Panics
    /// Within an asynchronous task, which must not block.
    pub fn acknowledge_blocking(&self, offset: u64) -> Result<(), ClientError> {
        self.0.frames().blocking_send(Frame::Acknowledge { offset }).map_err(|_| ClientError::StreamEnded)
    }

    /// Sends a frame that is no input: [`Frame::Resize`] or [`Frame::Signal`].
    ///
    /// # Errors
    /// [`ClientError::StreamEnded`] when nobody hears it now.
    pub async fn send(&self, frame: Frame) -> Result<(), ClientError> {
        self.0.frames().send(frame).await.map_err(|_| ClientError::StreamEnded)
    }
}
