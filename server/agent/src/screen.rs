//! The screen of a terminal as its output up to some place left it: pure. It exists only once output was let go of, and
//! then stands for that: a client that comes later gets it instead.

use std::collections::VecDeque;
use std::num::NonZeroU16;

use bytes::Bytes;
use gangplank_agent_protocol::message::Size;

/// Most columns and rows of a screen; a larger terminal is drawn on one of this size.
const MOST_COLUMNS: u16 = 1000;
const MOST_ROWS: u16 = 400;
/// Most cells of a screen: rows are left out beyond it.
const MOST_CELLS: u32 = 64 * 1024;
/// What a cell costs, on the screen and on the alternate one.
const COST_OF_CELL: u64 = 2 * 32;
/// Bytes before a place in which the beginning of a sequence that goes on there is looked for.
const LOOK_BACK: usize = 1024;
/// Longest title that is kept.
const LONGEST_TITLE: usize = 1024;

/// A screen.
pub(crate) struct Screen {
    parser: vt100::Parser<Title>,
    cost: u64,
    /// The last bytes it was fed.
    last: VecDeque<u8>,
    /// The beginning of a character that the parser has not been given: vte 0.15 may lose what follows a character that
    /// it gets in parts.
    held: Vec<u8>,
}

#[derive(Debug, Default)]
struct Title(Vec<u8>);

impl vt100::Callbacks for Title {
    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        self.0 = title[..title.len().min(LONGEST_TITLE)].to_vec();
    }
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen").field("size", &self.parser.screen().size()).finish_non_exhaustive()
    }
}

impl Screen {
    /// A blank one.
    pub(crate) fn new(size: Size) -> Self {
        let (rows, columns) = clamped(size);
        let parser = vt100::Parser::new_with_callbacks(rows, columns, 0, Title::default());
        Self { parser, cost: cost(size), last: VecDeque::new(), held: Vec::new() }
    }

    /// What it costs, in bytes.
    pub(crate) fn cost(&self) -> u64 {
        self.cost
    }

    /// The terminal has this size from here on.
    pub(crate) fn resize(&mut self, size: Size) {
        let (rows, columns) = clamped(size);
        self.parser.set_size(rows, columns);
        self.cost = cost(size);
    }

    /// Output goes on with these bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let joined;
        let whole = if self.held.is_empty() {
            bytes
        } else {
            joined = [&std::mem::take(&mut self.held), bytes].concat();
            &joined
        };
        let (complete, begun) = whole.split_at(begun_character(whole));
        self.parser.process(complete);
        self.held.extend_from_slice(begun);
        let new = &bytes[bytes.len().saturating_sub(LOOK_BACK)..];
        let room = LOOK_BACK - new.len();
        self.last.drain(..self.last.len().saturating_sub(room));
        self.last.extend(new);
    }

    /// What draws it on a cleared terminal of its size, with its modes, its cursor and its title.
    pub(crate) fn snapshot(&mut self) -> Bytes {
        let mut bytes = Vec::new();
        let title = &self.parser.callbacks().0;
        if !title.is_empty() {
            bytes.extend_from_slice(b"\x1b]2;");
            bytes.extend(title.iter().filter(|byte| !byte.is_ascii_control()));
            bytes.push(0x07);
        }
        let screen = self.parser.screen();
        if screen.alternate_screen() {
            bytes.extend_from_slice(b"\x1b[?1049h");
        }
        bytes.extend_from_slice(screen.state_formatted().as_bytes());
        // What follows may begin in the middle of a sequence.
        let last = self.last.make_contiguous();
        bytes.extend_from_slice(&last[begun(last)..]);
        bytes.into()
    }
}

/// What a screen of this size costs.
pub(crate) fn cost(size: Size) -> u64 {
    let (rows, columns) = clamped(size);
    u64::from(rows.get()) * u64::from(columns.get()) * COST_OF_CELL
}

fn clamped(size: Size) -> (NonZeroU16, NonZeroU16) {
    let columns = NonZeroU16::new(size.columns.min(MOST_COLUMNS)).unwrap_or(NonZeroU16::MIN);
    let most = u16::try_from(MOST_CELLS / u32::from(columns.get())).unwrap_or(u16::MAX);
    let rows = NonZeroU16::new(size.rows.min(MOST_ROWS).min(most)).unwrap_or(NonZeroU16::MIN);
    (rows, columns)
}

/// Where in `last` a sequence or a character begins that is not complete at its end; its length when there is none.
fn begun(last: &[u8]) -> usize {
    let Some(escape) = memchr::memrchr(0x1b, last) else { return begun_character(last) };
    let is_cancelled = |bytes: &[u8]| bytes.iter().any(|byte| matches!(byte, 0x18 | 0x1a));
    let rest = &last[escape + 1..];
    let is_open = match rest {
        [] => {
            // It may be the first half of what ends a string.
            return memchr::memrchr(0x1b, &last[..escape])
                .filter(|before| is_open_string(&last[before + 1..escape]))
                .unwrap_or(escape);
        }
        [b'[', parameters @ ..] => {
            !parameters.iter().any(|byte| (0x40..=0x7e).contains(byte)) && !is_cancelled(parameters)
        }
        [b']' | b'P' | b'X' | b'^' | b'_', ..] => is_open_string(rest),
        _ => rest.iter().all(|byte| (0x20..=0x2f).contains(byte)),
    };
    if is_open { escape } else { begun_character(last) }
}

/// Whether these bytes after an escape begin a string that only a terminator ends.
fn is_open_string(bytes: &[u8]) -> bool {
    match bytes {
        [b']', string @ ..] => !string.iter().any(|byte| matches!(byte, 0x07 | 0x18 | 0x1a)),
        [b'P' | b'X' | b'^' | b'_', string @ ..] => !string.iter().any(|byte| matches!(byte, 0x18 | 0x1a)),
        _ => false,
    }
}

/// The same of a character of several bytes.
fn begun_character(last: &[u8]) -> usize {
    let from = last.len().saturating_sub(3);
    let lead = last[from..].iter().rposition(|byte| *byte >= 0xc0);
    let Some(lead) = lead.map(|index| from + index) else { return last.len() };
    let is_incomplete = std::str::from_utf8(&last[lead..])
        .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none());
    if is_incomplete { lead } else { last.len() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size(columns: u16, rows: u16) -> Size {
        Size { columns, rows }
    }

    /// The screen, cursor and modes of a terminal that was fed this, in one piece.
    fn shown(size: Size, output: &[u8]) -> String {
        let (rows, columns) = clamped(size);
        let mut parser = vt100::Parser::new(rows, columns, 0);
        parser.process(output);
        format!("{:?} {:?}", parser.screen().alternate_screen(), parser.screen().state_formatted())
    }

    fn assert_same(size: Size, output: &[u8], cut: usize) {
        let (before, after) = output.split_at(cut);
        let mut screen = Screen::new(size);
        screen.feed(before);
        let snapshot = screen.snapshot();
        assert_eq!(shown(size, &[&snapshot, after].concat()), shown(size, output), "cut at {cut}");
    }

    #[test]
    fn a_snapshot_and_the_rest_show_the_same_as_all_wherever_it_is_cut() {
        let output = "\x1b]2;títle\x07plain \x1b[1;31mred\x1b[0m\r\n\x1b[?2004h\x1b[?1h\x1b[?1002h\x1b[?1006hwide 日本\x1b[5;10H\x1b(Bx\
            \x1b]52;c;aGk=\x1b\\é\x1b[?25l\x1bPq#0\x1b\\y\x1b[?1049h\x1b[Halternate\x1b[38;2;1;2;3mZ\x1b7";
        for cut in 0..=output.len() {
            assert_same(size(20, 6), output.as_bytes(), cut);
        }
    }

    #[test]
    fn output_shows_the_same_in_whatever_pieces_it_comes() {
        let output = "aaézé日 z🙂日aé\x1b]2;日é\x07é\x1b[1mb日".as_bytes();
        for length in 1..=output.len() {
            let mut screen = Screen::new(size(20, 6));
            output.chunks(length).for_each(|piece| screen.feed(piece));
            let shown_then = shown(size(20, 6), &screen.snapshot());
            assert_eq!(shown_then, shown(size(20, 6), output), "in pieces of {length}");
        }
    }

    #[test]
    fn the_size_is_bounded_and_a_title_comes_back_without_control_characters() {
        let mut huge = Screen::new(size(u16::MAX, u16::MAX));
        assert!(huge.cost() <= u64::from(MOST_CELLS) * COST_OF_CELL);
        huge.resize(size(0, 0));
        huge.feed(b"\x1b]2;a\x01b\x07x");
        assert!(huge.snapshot().starts_with(b"\x1b]2;ab\x07"));
    }

    #[test]
    fn a_change_of_size_reaches_the_screen() {
        let mut screen = Screen::new(size(10, 3));
        screen.feed(b"0123456789ab");
        screen.resize(size(20, 3));
        screen.feed(b"\r\n0123456789ab");
        let text = |bytes: &[u8]| shown(size(20, 3), bytes);
        assert!(text(&screen.snapshot()).contains("0123456789ab"));
    }

    fn token() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            "[a-z é日]{1,30}".prop_map(String::into_bytes),
            Just(b"\r\n".to_vec()),
            (1_u16..9, 1_u16..30).prop_map(|(row, column)| format!("\x1b[{row};{column}H").into_bytes()),
            (30_u16..38).prop_map(|colour| format!("\x1b[{colour};1m").into_bytes()),
            (0_u16..3).prop_map(|mode| format!("\x1b[{mode}J").into_bytes()),
            (0_u16..3).prop_map(|mode| format!("\x1b[{mode}K").into_bytes()),
            Just(b"\x1b[?1049h".to_vec()),
            Just(b"\x1b]0;title\x07".to_vec()),
            Just(b"\x1b[0m".to_vec()),
        ]
    }

    proptest! {
        #[test]
        fn snapshots_of_random_output_show_the_same(
            tokens in proptest::collection::vec(token(), 1..40),
            columns in 2_u16..40,
            rows in 1_u16..12,
            cut in any::<proptest::sample::Index>(),
        ) {
            let output = tokens.concat();
            assert_same(size(columns, rows), &output, cut.index(output.len() + 1));
        }

        #[test]
        fn random_output_shows_the_same_in_whatever_pieces_it_comes(
            tokens in proptest::collection::vec(token(), 1..40),
            lengths in proptest::collection::vec(1_usize..20, 1..20),
        ) {
            let output = tokens.concat();
            let mut screen = Screen::new(size(20, 6));
            let (mut rest, mut lengths) = (output.as_slice(), lengths.iter().cycle());
            while let (false, Some(length)) = (rest.is_empty(), lengths.next()) {
                let (piece, after) = rest.split_at(rest.len().min(*length));
                screen.feed(piece);
                rest = after;
            }
            prop_assert_eq!(shown(size(20, 6), &screen.snapshot()), shown(size(20, 6), &output));
        }

        #[test]
        fn nothing_that_a_program_writes_breaks_it(
            pieces in proptest::collection::vec(
                (proptest::collection::vec(any::<u8>(), 0..60), 0_u16..30, 0_u16..12, ".{0,20}"), 1..20),
        ) {
            let mut screen = Screen::new(size(10, 4));
            for (bytes, columns, rows, text) in pieces {
                screen.feed(&bytes);
                screen.feed(format!("\x1b[{columns};{rows}r\x1b[{rows}L日\x1b[{columns}P{text}").as_bytes());
                screen.resize(size(columns, rows));
                screen.snapshot();
            }
        }
    }
}
