//! Decoded output as a stream, from whatever brings the bytes: a hijacked connection or the body of an answer.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _};

use crate::EngineError;
use crate::error::Action;
use crate::multiplex::{Decoder, Output};

/// Bytes as they arrive; the error is why they stopped.
type Arriving = Pin<Box<dyn Stream<Item = Result<Bytes, String>> + Send>>;

/// What processes in a container wrote, in order. It ends when nothing more can come.
pub struct OutputStream {
    action: Action,
    /// `None` once they have stopped.
    bytes: Option<Arriving>,
    decoder: Decoder,
    /// Arrived, but not taken apart yet.
    chunk: Bytes,
}

impl OutputStream {
    pub(crate) fn new<E: fmt::Display>(
        action: Action,
        bytes: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
        tty: bool,
    ) -> Self {
        let bytes = bytes.map_err(|error| error.to_string());
        Self { action, bytes: Some(Box::pin(bytes)), decoder: Decoder::new(tty), chunk: Bytes::new() }
    }
}

impl fmt::Debug for OutputStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputStream").field("action", &self.action).finish_non_exhaustive()
    }
}

impl Stream for OutputStream {
    type Item = Result<Output, EngineError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let error = loop {
            let Some(bytes) = &mut this.bytes else { return Poll::Ready(None) };
            match this.decoder.next(&mut this.chunk) {
                Ok(Some(output)) => return Poll::Ready(Some(Ok(output))),
                Ok(None) => {}
                Err(why) => break Some(this.action.malformed(why)),
            }
            match ready!(bytes.as_mut().poll_next(cx)) {
                Some(Ok(chunk)) => this.chunk = chunk,
                Some(Err(why)) => break Some(EngineError::unavailable(this.action.to_string(), why)),
                None if this.decoder.is_complete() => break None,
                None => break Some(this.action.malformed("the stream ended within a frame")),
            }
        };
        this.bytes = None;
        Poll::Ready(error.map(Err))
    }
}
