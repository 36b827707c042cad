//! Back-pressure the JSON-RPC server lacks: it starts a task for every message it reads and queues every answer, so a
//! client that floods, or never reads, would grow the daemon without bound. Reading from a connection pauses while its
//! writes stall or its calls pile up; the kernel's socket buffer then stops the client. Calls that were read already
//! take turns, and none begins while writes stall: what waits is questions, which are small, not answers. A client that
//! takes nothing for long enough is given up, since the RPC server would wait for it for ever.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::Sleep;

/// Calls of one connection in flight at which reading pauses.
const PAUSE_AT: usize = 200;
/// Calls of one connection that are worked on at once.
const MOST_TURNS: usize = 64;
/// Bytes taken at once, so that a pause takes hold soon.
const LARGEST_READ: usize = 16 * 1024;
/// A client that takes nothing for so long is gone, as one that answers no ping is.
const DEAD_AFTER: Duration = Duration::from_secs(20);

#[derive(Debug)]
struct Shared {
    calls: AtomicUsize,
    turns: Semaphore,
    write_stalled: watch::Sender<bool>,
    reader: Mutex<Option<Waker>>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            calls: AtomicUsize::default(),
            turns: Semaphore::new(MOST_TURNS),
            write_stalled: watch::Sender::default(),
            reader: Mutex::default(),
        }
    }
}

impl Shared {
    fn closed(&self) -> bool {
        self.calls.load(Ordering::Acquire) >= PAUSE_AT || *self.write_stalled.borrow()
    }

    fn wake(&self) {
        let waker = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn note_stalled(&self, stalled: bool) {
        let changed =
            self.write_stalled.send_if_modified(|before| std::mem::replace(before, stalled) != stalled);
        if changed && !stalled {
            self.wake();
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

    /// Waits until a call may be worked on; it may as long as the value lives.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // Neither fails: nobody closes the semaphore, and the sender lives in the same place.
        let turn = self.0.turns.acquire().await.ok();
        let _ = self.0.write_stalled.subscribe().wait_for(|stalled| !stalled).await;
        turn
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
    /// How long the peer still has to take something, while it takes nothing.
    patience: Option<Pin<Box<Sleep>>>,
    given_up: bool,
}

impl<S> Gated<S> {
    /// Puts `inner` behind `gate`.
    pub(super) fn new(inner: S, gate: Gate) -> Self {
        Self { inner, gate, patience: None, given_up: false }
    }

    fn note_write<T>(&mut self, cx: &mut Context<'_>, progress: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.patience = None;
            self.gate.0.note_stalled(false);
            return progress;
        }
        self.gate.0.note_stalled(true);
        let patience = self.patience.get_or_insert_with(|| Box::pin(tokio::time::sleep(DEAD_AFTER)));
        std::task::ready!(patience.as_mut().poll(cx));
        self.given_up = true;
        Poll::Ready(Err(gone()))
    }
}

fn gone() -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        format!("the client has taken nothing for {} s", DEAD_AFTER.as_secs()),
    )
}

impl<S> Drop for Gated<S> {
    fn drop(&mut self) {
        // Calls that wait for their turn learn from the RPC server that nobody wants them any more.
        self.gate.0.note_stalled(false);
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
        if self.given_up {
            return Poll::Ready(Err(gone()));
        }
        let progress = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.note_write(cx, progress)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.given_up {
            return Poll::Ready(Err(gone()));
        }
        let progress = Pin::new(&mut self.inner).poll_flush(cx);
        self.note_write(cx, progress)
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

    #[tokio::test]
    async fn calls_take_turns_and_none_begins_while_the_client_does_not_read() {
        let gate = Gate::default();
        let (mut client, server) = tokio::io::duplex(8);
        let mut server = Gated::new(server, gate.clone());
        let mut write = Box::pin(server.write_all(&[b'x'; 12]));
        assert!(futures_util::poll!(&mut write).is_pending());
        let mut turn = Box::pin(gate.turn());
        assert!(futures_util::poll!(&mut turn).is_pending());
        let mut answer = [0; 12];
        let (written, drained) = tokio::join!(write, client.read_exact(&mut answer));
        written.unwrap();
        drained.unwrap();
        let mut turns = vec![turn.await];
        while turns.len() < MOST_TURNS {
            turns.push(gate.turn().await);
        }
        let mut next = Box::pin(gate.turn());
        assert!(futures_util::poll!(&mut next).is_pending());
        turns.pop();
        assert!(next.await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (_client, server) = tokio::io::duplex(8);
        let mut server = Gated::new(server, Gate::default());
        let error = server.write_all(&[b'x'; 20]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(server.write_all(b"x").await.is_err());
    }
}
