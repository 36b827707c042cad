//! Sessions as the container's kernel shows them: who is in one, and signals to them. Where there is no `/proc`, process
//! groups have to do.

use gangplank_agent_protocol::session::{Census, Stat, census};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// The leader of a session that the agent started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leader {
    pub(crate) pid: i32,
    /// The kernel's start time; none without `/proc`.
    pub(crate) started: Option<u64>,
}

impl Leader {
    /// The process `pid`, which was just started.
    pub(crate) fn of(pid: i32) -> Self {
        Self { pid, started: stat(pid).map(|stat| stat.started) }
    }

    /// Its session; none without `/proc`.
    pub(crate) fn census(self) -> Option<Census> {
        Some(census(&all()?, self.pid, self.started, |_| true))
    }

    /// Sends `signals`, one after the other, to all of the session. Without `/proc` to the leader's group and to the
    /// terminal's `foreground` group.
    pub(crate) fn signal(self, members: Option<&[Stat]>, foreground: Option<i32>, signals: &[Signal]) {
        for signal in signals {
            match members {
                Some(members) => members.iter().for_each(|member| send(member, *signal)),
                None => {
                    for group in [Some(self.pid), foreground.filter(|group| *group != self.pid)] {
                        if let Some(group) = group.and_then(Pid::from_raw) {
                            // One that is gone needs no signal.
                            let _ = kill_process_group(group, *signal);
                        }
                    }
                }
            }
        }
    }
}

fn send(member: &Stat, signal: Signal) {
    // Its number may be another's by now.
    let is_same = stat(member.pid).is_some_and(|now| now.started == member.started);
    if let Some(pid) = Pid::from_raw(member.pid).filter(|_| is_same) {
        let _ = kill_process(pid, signal);
    }
}

/// What the kernel tells of one process.
pub(crate) fn stat(pid: i32) -> Option<Stat> {
    // The name may be any bytes.
    let line = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    Stat::parse(pid, &String::from_utf8_lossy(&line))
}

/// The directory of a process.
pub(crate) fn directory(pid: i32) -> Option<String> {
    std::fs::read_link(format!("/proc/{pid}/cwd")).ok()?.into_os_string().into_string().ok()
}

/// All processes; none without `/proc`.
fn all() -> Option<Vec<Stat>> {
    // A `/proc` of another namespace shows other processes under the same numbers, or none.
    let own = i32::try_from(std::process::id()).ok()?;
    stat(own).filter(|own| own.lives)?;
    let entries = std::fs::read_dir("/proc").ok()?.flatten();
    Some(entries.filter_map(|entry| stat(entry.file_name().to_str()?.parse().ok()?)).collect())
}
