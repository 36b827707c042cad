//! A container's processes as this machine's kernel shows them. The engine tells only a process id of its own host;
//! whether that is this machine, and the process is the container's, is proven by the control group before anything is
//! signalled.

use gangplank_agent_protocol::session::{Census, Stat, census};
use rustix::process::{Pid, Signal, kill_process};

/// A process in a container, seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Located {
    host_pid: i32,
    session: i32,
    /// The kernel's start time, which tells a later process of the same number apart.
    started: u64,
    /// All numbers that it has, from this machine's namespace to its own.
    numbers: Vec<i32>,
}

/// The session of an exec's process: those of its container's processes that are in it.
#[derive(Debug)]
pub(super) struct Session {
    leader: Located,
    container_id: String,
}

/// Finds the process, if it is one of the container's on this machine.
pub(super) fn locate(engine_pid: i64, container_id: &str) -> Option<Located> {
    look(host_pid(engine_pid, container_id)?)
}

/// The number on this machine of the process that the engine calls `engine_pid`. They differ where the engine runs in
/// a process namespace of its own, as in a container; then the kernel tells all the numbers that a process has.
pub fn host_pid(engine_pid: i64, container_id: &str) -> Option<i32> {
    let pid = i32::try_from(engine_pid).ok().filter(|pid| *pid > 0)?;
    if container_id.len() < SHORTEST_ID {
        return None;
    }
    if is_of(pid, container_id) {
        return Some(pid);
    }
    let numbered = |candidate: &i32| {
        is_of(*candidate, container_id) && numbers(*candidate).is_some_and(|numbers| numbers.contains(&pid))
    };
    processes().find(numbered)
}

/// Shortest container id that is taken for one: what is shorter might be part of anything.
const SHORTEST_ID: usize = 32;

fn is_of(host_pid: i32, container_id: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{host_pid}/cgroup"))
        .is_ok_and(|groups| groups.contains(container_id))
}

fn numbers(host_pid: i32) -> Option<Vec<i32>> {
    let status = std::fs::read_to_string(format!("/proc/{host_pid}/status")).ok()?;
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    Some(numbers.split_whitespace().filter_map(|number| number.parse().ok()).collect())
}

fn processes() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Whether the process that the engine calls `engine_pid` is seen to live: one that waits to be reaped does not.
pub(super) fn lives(engine_pid: i64, container_id: &str) -> bool {
    host_pid(engine_pid, container_id).and_then(stat_of).is_some_and(|stat| stat.lives)
}

impl Session {
    /// The session of `leader`, which the engine started in the container.
    pub(super) fn of(leader: Located, container_id: &str) -> Self {
        Self { leader, container_id: container_id.to_owned() }
    }

    /// The process that the engine started.
    pub(super) fn leader(&self) -> &Located {
        &self.leader
    }

    /// Its processes that live now, the leader first: a shell whose command is ended before it goes on to the next.
    pub(super) fn members(&self) -> Vec<Located> {
        self.census().members.iter().filter_map(Located::of).collect()
    }

    /// The names of its members' descendants that made sessions of their own.
    pub(super) fn others(&self) -> Vec<String> {
        self.census().others.into_iter().map(|other| other.name).collect()
    }

    fn census(&self) -> Census {
        let all: Vec<Stat> = processes().filter_map(stat_of).collect();
        census(&all, self.leader.session, None, |stat| is_of(stat.pid, &self.container_id))
    }
}

impl Located {
    fn of(stat: &Stat) -> Option<Self> {
        let numbers = numbers(stat.pid)?;
        Some(Self { host_pid: stat.pid, session: stat.session, started: stat.started, numbers })
    }

    /// Its number in the namespace that `other` is in; none when it is in one above that.
    pub(super) fn number_beside(&self, other: &Self) -> Option<i32> {
        self.numbers.get(other.numbers.len().checked_sub(1)?).copied()
    }

    /// Signals it directly; false when this user may not. One that has ended needs no signal.
    pub(super) fn signal(&self, name: &str) -> bool {
        if look(self.host_pid).is_none_or(|now| now.started != self.started) {
            return true;
        }
        let (Some(signal), Some(pid)) = (by_name(name), Pid::from_raw(self.host_pid)) else { return false };
        !matches!(kill_process(pid, signal), Err(rustix::io::Errno::PERM))
    }
}

fn by_name(name: &str) -> Option<Signal> {
    Some(match name {
        "HUP" => Signal::HUP,
        "INT" => Signal::INT,
        "QUIT" => Signal::QUIT,
        "KILL" => Signal::KILL,
        "TERM" => Signal::TERM,
        "USR1" => Signal::USR1,
        "USR2" => Signal::USR2,
        "STOP" => Signal::STOP,
        "TSTP" => Signal::TSTP,
        "CONT" => Signal::CONT,
        "WINCH" => Signal::WINCH,
        "ALRM" => Signal::ALARM,
        "ABRT" => Signal::ABORT,
        _ => return None,
    })
}

fn look(host_pid: i32) -> Option<Located> {
    Located::of(&stat_of(host_pid)?)
}

fn stat_of(host_pid: i32) -> Option<Stat> {
    Stat::parse(host_pid, &std::fs::read_to_string(format!("/proc/{host_pid}/stat")).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_of_no_container_is_never_located() {
        let own = i64::from(std::process::id());
        assert_eq!(locate(own, &"0".repeat(64)), None);
        assert_eq!(locate(own, ""), None);
        assert_eq!(locate(0, &"0".repeat(64)), None);
    }

    /// One in a session of its own, so that others that this test process starts are not in it.
    fn own_session(script: &str) -> (std::process::Child, Session) {
        // A shell that reads waits until its input is closed, with the child.
        let mut command = std::process::Command::new("setsid");
        let child = command.args(["sh", "-c", script]).stdin(std::process::Stdio::piped()).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let leader = loop {
            // It is its session's leader once `setsid` has run.
            match look(pid).unwrap() {
                leader if leader.session == pid => break leader,
                _ => std::thread::yield_now(),
            }
        };
        // Every process is of a container without a name.
        (child, Session::of(leader, ""))
    }

    #[test]
    fn a_session_is_its_living_members_those_that_came_later_too() {
        let (mut child, session) = own_session("sleep 30 & sleep 30 & read stays");
        while session.members().len() < 3 {
            std::thread::yield_now();
        }
        let members = session.members();
        assert_eq!(members.first(), Some(session.leader()));
        assert!(session.leader().signal("KILL"));
        // Not yet reaped, and no member any more.
        while session.members().len() > 2 {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(!session.members().contains(session.leader()));
        assert!(session.leader().signal("TERM"), "a dead process needs no signal");
        assert!(session.members().iter().all(|left| left.signal("KILL")));
        while !session.members().is_empty() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_session_has_no_members_in_other_containers() {
        let (mut child, session) = own_session("read stays");
        let elsewhere = Session::of(session.leader().clone(), &"0".repeat(64));
        assert_eq!(elsewhere.members(), []);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_number_is_that_of_the_containers_namespace_also_below_it() {
        let process = |numbers: &[i32]| Located {
            host_pid: numbers[0],
            session: 7,
            started: 4711,
            numbers: numbers.to_vec(),
        };
        let leader = process(&[4000, 7]);
        assert_eq!(leader.number_beside(&leader), Some(7));
        assert_eq!(process(&[4001, 8, 1]).number_beside(&leader), Some(8));
        assert_eq!(process(&[4002]).number_beside(&leader), None);
    }
}
