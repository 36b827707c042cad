//! Who may speak with an agent, and what the program says without one.

use std::io::{Read as _, Write as _};
use std::process::{Command, Output, Stdio};

use gangplank_agent_protocol::handshake::{
    ANSWER_LENGTH, Handshake, Hello, Identity, Key, OWN_VERSIONS, PROOF_LENGTH, Versions, agent_answer,
};
use gangplank_agent_protocol::message::{Refusal, Request, Seed};

use super::client::{Agent, PROGRAM, pipes, until};

#[test]
fn holders_of_the_key_are_welcome() {
    let agent = Agent::start();
    let (mut bridge, welcome) = agent.connect(&agent.seed, OWN_VERSIONS).unwrap();
    assert_eq!((welcome.version, welcome.pid), (Some(OWN_VERSIONS.highest), agent.pid));
    assert_eq!(welcome.uid, rustix::process::getuid().as_raw());
    assert_eq!(bridge.list(), []);
}

#[test]
fn nobody_else_is() {
    let agent = Agent::start();
    let mut wrong = agent.seed.clone();
    wrong.key = Key::new([9; 32]);
    assert!(agent.connect(&wrong, OWN_VERSIONS).is_none());
    let mut other = agent.seed.clone();
    other.identity.user = "root".into();
    assert!(agent.connect(&other, OWN_VERSIONS).is_none());
    assert!(agent.lives());
}

#[test]
fn the_agent_proves_the_key_too() {
    let agent = Agent::start();
    let mut socket = agent.socket();
    let hello = Hello { versions: OWN_VERSIONS, nonce: [3; 32] };
    socket.write_all(&hello.encode()).unwrap();
    let mut answer = [0; ANSWER_LENGTH];
    socket.read_exact(&mut answer).unwrap();
    let (said, proof) = agent_answer(&answer).unwrap();
    let handshake =
        Handshake { key: &agent.seed.key, identity: &agent.seed.identity, daemon: hello, agent: said };
    assert_eq!(handshake.check_agent(proof), Ok(()));
    let identity = Identity { user: "root".into(), ..agent.seed.identity.clone() };
    assert!(Handshake { identity: &identity, ..handshake }.check_agent(proof).is_err());
}

#[test]
fn a_recorded_proof_is_of_no_use_again() {
    let agent = Agent::start();
    let hello = Hello { versions: OWN_VERSIONS, nonce: [3; 32] };
    let mut recorded = None;
    let mut said_first = Vec::new();
    for _ in 0..2 {
        let mut socket = agent.socket();
        socket.write_all(&hello.encode()).unwrap();
        let mut answer = [0; ANSWER_LENGTH];
        socket.read_exact(&mut answer).unwrap();
        let (said, _) = agent_answer(&answer).unwrap();
        let proof: [u8; PROOF_LENGTH] = *recorded.get_or_insert_with(|| {
            Handshake { key: &agent.seed.key, identity: &agent.seed.identity, daemon: hello, agent: said }
                .daemon_proof()
        });
        socket.write_all(&proof).unwrap();
        said_first.push(socket.read(&mut [0; 1]).unwrap());
    }
    assert_eq!(said_first, [1, 0], "welcome once, and hung up on then");
}

#[test]
fn a_daemon_of_another_time_gets_the_frozen_core() {
    let mut agent = Agent::start();
    agent.bridge().shell(1, "echo kept; read line");
    let (mut bridge, welcome) = agent.connect(&agent.seed, Versions { lowest: 900, highest: 901 }).unwrap();
    assert_eq!(welcome.version, None);
    assert_eq!(bridge.list().len(), 1);
    bridge.attach(1, 7, None);
    bridge.output_until(7, "kept");
    assert_eq!(bridge.refusal(Request::Start(pipes(2, &["true"]))), Refusal::Invalid);
    bridge.done(Request::Handover);
}

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn the_program_says_plainly_what_is_wrong() {
    let output = run(&["--version"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.starts_with(b"gangplank-agent "), "{output:?}");
    for misuse in [&[][..], &["start"], &["bridge", "a", "b"], &["what"]] {
        let output = run(misuse);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        assert!(output.stderr.starts_with(b"gangplank-agent: usage: "));
    }
    let output = run(&["bridge", "gangplank-test-nobody"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("gangplank-test-nobody"));
    assert_eq!(run(&["start", "gangplank-test-no-seed"]).status.code(), Some(4));
}

#[test]
fn a_name_that_is_taken_cannot_be_taken_again() {
    let agent = Agent::start();
    let mut second = Command::new(PROGRAM)
        .args(["start", &agent.name])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let Seed { key, identity } = agent.seed.clone();
    let seed = serde_json::to_vec(&Seed { key, identity }).unwrap();
    let mut input = second.stdin.take().unwrap();
    input.write_all(&u32::try_from(seed.len()).unwrap().to_be_bytes()).unwrap();
    input.write_all(&seed).unwrap();
    let output = second.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be listened on"));
    assert!(agent.lives());
}

#[test]
fn a_bridge_ends_with_its_input() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    assert_eq!(bridge.list(), []);
    bridge.hang_up();
    until("the bridge ends", || bridge.child.try_wait().unwrap().is_some());
    assert!(agent.lives());
    assert_eq!(agent.another().list(), []);
}
