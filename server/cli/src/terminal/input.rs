//! Standard input to the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use gangplank_client::{ClientError, StreamWriter};
use gangplank_protocol::stream::MAX_PAYLOAD;
use tokio::sync::mpsc;

use super::detach::{DetachKeys, Matcher};

/// Chunks that may wait; the reading thread waits when they do.
const QUEUE: usize = 2;

/// How the input came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndOfInput {
    /// There is no more; the process knows.
    Ended,
    /// The detach keys were typed.
    Detached,
    /// Ctrl-C was typed while it leaves.
    Interrupted,
}

/// What Ctrl-C does on a terminal: mostly it is the process's, but while nobody can be reached it leaves.
#[derive(Debug, Clone, Default)]
pub(super) struct Leaving(Arc<AtomicBool>);

impl Leaving {
    pub(super) fn allow(&self, leaves: bool) {
        self.0.store(leaves, Ordering::Relaxed);
    }

    fn is_meant_by(&self, typed: &[u8]) -> bool {
        self.0.load(Ordering::Relaxed) && typed.contains(&CTRL_C)
    }
}

const CTRL_C: u8 = 3;

/// Passes standard input on until its end, its offsets and credit kept by `writer`. On a terminal the keys leave.
///
/// # Errors
/// [`ClientError::StreamEnded`] when nobody takes it any more.
pub(super) async fn forward(
    writer: StreamWriter,
    keys: Option<DetachKeys>,
    leaving: Leaving,
) -> Result<EndOfInput, ClientError> {
    let mut chunks = read();
    let mut matcher = keys.map(Matcher::new);
    while let Some(chunk) = chunks.recv().await {
        let Some(matcher) = matcher.as_mut() else {
            writer.input(chunk).await?;
            continue;
        };
        if leaving.is_meant_by(&chunk) {
            return Ok(EndOfInput::Interrupted);
        }
        let typed = matcher.take(&chunk);
        writer.input(Bytes::from(typed.bytes)).await?;
        if typed.detach {
            return Ok(EndOfInput::Detached);
        }
    }
    writer.end_of_input().await?;
    Ok(EndOfInput::Ended)
}

/// Reads standard input on a thread of its own, which ends with the program: a blocking read cannot be taken back.
fn read() -> mpsc::Receiver<Bytes> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let reading = std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let mut buffer = vec![0; MAX_PAYLOAD];
        loop {
            // not `std::io::stdin()`, which has a buffer of its own
            match rustix::io::read(rustix::stdio::stdin(), &mut buffer) {
                Ok(0) => return,
                Ok(length) => {
                    if sender.blocking_send(Bytes::copy_from_slice(&buffer[..length])).is_err() {
                        return;
                    }
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => wait_until_readable(),
                // a terminal that is gone, or an input that cannot be read: nothing more comes
                Err(_) => return,
            }
        }
    });
    // without a thread the channel is closed, which is an empty input
    drop(reading);
    receiver
}

/// Someone before us may have made the input non-blocking; it is theirs to leave so.
fn wait_until_readable() {
    let stdin = rustix::stdio::stdin();
    let mut waiting = [rustix::event::PollFd::new(&stdin, rustix::event::PollFlags::IN)];
    // an error shows in the read that follows
    let _ = rustix::event::poll(&mut waiting, None);
}
