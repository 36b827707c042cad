//! What the daemon asks for, one request after the other.

use std::rc::Rc;
use std::time::Duration;

use gangplank_agent_protocol::message::{
    Answer, Attach, Attached, Close, EndInput, Refusal, Refused, Request, Resize, Signal, Size, Start,
    Started,
};
use rustix::process::{Pid, kill_process};

use crate::closing;
use crate::core::{Core, now};
use crate::idle;
use crate::list;
use crate::outbox::Outbox;
use crate::process::Process;
use crate::run::run;
use crate::signals::by_name;
use crate::spawn::{refused, resize, spawn};

/// Processes that run at once, at most.
const PROCESSES: usize = 4096;

/// Does it. A bridge with which only the frozen core was agreed on gets nothing else.
pub(crate) fn answer(core: &Rc<Core>, outbox: &Rc<Outbox>, request: Request, frozen: bool) -> Answer {
    let answer = match request {
        Request::List => Ok(list(core)),
        Request::Attach(attach) => attached(core, outbox, &attach),
        Request::Detach(detach) => match outbox.detach(detach.attachment) {
            true => Ok(Answer::Done),
            false => Err(refused(Refusal::Unknown, format!("there is no attachment {}", detach.attachment))),
        },
        Request::Handover => {
            core.hand_over();
            Ok(Answer::Done)
        }
        _ if frozen => Err(refused(Refusal::Invalid, "no version of the protocol was agreed on")),
        Request::Start(start) => started(core, outbox, start),
        Request::EndInput(end) => end_input(core, &end),
        Request::Resize(to) => resized(core, &to),
        Request::Signal(signal) => signalled(core, &signal),
        Request::Close(request) => {
            core.process(request.process).map(|process| Answer::Closed(closing::close(&process, "closed")))
        }
        Request::Forget(forget) => forgotten(core, &forget),
    };
    answer.unwrap_or_else(Answer::Refused)
}

fn list(core: &Core) -> Answer {
    let mut processes: Vec<_> =
        core.processes.borrow().values().map(|process| list::describe(process)).collect();
    processes.sort_by_key(|process| process.started_at);
    list::answer(processes)
}

fn attached(core: &Core, outbox: &Rc<Outbox>, attach: &Attach) -> Result<Answer, Refused> {
    let process = core.process(attach.process)?;
    outbox.can_attach(attach.attachment).map_err(|why| refused(Refusal::Invalid, why))?;
    let offset = outbox.attach(attach.attachment, &process, attach.offset.unwrap_or(0));
    let input = process.input.borrow().taken();
    Ok(Answer::Attached(Attached { offset, input }))
}

fn started(core: &Rc<Core>, outbox: &Rc<Outbox>, start: Start) -> Result<Answer, Refused> {
    let attachment = start.attachment;
    if let Some(attachment) = attachment {
        outbox.can_attach(attachment).map_err(|why| refused(Refusal::Invalid, why))?;
    }
    let process = match core.process(start.process) {
        Ok(process) => process,
        Err(_) => begin(core, start)?,
    };
    if let Some(attachment) = attachment {
        outbox.attach(attachment, &process, 0);
    }
    Ok(Answer::Started(Started { pid: process.leader.pid }))
}

fn begin(core: &Rc<Core>, start: Start) -> Result<Rc<Process>, Refused> {
    if core.is_handing_over() {
        return Err(refused(Refusal::Invalid, "this agent starts nothing more: a later one takes over"));
    }
    let running = core.processes.borrow().values().filter(|process| !process.is_over()).count();
    if running >= PROCESSES {
        return Err(refused(Refusal::Exhausted, format!("{running} processes run already")));
    }
    if let Some(size) = start.tty {
        check_size(size)?;
    }
    let idle = start.idle_seconds.filter(|_| start.tty.is_some());
    let spawned = spawn(&start)?;
    let process = Rc::new(Process::new(start, spawned.pid, spawned.terminal, now()));
    core.processes.borrow_mut().insert(process.number, Rc::clone(&process));
    tokio::task::spawn_local(run(Rc::clone(core), Rc::clone(&process), spawned.child, spawned.streams));
    if let Some(seconds) = idle {
        let grace = Duration::from_secs(seconds.max(1));
        tokio::task::spawn_local(idle::watch(Rc::clone(&process), grace));
    }
    Ok(process)
}

fn check_size(size: Size) -> Result<(), Refused> {
    if size.columns == 0 || size.rows == 0 {
        return Err(refused(Refusal::Invalid, "a terminal has at least one column and one row"));
    }
    Ok(())
}

fn end_input(core: &Core, end: &EndInput) -> Result<Answer, Refused> {
    let process = core.process(end.process)?;
    process.input.borrow_mut().end(end.offset);
    process.input_came.notify_one();
    Ok(Answer::Done)
}

fn resized(core: &Core, to: &Resize) -> Result<Answer, Refused> {
    let process = core.process(to.process)?;
    check_size(to.size)?;
    if !process.is_terminal() {
        return Err(refused(Refusal::Invalid, "the process has no terminal"));
    }
    let terminal = process.terminal.borrow();
    let terminal = terminal.as_ref().ok_or_else(|| ended(&process))?;
    resize(terminal, to.size)
        .map_err(|error| refused(Refusal::Invalid, format!("the terminal cannot be resized: {error}")))?;
    process.size.set(Some(to.size));
    core.budget.account(&process, |output| output.resize(to.size));
    Ok(Answer::Done)
}

fn signalled(core: &Core, request: &Signal) -> Result<Answer, Refused> {
    let process = core.process(request.process)?;
    let signal = by_name(&request.name)
        .ok_or_else(|| refused(Refusal::Invalid, format!("there is no signal {:?} to send", request.name)))?;
    // Not yet waited for, its number is nobody else's.
    let pid = Pid::from_raw(process.leader.pid).filter(|_| !process.life.borrow().is_reaped);
    let pid = pid.ok_or_else(|| ended(&process))?;
    kill_process(pid, signal)
        .map_err(|error| refused(Refusal::Invalid, format!("the process cannot be signalled: {error}")))?;
    Ok(Answer::Done)
}

fn forgotten(core: &Core, forget: &Close) -> Result<Answer, Refused> {
    let process = core.process(forget.process)?;
    if !process.is_over() {
        return Err(refused(Refusal::Invalid, "the process has not ended"));
    }
    core.forget(process.number);
    Ok(Answer::Done)
}

fn ended(process: &Process) -> Refused {
    refused(Refusal::Ended, format!("the process {} has ended", process.number))
}
