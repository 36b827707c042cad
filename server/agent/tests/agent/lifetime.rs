//! The agent's own life.

use gangplank_agent_protocol::message::{Close, Refusal, Request};

use super::client::{Agent, pipes, session, stat, until};

#[test]
fn it_is_a_session_of_its_own_and_holds_nothing() {
    let agent = Agent::start();
    let seen = stat(agent.pid).unwrap();
    assert_eq!((seen.session, seen.name.as_str()), (agent.pid, "gangplank-agent"));
    assert_eq!(std::fs::read_link(format!("/proc/{}/cwd", agent.pid)).unwrap().to_str(), Some("/"));
    for descriptor in 0..3 {
        let path = std::fs::read_link(format!("/proc/{}/fd/{descriptor}", agent.pid)).unwrap();
        assert_eq!(path.to_str(), Some("/dev/null"));
    }
    // Neither its arguments nor its environment have the key.
    let key = serde_json::to_string(&agent.seed.key).unwrap();
    for file in ["cmdline", "environ"] {
        let text = std::fs::read(format!("/proc/{}/{file}", agent.pid)).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains(&key));
    }
}

#[test]
fn hangups_and_interrupts_do_not_end_it() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    let pid = rustix::process::Pid::from_raw(agent.pid).unwrap();
    for signal in [rustix::process::Signal::HUP, rustix::process::Signal::INT, rustix::process::Signal::QUIT]
    {
        rustix::process::kill_process(pid, signal).unwrap();
    }
    bridge.shell(1, "echo alive");
    assert_eq!(bridge.rest(1).0.text(), "alive\n");
}

#[test]
fn processes_go_on_without_bridges() {
    let mut agent = Agent::start();
    let pid = agent.bridge().terminal(1, "echo before; read line; echo after");
    let mut bridge = agent.another();
    assert_eq!(bridge.listed(1).pid, pid);
    bridge.attach(1, 1, None);
    bridge.output_until(1, "before");
    bridge.input(1, b"\r");
    let (output, exit) = bridge.rest(1);
    assert!(output.text().contains("after"));
    assert_eq!(exit.code, Some(0));
}

#[test]
fn handed_over_it_starts_nothing_and_ends_with_what_it_has() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    bridge.shell(1, "read line");
    bridge.done(Request::Handover);
    assert_eq!(bridge.refusal(Request::Start(pipes(2, &["true"]))), Refusal::Invalid);
    // What runs goes on, for later bridges too.
    let mut later = agent.another();
    later.attach(1, 5, None);
    later.input(1, b"\n");
    assert_eq!(later.rest(5).1.code, Some(0));
    assert_eq!(later.list().len(), 1, "its output is kept until it is forgotten");
    later.done(Request::Forget(Close { process: 1 }));
    until("the agent ends", || !agent.lives());
    until("its bridges end", || bridge.child.try_wait().unwrap().is_some());
}

#[test]
fn handed_over_with_nothing_to_do_it_ends_after_it_answered() {
    let mut agent = Agent::start();
    agent.bridge().done(Request::Handover);
    until("the agent ends", || !agent.lives());
}

#[test]
fn nothing_is_left_of_many_processes() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    let mut pids = Vec::new();
    for number in 0..300 {
        let pid = if number % 2 == 0 {
            bridge.shell(number, "exit 0")
        } else {
            bridge.terminal(number, "sleep 1000 & wait")
        };
        pids.push(pid);
    }
    for number in (1..300).step_by(2) {
        bridge.close(number);
    }
    for number in 0..300 {
        bridge.rest(number);
    }
    until("no session is left", || pids.iter().all(|pid| session(*pid).is_empty()));
    let descriptors = || std::fs::read_dir(format!("/proc/{}/fd", agent.pid)).unwrap().count();
    until("no descriptor is left", || descriptors() < 20);
    // Ended ones are kept, and not all of them.
    assert_eq!(bridge.list().len(), 256);
}
