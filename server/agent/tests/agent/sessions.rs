//! Closing a terminal's session, and what stays.

use gangplank_agent_protocol::message::{Close, Closed, Exit, Refusal, Request, Start};

use super::client::{Agent, Bridge, Collected, SIZE, kill, lives, pipes, session, until};

fn closed(code: Option<i32>, signal: Option<i32>) -> Exit {
    Exit { code, signal, reason: Some("closed".into()) }
}

/// The number after `name` in a line of output.
fn number(output: &Collected, name: &str) -> i32 {
    let text = output.text() + "\n";
    let line = text.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap();
    line.trim().parse().unwrap()
}

#[test]
fn closing_ends_the_session_and_names_what_left_it() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    let script =
        "sleep 1000 & echo member $!; setsid sh -c 'echo left $$; exec sleep 1000' & wait; echo never";
    let pid = bridge.terminal(1, script);
    let output = both(&mut bridge, 1, "member ", "left ");
    let left = number(&output, "left ");
    until("it has its name", || super::client::stat(left).is_some_and(|stat| stat.name == "sleep"));
    assert_eq!(session(pid).len(), 2);
    assert_eq!(bridge.close(1), Closed { closed: true, remaining: vec!["sleep".into()] });
    assert_eq!(bridge.rest(1).1, closed(None, Some(1)));
    until("the session is empty", || session(pid).is_empty());
    assert!(lives(left));
    kill(left);
    assert_eq!(bridge.close(1), Closed::default());
    assert_eq!(bridge.refusal(Request::Close(Close { process: 2 })), Refusal::Unknown);
}

fn both(bridge: &mut Bridge, attachment: u32, first: &str, second: &str) -> Collected {
    let mut output = bridge.output_until(attachment, "\n");
    while !(output.text().contains(first) && output.text().contains(second) && output.text().ends_with('\n'))
    {
        let more = bridge.output_until(attachment, "\n");
        output.stdout.extend(more.stdout);
    }
    output
}

#[test]
fn who_ignores_the_hangup_is_killed() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    let pid = bridge.terminal(
        1,
        "trap '' HUP TERM; nohup sleep 1000 >/dev/null 2>&1 & echo ready; while :; do wait; sleep 0.1; done",
    );
    bridge.output_until(1, "ready");
    until("both run", || session(pid).len() >= 2);
    assert!(bridge.close(1).closed);
    assert_eq!(bridge.rest(1).1, closed(None, Some(9)));
    until("the session is empty", || session(pid).is_empty());
}

#[test]
fn a_stopped_process_is_woken_to_be_ended() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    bridge.shell(1, "trap 'exit 5' HUP; echo ready; kill -STOP $$; while :; do sleep 0.01; done");
    bridge.output_until(1, "ready");
    bridge.close(1);
    assert_eq!(bridge.rest(1).1, closed(Some(5), None));
}

#[test]
fn background_processes_live_on_when_their_shell_ends_by_itself() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    // It holds the terminal, and is not waited for.
    bridge.terminal(1, "trap '' HUP; sleep 1000 & echo child $!");
    let (output, exit) = bridge.rest(1);
    let child = number(&output, "child ");
    assert_eq!(exit, Exit { code: Some(0), ..Exit::default() });
    assert!(lives(child));
    kill(child);
}

#[test]
fn a_background_process_that_holds_the_pipes_neither_delays_the_end_nor_is_hit_by_it() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    let script = "(trap 'exit 77' PIPE; read go </dev/fd/3; for i in 1 2 3; do echo late || exit 78; done; exec sleep 1000) 3<\"$0\" & echo child $!";
    let directory = std::env::temp_dir().join(format!("gangplank-agent-{}", agent.pid));
    std::fs::create_dir(&directory).unwrap();
    let fifo = directory.join("go");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    // Opened both ways, so that neither side waits for the other to open it.
    let script = script.replace("3<\"$0\"", "3<>\"$0\"");
    bridge.start(pipes(1, &["sh", "-c", &script, fifo.to_str().unwrap()]));
    let (output, exit) = bridge.rest(1);
    let child = number(&output, "child ");
    assert_eq!((exit.code, output.text().lines().count()), (Some(0), 1));
    // It writes after the end, and after all is forgotten, and no pipe breaks under it.
    bridge.done(Request::Forget(Close { process: 1 }));
    std::fs::write(&fifo, "go\n").unwrap();
    until("it wrote", || super::client::stat(child).is_none_or(|stat| stat.name == "sleep" || !stat.lives));
    assert!(lives(child), "it was hit");
    kill(child);
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn an_idle_shell_that_nobody_looks_at_is_ended_and_a_job_is_not() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    let idle = |number: u32, script: &str| Start {
        tty: Some(SIZE),
        idle_seconds: Some(1),
        attachment: None,
        ..pipes(number, &["sh", "-i", "-c", script])
    };
    // A job: a program in the foreground, in a group of its own as an interactive shell gives it.
    bridge.start(idle(1, "set -m; sleep 1000; exit"));
    until("the job is in the foreground", || bridge.listed(1).foreground.as_deref() == Some("sleep"));
    bridge.start(idle(2, "read line"));
    bridge.start(idle(3, "read line"));
    bridge.attach(3, 3, None);
    until("the idle one is ended", || bridge.listed(2).exit.is_some());
    assert_eq!(bridge.listed(2).exit.unwrap().reason.as_deref(), Some("idle"));
    assert_eq!(bridge.listed(1).exit, None, "its job runs");
    assert_eq!(bridge.listed(3).exit, None, "somebody looks at it");
    bridge.close(1);
    until("the job is ended", || bridge.listed(1).exit.is_some());
}
