//! One session: a process's stream, this program's terminal or pipes, signals, and the way out.

use std::time::Duration;

use gangplank_client::{Client, ClientError, ProcessStream, StreamWriter};
use gangplank_protocol::catalogue::{ProcessClose, ProcessSignal};
use gangplank_protocol::process::{
    ProcessCloseParams, ProcessExit, ProcessSignalParams, StreamTicket, TerminalSize,
};
use gangplank_protocol::stream::Frame;

use super::detach::DetachKeys;
use super::drawing::{Drawing, Drawn};
use super::host_paths::HostPaths;
use super::input::{self, EndOfInput, Leaving};
use super::output::Output;
use super::raw::RawMode;
use super::reconnect::{Found, Loss, Reconnection};
use super::signals::{Signalled, Signals};
use crate::context::request_key;
use crate::exit;
use crate::failure::Failure;
use crate::render::{Screen, escape};

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
    /// What it had read of all its clients' input before; nothing when nobody counts.
    pub(crate) input_before: Option<u64>,
    /// Whether it outlives its daemon, where that is known.
    pub(crate) resumable: Option<bool>,
    /// True when it has a terminal.
    pub(crate) tty: bool,
    /// True when standard input goes to it.
    pub(crate) interactive: bool,
    /// The keys that leave its terminal.
    pub(crate) keys: DetachKeys,
    /// What becomes of it when this program's terminal is closed.
    pub(crate) hangup: Hangup,
    /// The size that its terminal was given at its start; nothing when it was started for another terminal.
    pub(crate) size: Option<TerminalSize>,
    /// What its output's paths are turned by; nothing where every byte stays as it is.
    pub(crate) paths: Option<HostPaths>,
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

/// Why a process ended that did not end by itself, in one line.
pub(crate) fn reason(exit: &ProcessExit) -> Option<String> {
    let message = || exit.message.clone();
    let because = |why: &str| Some(format!("ended, because {}", message().unwrap_or_else(|| why.to_owned())));
    match exit.reason.as_deref() {
        None => message(),
        Some("containerStopped") => because("its container stopped"),
        Some("outOfMemory") => because("its container ran out of memory"),
        Some("agentEnded") => because("the agent in its container ended"),
        Some("engineUnavailable") => because("its engine does not answer"),
        Some("idle") => Some("closed, because nobody was attached and nothing ran in it".to_owned()),
        Some("closed") => Some("closed by a client".to_owned()),
        Some(other) => Some(format!("ended: {}", message().unwrap_or_else(|| other.to_owned()))),
    }
}

/// What happens next.
enum Event {
    Frame(Result<Frame, ClientError>),
    Reconnection(Found),
    Input(Result<EndOfInput, ClientError>),
    OutputFailed(std::io::Error),
    Signal(Signalled),
}

/// Runs a session to its end. A stream that is lost is taken up again where the process outlives its daemon.
///
/// # Errors
/// [`Failure::BrokenPipe`] when nobody reads the output any more (the process is closed then), or when the stream
/// ends before the process and there is no way back.
pub(crate) async fn run(client: &Client, screen: &Screen, session: Session) -> Result<SessionEnd, Failure> {
    let stream = client.open_stream(&session.ticket, session.input_before).await?;
    let ProcessStream { mut reader, writer } = stream;
    let mut signals = Signals::listen().map_err(Failure::io("listen for signals"))?;
    let terminal = session.tty && session.interactive && super::is_terminal();
    let raw =
        if terminal { RawMode::enter().map_err(Failure::io("set up the terminal"))?.into() } else { None };
    let mut drawing = Drawing::new(session.tty);
    let leaving = Leaving::default();
    let mut output =
        Output::start(writer.clone(), session.paths.as_ref()).map_err(Failure::io("start a thread"))?;
    let keys = terminal.then(|| session.keys.clone());
    let mut input =
        session.interactive.then(|| tokio::spawn(input::forward(writer.clone(), keys, leaving.clone())));
    let mut reconnection =
        Reconnection::new(client, session.process_id.as_deref(), session.resumable, terminal);
    let mut interrupted = false;
    // a window may have been resized since the process was asked for, when nobody listened yet
    if super::size() != session.size {
        resize(&writer, session.tty).await;
    }
    let end = loop {
        let event = tokio::select! {
            biased;
            signal = signals.next() => Event::Signal(signal),
            frame = reader.next(), if !reconnection.is_searching() => Event::Frame(frame),
            found = reconnection.found() => Event::Reconnection(found),
            error = output.failed() => Event::OutputFailed(error),
            ended = ended(&mut input) => Event::Input(ended),
        };
        match event {
            Event::Frame(Ok(Frame::Exited(exit))) => {
                output.finish().await.map_err(Failure::output)?;
                break SessionEnd::Exited(exit);
            }
            Event::Frame(Ok(frame)) => match drawing.frame(frame) {
                Drawn::Bytes(written) => output.write(written),
                Drawn::LostBefore(offset) => {
                    say(screen, terminal, &format!("output was lost before byte {offset}"));
                }
                Drawn::Nothing => {}
            },
            Event::Frame(Err(error)) => reconnection.begin(error, reader.position())?,
            Event::Reconnection(Found::Back { reattached, told }) => {
                reader.resume(*reattached);
                drawing.reconnected();
                resize(&writer, session.tty && terminal).await;
                leaving.allow(false);
                if told {
                    say(screen, terminal, "connected again");
                }
            }
            Event::Reconnection(Found::TakesLong(loss)) => {
                leaving.allow(true);
                say(screen, terminal, waits(loss));
            }
            Event::Reconnection(Found::Lost(error)) => return Err(error.into()),
            Event::Input(Ok(EndOfInput::Detached)) => break SessionEnd::Detached,
            Event::Input(Ok(EndOfInput::Interrupted)) => break left_behind(screen, terminal, &session),
            // an input that has ended, or that the process no longer takes, ends nothing
            Event::Input(_) => input = None,
            Event::OutputFailed(error) => {
                close(client, &session, screen).await;
                return Err(Failure::output(error));
            }
            Event::Signal(Signalled::Interrupt) if reconnection.is_searching() => {
                break left_behind(screen, terminal, &session);
            }
            Event::Signal(Signalled::Interrupt) if interrupted || session.process_id.is_none() => {
                close(client, &session, screen).await;
                break SessionEnd::Left(exit::INTERRUPTED);
            }
            Event::Signal(Signalled::Interrupt) => {
                interrupted = true;
                interrupt(client, &session, screen).await;
            }
            Event::Signal(Signalled::Hangup) if session.hangup == Hangup::Close => {
                close(client, &session, screen).await;
                break SessionEnd::Left(exit::of_signal(1));
            }
            Event::Signal(Signalled::Hangup) => break SessionEnd::Detached,
            Event::Signal(Signalled::Terminate) => {
                if !session.tty {
                    let _ = tokio::time::timeout(LEAVING, pass_on(client, &session, "TERM")).await;
                }
                break SessionEnd::Left(exit::of_signal(15));
            }
            Event::Signal(Signalled::Resize) => resize(&writer, session.tty).await,
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

/// Says what is no output, on a line of its own, also where lines do not return by themselves.
fn say(screen: &Screen, raw: bool, text: &str) {
    let line = escape::line(text);
    screen.tell(&if raw { format!("\r\ngangplank: {line}\r") } else { format!("gangplank: {line}") });
}

fn waits(loss: Loss) -> &'static str {
    match loss {
        Loss::Broken => {
            "the connection to the daemon was lost and is being made again; what runs goes on (Ctrl-C leaves it running)"
        }
        Loss::Stopped => {
            "the daemon was stopped; this goes on when one runs again, as after `gangplank ps` (Ctrl-C leaves it running)"
        }
    }
}

/// The end of a session whose process nobody could be asked about.
fn left_behind(screen: &Screen, raw: bool, session: &Session) -> SessionEnd {
    if let Some(process) = &session.process_id {
        say(
            screen,
            raw,
            &format!("left without a daemon; `gangplank attach {process}` comes back to what still runs"),
        );
    }
    SessionEnd::Left(exit::INTERRUPTED)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_told_in_one_line() {
        let exit = |reason: Option<&str>, message: Option<&str>| ProcessExit {
            code: None,
            reason: reason.map(str::to_owned),
            message: message.map(str::to_owned),
        };
        for (why, message, told) in [
            (Some("containerStopped"), None, "ended, because its container stopped"),
            (
                Some("containerStopped"),
                Some("its container ended with exit code 3"),
                "ended, because its container ended with exit code 3",
            ),
            (Some("outOfMemory"), None, "ended, because its container ran out of memory"),
            (Some("agentEnded"), None, "ended, because the agent in its container ended"),
            (Some("idle"), None, "closed, because nobody was attached and nothing ran in it"),
            (Some("closed"), None, "closed by a client"),
            (Some("news"), None, "ended: news"),
            (None, Some("no such program"), "no such program"),
        ] {
            assert_eq!(reason(&exit(why, message)).as_deref(), Some(told), "{why:?}");
        }
        assert_eq!(reason(&exit(None, None)), None);
    }
}
