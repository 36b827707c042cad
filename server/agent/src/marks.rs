//! What a shell tells of itself in its terminal's output: title, directory, and where its commands begin and end (OSC 0,
//! 2, 7, 133, 633, 1337). Pure. The output is a container's: everything has a limit, and titles have no control
//! characters.

use std::collections::VecDeque;

use gangplank_agent_protocol::message::Command;

use crate::osc::Scanner;

/// Commands kept of one terminal.
const COMMANDS: usize = 100;
/// Longest line of a command that is kept, in bytes.
const LONGEST_LINE: usize = 1024;
/// Bytes of lines kept of one terminal; the oldest go first.
const LINES: usize = 16 * 1024;
/// Longest title, in characters.
const LONGEST_TITLE: usize = 256;
/// Longest directory, in bytes.
const LONGEST_DIRECTORY: usize = 4 * 1024;

/// What is known of a terminal's shell.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    scanner: Scanner,
    known: Known,
}

#[derive(Debug, Default)]
struct Known {
    title: Option<String>,
    directory: Option<String>,
    commands: VecDeque<Command>,
    /// Bytes of all lines in `commands`.
    lines: usize,
    is_running: bool,
    /// The line of the command to come.
    line: Option<String>,
}

impl Marks {
    /// Reads the next piece of output, which begins at `offset`; `now` is in milliseconds since 1970.
    pub(crate) fn read(&mut self, piece: &[u8], offset: u64, now: u64) {
        let known = &mut self.known;
        self.scanner.scan(piece, |command, at| {
            // What is not text has no meaning here.
            if let Ok(command) = std::str::from_utf8(command) {
                known.heed(command, offset + at as u64, now);
            }
        });
    }

    /// What the terminal calls itself.
    pub(crate) fn title(&self) -> Option<&str> {
        self.known.title.as_deref()
    }

    /// The shell's directory by its own word.
    pub(crate) fn directory(&self) -> Option<&str> {
        self.known.directory.as_deref()
    }

    /// The last commands, oldest first.
    pub(crate) fn commands(&self) -> impl Iterator<Item = &Command> {
        self.known.commands.iter()
    }
}

impl Known {
    fn heed(&mut self, command: &str, offset: u64, now: u64) {
        let (number, rest) = command.split_once(';').unwrap_or((command, ""));
        match number {
            "0" | "2" => self.title = title(rest),
            "7" => self.move_to(directory_of_url(rest)),
            "1337" => self.move_to(rest.strip_prefix("CurrentDir=").map(str::to_owned)),
            "133" | "633" => {
                let (mark, rest) = rest.split_once(';').unwrap_or((rest, ""));
                match mark {
                    "A" => self.end(None, now),
                    "C" => self.begin(offset, now),
                    "D" => self.end(rest.split(';').next().and_then(|code| code.parse().ok()), now),
                    "E" if number == "633" => {
                        let line = unescape(rest.split(';').next().unwrap_or_default());
                        self.line = Some(cut(line, LONGEST_LINE));
                    }
                    "P" if number == "633" => {
                        self.move_to(rest.strip_prefix("Cwd=").map(unescape));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn move_to(&mut self, directory: Option<String>) {
        let is_path = |path: &String| {
            path.starts_with('/') && path.len() <= LONGEST_DIRECTORY && !path.contains(char::is_control)
        };
        if let Some(directory) = directory.filter(is_path) {
            self.directory = Some(directory);
        }
    }

    fn begin(&mut self, offset: u64, now: u64) {
        self.end(None, now);
        let line = self.line.take();
        self.lines += line.as_ref().map_or(0, String::len);
        self.commands.push_back(Command { line, started_at: now, output: offset, ..Command::default() });
        self.is_running = true;
        while self.commands.len() > COMMANDS || (self.lines > LINES && self.commands.len() > 1) {
            let gone = self.commands.pop_front().and_then(|gone| gone.line);
            self.lines -= gone.map_or(0, |line| line.len());
        }
    }

    /// The command that runs has ended; without one nothing has.
    fn end(&mut self, exit_code: Option<i32>, now: u64) {
        if std::mem::take(&mut self.is_running)
            && let Some(command) = self.commands.back_mut()
        {
            command.exit_code = exit_code;
            command.duration_ms = Some(now.saturating_sub(command.started_at));
        }
    }
}

/// Text for people, without what moves a cursor or turns the direction of writing.
fn title(text: &str) -> Option<String> {
    let turns = |character: char| matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain = |character: &char| !character.is_control() && !turns(*character);
    let title: String = text.chars().filter(plain).take(LONGEST_TITLE).collect();
    (!title.is_empty()).then_some(title)
}

/// The path of `file://HOST/PATH`, whose bytes may be given as `%XX`.
fn directory_of_url(url: &str) -> Option<String> {
    let path = url.strip_prefix("file://")?;
    let path = &path[path.find('/')?..];
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' { hex(rest.next()?, rest.next()?)? } else { byte });
    }
    String::from_utf8(bytes).ok()
}

/// Undoes VS Code's escapes: `\\` and `\xXX`.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let bytes = after.as_bytes();
        rest = match bytes {
            [b'\\', ..] => {
                plain.push('\\');
                &after[1..]
            }
            [b'x', high, low, ..] if hex(*high, *low).is_some() => {
                plain.extend(hex(*high, *low).map(char::from));
                &after[3..]
            }
            _ => {
                plain.push('\\');
                after
            }
        };
    }
    plain + rest
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? * 16 + digit(low)?)
}

/// The first `most` bytes, or fewer where that would cut a character.
pub(crate) fn cut(mut text: String, most: usize) -> String {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(output: &str) -> Marks {
        let mut marks = Marks::default();
        marks.read(output.as_bytes(), 1000, 5000);
        marks
    }

    #[test]
    fn a_title_has_neither_control_characters_nor_turns_of_direction() {
        let marks = read("\x1b]0;a\u{202e}b\tc\x07");
        assert_eq!(marks.title(), Some("abc"));
        assert_eq!(read("\x1b]2;vim\x1b\\").title(), Some("vim"));
        let long = read(&format!("\x1b]2;{}\x07", "é".repeat(1000)));
        assert_eq!(long.title().map(|title| title.chars().count()), Some(LONGEST_TITLE));
    }

    #[test]
    fn the_directory_comes_in_four_ways_and_only_as_a_path() {
        for output in [
            "\x1b]7;file://host/a%20b/c\x07",
            "\x1b]7;file:///a%20b/c\x1b\\",
            "\x1b]633;P;Cwd=/a\\x20b/c\x07",
            "\x1b]1337;CurrentDir=/a b/c\x07",
        ] {
            assert_eq!(read(output).directory(), Some("/a b/c"), "{output:?}");
        }
        for output in ["\x1b]7;http://x/\x07", "\x1b]7;file://x/%g0\x07", "\x1b]633;P;Cwd=a\x07"] {
            assert_eq!(read(output).directory(), None, "{output:?}");
        }
    }

    #[test]
    fn a_command_has_its_line_its_time_its_code_and_its_place_in_the_output() {
        let mut marks = Marks::default();
        let before = "\x1b]633;A\x07$ \x1b]633;B\x07make\x1b]633;E;make \\x3b a\\\\b;nonce\x07\x1b]633;C\x07";
        marks.read(before.as_bytes(), 100, 5000);
        let running: Vec<_> = marks.commands().cloned().collect();
        assert_eq!(running[0].line.as_deref(), Some("make ; a\\b"));
        assert_eq!((running[0].started_at, running[0].duration_ms), (5000, None));
        assert_eq!(running[0].output, 100 + before.len() as u64);
        marks.read(b"out\x1b]633;D;2\x07\x1b]633;A\x07$ \x1b]633;D\x07", 500, 5250);
        let ended: Vec<_> = marks.commands().cloned().collect();
        assert_eq!(ended.len(), 1);
        assert_eq!((ended[0].exit_code, ended[0].duration_ms), (Some(2), Some(250)));
    }

    #[test]
    fn a_shell_that_tells_no_line_or_no_end_is_understood() {
        let marks = read(
            "\x1b]133;A;cl=m\x1b\\$ \x1b]133;C\x1b\\x\x1b]133;A\x1b\\$ \x1b]133;C\x1b\\y\x1b]133;D;0\x07",
        );
        let commands: Vec<_> = marks.commands().map(|command| command.exit_code).collect();
        assert_eq!(commands, [None, Some(0)]);
        assert!(marks.commands().all(|command| command.line.is_none() && command.duration_ms == Some(0)));
    }

    #[test]
    fn commands_and_their_lines_are_bounded() {
        let mut marks = Marks::default();
        for number in 0..1000 {
            let line = format!("\x1b]633;E;{number}{}\x07\x1b]633;C\x07\x1b]633;D;0\x07", "x".repeat(3000));
            marks.read(line.as_bytes(), 0, 0);
        }
        let lines: usize = marks.commands().map(|command| command.line.as_ref().map_or(0, String::len)).sum();
        assert!(lines <= LINES && lines > LINES / 2, "{lines}");
        assert!(marks.commands().last().unwrap().line.as_ref().unwrap().starts_with("999x"));
        let many = "\x1b]133;C\x07".repeat(1000);
        assert_eq!(read(&many).commands().count(), COMMANDS);
    }

    proptest! {
        #[test]
        fn nothing_that_is_written_does_harm(text in "[0-9;ACDEPx\\\\=/é%]{0,60}", number in "(0|7|133|633)") {
            let marks = read(&format!("\x1b]{number};{text}\x07"));
            prop_assert!(marks.commands().count() <= 1);
        }
    }
}
