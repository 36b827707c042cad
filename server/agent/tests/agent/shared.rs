//! Several bridges and attachments at once: each gets all of what it asked for, and none is in another's way.

use gangplank_agent_protocol::frame::{ToAgent, ToDaemon};
use gangplank_agent_protocol::message::{Detach, Refusal, Request};
use gangplank_agent_protocol::{BRIDGE_WINDOW, CREDIT};

use super::client::{Agent, session, until};

#[test]
fn two_bridges_see_and_feed_one_process() {
    let mut agent = Agent::start();
    let (mut first, mut second) = (agent.bridge(), agent.another());
    first.terminal(1, "stty -echo; echo ready; while read line; do echo got $line; done");
    first.output_until(1, "ready");
    let attached = second.attach(1, 1, Some(0));
    assert_eq!((attached.offset, attached.input), (0, 0));
    second.output_until(1, "ready");
    first.input(1, b"one\r");
    first.output_until(1, "got one");
    second.output_until(1, "got one");
    assert_eq!(first.listed(1).attachments, 2);
    // Input goes on where the other left off.
    assert!(second.send(&ToAgent::Input { process: 1, offset: 4, bytes: "two\r".into() }));
    second.output_until(1, "got two");
    first.output_until(1, "got two");
    second.close(1);
    assert_eq!(first.rest(1).1, second.rest(1).1);
    assert_eq!(first.listed(1).attachments, 0);
}

#[test]
fn a_killed_bridge_costs_nothing_and_output_goes_on_where_it_broke_off() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    bridge.terminal(1, "i=0; while [ $i -lt 4000 ]; do i=$((i+1)); echo line $i; done; read line");
    let (mut all, mut offset) = (Vec::new(), 0);
    for number in [100, 1000, 2500, 4000] {
        let output = bridge.output_until(1, &format!("line {number}\r\n"));
        assert!(!output.is_torn && output.gaps.is_empty() && output.snapshot.is_empty());
        assert_eq!(output.begin, Some(offset), "nothing is repeated and nothing is missing");
        offset = output.end;
        all.extend(output.stdout);
        bridge.child.kill().unwrap();
        bridge = agent.another();
        assert_eq!(bridge.attach(1, 1, Some(offset)).offset, offset);
    }
    let expected: String = (1..=4000).map(|number| format!("line {number}\r\n")).collect();
    assert_eq!(String::from_utf8(all).unwrap(), expected);
    bridge.close(1);
    bridge.rest(1);
}

#[test]
fn a_client_that_never_acknowledges_holds_up_nobody_else() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    bridge.acknowledges = false;
    bridge.terminal(1, "exec yes");
    bridge.terminal(2, "stty -echo; echo ready; exec cat");
    bridge.output_until(2, "ready");
    // The flood comes to its credit and stops.
    until("the flood stops", || {
        let (before, after) = (bridge.listed(1).output_end, bridge.listed(1).output_end);
        before == after && after + 8192 > CREDIT
    });
    for number in 0..100 {
        bridge.input(2, format!("word {number}\r").as_bytes());
        bridge.output_until(2, &format!("word {number}\r\n"));
    }
    // A slower client of a terminal is served from what is kept.
    bridge.attach(1, 3, None);
    bridge.done(Request::Detach(Detach { attachment: 1 }));
    assert_eq!(bridge.refusal(Request::Detach(Detach { attachment: 1 })), Refusal::Unknown);
    bridge.close(1);
}

#[test]
fn a_slow_client_of_a_terminal_gets_its_credit_and_a_screen_once_it_is_overrun() {
    let mut agent = Agent::start();
    let (mut fast, mut slow) = (agent.bridge(), agent.another());
    slow.acknowledges = false;
    fast.terminal(1, "read go; exec yes");
    slow.attach(1, 1, Some(0));
    fast.input(1, b"\r");
    let (mut by_fast, mut by_slow) = (0, 0);
    while by_slow < CREDIT {
        if let ToDaemon::Output { offset, bytes, .. } = slow.frame().unwrap() {
            by_slow = offset + bytes.len() as u64;
        }
    }
    while by_fast < 6 << 20 {
        if let ToDaemon::Output { offset, bytes, .. } = fast.frame().unwrap() {
            by_fast = offset + bytes.len() as u64;
        }
    }
    assert_eq!((slow.come().len(), by_slow), (0, CREDIT));
    assert!(slow.listed(1).output_start > CREDIT);
    assert!(slow.send(&ToAgent::Acknowledge { attachment: 1, offset: CREDIT }));
    slow.acknowledges = true;
    let screen = slow.output_until(1, "y\r\n");
    assert!(!screen.snapshot.is_empty() && screen.gaps.is_empty() && !screen.is_torn);
    fast.close(1);
}

#[test]
fn no_more_than_the_window_is_on_its_way_and_answers_do_not_wait_for_it() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    bridge.confirms = false;
    bridge.shell(1, "exec yes");
    bridge.shell(2, "exec yes");
    let mut sent = 0;
    while sent < BRIDGE_WINDOW {
        if let ToDaemon::Output { bytes, .. } = bridge.frame().unwrap() {
            sent += bytes.len() as u64;
        }
    }
    assert_eq!(sent, BRIDGE_WINDOW);
    // Nothing but answers comes now.
    for number in 0..50 {
        assert!(bridge.send(&ToAgent::Ping { number }));
        assert_eq!(bridge.frame(), Some(ToDaemon::Pong { number }));
    }
    // As much as is confirmed comes next.
    assert!(bridge.send(&ToAgent::Received { bytes: 10_000 }));
    let mut next = 0;
    while next < 10_000 {
        match bridge.frame().unwrap() {
            ToDaemon::Output { bytes, .. } => next += bytes.len(),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(next, 10_000);
}

#[test]
fn floods_share_a_bridge_fairly() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    for number in 1..=4 {
        bridge.shell(number, "exec yes");
    }
    let mut by = [0_u64; 5];
    while by.iter().sum::<u64>() < 8 << 20 {
        if let ToDaemon::Output { attachment, bytes, .. } = bridge.frame().unwrap() {
            by[attachment as usize] += bytes.len() as u64;
        }
    }
    let (least, most) = (by[1..].iter().min().unwrap(), by.iter().max().unwrap());
    assert!(*least * 2 > *most, "{by:?}");
}

#[test]
fn without_a_terminal_what_nobody_took_is_a_gap_and_what_somebody_lacks_is_kept() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    let pid = bridge.shell(1, "read go; seq 1 2000000; echo end; read go");
    let end = 14_888_900;
    bridge.done(Request::Detach(Detach { attachment: 1 }));
    bridge.input(1, b"\n");
    until("all is written", || bridge.listed(1).output_end > 0 && session(pid).len() == 1);
    bridge.attach(1, 2, Some(0));
    let output = bridge.output_until(2, "end\n");
    assert_eq!(output.gaps.len(), 1);
    assert!(output.snapshot.is_empty() && !output.is_torn);
    assert_eq!(output.end, end);
    assert_eq!(output.begin, Some(end - output.stdout.len() as u64));
    // Attached and never taking anything: the process waits.
    let mut stuck = agent.another();
    stuck.acknowledges = false;
    stuck.shell(3, "exec yes");
    until("it waits", || {
        let (before, after) = (bridge.listed(3).output_end, bridge.listed(3).output_end);
        before == after && after > CREDIT
    });
    assert_eq!(bridge.listed(3).output_start, 0);
}
