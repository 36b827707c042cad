//! Closing: a session is hung up, and what is left of it is killed.

use std::rc::Rc;
use std::time::Duration;

use gangplank_agent_protocol::message::Closed;
use rustix::process::Signal;
use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::process::Process;

/// What is left of a closed session after this is killed.
const GRACE: Duration = Duration::from_secs(2);
/// Between two looks at whether all was killed, and how many there are.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS: usize = 10;

/// Hangs up the session of `process` for this reason, and kills what is left of it later.
pub(crate) fn close(process: &Rc<Process>, reason: &'static str) -> Closed {
    if process.life.borrow().is_reaped {
        return Closed::default();
    }
    process.life.borrow_mut().reason.get_or_insert(reason);
    let census = process.leader.census();
    let members = census.as_ref().map(|census| &*census.members);
    process.leader.signal(members, process.foreground(), &[Signal::HUP, Signal::CONT]);
    spawn_local(kill_later(Rc::clone(process)));
    let others = census.map(|census| census.others).unwrap_or_default();
    Closed { closed: true, remaining: others.into_iter().map(|other| other.name).collect() }
}

async fn kill_later(process: Rc<Process>) {
    sleep(GRACE).await;
    // One that makes children faster than they are killed is met again.
    for _ in 0..LOOKS {
        let census = process.leader.census();
        if census.as_ref().is_none_or(|census| census.members.is_empty()) && process.life.borrow().is_reaped {
            return;
        }
        let members = census.as_ref().map(|census| &*census.members);
        process.leader.signal(members, process.foreground(), &[Signal::KILL]);
        sleep(LOOK).await;
    }
}
