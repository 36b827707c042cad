//! A process's terminal or pipes: its bytes to this program's standard output and error, this program's standard input
//! to it, unchanged both ways unless paths are to be this machine's.
//!
//! Standard input is read and the outputs are written by threads of their own: both block, and a terminal that
//! stands still must not keep signals and resizes from being handled. Output is acknowledged after it was written, so
//! what the daemon may send follows what this side has rendered. A stream that is lost with its daemon is taken up again.

pub(crate) mod detach;
mod drawing;
pub(crate) mod host_paths;
mod input;
mod output;
mod raw;
mod reconnect;
pub(crate) mod session;
mod signals;

use std::io::IsTerminal;

use gangplank_protocol::process::TerminalSize;

/// True when a terminal can be offered to a process: input and output are one.
pub(crate) fn is_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// The size of this program's terminal. Nothing where there is none, or it does not say.
pub(crate) fn size() -> Option<TerminalSize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout())
        .or_else(|_| rustix::termios::tcgetwinsize(std::io::stdin()))
        .ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some(TerminalSize { columns: size.ws_col, rows: size.ws_row })
}
