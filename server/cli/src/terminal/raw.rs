//! Raw mode, and the way back from it on every path: the guard's end, and a panic's message before that.

use std::sync::Mutex;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// The settings to go back to, while raw mode is on.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Raw mode on standard input, until it is dropped.
#[derive(Debug)]
pub(super) struct RawMode(());

impl RawMode {
    /// Turns raw mode on.
    ///
    /// # Errors
    /// When standard input is no terminal.
    pub(super) fn enter() -> std::io::Result<RawMode> {
        let before = tcgetattr(std::io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(std::io::stdin(), OptionalActions::Drain, &raw)?;
        let first = remember(Some(before)).is_none();
        if first {
            let report = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                restore();
                report(panic);
            }));
        }
        Ok(RawMode(()))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        restore();
    }
}

fn restore() {
    if let Some(before) = remember(None) {
        // a terminal that is gone needs no restoring
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Drain, &before);
    }
}

fn remember(settings: Option<Termios>) -> Option<Termios> {
    let mut before = BEFORE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    std::mem::replace(&mut *before, settings)
}
