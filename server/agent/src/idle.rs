//! Ends terminals that nobody has looked at for long and in which nothing but an idle shell is.

use std::rc::Rc;
use std::time::Duration;

use gangplank_agent_protocol::session::Stat;
use tokio::time::{Instant, sleep};

use crate::closing::close;
use crate::process::Process;

/// Longest time between two looks at a terminal that something runs in.
const LOOK: Duration = Duration::from_secs(60);

/// Ends the terminal of `process` when it is idle and was deserted for `grace`. The clock stands still while the machine
/// sleeps.
pub(crate) async fn watch(process: Rc<Process>, grace: Duration) {
    while !process.life.borrow().is_reaped {
        let deserted = process.deserted.get();
        let left = deserted.map_or(grace, |since| grace.saturating_sub(Instant::now() - since));
        if left > Duration::ZERO {
            // Who comes and goes meanwhile is seen then: the time counts anew from when they went.
            sleep(left).await;
        } else if is_idle(
            process.leader.pid,
            process.foreground(),
            process.leader.census().as_ref().map(|census| &*census.members),
        ) {
            close(&process, "idle");
            return;
        } else {
            sleep(grace.min(LOOK)).await;
        }
    }
}

/// Whether the terminal's shell waits for its user: it is in the foreground, and nothing else is. Where that cannot be
/// seen, it is not idle.
fn is_idle(shell: i32, foreground: Option<i32>, members: Option<&[Stat]>) -> bool {
    foreground == Some(shell)
        && members
            .is_some_and(|members| members.iter().all(|member| member.pid == shell || member.group != shell))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(pid: i32, group: i32) -> Stat {
        let line = format!("{pid} (x) S 5 {group} 5 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 7 9 9");
        Stat::parse(pid, &line).unwrap()
    }

    #[test]
    fn only_a_shell_alone_in_the_foreground_is_idle() {
        let shell = [member(5, 5)];
        assert!(is_idle(5, Some(5), Some(&shell)));
        // A job in the background does not wait for anybody.
        assert!(is_idle(5, Some(5), Some(&[member(5, 5), member(6, 6)])));
        // A job in the foreground has the terminal, or shares the shell's group.
        assert!(!is_idle(5, Some(6), Some(&[member(5, 5), member(6, 6)])));
        assert!(!is_idle(5, Some(5), Some(&[member(5, 5), member(6, 5)])));
        assert!(!is_idle(5, None, Some(&shell)));
        assert!(!is_idle(5, Some(5), None));
    }
}
