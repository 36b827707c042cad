//! What must not disturb an agent: whoever else can reach its socket, frames that are none, programs that write nonsense.

use std::io::{Read as _, Write as _};

use gangplank_agent_protocol::frame::{MAX_PAYLOAD, MAX_TO_AGENT, ToAgent};
use gangplank_agent_protocol::handshake::{HELLO_LENGTH, Hello, OWN_VERSIONS};
use gangplank_agent_protocol::message::{Attach, Refusal, Request};

use super::client::{Agent, Bridge, until};

/// Whether the agent serves this bridge as before.
fn assert_serves(bridge: &mut Bridge, number: u32) {
    bridge.shell(number, "echo fine");
    assert_eq!(bridge.rest(number).0.text(), "fine\n");
}

#[test]
fn connections_that_prove_nothing_are_dropped() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    let hello = Hello { versions: OWN_VERSIONS, nonce: [1; 32] }.encode();
    for garbage in [vec![0; 4096], vec![0xff; 4096], b"GET / HTTP/1.1\r\n\r\n".repeat(10), hello.repeat(3)] {
        let mut socket = agent.socket();
        let _ = socket.write_all(&garbage);
        // Its own hello at most, and then the end.
        let mut said = Vec::new();
        let _ = socket.read_to_end(&mut said);
        assert!(said.len() <= HELLO_LENGTH + 32, "{said:?}");
    }
    assert_serves(&mut bridge, 1);
}

#[test]
fn a_flood_of_connections_is_bounded_and_disturbs_no_bridge() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    let silent: Vec<_> = (0..500).map(|_| agent.socket()).collect();
    // A daemon still comes through, and by then the agent has seen all that came before.
    let mut another = agent.another();
    assert_serves(&mut another, 2);
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", agent.pid)).unwrap().count();
    assert!(descriptors < 100, "{descriptors}");
    assert_serves(&mut bridge, 1);
    drop(silent);
}

#[test]
fn frames_that_are_none_end_their_bridge_alone() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    let too_long = ToAgent::Input { process: 1, offset: 0, bytes: vec![0; MAX_PAYLOAD + 1].into() }.encode();
    let mut long = u32::try_from(MAX_TO_AGENT + 1).unwrap().to_be_bytes().to_vec();
    long.push(1);
    let mut framed = u32::try_from(too_long.len()).unwrap().to_be_bytes().to_vec();
    framed.extend_from_slice(&too_long);
    for bytes in [
        u32::MAX.to_be_bytes().to_vec(),
        long,
        framed,
        vec![0, 0, 0, 0],
        vec![0, 0, 0, 1, 0x77],
        b"\0\0\0\x0b\x01\0\0\0\0\0\0\0\x01{}".to_vec(),
        (0..=255).rev().cycle().take(5000).collect(),
    ] {
        let mut bad = agent.another();
        bad.send_raw(&bytes);
        until("the bridge is ended", || bad.child.try_wait().unwrap().is_some());
    }
    assert_serves(&mut bridge, 1);
}

#[test]
fn frames_about_what_is_not_there_do_nothing() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    assert!(bridge.send(&ToAgent::Received { bytes: u64::MAX }));
    assert!(bridge.send(&ToAgent::Acknowledge { attachment: 9, offset: u64::MAX }));
    assert!(bridge.send(&ToAgent::Input { process: 9, offset: u64::MAX, bytes: "x".into() }));
    let attach = Attach { process: 9, attachment: 1, offset: Some(u64::MAX) };
    assert_eq!(bridge.refusal(Request::Attach(attach)), Refusal::Unknown);
    bridge.shell(1, "echo out; read line");
    bridge.output_until(1, "out");
    assert!(bridge.send(&ToAgent::Acknowledge { attachment: 1, offset: u64::MAX }));
    assert!(bridge.send(&ToAgent::Input { process: 1, offset: u64::MAX, bytes: "x".into() }));
    assert_eq!(bridge.attach(1, 2, Some(u64::MAX)).offset, 4);
    assert_serves(&mut bridge, 3);
}

#[test]
fn a_seventeenth_bridge_replaces_the_first() {
    let mut agent = Agent::start();
    let mut first = agent.bridge();
    let mut others: Vec<_> = (0..16).map(|_| agent.another()).collect();
    for (bridge, number) in others.iter_mut().zip(1..) {
        assert_serves(bridge, number);
    }
    first.send(&ToAgent::Ping { number: 1 });
    assert_eq!(first.frame(), None);
    until("its bridge ends", || first.child.try_wait().unwrap().is_some());
}

#[test]
fn a_program_that_writes_nonsense_to_its_terminal_is_only_kept_and_sent() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    bridge.terminal(
        1,
        "stty raw; head -c 3000000 /dev/urandom; printf '\\033]0;'; yes | head -c 3000000; echo over",
    );
    let (output, exit) = bridge.rest(1);
    assert_eq!((exit.code, output.end), (Some(0), 6_000_009));
    bridge.attach(1, 2, None);
    let (rest, _) = bridge.rest(2);
    assert!(!rest.snapshot.is_empty() && rest.end == output.end);
    assert_serves(&mut bridge, 3);
}
