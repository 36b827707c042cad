//! Processes of the host, named so that a later process of the same id is never taken for them.

use std::path::Path;

/// A process, by its id and its start time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub id: u32,
    /// When it started, in clock ticks since boot.
    pub started: u64,
}

impl Process {
    /// The process that has this id now.
    #[must_use]
    pub fn of(id: u32) -> Option<Process> {
        stat(id).map(|(_, started)| Process { id, started })
    }

    /// The process that a file names as `ID STARTED`.
    pub(crate) fn read(file: &Path) -> Option<Process> {
        let text = std::fs::read_to_string(file).ok()?;
        let (id, started) = text.trim().split_once(' ')?;
        Some(Process { id: id.parse().ok()?, started: started.parse().ok()? })
    }

    /// Whether it still runs; one that only waits for its parent to look does not.
    #[must_use]
    pub fn is_alive(self) -> bool {
        stat(self.id).is_some_and(|(state, started)| state != 'Z' && started == self.started)
    }

    /// Sends SIGTERM, to the first process within where it is the outer one of a namespace of processes.
    pub fn terminate(self) {
        let children = format!("/proc/{id}/task/{id}/children", id = self.id);
        let within = std::fs::read_to_string(children).ok();
        let first = within.and_then(|ids| ids.split_whitespace().next()?.parse().ok());
        signal(first.unwrap_or(self.id), rustix::process::Signal::TERM);
    }

    /// Sends SIGKILL.
    pub fn kill(self) {
        if self.is_alive() {
            signal(self.id, rustix::process::Signal::KILL);
        }
    }
}

fn signal(id: u32, signal: rustix::process::Signal) {
    if let Some(id) = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw) {
        // gone already is as good
        let _ = rustix::process::kill_process(id, signal);
    }
}

/// State and start time from `/proc/ID/stat`; the name in parentheses before them may hold anything.
fn stat(id: u32) -> Option<(char, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?.chars().next()?;
    let started = fields.nth(18)?.parse().ok()?;
    Some((state, started))
}
