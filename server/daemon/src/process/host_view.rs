//! A container's processes as this machine's kernel shows them. The engine tells only a process id of its own host;
//! whether that is this machine, and the process is the container's, is proven by the control group before anything is
//! signalled.

use rustix::process::{Pid, Signal, kill_process};

/// A process in a container, seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Located {
    host_pid: i32,
    session: i32,
    /// The kernel's start time, which tells a later process of the same number apart.
    started: u64,
    /// Its number inside the container.
    pub(super) pid_in_container: i32,
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

/// All numbers that the process has, from this namespace to its own.
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
    let state = |pid: i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.chars().next()
    };
    host_pid(engine_pid, container_id).and_then(state).is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// The processes of its session, itself first, and the names of its descendants that left that session.
pub(super) fn session_of(process: &Located) -> (Vec<Located>, Vec<String>) {
    let all = everything();
    let mut members = vec![process.clone()];
    members.extend(
        all.iter()
            .filter(|(other, ..)| other.session == process.session && other.host_pid != process.host_pid)
            .map(|(other, ..)| other.clone()),
    );
    let mut family: Vec<i32> = members.iter().map(|member| member.host_pid).collect();
    let mut others = Vec::new();
    let mut index = 0;
    while let Some(parent) = family.get(index).copied() {
        index += 1;
        for (child, _, name) in all.iter().filter(|(_, its_parent, _)| *its_parent == parent) {
            if !family.contains(&child.host_pid) {
                family.push(child.host_pid);
                if child.session != process.session {
                    others.push(name.clone());
                }
            }
        }
    }
    (members, others)
}

impl Located {
    /// True while the same process is alive in the same session.
    pub(super) fn still_in_session(&self) -> bool {
        look(self.host_pid).is_some_and(|now| now.started == self.started && now.session == self.session)
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
    parse(host_pid).map(|(located, ..)| located)
}

/// The process, its parent and its name.
fn parse(host_pid: i32) -> Option<(Located, i32, String)> {
    let stat = std::fs::read_to_string(format!("/proc/{host_pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything, parentheses too.
    let (head, tail) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = tail.split_whitespace().collect();
    let (parent, session, started) =
        (fields.get(1)?.parse().ok()?, fields.get(3)?.parse().ok()?, fields.get(19)?.parse().ok()?);
    let pid_in_container = numbers(host_pid)?.last().copied()?;
    Some((Located { host_pid, session, started, pid_in_container }, parent, name))
}

fn everything() -> Vec<(Located, i32, String)> {
    processes().filter_map(parse).collect()
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

    #[test]
    fn a_session_is_its_members_and_names_those_who_left() {
        let mut stays = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        let own = look(i32::try_from(std::process::id()).unwrap()).unwrap();
        let child = look(i32::try_from(stays.id()).unwrap()).unwrap();
        let (members, _) = session_of(&own);
        assert!(members.contains(&own) && members.contains(&child));
        assert!(child.still_in_session());
        assert!(child.signal("KILL"));
        stays.wait().unwrap();
        assert!(!child.still_in_session());
        assert!(child.signal("TERM"), "a dead process needs no signal");
    }
}
