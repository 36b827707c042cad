//! What a list tells of processes, within what a daemon takes in one frame.

use gangplank_agent_protocol::frame::MAX_TO_DAEMON;
use gangplank_agent_protocol::message::{self, Answer, Processes};

use crate::marks::cut;
use crate::process::Process;
use crate::session;

/// Bytes of the frame beside the processes.
const FRAME: usize = 256;
/// Longest of each text where all must be short.
const SHORT: usize = 64;

/// What is known of a process.
pub(crate) fn describe(process: &Process) -> message::Process {
    let output = process.output.borrow();
    let marks = process.marks.borrow();
    let foreground = process.foreground();
    let leader = session::stat(process.leader.pid).filter(|_| !process.life.borrow().is_reaped);
    let leader = leader.map(|_| process.leader.pid);
    let kernels = |pid: i32| session::directory(pid);
    let cwd = || foreground.and_then(kernels).or_else(|| leader.and_then(kernels));
    let cwd = marks.directory().map(str::to_owned).or_else(|| process.is_terminal().then(cwd).flatten());
    message::Process {
        process: process.number,
        pid: process.leader.pid,
        argv: process.about.argv.clone(),
        tty: process.size.get(),
        purpose: process.about.purpose.clone(),
        name: process.about.name.clone(),
        started_at: process.about.started_at,
        output_start: output.log.start(),
        output_end: output.log.end(),
        attachments: u32::try_from(process.attached.borrow().len()).unwrap_or(u32::MAX),
        title: marks.title().map(str::to_owned),
        cwd,
        foreground: foreground.and_then(session::stat).map(|stat| stat.name),
        commands: marks.commands().cloned().collect(),
        exit: process.life.borrow().end.as_ref().map(|(exit, _)| exit.clone()),
    }
}

/// The answer with these, oldest first. Where they are too many, the oldest that have ended are left out first, then
/// commands, and at last everything but what each is known by.
pub(crate) fn answer(processes: Vec<message::Process>) -> Answer {
    Answer::Processes(Processes { processes: fit(processes, MAX_TO_DAEMON - FRAME) })
}

fn fit(mut processes: Vec<message::Process>, most: usize) -> Vec<message::Process> {
    let mut over = processes.iter().map(size).sum::<usize>().saturating_sub(most);
    processes.retain(|process| {
        let goes = over > 0 && process.exit.is_some();
        over = over.saturating_sub(if goes { size(process) } else { 0 });
        !goes
    });
    let shortenings: [fn(&mut message::Process); 3] =
        [|process| process.commands.clear(), shorten, |process| *process = identified(process)];
    for shortening in shortenings {
        if processes.iter().map(size).sum::<usize>() <= most {
            break;
        }
        processes.iter_mut().for_each(shortening);
    }
    processes
}

fn shorten(process: &mut message::Process) {
    process.argv.truncate(1);
    let short = |text: &mut String| *text = cut(std::mem::take(text), SHORT);
    process.argv.iter_mut().for_each(short);
    short(&mut process.purpose);
    for text in [&mut process.name, &mut process.title, &mut process.cwd] {
        *text = text.take().map(|text| cut(text, SHORT));
    }
}

fn identified(process: &message::Process) -> message::Process {
    message::Process { process: process.process, pid: process.pid, ..message::Process::default() }
}

/// Bytes of a process in the answer.
fn size(process: &message::Process) -> usize {
    serde_json::to_vec(process).map_or(0, |json| json.len() + 1)
}

#[cfg(test)]
mod tests {
    use gangplank_agent_protocol::frame::ToDaemon;
    use gangplank_agent_protocol::message::{Command, Exit, Size};

    use super::*;

    fn process(number: u64, commands: usize, exit: Option<Exit>) -> message::Process {
        let command = Command { line: Some("\u{1}".repeat(100)), ..Command::default() };
        message::Process {
            process: u64::MAX - number,
            pid: i32::MAX,
            argv: vec!["\u{2}".repeat(500), "b".into()],
            tty: Some(Size { columns: 1000, rows: 1000 }),
            started_at: 1_700_000_000_000,
            commands: vec![command; commands],
            exit,
            ..message::Process::default()
        }
    }

    fn fits(processes: Vec<message::Process>) -> Vec<message::Process> {
        let answer = answer(processes);
        let Answer::Processes(Processes { processes }) = answer.clone() else { unreachable!() };
        assert!(ToDaemon::Answer { number: u64::MAX, answer }.encode().len() <= MAX_TO_DAEMON);
        processes
    }

    #[test]
    fn few_are_told_in_full() {
        let few: Vec<_> = (0..10).map(|number| process(number, 3, None)).collect();
        assert_eq!(fits(few.clone()), few);
    }

    #[test]
    fn the_oldest_that_have_ended_go_first_then_commands() {
        let ended = Exit { code: Some(0), ..Exit::default() };
        let many: Vec<_> =
            (0..100).map(|number| process(number, 0, (number % 2 == 0).then(|| ended.clone()))).collect();
        let told = fits(many);
        assert_eq!(told.iter().filter(|process| process.exit.is_none()).count(), 50);
        assert!(told.len() > 50 && told.iter().all(|process| process.argv.len() == 2));
        assert_eq!(told.last().map(|process| process.process), Some(u64::MAX - 99));
        let told = fits((0..50).map(|number| process(number, 100, None)).collect());
        assert!(told.len() == 50 && told.iter().all(|process| process.commands.is_empty()));
    }

    #[test]
    fn as_many_as_there_can_be_are_all_told() {
        let told = fits((0..4096).map(|number| process(number, 100, None)).collect());
        assert_eq!(told.len(), 4096);
        assert!(told.iter().all(|process| process.pid == i32::MAX));
    }
}
