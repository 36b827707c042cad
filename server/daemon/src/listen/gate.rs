//! Back-pressure the JSON-RPC server lacks: it starts a task for every message it reads and queues every answer, so a
//! client that floods, or never reads, would grow the daemon without bound. Reading from a connection pauses while its
//! writes stall or its calls pile up; the kernel's socket buffer then stops the client.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Calls of one connection in flight at which reading pauses.
const PAUSE_AT: usize = 200;
/// Bytes taken at once, so that a pause takes hold soon.
const LARGEST_READ: usize = 16 * 1024;

#[derive(Debug, Default)]
struct Shared {
    calls: AtomicUsize,
    write_stalled: AtomicBool,
    reader: Mutex<Option<Waker>>,
}

impl Shared {
    fn closed(&self) -> bool {
        self.calls.load(Ordering::Acquire) >= PAUSE_AT || self.write_stalled.load(Ordering::Acquire)
    }

    fn wake(&self) {
        let waker = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Counts the calls in flight of one connection; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<Shared>);

/// A call in flight; dropped when it is answered.
#[derive(Debug)]
pub struct CallInFlight(Gate);

impl Gate {
    /// Counts a call until the value is dropped.
    pub fn enter(&self) -> CallInFlight {
        self.0.calls.fetch_add(1, Ordering::AcqRel);
        CallInFlight(self.clone())
    }

    /// Calls in flight.
    pub fn calls(&self) -> usize {
        self.0.calls.load(Ordering::Acquire)
    }
}

impl Drop for CallInFlight {
    fn drop(&mut self) {
        let before = self.0.0.calls.fetch_sub(1, Ordering::AcqRel);
        if before <= PAUSE_AT {
            self.0.0.wake();
        }
    }
}

/// A connection whose reading the gate can pause.
#[derive(Debug)]
pub(super) struct Gated<S> {
    inner: S,
    gate: Gate,
}

impl<S> Gated<S> {
    /// Puts `inner` behind `gate`.
    pub(super) fn new(inner: S, gate: Gate) -> Self {
        Self { inner, gate }
    }

    fn note_write<T>(&self, progress: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        let stalled = progress.is_pending();
        if self.gate.0.write_stalled.swap(stalled, Ordering::AcqRel) && !stalled {
            self.gate.0.wake();
        }
        progress
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gated<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.gate.0.closed() {
            *self.gate.0.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
            // Looked at again after registering: it may have opened in between.
            if self.gate.0.closed() {
                return Poll::Pending;
            }
        }
        let most = buf.remaining().min(LARGEST_READ);
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(most));
        let progress = Pin::new(&mut self.inner).poll_read(cx, &mut part);
        let filled = part.filled().len();
        buf.advance(filled);
        progress
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gated<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.note_write(progress)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.inner).poll_flush(cx);
        self.note_write(progress)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn reading_pauses_while_calls_pile_up_and_goes_on_when_one_ends() {
        let gate = Gate::default();
        let (mut client, server) = tokio::io::duplex(64);
        let mut server = Gated::new(server, gate.clone());
        client.write_all(b"call").await.unwrap();
        let mut calls: Vec<_> = (0..PAUSE_AT).map(|_| gate.enter()).collect();
        let mut buffer = [0; 4];
        let mut read = Box::pin(server.read_exact(&mut buffer));
        assert!(futures_util::poll!(&mut read).is_pending());
        calls.pop();
        read.await.unwrap();
        assert_eq!(&buffer, b"call");
    }

    #[tokio::test]
    async fn reading_pauses_while_the_client_does_not_read() {
        let gate = Gate::default();
        let (mut client, server) = tokio::io::duplex(8);
        let (mut read_half, mut write_half) = tokio::io::split(Gated::new(server, gate));
        client.write_all(b"call").await.unwrap();
        let mut write = Box::pin(write_half.write_all(&[b'x'; 20]));
        assert!(futures_util::poll!(&mut write).is_pending());
        let mut buffer = [0; 4];
        let mut read = Box::pin(read_half.read_exact(&mut buffer));
        assert!(futures_util::poll!(&mut read).is_pending());
        let mut answer = [0; 20];
        let (written, drained) = tokio::join!(write, client.read_exact(&mut answer));
        written.unwrap();
        drained.unwrap();
        read.await.unwrap();
    }
}
