//! Finds operating system commands (OSC) in a terminal's output as it is read: pure. What is in between costs a search for
//! one byte; what never ends costs no more than the longest that is kept.

use memchr::{memchr, memchr3};

/// Longest command that is kept.
const LONGEST: usize = 4 * 1024;
const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;
const CANCEL: u8 = 0x18;

/// Where in a sequence the output is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Text,
    /// After an escape.
    Escape,
    /// Within a command.
    Command,
    /// After an escape within a command: its end, or that of it.
    CommandEscape,
}

/// The search, across the pieces in which output comes.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    place: Place,
    command: Vec<u8>,
    /// What was kept of the command is not all of it.
    is_cut: bool,
}

impl Scanner {
    /// Searches the next piece. `found` gets each command with how many bytes of the piece come up to its end.
    pub(crate) fn scan(&mut self, piece: &[u8], mut found: impl FnMut(&[u8], usize)) {
        let mut at = 0;
        while let Some(rest) = piece.get(at..).filter(|rest| !rest.is_empty()) {
            match self.place {
                Place::Text => match memchr(ESCAPE, rest) {
                    Some(index) => {
                        at += index + 1;
                        self.place = Place::Escape;
                    }
                    None => return,
                },
                Place::Escape => {
                    at += 1;
                    self.place = match rest[0] {
                        b']' => self.begin(),
                        ESCAPE => Place::Escape,
                        _ => Place::Text,
                    };
                }
                Place::Command => {
                    let end = memchr3(ESCAPE, BELL, CANCEL, rest);
                    self.keep(&rest[..end.unwrap_or(rest.len())]);
                    let Some(index) = end else { return };
                    at += index + 1;
                    match rest[index] {
                        ESCAPE => self.place = Place::CommandEscape,
                        BELL => self.end(at, &mut found),
                        _ => self.place = Place::Text,
                    }
                }
                Place::CommandEscape => {
                    at += 1;
                    match rest[0] {
                        b'\\' => self.end(at, &mut found),
                        b']' => self.place = self.begin(),
                        ESCAPE => self.place = Place::Escape,
                        _ => self.place = Place::Text,
                    }
                }
            }
        }
    }

    fn begin(&mut self) -> Place {
        self.command.clear();
        self.is_cut = false;
        Place::Command
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LONGEST - self.command.len();
        self.command.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.is_cut |= bytes.len() > room;
    }

    fn end(&mut self, at: usize, found: &mut impl FnMut(&[u8], usize)) {
        self.place = Place::Text;
        if !self.is_cut {
            found(&self.command, at);
        }
        if self.command.capacity() > 256 {
            self.command = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scanned(pieces: &[&[u8]]) -> Vec<(String, usize)> {
        let (mut scanner, mut all, mut before) = (Scanner::default(), Vec::new(), 0);
        for piece in pieces {
            scanner.scan(piece, |command, at| {
                all.push((String::from_utf8_lossy(command).into_owned(), before + at));
            });
            before += piece.len();
        }
        all
    }

    #[test]
    fn commands_end_by_bell_or_string_terminator_and_are_cancelled_by_others() {
        let output = b"a\x1b]0;t\x07b\x1b]133;C\x1b\\c\x1b]2;never\x18\x1b]2;nor\x1b[0m\x1b\x1b]9\x07";
        assert_eq!(
            scanned(&[output]),
            [("0;t".to_owned(), 7), ("133;C".to_owned(), 17), ("9".to_owned(), output.len())]
        );
    }

    #[test]
    fn an_endless_command_costs_no_memory_and_is_none() {
        let mut scanner = Scanner::default();
        scanner.scan(b"\x1b]0;", |_, _| unreachable!());
        for _ in 0..100 {
            scanner.scan(&[b'x'; 4096], |_, _| unreachable!());
            assert!(scanner.command.capacity() <= 2 * LONGEST);
        }
        scanner.scan(b"\x07", |_, _| unreachable!());
        let mut found = 0;
        scanner.scan(b"\x1b]0;next\x07", |_, _| found += 1);
        assert_eq!(found, 1);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_output_is_cut(
            bytes in proptest::collection::vec(
                prop_oneof![Just(0x1b_u8), Just(b']'), Just(7), Just(b'\\'), Just(0x18), Just(b'a')], 0..60),
            cut in 0_usize..60,
        ) {
            let (before, after) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(scanned(&[&bytes]), scanned(&[before, after]));
        }
    }
}
