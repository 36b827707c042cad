//! Input: in order, once, with backpressure.

use gangplank_agent_protocol::CREDIT;
use gangplank_agent_protocol::frame::{MAX_PAYLOAD, ToAgent, ToDaemon};
use gangplank_agent_protocol::message::{EndInput, Request, Signal};

use super::client::{Agent, Bridge};

fn send(bridge: &mut Bridge, offset: u64, bytes: &[u8]) {
    assert!(bridge.send(&ToAgent::Input { process: 1, offset, bytes: bytes.to_vec().into() }));
}

fn taken(bridge: &mut Bridge, wanted: u64) {
    bridge.wait(|frame| {
        matches!(frame, ToDaemon::InputTaken { process: 1, offset } if *offset == wanted).then_some(())
    });
}

#[test]
fn repeated_input_is_dropped_and_input_after_a_gap_is_not_taken() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    bridge.shell(1, "exec cat");
    send(&mut bridge, 0, b"abc");
    taken(&mut bridge, 3);
    send(&mut bridge, 0, b"abc");
    taken(&mut bridge, 3);
    send(&mut bridge, 10, b"lost");
    taken(&mut bridge, 3);
    send(&mut bridge, 2, b"cde");
    taken(&mut bridge, 5);
    // A later bridge learns where to go on.
    let mut later = agent.another();
    assert_eq!(later.attach(1, 9, None).input, 5);
    send(&mut later, 3, b"def");
    taken(&mut later, 6);
    later.done(Request::EndInput(EndInput { process: 1, offset: 7 }));
    send(&mut later, 6, b"g");
    assert_eq!(later.rest(9).0.text(), "abcdefg");
    assert_eq!(bridge.rest(1).0.text(), "abcdefg");
}

#[test]
fn a_process_that_does_not_read_holds_up_its_input_and_nothing_else() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    bridge.shell(1, "trap 'exit 0' USR1; echo ready; while :; do sleep 0.01; done");
    bridge.output_until(1, "ready");
    let piece = [b'x'; MAX_PAYLOAD];
    // Twice as much as may be unconfirmed: what is beyond it is not taken.
    for number in 0..(2 * CREDIT / MAX_PAYLOAD as u64) {
        send(&mut bridge, number * MAX_PAYLOAD as u64, &piece);
    }
    bridge.shell(2, "echo quick");
    assert_eq!(bridge.rest(2).0.text(), "quick\n");
    // It ends without reading; what it was sent is taken and dropped.
    bridge.done(Request::Signal(Signal { process: 1, name: "USR1".into() }));
    assert_eq!(bridge.rest(1).1.code, Some(0));
    let mut confirmed = 0;
    while confirmed < CREDIT {
        confirmed = bridge.wait(|frame| match frame {
            ToDaemon::InputTaken { process: 1, offset } => Some(*offset),
            _ => None,
        });
    }
    assert!(confirmed < 2 * CREDIT);
    send(&mut bridge, confirmed, b"more");
    taken(&mut bridge, confirmed + 4);
}

#[test]
fn a_large_input_arrives_whole() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    bridge.shell(1, "exec cksum");
    let all: Vec<u8> = (0..8_u32 << 20)
        .map(|number| u8::try_from(number.wrapping_mul(2_654_435_761) >> 24).unwrap())
        .collect();
    let (mut sent, mut confirmed) = (0, 0);
    while sent < all.len() {
        if sent as u64 - confirmed >= CREDIT - MAX_PAYLOAD as u64 {
            confirmed = bridge.wait(|frame| match frame {
                ToDaemon::InputTaken { process: 1, offset } => Some(*offset),
                _ => None,
            });
            continue;
        }
        let piece = &all[sent..(sent + MAX_PAYLOAD).min(all.len())];
        send(&mut bridge, sent as u64, piece);
        sent += piece.len();
    }
    bridge.done(Request::EndInput(EndInput { process: 1, offset: sent as u64 }));
    let own = {
        use std::io::Write as _;
        let mut child = std::process::Command::new("cksum")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(&all).unwrap();
        child.wait_with_output().unwrap().stdout
    };
    assert_eq!(bridge.rest(1).0.stdout, own);
}
