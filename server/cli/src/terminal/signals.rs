//! The signals that a session handles.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a session listens for.
pub(super) struct Signals {
    interrupt: Signal,
    /// Nothing where whoever started this program wants hang-ups ignored, as `nohup` does.
    hangup: Option<Signal>,
    terminate: Signal,
    resize: Signal,
}

/// What came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signalled {
    Interrupt,
    Hangup,
    Terminate,
    Resize,
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the kernel does not let it.
    pub(super) fn listen() -> std::io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            hangup: if is_ignored(SignalKind::hangup()) { None } else { Some(signal(SignalKind::hangup())?) },
            terminate: signal(SignalKind::terminate())?,
            resize: signal(SignalKind::window_change())?,
        })
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Signalled {
        tokio::select! {
            Some(()) = self.interrupt.recv() => Signalled::Interrupt,
            () = received(self.hangup.as_mut()) => Signalled::Hangup,
            Some(()) = self.terminate.recv() => Signalled::Terminate,
            Some(()) = self.resize.recv() => Signalled::Resize,
            else => std::future::pending().await,
        }
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
