//! Paths of the container in a command's output, turned into those of this machine as the bytes stream by.
//!
//! A path counts where it stands as one: not in the middle of a longer name, and not inside an escape sequence. What may
//! be the beginning of one waits for the bytes that decide it; nothing else waits.

use std::borrow::Cow;
use std::sync::Arc;

use memchr::memchr2;

const ESCAPE: u8 = 0x1b;

/// Folders of the container and where this machine has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostPaths(Arc<[Pair]>);

/// A folder of the container and its path on this machine; the same path twice where only the container has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    /// In the container, absolute, without a slash at its end.
    pub(crate) container: String,
    /// On this machine.
    pub(crate) host: String,
}

impl HostPaths {
    /// The folders; of several that hold a path the longest counts. The root is none: every path begins as it does.
    pub(crate) fn new(mut pairs: Vec<Pair>) -> HostPaths {
        pairs.retain(|pair| pair.container.len() > 1);
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.container.len()));
        HostPaths(pairs.into())
    }

    /// True when every path stays as it is.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|pair| pair.container == pair.host)
    }

    /// Looks at bytes that begin with a slash, where a path can begin; `last` when none follow.
    fn look(&self, bytes: &[u8], last: bool) -> Look<'_> {
        for Pair { container, host } in &*self.0 {
            let container = container.as_bytes();
            if bytes.starts_with(container) {
                match bytes.get(container.len()) {
                    Some(next) if goes_on(*next) => {}
                    None if !last => return Look::Open,
                    _ => return Look::Path { length: container.len(), host: host.as_bytes() },
                }
            } else if !last && container.starts_with(bytes) {
                return Look::Open;
            }
        }
        Look::Other
    }
}

/// What bytes turn out to be.
enum Look<'a> {
    /// One of the folders, so long in the container.
    Path {
        length: usize,
        host: &'a [u8],
    },
    /// Perhaps one: the next bytes decide.
    Open,
    Other,
}

/// Where the bytes are in the terminal's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Text,
    /// After an escape.
    Escape,
    /// In a control sequence, as for a colour.
    Control,
    /// In a string for the terminal, as for a title.
    String,
}

impl State {
    fn after(self, byte: u8) -> State {
        match (self, byte) {
            (_, ESCAPE) => State::Escape,
            (State::Escape, b'[') => State::Control,
            (State::Escape, b']' | b'P' | b'X' | b'^' | b'_') => State::String,
            (State::Escape, b' '..=b'/') => State::Escape,
            (State::Control, b' '..=b'?') => State::Control,
            // a terminal would wait for its end; a command that never writes that loses no more than a line
            (State::String, b' '..) => State::String,
            _ => State::Text,
        }
    }
}

/// Turns one stream's paths.
#[derive(Debug)]
pub(super) struct Rewriter {
    paths: HostPaths,
    state: State,
    /// The text's last byte; nothing at its beginning and after an escape sequence.
    previous: Option<u8>,
    /// The beginning of a path, perhaps.
    held: Vec<u8>,
}

impl Rewriter {
    pub(super) fn new(paths: HostPaths) -> Rewriter {
        Rewriter { paths, state: State::Text, previous: None, held: Vec::new() }
    }

    /// What can be written once these bytes have come.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.turn(bytes, false)
    }

    /// What was held back, when no more bytes come.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        self.turn(&[], true)
    }

    fn turn(&mut self, bytes: &[u8], last: bool) -> Vec<u8> {
        let held = std::mem::take(&mut self.held);
        let input = if held.is_empty() { Cow::from(bytes) } else { [&held, bytes].concat().into() };
        let mut written = Vec::with_capacity(input.len());
        let (mut copied, mut at) = (0, 0);
        while at < input.len() {
            if self.state != State::Text {
                self.state = self.state.after(input[at]);
                self.previous = None;
                at += 1;
                continue;
            }
            let Some(skipped) = memchr2(b'/', ESCAPE, &input[at..]) else {
                self.previous = input.last().copied();
                break;
            };
            let found = at + skipped;
            if skipped > 0 {
                self.previous = Some(input[found - 1]);
            }
            at = found + 1;
            if input[found] == ESCAPE {
                self.state = State::Escape;
                continue;
            }
            if self.previous.is_some_and(leads_on) {
                self.previous = Some(b'/');
                continue;
            }
            match self.paths.look(&input[found..], last) {
                Look::Path { length, host } => {
                    written.extend_from_slice(&input[copied..found]);
                    written.extend_from_slice(host);
                    at = found + length;
                    copied = at;
                    self.previous = Some(input[at - 1]);
                }
                Look::Open => {
                    written.extend_from_slice(&input[copied..found]);
                    self.held = input[found..].to_vec();
                    return written;
                }
                Look::Other => self.previous = Some(b'/'),
            }
        }
        written.extend_from_slice(&input[copied..]);
        written
    }
}

/// Whether a slash after this byte belongs to a path that began before it.
fn leads_on(byte: u8) -> bool {
    goes_on(byte) || matches!(byte, b'/' | b'}' | b')' | b']' | b'*' | b'?' | b'\\')
}

/// Whether this byte after a name makes it another name.
fn goes_on(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || b"_.-~+%@".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn paths() -> HostPaths {
        let pair = |container: &str, host: &str| Pair { container: container.into(), host: host.into() };
        HostPaths::new(vec![
            pair("/w/app", "/home/ada/my project"),
            pair("/w/app/cache", "/w/app/cache"),
            pair("/w", "/home/ada"),
            pair("/", "/everything"),
        ])
    }

    fn all_at_once(text: &[u8]) -> Vec<u8> {
        let mut rewriter = Rewriter::new(paths());
        let mut written = rewriter.take(text);
        written.extend(rewriter.finish());
        written
    }

    fn turned(text: &str) -> String {
        String::from_utf8(all_at_once(text.as_bytes())).unwrap()
    }

    #[test]
    fn a_path_is_turned_where_it_stands_as_one() {
        for (text, expected) in [
            ("/w/app/src/a.c:1:2: error", "/home/ada/my project/src/a.c:1:2: error"),
            ("  File \"/w/app/m.py\", line 2", "  File \"/home/ada/my project/m.py\", line 2"),
            ("make: Entering directory '/w/app'", "make: Entering directory '/home/ada/my project'"),
            ("/w/app", "/home/ada/my project"),
            ("PATH=/w/app/bin:/w/app\n", "PATH=/home/ada/my project/bin:/home/ada/my project\n"),
            (
                "/w/lib/b.c /w/app/cache/x /w/app/cached",
                "/home/ada/lib/b.c /w/app/cache/x /home/ada/my project/cached",
            ),
            (
                "/w/apple /w/app2 /w/app.old /w/appä",
                "/home/ada/apple /home/ada/app2 /home/ada/app.old /home/ada/appä",
            ),
            (
                "/wx /usr/w/app ./w/app ä/w/app ~/w/app //w/app $x}/w/app",
                "/wx /usr/w/app ./w/app ä/w/app ~/w/app //w/app $x}/w/app",
            ),
            ("file:///w/app/x http://h/w/app", "file:///w/app/x http://h/w/app"),
        ] {
            assert_eq!(turned(text), expected);
        }
    }

    #[test]
    fn colours_do_not_hide_a_path_and_titles_stay_as_they_are() {
        assert_eq!(
            turned("\x1b[01m\x1b[K/w/app/a.c:1:\x1b[m"),
            "\x1b[01m\x1b[K/home/ada/my project/a.c:1:\x1b[m"
        );
        assert_eq!(turned("/w/app\x1b[m"), "/home/ada/my project\x1b[m");
        assert_eq!(turned("\x1b]0;at /w/app\x07/w/app"), "\x1b]0;at /w/app\x07/home/ada/my project");
        assert_eq!(turned("\x1b]8;;x\x1b\\/w/app"), "\x1b]8;;x\x1b\\/home/ada/my project");
        assert_eq!(turned("\x1b]never ended\n/w/app"), "\x1b]never ended\n/home/ada/my project");
        assert_eq!(turned("\x1b(B/w/app"), "\x1b(B/home/ada/my project");
    }

    #[test]
    fn only_what_may_be_the_beginning_of_a_path_waits() {
        let mut rewriter = Rewriter::new(paths());
        for (given, expected) in [
            ("$ ", "$ "),
            ("50/", "50/"),
            (" /", " "),
            ("w/ap", ""),
            ("ple\n/w/app", "/home/ada/apple\n"),
            (":", "/home/ada/my project:"),
            ("/x", "/x"),
        ] {
            assert_eq!(
                String::from_utf8(rewriter.take(given.as_bytes())).unwrap(),
                expected,
                "after {given:?}"
            );
        }
        assert_eq!(rewriter.take(b" /w"), b" ");
        assert_eq!(rewriter.finish(), b"/home/ada");
    }

    #[test]
    fn nothing_to_turn_is_told() {
        assert!(!paths().is_empty());
        let same = Pair { container: "/w".into(), host: "/w".into() };
        assert!(HostPaths::new(vec![same]).is_empty());
        assert!(HostPaths::new(Vec::new()).is_empty());
    }

    /// Text that is full of near misses.
    fn texts() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            prop::sample::select(vec![
                "/",
                "w",
                "/w",
                "/w/app",
                "app",
                "/cache",
                "/w/app/cache",
                " ",
                "\"",
                ".",
                ":",
                "\n",
                "\x1b",
                "[",
                "m",
                "]",
                "\x07",
                "\\",
                "ä",
            ])
            .prop_map(|piece| piece.as_bytes().to_vec()),
            any::<u8>().prop_map(|byte| vec![byte]),
        ];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn the_borders_of_chunks_do_not_matter(text in texts(), borders in prop::collection::vec(0_usize..80, 0..20)) {
            let mut rewriter = Rewriter::new(paths());
            let mut borders: Vec<usize> = borders.into_iter().map(|border| border.min(text.len())).collect();
            borders.extend([0, text.len()]);
            borders.sort_unstable();
            let mut written = Vec::new();
            for ends in borders.windows(2) {
                written.extend(rewriter.take(&text[ends[0]..ends[1]]));
                let held = &rewriter.held;
                prop_assert!(held.is_empty() || rewriter.paths.0.iter().any(|pair| pair.container.as_bytes().starts_with(held)));
            }
            written.extend(rewriter.finish());
            prop_assert_eq!(written, all_at_once(&text));
        }

        #[test]
        fn what_has_no_path_stays_as_it_is(text in texts()) {
            let mut rewriter = Rewriter::new(HostPaths::new(Vec::new()));
            prop_assert_eq!(rewriter.take(&text), text);
        }

        /// Turned the other way round, everything is as before: nothing is lost, doubled or moved.
        #[test]
        fn all_else_is_kept(text in texts()) {
            let host = "/\u{1}host";
            prop_assume!(!text.contains(&1));
            let mut rewriter = Rewriter::new(HostPaths::new(vec![Pair { container: "/w".into(), host: host.into() }]));
            let mut written = rewriter.take(&text);
            written.extend(rewriter.finish());
            let mut back = Vec::new();
            let mut rest = &written[..];
            while let Some(at) = memchr::memmem::find(rest, host.as_bytes()) {
                back.extend_from_slice(&rest[..at]);
                back.extend_from_slice(b"/w");
                rest = &rest[at + host.len()..];
            }
            back.extend_from_slice(rest);
            prop_assert_eq!(back, text);
        }
    }
}
