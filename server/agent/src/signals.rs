//! Signals: those a process is sent by name, and the agent's own dispositions.

use std::io;

use nix::sys::signal::SigSet;
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};

const NAMES: [(&str, Signal); 17] = [
    ("HUP", Signal::HUP),
    ("INT", Signal::INT),
    ("QUIT", Signal::QUIT),
    ("KILL", Signal::KILL),
    ("TERM", Signal::TERM),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
    ("STOP", Signal::STOP),
    ("TSTP", Signal::TSTP),
    ("CONT", Signal::CONT),
    ("WINCH", Signal::WINCH),
    ("ALRM", Signal::ALARM),
    ("ABRT", Signal::ABORT),
    ("PIPE", Signal::PIPE),
    ("CHLD", Signal::CHILD),
    ("TTIN", Signal::TTIN),
    ("TTOU", Signal::TTOU),
];

/// Those that the agent catches and heeds not. Caught, not ignored: what is ignored stays so in the programs that a
/// process starts, what is caught is again as it was by default.
const HEEDLESS: [Signal; 14] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::USR1,
    Signal::USR2,
    Signal::PIPE,
    Signal::ALARM,
    Signal::TSTP,
    Signal::TTIN,
    Signal::TTOU,
    Signal::WINCH,
    Signal::URG,
    Signal::XFSZ,
    Signal::VTALARM,
];

/// The signal of this POSIX name without `SIG`.
pub(crate) fn by_name(name: &str) -> Option<Signal> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, signal)| *signal)
}

/// Makes the agent heed none of the signals that come from terminals and other users' scripts, and block none, so that
/// the processes it starts find all as by default. `TERM` ends it: the stream says when.
pub(crate) fn settle() -> io::Result<tokio::signal::unix::Signal> {
    SigSet::empty().thread_set_mask().map_err(io::Error::from)?;
    for heedless in HEEDLESS {
        // The handler stays when the stream is dropped.
        drop(signal(SignalKind::from_raw(heedless.as_raw()))?);
    }
    signal(SignalKind::terminate())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_go_by_their_names() {
        assert_eq!(by_name("KILL"), Some(Signal::KILL));
        assert_eq!(by_name("SIGKILL"), None);
        assert_eq!(by_name("9"), None);
    }
}
