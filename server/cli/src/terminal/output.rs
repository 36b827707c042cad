//! The process's output to standard output and error, acknowledged after it was written.

use std::io;
use std::os::fd::BorrowedFd;

use bytes::Bytes;
use gangplank_client::StreamWriter;
use gangplank_protocol::stream::{CREDIT, MAX_PAYLOAD};
use tokio::sync::{mpsc, oneshot};

use super::host_paths::{HostPaths, Rewriter};

/// Written bytes after which an acknowledgement is due. Credit minus this leaves room for more than a full frame, so
/// output never stops for want of one.
const ACKNOWLEDGE_AFTER: u64 = MAX_PAYLOAD as u64;
const _: () = assert!(ACKNOWLEDGE_AFTER + 2 * MAX_PAYLOAD as u64 <= CREDIT);

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Stdout,
    Stderr,
}

impl Target {
    fn fd(self) -> BorrowedFd<'static> {
        match self {
            Target::Stdout => rustix::stdio::stdout(),
            Target::Stderr => rustix::stdio::stderr(),
        }
    }
}

/// Bytes to be written, and the offset that they reach to.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) target: Target,
    pub(super) bytes: Bytes,
    pub(super) reaches: u64,
}

/// The writing thread.
#[derive(Debug)]
pub(super) struct Output {
    /// Taken when nothing more comes.
    queue: Option<mpsc::UnboundedSender<Written>>,
    ended: oneshot::Receiver<io::Result<()>>,
}

impl Output {
    /// Starts writing; acknowledgements go to `writer`. What waits is bounded by the credit that these give. Where `paths`
    /// are given, each stream's are turned by them.
    ///
    /// # Errors
    /// When there can be no thread.
    pub(super) fn start(writer: StreamWriter, paths: Option<&HostPaths>) -> io::Result<Output> {
        let rewriters = paths.map(|paths| [Rewriter::new(paths.clone()), Rewriter::new(paths.clone())]);
        let (queue, waiting) = mpsc::unbounded_channel();
        let (result, ended) = oneshot::channel();
        std::thread::Builder::new().name("stdout".to_owned()).spawn(move || {
            // nobody waits for the result of a session that was left
            let _ = result.send(write(waiting, &writer, rewriters));
        })?;
        Ok(Output { queue: Some(queue), ended })
    }

    /// Queues output; it is lost when writing has failed, which [`Output::failed`] tells.
    pub(super) fn write(&self, written: Written) {
        let _ = self.queue.as_ref().map(|queue| queue.send(written));
    }

    /// Waits until writing fails; it does not end while it works.
    pub(super) async fn failed(&mut self) -> io::Error {
        match (&mut self.ended).await {
            Ok(Err(error)) => error,
            Ok(Ok(())) | Err(_) => io::Error::other("the writing thread ended"),
        }
    }

    /// Waits until everything is written.
    ///
    /// # Errors
    /// When something could not be.
    pub(super) async fn finish(&mut self) -> io::Result<()> {
        self.queue = None;
        (&mut self.ended).await.unwrap_or_else(|_| Err(io::Error::other("the writing thread ended")))
    }
}

fn write(
    mut queue: mpsc::UnboundedReceiver<Written>,
    writer: &StreamWriter,
    mut rewriters: Option<[Rewriter; 2]>,
) -> io::Result<()> {
    let mut acknowledged = 0;
    while let Some(written) = queue.blocking_recv() {
        let fd = written.target.fd();
        match &mut rewriters {
            Some(rewriters) => write_all(fd, &rewriters[written.target as usize].take(&written.bytes))?,
            None => write_all(fd, &written.bytes)?,
        }
        if written.reaches >= acknowledged + ACKNOWLEDGE_AFTER {
            acknowledged = written.reaches;
            // a stream that has ended needs none, and what is queued is still to be written
            let _ = writer.acknowledge_blocking(acknowledged);
        }
    }
    for (target, rewriter) in [Target::Stdout, Target::Stderr].into_iter().zip(rewriters.iter_mut().flatten())
    {
        write_all(target.fd(), &rewriter.finish())?;
    }
    Ok(())
}

fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(fd, bytes) {
            Ok(length) => bytes = &bytes[length..],
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => {
                let mut waiting = [rustix::event::PollFd::new(&fd, rustix::event::PollFlags::OUT)];
                // an error shows in the write that follows
                let _ = rustix::event::poll(&mut waiting, None);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
