//! Moves the bytes of one process, and waits for its end.

use std::future::poll_fn;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt as _;
use std::pin::{Pin, pin};
use std::process::ExitStatus;
use std::rc::Rc;
use std::task::{Poll, ready};
use std::time::Duration;

use gangplank_agent_protocol::message::Exit;
use gangplank_agent_protocol::output::Source;
use process_wrap::tokio::ChildWrapper;
use pty_process::OwnedReadPty;
use rustix::termios::SpecialCodeIndex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout};

use crate::core::{Core, SCRATCH};
use crate::input::Step;
use crate::process::Process;
use crate::spawn::Streams;

/// A terminal from which nothing came for so long after its process ended is taken to be read to its end, though
/// children of the process may still hold it.
const QUIET: Duration = Duration::from_millis(100);

/// Serves the process until it has ended and nobody can write to it any more.
pub(crate) async fn run(
    core: Rc<Core>,
    process: Rc<Process>,
    child: Box<dyn ChildWrapper>,
    streams: Streams,
) {
    match streams {
        Streams::Terminal(reader, writer) => {
            tokio::task::spawn_local(feed(Rc::clone(&process), writer));
            terminal(&core, &process, child, reader).await;
        }
        Streams::Pipes(stdin, stdout, stderr) => {
            match stdin {
                Some(stdin) => drop(tokio::task::spawn_local(feed(Rc::clone(&process), stdin))),
                None => process.input.borrow_mut().close(),
            }
            pipes(&core, &process, child, (stdout, stderr)).await;
        }
    }
}

async fn terminal(
    core: &Core,
    process: &Rc<Process>,
    mut child: Box<dyn ChildWrapper>,
    mut reader: OwnedReadPty,
) {
    let mut is_open = true;
    let status = {
        let mut reading = pin!(read_all(core, process, &mut reader, Source::Stdout));
        tokio::select! {
            status = child.wait() => status,
            () = &mut reading => {
                is_open = false;
                child.wait().await
            }
        }
    };
    process.life.borrow_mut().is_reaped = true;
    while is_open {
        core.may_read(process).await;
        match timeout(QUIET, read(core, process, &mut reader, Source::Stdout, SCRATCH)).await {
            Ok(count) => is_open = count > 0,
            Err(_quiet) => break,
        }
    }
    end(core, process, status);
    if is_open {
        discard(core, &mut reader).await;
    }
}

async fn pipes<O, E>(
    core: &Core,
    process: &Rc<Process>,
    mut child: Box<dyn ChildWrapper>,
    streams: (Option<O>, Option<E>),
) where
    O: AsyncRead + AsFd + Unpin,
    E: AsyncRead + AsFd + Unpin,
{
    let (Some(mut stdout), Some(mut stderr)) = streams else { return };
    let mut is_open = true;
    let status = {
        let mut reading = pin!(futures_util::future::join(
            read_all(core, process, &mut stdout, Source::Stdout),
            read_all(core, process, &mut stderr, Source::Stderr),
        ));
        tokio::select! {
            status = child.wait() => status,
            _ = &mut reading => {
                is_open = false;
                child.wait().await
            }
        }
    };
    process.life.borrow_mut().is_reaped = true;
    if is_open {
        // All that the process wrote is in the pipes now; what others write after its end is not its output.
        futures_util::future::join(
            read_rest(core, process, &mut stdout, Source::Stdout),
            read_rest(core, process, &mut stderr, Source::Stderr),
        )
        .await;
    }
    end(core, process, status);
    if is_open {
        // Who still writes is not to be hit by a closed pipe.
        futures_util::future::join(discard(core, &mut stdout), discard(core, &mut stderr)).await;
    }
}

async fn read_all(core: &Core, process: &Rc<Process>, reader: &mut (impl AsyncRead + Unpin), source: Source) {
    loop {
        core.may_read(process).await;
        if read(core, process, reader, source, SCRATCH).await == 0 {
            return;
        }
        // Others have their turn, those first who send what was read.
        tokio::task::yield_now().await;
    }
}

async fn read_rest(
    core: &Core,
    process: &Rc<Process>,
    reader: &mut (impl AsyncRead + AsFd + Unpin),
    source: Source,
) {
    let mut left = rustix::io::ioctl_fionread(&*reader).unwrap_or(0);
    while left > 0 {
        core.may_read(process).await;
        let most = usize::try_from(left).unwrap_or(SCRATCH).min(SCRATCH);
        match read(core, process, reader, source, most).await {
            0 => return,
            count => left = left.saturating_sub(count as u64),
        }
        tokio::task::yield_now().await;
    }
}

/// Reads once, and keeps what comes; 0 at the end. Read and kept in one step: whoever stops waiting for it loses nothing.
async fn read(
    core: &Core,
    process: &Rc<Process>,
    reader: &mut (impl AsyncRead + Unpin),
    source: Source,
    most: usize,
) -> usize {
    poll_fn(|context| {
        let mut scratch = core.scratch.borrow_mut();
        let mut buffer = ReadBuf::new(&mut scratch[..most]);
        // A terminal that nobody holds any more is at its end by an error.
        if ready!(Pin::new(&mut *reader).poll_read(context, &mut buffer)).is_err() {
            return Poll::Ready(0);
        }
        let bytes = buffer.filled();
        if !bytes.is_empty() {
            core.keep(process, source, bytes);
        }
        Poll::Ready(bytes.len())
    })
    .await
}

async fn discard(core: &Core, reader: &mut (impl AsyncRead + Unpin)) {
    loop {
        let count = poll_fn(|context| {
            let mut scratch = core.scratch.borrow_mut();
            let mut buffer = ReadBuf::new(&mut scratch[..]);
            let read = ready!(Pin::new(&mut *reader).poll_read(context, &mut buffer));
            Poll::Ready(if read.is_ok() { buffer.filled().len() } else { 0 })
        })
        .await;
        if count == 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// The process has ended, and its last byte was read.
fn end(core: &Core, process: &Rc<Process>, status: io::Result<ExitStatus>) {
    let status = status.ok();
    let exit = Exit {
        code: status.and_then(|status| status.code()),
        signal: status.and_then(|status| status.signal()),
        reason: process.life.borrow().reason.map(str::to_owned),
    };
    process.life.borrow_mut().end = Some((exit, Instant::now()));
    process.terminal.take();
    process.input.borrow_mut().close();
    process.input_came.notify_one();
    process.confirm_input();
    for (handle, attached) in process.attached.borrow().iter() {
        attached.outbox.over(handle.attachment);
    }
    core.ended();
}

/// Writes its input until there is no more, or it reads no more.
async fn feed(process: Rc<Process>, mut writer: impl AsyncWrite + Unpin) {
    loop {
        let step = process.input.borrow().step();
        match step {
            Step::Write => {
                let written = poll_fn(|context| {
                    let input = process.input.borrow();
                    Pin::new(&mut writer).poll_write(context, input.waiting())
                });
                // What waits is dropped when the process ends, which may be while it does not read.
                let written = tokio::select! {
                    written = written => written,
                    () = process.input_closed() => return,
                };
                match written {
                    Ok(count) if count > 0 => process.input.borrow_mut().written(count),
                    _ => process.input.borrow_mut().close(),
                }
                process.confirm_input();
            }
            Step::End => {
                if let Some(character) = end_character(&process) {
                    let _ = poll_fn(|context| Pin::new(&mut writer).poll_write(context, &[character])).await;
                }
                process.input.borrow_mut().close();
            }
            Step::Nothing => process.input_came.notified().await,
            Step::Over => return,
        }
    }
}

/// What ends input on its terminal, where it has one.
fn end_character(process: &Process) -> Option<u8> {
    let terminal = process.terminal.borrow();
    let attributes = rustix::termios::tcgetattr(terminal.as_ref()?).ok()?;
    Some(attributes.special_codes[SpecialCodeIndex::VEOF])
}
