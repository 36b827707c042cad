//! Processes with a terminal.

use std::num::NonZeroU16;

use gangplank_agent_protocol::message::{EndInput, Exit, Refusal, Request, Resize, Size, Start};

use super::client::{Agent, SIZE, pipes, until};

#[test]
fn a_terminal_is_one_of_its_size_and_type() {
    let mut agent = Agent::start_with(|command| {
        command.env_remove("TERM");
    });
    let mut bridge = agent.bridge();
    bridge.terminal(1, "tty; stty size; echo $TERM; exit 4");
    let (output, exit) = bridge.rest(1);
    let text = output.text();
    assert!(text.starts_with("/dev/pts/"), "{text:?}");
    assert!(text.ends_with("24 80\r\nxterm\r\n"), "{text:?}");
    assert_eq!(exit, Exit { code: Some(4), ..Exit::default() });
}

#[test]
fn a_resize_reaches_the_program() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    bridge.terminal(1, "trap 'stty size' WINCH; echo ready; while :; do sleep 0.01; done");
    bridge.output_until(1, "ready");
    let resize = |columns| Request::Resize(Resize { process: 1, size: Size { columns, rows: 50 } });
    bridge.done(resize(132));
    bridge.output_until(1, "50 132");
    assert_eq!(bridge.listed(1).tty, Some(Size { columns: 132, rows: 50 }));
    assert_eq!(bridge.refusal(resize(0)), Refusal::Invalid);
    bridge.close(1);
    bridge.rest(1);
    assert_eq!(bridge.refusal(resize(80)), Refusal::Ended);
    bridge.shell(2, "exit");
    assert_eq!(bridge.refusal(Request::Resize(Resize { process: 2, size: SIZE })), Refusal::Invalid);
}

#[test]
fn what_is_typed_is_echoed_and_control_c_interrupts() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    bridge.terminal(
        1,
        "trap 'echo interrupted; exit 9' INT; echo ready; while :; do read line; echo got $line; done",
    );
    bridge.output_until(1, "ready");
    bridge.input(1, b"word\r");
    bridge.output_until(1, "word\r\ngot word");
    bridge.input(1, b"\x03");
    let (output, exit) = bridge.rest(1);
    assert!(output.text().contains("interrupted"), "{:?}", output.text());
    assert_eq!(exit.code, Some(9));
}

#[test]
fn the_end_of_input_is_the_terminals_own_character() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    bridge.terminal(1, "stty eof ^E; echo ready; cat; echo over");
    bridge.output_until(1, "ready");
    bridge.input(1, b"line\r");
    bridge.done(Request::EndInput(EndInput { process: 1, offset: 5 }));
    let (output, exit) = bridge.rest(1);
    assert!(output.text().ends_with("over\r\n"), "{:?}", output.text());
    assert_eq!(exit.code, Some(0));
}

#[test]
fn output_that_was_overrun_comes_back_as_a_screen_and_the_rest() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    bridge.start(Start {
        tty: Some(SIZE),
        attachment: None,
        ..pipes(1, &["sh", "-c", "printf '\\033]2;flood\\007\\033[?2004h'; seq 1 270000 | sed 's/^/\\x1b[3'1'mnumber /'; printf 'end\\n\\033]2;done\\007'; read line"])
    });
    until("all is written", || bridge.listed(1).title.as_deref() == Some("done"));
    bridge.attach(1, 7, None);
    let output = bridge.output_until(7, "\x1b]2;done\x07");
    assert!(output.begin.unwrap() > 0 && output.gaps.is_empty() && !output.is_torn);
    assert!(!output.snapshot.is_empty());
    // The same as a terminal shows that saw everything.
    let whole = std::process::Command::new("sh")
        .args(["-c", "printf '\\033]2;flood\\007\\033[?2004h'; seq 1 270000 | sed 's/^/\\x1b[3'1'mnumber /; s/$/\\r/'; printf 'end\\r\\n\\033]2;done\\007'"])
        .output()
        .unwrap()
        .stdout;
    assert_eq!(whole.len() as u64, output.end);
    let (before, _) = whole.split_at(usize::try_from(output.begin.unwrap()).unwrap());
    assert_eq!(shown(&[&output.snapshot]), shown(&[before]));
    assert_eq!(shown(&[&output.snapshot, &output.stdout]), shown(&[&whole]));
    // What was set long before, too.
    for sequence in ["\x1b]2;flood\x07", "\x1b[?2004h"] {
        assert!(String::from_utf8_lossy(&output.snapshot).contains(sequence), "{sequence:?}");
    }
    assert_eq!(whole[usize::try_from(output.begin.unwrap()).unwrap()..], output.stdout[..]);
    bridge.input(1, b"\r");
    assert_eq!(bridge.rest(7).1.code, Some(0));
}

fn shown(output: &[&[u8]]) -> String {
    let of = |cells| NonZeroU16::new(cells).unwrap();
    let mut parser = vt100::Parser::new(of(SIZE.rows), of(SIZE.columns), 0);
    // What scrolled off does not show.
    output.iter().for_each(|bytes| parser.process(&bytes[bytes.len().saturating_sub(64 * 1024)..]));
    parser.screen().contents_formatted()
}

#[test]
fn a_shells_marks_are_listed() {
    let mut agent = Agent::start();
    let mut bridge = agent.bridge();
    let script = r"printf '\033]0;a title\007\033]7;file://host/usr/bin\007\033]633;E;make all\007\033]633;C\007output\033]633;D;2\007'; cd /etc; read line";
    bridge.terminal(1, script);
    bridge.output_until(1, "D;2");
    let listed = bridge.listed(1);
    assert_eq!(listed.title.as_deref(), Some("a title"));
    assert_eq!(listed.cwd.as_deref(), Some("/usr/bin"));
    assert_eq!(listed.foreground.as_deref(), Some("sh"));
    let [command] = &listed.commands[..] else { panic!("{listed:?}") };
    assert_eq!((command.line.as_deref(), command.exit_code), (Some("make all"), Some(2)));
    assert_eq!(command.output, 61);
    // Where a shell tells nothing the kernel does.
    bridge.terminal(2, "cd /etc; echo ready; exec sleep 1000");
    bridge.output_until(2, "ready");
    until("the program runs", || bridge.listed(2).foreground.as_deref() == Some("sleep"));
    assert_eq!(bridge.listed(2).cwd.as_deref(), Some("/etc"));
}
