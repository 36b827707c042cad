//! Processes with pipes: their start, their bytes, their end.

use gangplank_agent_protocol::frame::ToAgent;
use gangplank_agent_protocol::message::{Close, EndInput, Exit, Refusal, Request, Signal, Start};
use sha2::{Digest as _, Sha256};

use super::client::{Agent, pipes};

fn ended(code: i32) -> Exit {
    Exit { code: Some(code), ..Exit::default() }
}

/// The ignored signals in a mask of the kernel, but for two that are the C library's own and that it ignores in what it
/// starts.
fn ignored(mask: &str) -> u64 {
    u64::from_str_radix(mask, 16).unwrap() & !(3 << 31)
}

#[test]
fn output_comes_apart_by_stream_and_the_exit_code_after_it() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    bridge.shell(1, "echo out; echo err >&2; exit 7");
    let (output, exit) = bridge.rest(1);
    assert_eq!((output.text().as_str(), output.errors().as_str()), ("out\n", "err\n"));
    assert_eq!(exit, ended(7));
}

#[test]
fn a_process_is_started_as_asked() {
    let mut agent = Agent::start_with(|command| {
        command.env("BASE", "base").env("GONE", "gone");
    });
    let mut bridge = agent.bridge();
    bridge.start(Start {
        cwd: Some("/usr/bin".into()),
        environment: vec!["ADDED=a b".into()],
        unset: vec!["GONE".into()],
        ..pipes(
            1,
            &[
                "sh",
                "-c",
                "pwd; echo $BASE-$ADDED-$GONE-$TERM-; ls /proc/self/fd | wc -l; cat /proc/self/status",
            ],
        )
    });
    let (output, _) = bridge.rest(1);
    let text = output.text();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("/usr/bin"));
    assert_eq!(lines.next(), Some(&*format!("base-a b--{}-", std::env::var("TERM").unwrap_or_default())));
    // Three and the one that lists them.
    assert_eq!(lines.next(), Some("4"));
    let mask =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim).map(str::to_owned);
    assert_eq!(mask("SigBlk:").as_deref(), Some("0000000000000000"));
    assert_eq!(ignored(&mask("SigIgn:").unwrap()), 0);
}

#[test]
fn what_was_ignored_by_who_started_the_agent_is_not_by_its_processes() {
    // A shell's background job ignores two signals, and so does what it starts.
    let mut agent = Agent::start_with(|command| {
        let program = command.get_program().to_owned();
        let name = command.get_args().last().unwrap().to_owned();
        *command = std::process::Command::new("sh");
        command.args(["-c", "trap '' INT QUIT HUP TERM; exec \"$0\" start \"$1\""]).arg(program).arg(name);
    });
    let mut bridge = agent.bridge();
    bridge.shell(1, "sed -n 's/SigIgn://p' /proc/self/status");
    assert_eq!(ignored(bridge.rest(1).0.text().trim()), 0);
}

#[test]
fn what_cannot_be_started_says_why() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    let mut refusal = |start: Start| bridge.refusal(Request::Start(start));
    assert_eq!(refusal(pipes(1, &["/nonexistent"])), Refusal::ProgramNotFound);
    assert_eq!(refusal(pipes(1, &["no-such-program"])), Refusal::ProgramNotFound);
    assert_eq!(refusal(pipes(1, &["/etc"])), Refusal::ProgramNotRunnable);
    assert_eq!(refusal(pipes(1, &["/etc/passwd"])), Refusal::ProgramNotRunnable);
    assert_eq!(
        refusal(Start { cwd: Some("/nonexistent".into()), ..pipes(1, &["true"]) }),
        Refusal::Directory
    );
    assert_eq!(refusal(Start { cwd: Some("/etc/passwd".into()), ..pipes(1, &["true"]) }), Refusal::Directory);
    assert_eq!(refusal(pipes(1, &[])), Refusal::Invalid);
    assert_eq!(refusal(pipes(1, &["a\0b"])), Refusal::Invalid);
    assert_eq!(
        refusal(Start { environment: vec!["novalue".into()], ..pipes(1, &["true"]) }),
        Refusal::Invalid
    );
    assert_eq!(bridge.list(), []);
    // Its number and its attachment's are still free.
    bridge.shell(1, "exit 3");
    assert_eq!(bridge.rest(1).1, ended(3));
}

#[test]
fn a_start_that_is_repeated_starts_nothing_and_attaches() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    let start = Start { attachment: Some(1), ..pipes(5, &["sh", "-c", "echo once; read line; echo $line"]) };
    let pid = bridge.start(start.clone());
    assert_eq!(bridge.refusal(Request::Start(start.clone())), Refusal::Invalid, "the attachment is in use");
    assert_eq!(bridge.start(Start { attachment: Some(2), ..start.clone() }), pid);
    assert_eq!(bridge.start(Start { attachment: None, ..start }), pid);
    bridge.input(5, b"line\n");
    for attachment in [1, 2] {
        assert_eq!(bridge.rest(attachment).0.text(), "once\nline\n");
    }
    assert_eq!(bridge.list().len(), 1);
    assert_eq!(bridge.listed(5).exit, Some(ended(0)));
    bridge.done(Request::Forget(Close { process: 5 }));
    assert_eq!(bridge.list(), []);
}

#[test]
fn signals_end_processes_and_the_dead_get_none() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    bridge.shell(1, "exec sleep 1000");
    let signal = |name: &str| Request::Signal(Signal { process: 1, name: name.into() });
    assert_eq!(bridge.refusal(signal("NONE")), Refusal::Invalid);
    bridge.done(signal("TERM"));
    assert_eq!(bridge.rest(1).1, Exit { signal: Some(15), ..Exit::default() });
    assert_eq!(bridge.refusal(signal("TERM")), Refusal::Ended);
    assert_eq!(bridge.refusal(Request::Signal(Signal { process: 2, name: "TERM".into() })), Refusal::Unknown);
}

#[test]
fn every_byte_value_passes_both_ways() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    bridge.start(pipes(1, &["cat"]));
    let all: Vec<u8> = (0..=255).cycle().take(256 * 40).collect();
    bridge.input(1, &all);
    bridge.done(Request::EndInput(EndInput { process: 1, offset: all.len() as u64 }));
    let (output, exit) = bridge.rest(1);
    assert_eq!((output.stdout == all, exit), (true, ended(0)));
}

#[test]
fn a_large_output_arrives_whole_and_in_order() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    bridge.shell(1, "seq 1 8500000 | head -c 67108864");
    let (output, exit) = bridge.rest(1);
    assert!(!output.is_torn && output.gaps.is_empty(), "{:?}", output.gaps);
    assert_eq!((output.stdout.len(), output.begin, output.end), (66_888_896, Some(0), 66_888_896));
    let expected =
        std::process::Command::new("sh").args(["-c", "seq 1 8500000 | head -c 67108864"]).output().unwrap();
    assert_eq!(Sha256::digest(&output.stdout), Sha256::digest(&expected.stdout));
    assert_eq!(exit, ended(0));
}

#[test]
fn without_input_a_process_reads_nothing() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    bridge.start(Start { interactive: false, ..pipes(1, &["cat"]) });
    assert_eq!(bridge.rest(1).1, ended(0));
    assert!(bridge.send(&ToAgent::Ping { number: 4 }));
}
