//! One session: a process's stream, this program's terminal or pipes, signals, and the way out.

use std::time::Duration;

use bytes::Bytes;
use gangplank_client::{Client, ClientError, ProcessStream, StreamWriter};
use gangplank_protocol::catalogue::{ProcessClose, ProcessSignal};
use gangplank_protocol::process::{ProcessCloseParams, ProcessExit, ProcessSignalParams, StreamTicket};
use gangplank_protocol::stream::Frame;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::detach::DetachKeys;
use super::input::{self, EndOfInput};
use super::output::{Output, Target, Written};
use super::raw::RawMode;
use crate::context::request_key;
use crate::exit;
use crate::failure::Failure;
use crate::render::Screen;

/// How long leaving may take until the last input has gone out.
const LEAVING: Duration = Duration::from_millis(500);

/// How long closing a process may take: two seconds until it is killed, and some.
const CLOSING: Duration = Duration::from_secs(4);

/// What a process and this program have to do with each other.
#[derive(Debug)]
pub(crate) struct Session {
    /// The process; nothing for an output that no process here belongs to, as with logs.
    pub(crate) process_id: Option<String>,
    /// Its stream.
    pub(crate) ticket: StreamTicket,
    /// True when it has a terminal.
    pub(crate) tty: bool,
    /// True when standard input goes to it.
    pub(crate) interactive: bool,
    /// The keys that leave its terminal.
    pub(crate) keys: DetachKeys,
    /// What becomes of it when this program's terminal is closed.
    pub(crate) hangup: Hangup,
    /// True when it was started for another terminal, so that it has to be told this one's size.
    pub(crate) fit: bool,
}

/// What becomes of a process when the terminal it is shown in is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hangup {
    /// It goes on: a shell, or a container's own process, outlives the window it is seen in.
    Detach,
    /// It is closed: a command is over for whoever closes its terminal.
    Close,
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SessionEnd {
    /// The process ended.
    Exited(ProcessExit),
    /// The process goes on without this program.
    Detached,
    /// A signal to this program ended the session; the exit code says which.
    Left(u8),
}

/// The signals that a session handles.
struct Signals {
    interrupt: Signal,
    /// Nothing where whoever started this program wants hang-ups ignored, as `nohup` does.
    hangup: Option<Signal>,
    terminate: Signal,
    resize: Signal,
}

/// What happens next.
enum Event {
    Frame(Result<Frame, ClientError>),
    Input(Result<EndOfInput, ClientError>),
    OutputFailed(std::io::Error),
    Interrupt,
    Hangup,
    Terminate,
    Resize,
}

/// Runs a session to its end.
///
/// # Errors
/// [`Failure::BrokenPipe`] when nobody reads the output any more (the process is closed then), or when the stream
/// ends before the process.
pub(crate) async fn run(client: &Client, screen: &Screen, session: Session) -> Result<SessionEnd, Failure> {
    let ProcessStream { mut reader, writer } = client.open_stream(&session.ticket).await?;
    let mut signals = Signals::listen().map_err(Failure::io("listen for signals"))?;
    let terminal = session.tty && session.interactive && super::is_terminal();
    let raw =
        if terminal { RawMode::enter().map_err(Failure::io("set up the terminal"))?.into() } else { None };
    let mut output = Output::start(writer.clone()).map_err(Failure::io("start a thread"))?;
    let keys = terminal.then(|| session.keys.clone());
    let mut input = session.interactive.then(|| tokio::spawn(input::forward(writer.clone(), keys)));
    let mut interrupted = false;
    if session.fit {
        resize(&writer, session.tty).await;
    }
    let end = loop {
        let event = tokio::select! {
            biased;
            event = signals.next() => event,
            frame = reader.next() => Event::Frame(frame),
            error = output.failed() => Event::OutputFailed(error),
            ended = ended(&mut input) => Event::Input(ended),
        };
        match event {
            Event::Frame(Ok(Frame::Exited(exit))) => {
                output.finish().await.map_err(Failure::output)?;
                break SessionEnd::Exited(exit);
            }
            Event::Frame(frame) => render(&output, screen, frame?, session.tty),
            Event::Input(Ok(EndOfInput::Detached)) => break SessionEnd::Detached,
            // an input that has ended, or that the process no longer takes, ends nothing
            Event::Input(_) => input = None,
            Event::OutputFailed(error) => {
                close(client, &session, screen).await;
                return Err(Failure::output(error));
            }
            Event::Interrupt if interrupted || session.process_id.is_none() => {
                close(client, &session, screen).await;
                break SessionEnd::Left(exit::INTERRUPTED);
            }
            Event::Interrupt => {
                interrupted = true;
                interrupt(client, &session, screen).await;
            }
            Event::Hangup if session.hangup == Hangup::Close => {
                close(client, &session, screen).await;
                break SessionEnd::Left(exit::of_signal(1));
            }
            Event::Hangup => break SessionEnd::Detached,
            Event::Terminate => {
                if !session.tty {
                    let _ = tokio::time::timeout(LEAVING, pass_on(client, &session, "TERM")).await;
                }
                break SessionEnd::Left(exit::of_signal(15));
            }
            Event::Resize => resize(&writer, session.tty).await,
        }
    };
    drop(raw);
    if end == SessionEnd::Detached {
        // what was typed before the keys is still on its way
        drop((output, writer, input));
        let _ = tokio::time::timeout(LEAVING, async { while reader.next().await.is_ok() {} }).await;
    }
    Ok(end)
}

/// The end of the input, if there is one to wait for.
async fn ended(
    input: &mut Option<tokio::task::JoinHandle<Result<EndOfInput, ClientError>>>,
) -> Result<EndOfInput, ClientError> {
    match input {
        Some(task) => task.await.unwrap_or(Err(ClientError::StreamEnded)),
        None => std::future::pending().await,
    }
}

fn render(output: &Output, screen: &Screen, frame: Frame, tty: bool) {
    let (target, offset, bytes) = match frame {
        Frame::Stdout { offset, bytes } => (Target::Stdout, offset, bytes),
        Frame::Stderr { offset, bytes } => (Target::Stderr, offset, bytes),
        Frame::Snapshot { offset, bytes } => {
            let clear: &[u8] = if tty { b"\x1b[H\x1b[2J\x1b[3J" } else { b"" };
            let whole = Bytes::from([clear, &bytes].concat());
            return output.write(Written { target: Target::Stdout, bytes: whole, reaches: offset });
        }
        Frame::Gap { offset } => {
            screen.note(&format!("output was lost before byte {offset}"));
            return;
        }
        // what only goes the other way, and `exited`, which is handled where the session ends
        Frame::Stdin { .. }
        | Frame::EndOfInput
        | Frame::Resize(_)
        | Frame::Signal(_)
        | Frame::Acknowledge { .. }
        | Frame::Exited(_) => return,
    };
    let reaches = offset + bytes.len() as u64;
    output.write(Written { target, bytes, reaches });
}

async fn resize(writer: &StreamWriter, tty: bool) {
    if let Some(size) = super::size().filter(|_| tty) {
        // a stream that has ended tells so itself
        let _ = writer.send(Frame::Resize(size)).await;
    }
}

/// Passes the first Ctrl-C on; the process ends by it, or goes on and is left by the second.
async fn interrupt(client: &Client, session: &Session, screen: &Screen) {
    if let Err(error) = pass_on(client, session, "INT").await {
        screen.note(&format!("the signal could not be passed on ({error}); Ctrl-C again leaves"));
    }
}

async fn pass_on(client: &Client, session: &Session, signal: &str) -> Result<(), ClientError> {
    let Some(process_id) = session.process_id.clone() else { return Ok(()) };
    let params = ProcessSignalParams { process_id, signal: signal.to_owned(), request_key: request_key() };
    client.call::<ProcessSignal>(&params).await.map(drop)
}

/// Ends a process that nobody listens to any more.
async fn close(client: &Client, session: &Session, screen: &Screen) {
    let Some(process_id) = session.process_id.clone() else { return };
    let params = ProcessCloseParams { process_id, request_key: request_key() };
    let closed = tokio::time::timeout(CLOSING, client.call::<ProcessClose>(&params)).await;
    if screen.style.details && !matches!(closed, Ok(Ok(_))) {
        screen.note("the process could not be closed, and may go on");
    }
}

/// The next of this signal; never where it is not listened for.
async fn received(signal: Option<&mut Signal>) {
    let came = match signal {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if came.is_none() {
        std::future::pending::<()>().await;
    }
}

/// Whether this program was started with the signal ignored, which the kernel tells in a mask. No safe call asks it.
fn is_ignored(signal: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    u32::try_from(signal.as_raw_value() - 1).is_ok_and(|bit| mask >> bit & 1 == 1)
}

impl Signals {
    fn listen() -> std::io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            hangup: if is_ignored(SignalKind::hangup()) { None } else { Some(signal(SignalKind::hangup())?) },
            terminate: signal(SignalKind::terminate())?,
            resize: signal(SignalKind::window_change())?,
        })
    }

    async fn next(&mut self) -> Event {
        tokio::select! {
            Some(()) = self.interrupt.recv() => Event::Interrupt,
            () = received(self.hangup.as_mut()) => Event::Hangup,
            Some(()) = self.terminate.recv() => Event::Terminate,
            Some(()) = self.resize.recv() => Event::Resize,
            else => std::future::pending().await,
        }
    }
}
