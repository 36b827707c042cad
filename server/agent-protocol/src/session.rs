//! Which processes are a session's, from the kernel's lines about all: pure. Signals go only to what is found here.

/// What `/proc/PID/stat` tells of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// Its number.
    pub pid: i32,
    /// Its program's name, cut by the kernel.
    pub name: String,
    /// False of one that waits to be reaped.
    pub lives: bool,
    /// Its parent's number.
    pub parent: i32,
    /// Its process group.
    pub group: i32,
    /// Its session.
    pub session: i32,
    /// The kernel's start time, which tells a later process of the same number apart.
    pub started: u64,
}

/// A session and its surroundings.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Its processes that live, the leader first: a shell whose command is ended before it goes on to the next.
    pub members: Vec<Stat>,
    /// Its members' living descendants that made sessions of their own.
    pub others: Vec<Stat>,
}

impl Stat {
    /// The process in this text of its `stat` file.
    #[must_use]
    pub fn parse(pid: i32, stat: &str) -> Option<Self> {
        // The name stands in parentheses and may hold anything, parentheses too.
        let (head, tail) = stat.rsplit_once(')')?;
        let name = head.split_once('(')?.1.to_owned();
        let fields: Vec<&str> = tail.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse().ok();
        Some(Self {
            pid,
            name,
            lives: !matches!(*fields.first()?, "Z" | "X"),
            parent: number(1)?,
            group: number(2)?,
            session: number(3)?,
            started: fields.get(19)?.parse().ok()?,
        })
    }
}

/// Takes the census of the session that process `leader` leads or led, which started at `started`; `belongs` leaves out
/// what is not to be touched in any case.
#[must_use]
pub fn census(all: &[Stat], leader: i32, started: Option<u64>, belongs: impl Fn(&Stat) -> bool) -> Census {
    // The number of a session whose processes are all gone may be given to another's.
    let is_another =
        |stat: &Stat| stat.pid == leader && started.is_some_and(|started| stat.started != started);
    if all.iter().any(is_another) {
        return Census::default();
    }
    let is_member = |stat: &&Stat| stat.lives && stat.session == leader && belongs(stat);
    let mut members: Vec<Stat> = all.iter().filter(is_member).cloned().collect();
    members.sort_by_key(|member| member.pid != leader);
    let mut family: Vec<i32> = members.iter().map(|member| member.pid).collect();
    let mut others = Vec::new();
    let mut index = 0;
    while let Some(parent) = family.get(index).copied() {
        index += 1;
        for child in all.iter().filter(|child| child.parent == parent && child.lives) {
            if !family.contains(&child.pid) {
                family.push(child.pid);
                if child.session != leader {
                    others.push(child.clone());
                }
            }
        }
    }
    Census { members, others }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(pid: i32, parent: i32, session: i32, state: &str) -> Stat {
        let line = format!(
            "{pid} (a) b) {state} {parent} {session} {session} 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 {} 9 9",
            pid + 1000
        );
        Stat::parse(pid, &line).unwrap()
    }

    #[test]
    fn a_line_is_read_whatever_the_name_is() {
        let seen = stat(7, 1, 5, "S");
        assert_eq!((seen.name.as_str(), seen.lives, seen.parent), ("a) b", true, 1));
        assert_eq!((seen.group, seen.session, seen.started), (5, 5, 1007));
        assert!(!stat(7, 1, 5, "Z").lives);
        assert_eq!(Stat::parse(1, "1 (x) S 1"), None);
        assert_eq!(Stat::parse(1, ""), None);
    }

    #[test]
    fn a_census_has_the_members_leader_first_and_names_what_left() {
        let all = [
            stat(3, 5, 5, "S"),
            stat(5, 1, 5, "S"),
            stat(6, 5, 5, "Z"),
            stat(8, 3, 8, "S"),
            stat(9, 8, 8, "S"),
            stat(10, 1, 10, "S"),
        ];
        let found = census(&all, 5, Some(1005), |_| true);
        let pids = |stats: &[Stat]| stats.iter().map(|stat| stat.pid).collect::<Vec<_>>();
        assert_eq!(pids(&found.members), [5, 3]);
        assert_eq!(pids(&found.others), [8, 9]);
        assert_eq!(pids(&census(&all, 5, None, |stat| stat.pid != 3).members), [5]);
    }

    #[test]
    fn a_number_that_is_anothers_now_has_no_census() {
        let all = [stat(5, 1, 5, "S"), stat(6, 5, 5, "S")];
        assert_eq!(census(&all, 5, Some(4), |_| true), Census::default());
        // Its leader gone, the number cannot have been given away while members are left.
        assert_eq!(census(&all[1..], 5, Some(4), |_| true).members.len(), 1);
    }
}
