//! The kept output of one process: pure. For a terminal, what is let go of lives on as a screen.

use std::collections::VecDeque;

use bytes::Bytes;
use gangplank_agent_protocol::message::Size;
use gangplank_agent_protocol::output::{CAPACITY, Log, Oldest, Source};

use crate::screen::{Screen, cost};

/// The kept output.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) log: Log,
    terminal: Option<Drawn>,
}

/// What a terminal's lost output left.
#[derive(Debug)]
struct Drawn {
    /// None while nothing was lost, or where there was no room for it.
    screen: Option<Screen>,
    /// Its size at the log's first byte.
    size: Size,
    /// Sizes that it had later, each with the offset from which on.
    sizes: VecDeque<(u64, Size)>,
}

/// Sizes remembered: a client that resizes more often than the program writes costs no more.
const SIZES: usize = 1024;

impl Output {
    /// None yet; of a terminal with `size`.
    pub(crate) fn new(size: Option<Size>) -> Self {
        let terminal = size.map(|size| Drawn { screen: None, size, sizes: VecDeque::new() });
        Self { log: Log::with_capacity(CAPACITY), terminal }
    }

    /// What it costs, in bytes.
    pub(crate) fn cost(&self) -> u64 {
        self.log.cost() + self.cost_of_screen()
    }

    /// What its screen costs.
    pub(crate) fn cost_of_screen(&self) -> u64 {
        self.terminal.as_ref().and_then(|drawn| drawn.screen.as_ref()).map_or(0, Screen::cost)
    }

    /// Adds output. `room` says whether there is room for a screen if there is none yet.
    pub(crate) fn add(&mut self, stamp: u64, source: Source, bytes: &[u8], room: bool) {
        self.log.add(stamp, source, bytes);
        while self.log.is_over() && self.evict(room) {}
    }

    /// The terminal has this size from now on.
    pub(crate) fn resize(&mut self, size: Size) {
        let end = self.log.end();
        if let Some(drawn) = &mut self.terminal {
            let is_full = drawn.sizes.len() == SIZES;
            match drawn.sizes.back_mut() {
                Some(last) if last.0 == end || is_full => last.1 = size,
                _ => drawn.sizes.push_back((end, size)),
            }
        }
    }

    /// The oldest output that could be let go of.
    pub(crate) fn oldest(&self) -> Option<Oldest> {
        self.log.oldest()
    }

    /// Whether letting go of the oldest output frees memory: a screen in its place may cost more.
    pub(crate) fn is_worth_evicting(&self) -> bool {
        let screen = |drawn: &Drawn| if drawn.screen.is_some() { 0 } else { 2 * cost(drawn.size) };
        self.log.cost() > self.terminal.as_ref().map_or(0, screen)
    }

    /// Lets go of the oldest output; false when there is none.
    pub(crate) fn evict(&mut self, room: bool) -> bool {
        let start = self.log.start();
        let Some(gone) = self.log.evict() else { return false };
        if let Some(drawn) = &mut self.terminal {
            drawn.lose(start, &gone, room);
        }
        true
    }

    /// Lets go of all output, without a trace.
    pub(crate) fn forget(&mut self) {
        self.log.forget();
        if let Some(drawn) = &mut self.terminal {
            drawn.screen = None;
        }
    }

    /// What draws a terminal as it was at the log's first byte; none without a terminal.
    pub(crate) fn snapshot(&mut self) -> Option<Bytes> {
        // Where there is no screen nothing is known of it, but that it is to be begun anew.
        let drawn = self.terminal.as_mut()?;
        Some(drawn.screen.as_mut().map_or(Bytes::from_static(b"\x1b[m\x1b[H\x1b[J"), Screen::snapshot))
    }
}

impl Drawn {
    /// The bytes from `start` on are let go of.
    fn lose(&mut self, start: u64, bytes: &[u8], room: bool) {
        if self.screen.is_none() && room {
            self.screen = Some(Screen::new(self.size));
        }
        let end = start + bytes.len() as u64;
        let mut from = 0;
        while let Some((offset, size)) = self.sizes.front().copied().filter(|(offset, _)| *offset <= end) {
            let to = usize::try_from(offset.saturating_sub(start)).unwrap_or(0).clamp(from, bytes.len());
            self.feed(&bytes[from..to]);
            from = to;
            self.size = size;
            if let Some(screen) = &mut self.screen {
                screen.resize(size);
            }
            self.sizes.pop_front();
        }
        self.feed(&bytes[from..]);
    }

    fn feed(&mut self, bytes: &[u8]) {
        if let Some(screen) = &mut self.screen {
            screen.feed(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use gangplank_agent_protocol::output::Next;

    use super::*;

    const SIZE: Size = Size { columns: 20, rows: 5 };

    fn parser(size: Size) -> vt100::Parser {
        let of = |cells| NonZeroU16::new(cells).unwrap();
        vt100::Parser::new(of(size.rows), of(size.columns), 0)
    }

    #[test]
    fn what_is_lost_and_what_is_kept_show_the_same_as_all_with_sizes_where_they_changed() {
        let mut output = Output::new(Some(SIZE));
        let mut whole = parser(SIZE);
        for number in 0..200_000_u32 {
            if number % 1000 == 7 {
                let size = Size { columns: 20 + u16::try_from(number / 1000 % 30).unwrap(), rows: 5 };
                output.resize(size);
                let of = |cells| NonZeroU16::new(cells).unwrap();
                whole.set_size(of(size.rows), of(size.columns));
            }
            let line = format!("\x1b[3{}mline {number} of some length\r\n", number % 8);
            output.add(u64::from(number), Source::Stdout, line.as_bytes(), true);
            whole.process(line.as_bytes());
        }
        assert!(output.log.start() > 0, "something is lost");
        assert!(output.cost() < CAPACITY + 32 * 1024 + 2 * cost(SIZE) * 3);
        // Drawn at the size that the terminal had there; later ones follow.
        let drawn = output.terminal.as_ref().unwrap();
        let mut seen = parser(drawn.size);
        let mut sizes: VecDeque<_> = drawn.sizes.clone();
        seen.process(&output.snapshot().unwrap());
        let mut offset = output.log.start();
        while let Next::Bytes { bytes, .. } = output.log.read(
            offset,
            usize::try_from(sizes.front().map_or(1 << 20, |(at, _)| at - offset).max(1)).unwrap(),
        ) {
            seen.process(&bytes);
            offset += bytes.len() as u64;
            if let Some((_, size)) = sizes.pop_front_if(|(at, _)| *at == offset) {
                let of = |cells| NonZeroU16::new(cells).unwrap();
                seen.set_size(of(size.rows), of(size.columns));
            }
        }
        assert_eq!(offset, output.log.end());
        assert_eq!(seen.screen().state_formatted(), whole.screen().state_formatted());
    }

    #[test]
    fn without_room_for_a_screen_a_snapshot_begins_anew() {
        let mut output = Output::new(Some(SIZE));
        output.add(1, Source::Stdout, b"lost", false);
        assert!(output.evict(false));
        assert_eq!(output.cost(), 0);
        assert_eq!(output.snapshot().unwrap(), &b"\x1b[m\x1b[H\x1b[J"[..]);
        assert_eq!(Output::new(None).snapshot(), None);
    }

    #[test]
    fn little_output_of_a_terminal_is_not_worth_a_screen() {
        let mut output = Output::new(Some(SIZE));
        output.add(1, Source::Stdout, b"$ ", true);
        assert!(!output.is_worth_evicting());
        let mut pipe = Output::new(None);
        pipe.add(1, Source::Stdout, b"x", true);
        assert!(pipe.is_worth_evicting());
    }

    #[test]
    fn sizes_without_output_are_not_all_remembered() {
        let mut output = Output::new(Some(SIZE));
        for columns in 1..10_000 {
            output.resize(Size { columns, rows: 5 });
            output.add(1, Source::Stdout, if columns % 2 == 0 { b"x" } else { b"" }, true);
        }
        assert!(output.terminal.unwrap().sizes.len() <= SIZES);
    }
}
