//! `gangplank` on a real terminal: a pseudoterminal that is its controlling terminal, typed into and waited on.
//!
//! `setsid --ctty` makes the terminal the controlling one; a pseudoterminal crate would do the same in code that this
//! workspace would have to trust.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::invocation::DEADLINE;
use crate::error::fail;
use crate::program;

/// A running `gangplank` and the terminal it runs on.
#[derive(Debug)]
pub struct Terminal {
    line: String,
    child: Child,
    keyboard: File,
    screen: Arc<Screen>,
    /// Everything before this was waited for already.
    seen: usize,
}

#[derive(Debug, Default)]
struct Screen {
    content: Mutex<Content>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    closed: bool,
}

impl Screen {
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Terminal {
    pub(super) fn start(command: &Command, columns: u16, rows: u16) -> Terminal {
        let line = program::line(command);
        let started = open(columns, rows).and_then(|(keyboard, slave)| {
            let child = spawn(command, slave)?;
            let reader = keyboard.try_clone()?;
            Ok((child, keyboard, reader))
        });
        let (child, keyboard, reader) = match started {
            Ok(started) => started,
            Err(error) => fail(format_args!("cannot run `{line}` on a terminal: {error}")),
        };
        let screen = Arc::new(Screen::default());
        let shown = Arc::clone(&screen);
        std::thread::spawn(move || show(reader, &shown));
        Terminal { line, child, keyboard, screen, seen: 0 }
    }

    /// Types bytes; `\r` is the enter key, `\x03` is Ctrl-C.
    ///
    /// # Panics
    /// When the terminal is gone.
    #[track_caller]
    pub fn types(&mut self, bytes: impl AsRef<[u8]>) {
        let typed = self.keyboard.write_all(bytes.as_ref());
        assert!(typed.is_ok(), "cannot type into `{}`: {typed:?}\n{}", self.line, self.text());
    }

    /// Changes the terminal's size, as a window does.
    ///
    /// # Panics
    /// When the terminal is gone.
    #[track_caller]
    pub fn resizes(&self, columns: u16, rows: u16) {
        let resized = tcsetwinsize(&self.keyboard, size(columns, rows));
        assert!(resized.is_ok(), "cannot resize the terminal of `{}`: {resized:?}", self.line);
    }

    /// Waits until `needle` appears after what was waited for before, and gives what came up to its end.
    ///
    /// # Panics
    /// When it does not come, with all that came.
    #[track_caller]
    pub fn shows(&mut self, needle: &str) -> String {
        let begun = Instant::now();
        let mut content = self.screen.lock();
        loop {
            let fresh = &content.bytes[self.seen..];
            if let Some(at) = position(fresh, needle.as_bytes()) {
                let end = at + needle.len();
                let text = String::from_utf8_lossy(&fresh[..end]).into_owned();
                self.seen += end;
                return text;
            }
            let left = DEADLINE.saturating_sub(begun.elapsed());
            let text = String::from_utf8_lossy(&content.bytes);
            assert!(!content.closed, "`{}` closed without {needle:?}:\n{text}", self.line);
            assert!(!left.is_zero(), "`{}` never showed {needle:?}:\n{text}", self.line);
            content =
                self.screen.changed.wait_timeout(content, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Everything that it showed so far.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().bytes).into_owned()
    }

    /// The process on the terminal.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end and asserts its exit code.
    ///
    /// # Panics
    /// When it ends otherwise or hangs.
    #[track_caller]
    pub fn exits(mut self, code: i32) -> String {
        let (status, text) = self.ends();
        let ended = status.as_ref().is_ok_and(|status| status.code() == Some(code));
        assert!(ended, "expected exit code {code} of `{}`, not {status:?}:\n{text}", self.line);
        text
    }

    /// Waits for its end, and gives that with all that it showed.
    #[track_caller]
    fn ends(&mut self) -> (std::io::Result<ExitStatus>, String) {
        let begun = Instant::now();
        let mut content = self.screen.lock();
        while !content.closed {
            let left = DEADLINE.saturating_sub(begun.elapsed());
            let text = String::from_utf8_lossy(&content.bytes);
            assert!(!left.is_zero(), "`{}` does not end:\n{text}", self.line);
            content =
                self.screen.changed.wait_timeout(content, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let text = String::from_utf8_lossy(&content.bytes).into_owned();
        drop(content);
        (self.child.wait(), text)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // ended already is as good
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn open(columns: u16, rows: u16) -> std::io::Result<(File, File)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master: OwnedFd = openpt(flags)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, Vec::new())?;
    let path = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name.as_bytes());
    let slave = rustix::fs::open(
        path,
        rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )?;
    tcsetwinsize(&slave, size(columns, rows))?;
    Ok((File::from(master), File::from(slave)))
}

fn spawn(command: &Command, slave: File) -> std::io::Result<Child> {
    let mut session = Command::new("setsid");
    // a test run in the background ignores interrupts, and all that it starts would too; a terminal's shell does not
    session
        .args(["--ctty", "env", "--default-signal"])
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            session.env(name, value);
        }
    }
    if let Some(folder) = command.get_current_dir() {
        session.current_dir(folder);
    }
    session
        .stdin(Stdio::from(slave.try_clone()?))
        .stdout(Stdio::from(slave.try_clone()?))
        .stderr(Stdio::from(slave))
        .spawn()
}

fn show(mut reader: File, screen: &Screen) {
    let mut chunk = [0; 4096];
    // a terminal that nobody has open any more fails to read
    while let Ok(count @ 1..) = reader.read(&mut chunk) {
        screen.lock().bytes.extend_from_slice(&chunk[..count]);
        screen.changed.notify_all();
    }
    screen.lock().closed = true;
    screen.changed.notify_all();
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len().max(1)).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell() -> Terminal {
        let mut command = Command::new("/bin/sh");
        command.args(["-i"]).env_clear().env("PATH", "/usr/bin:/bin").env("PS1", "ready: ");
        Terminal::start(&command, 91, 17)
    }

    #[test]
    fn it_is_a_controlling_terminal_of_the_size_asked_for() {
        let mut terminal = shell();
        terminal.types("stty size </dev/tty; echo $((6*7))\r");
        let shown = terminal.shows("42");
        assert!(shown.contains("17 91"), "{shown}");
        terminal.resizes(120, 40);
        terminal.types("stty size </dev/tty\r");
        terminal.shows("40 120");
        terminal.types("exit 5\r");
        terminal.exits(5);
    }

    #[test]
    fn an_interrupt_reaches_the_foreground_job() {
        let mut terminal = shell();
        // Said by the job itself: an interrupt that came before it would only give the shell's next prompt.
        terminal.types("exec sh -c 'echo sta\"\"rted; exec cat'\r");
        terminal.shows("started");
        terminal.types("\x03");
        let (status, _) = terminal.ends();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status.unwrap()), Some(2));
    }

    #[test]
    #[should_panic(expected = "closed without \"never\"")]
    fn what_is_never_shown_fails_with_what_was() {
        let mut terminal = shell();
        terminal.types("exit\r");
        terminal.shows("never");
    }
}
