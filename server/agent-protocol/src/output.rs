//! The newest output of a process, by offset: pure. Standard output and error share one offset, in the order read.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::CREDIT;

/// Bytes of output kept for clients that come or come back, with what keeping them apart by stream costs.
pub const CAPACITY: u64 = 4 * 1024 * 1024;
/// Largest piece that one push brings.
const LARGEST_PUSH: u64 = 64 * 1024;
/// What may be pending for a client that nothing may be lost to, for one more push to be kept beside it. It may have
/// taken a part of the oldest piece, which is kept as a whole.
pub const MOST_PENDING: u64 = CAPACITY - 3 * LARGEST_PUSH;
/// Pieces below this are joined, so that many small writes cost little.
const JOIN_BELOW: usize = 16 * 1024;
/// What a run costs beside its bytes. So little that a client which acknowledges within its credit never lacks the whole
/// capacity, not even of single bytes to both streams in turn.
const COST_OF_RUN: u64 = size_of::<Run>() as u64;

/// Which of a process's streams bytes were written to. The numbers are the wire's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Source {
    /// Standard output, or the terminal.
    Stdout = 1,
    /// Standard error.
    Stderr = 2,
}

/// Bytes of one stream within a piece, by where they end in it.
#[derive(Debug, Clone, Copy)]
struct Run {
    end: u32,
    source: Source,
}

#[derive(Debug)]
struct Piece {
    offset: u64,
    /// As in [`Log::add`], of its first byte.
    stamp: u64,
    bytes: Bytes,
    runs: Box<[Run]>,
    /// Runs of all pieces before it.
    runs_before: u64,
}

/// The newest piece, while small ones are joined to it.
#[derive(Debug, Default)]
struct Tail {
    stamp: u64,
    bytes: BytesMut,
    runs: Vec<Run>,
}

/// The kept output.
#[derive(Debug)]
pub struct Log {
    capacity: u64,
    pieces: VecDeque<Piece>,
    /// Comes after all of `pieces`.
    tail: Tail,
    /// Runs of all pieces there ever were, without the tail's.
    runs: u64,
    /// Offset of the first byte kept.
    start: u64,
    /// Offset after the last byte.
    end: u64,
}

/// The oldest bytes that are let go of together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oldest {
    /// As in [`Log::add`].
    pub stamp: u64,
    /// Offset after them.
    pub end: u64,
}

/// What a reader at some offset gets next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// These bytes.
    Bytes {
        /// Where they begin.
        offset: u64,
        /// Which stream they came from.
        source: Source,
        /// The bytes.
        bytes: Bytes,
    },
    /// Bytes before this offset are gone.
    Gap(u64),
    /// Nothing yet.
    Nothing,
}

impl Default for Log {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl Log {
    /// A log that is full beyond `capacity`.
    #[must_use]
    pub fn with_capacity(capacity: u64) -> Self {
        Self { capacity, pieces: VecDeque::new(), tail: Tail::default(), runs: 0, start: 0, end: 0 }
    }

    /// Offset after the last byte.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Offset of the first byte kept.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// What all that is kept costs, in bytes.
    pub fn cost(&self) -> u64 {
        self.beyond(self.start)
    }

    /// Whether what is kept costs more than the capacity.
    pub fn is_over(&self) -> bool {
        self.cost() > self.capacity
    }

    /// Adds output, and lets go of the oldest beyond the capacity.
    pub fn push(&mut self, source: Source, bytes: Bytes) {
        if bytes.len() < JOIN_BELOW {
            self.add(0, source, &bytes);
        } else {
            self.add_piece(0, source, bytes);
        }
        while self.is_over() && !self.pieces.is_empty() {
            self.evict();
        }
    }

    /// Adds output and lets go of nothing. Stamps never fall; by them the oldest output of several logs is told.
    pub fn add(&mut self, stamp: u64, source: Source, bytes: &[u8]) {
        if bytes.len() >= JOIN_BELOW {
            self.add_piece(stamp, source, Bytes::copy_from_slice(bytes));
        } else if !bytes.is_empty() {
            if self.tail.bytes.len() + bytes.len() > JOIN_BELOW {
                self.seal_tail();
            }
            if self.tail.bytes.is_empty() {
                self.tail.stamp = stamp;
            }
            self.tail.push(source, bytes);
            self.end += bytes.len() as u64;
        }
    }

    fn add_piece(&mut self, stamp: u64, source: Source, bytes: Bytes) {
        self.seal_tail();
        let length = bytes.len() as u64;
        self.keep(self.end, stamp, bytes, Box::new([Run { end: position(length), source }]));
        self.end += length;
    }

    /// What [`Log::evict`] would let go of.
    pub fn oldest(&self) -> Option<Oldest> {
        match self.pieces.front() {
            Some(piece) => Some(Oldest { stamp: piece.stamp, end: piece.offset + piece.bytes.len() as u64 }),
            None if self.tail.bytes.is_empty() => None,
            None => Some(Oldest { stamp: self.tail.stamp, end: self.end }),
        }
    }

    /// Lets go of the oldest bytes.
    pub fn evict(&mut self) -> Option<Bytes> {
        if self.pieces.is_empty() {
            self.seal_tail();
        }
        let gone = self.pieces.pop_front()?;
        self.start = gone.offset + gone.bytes.len() as u64;
        Some(gone.bytes)
    }

    /// What is kept from `offset` on costs, in bytes.
    pub fn beyond(&self, offset: u64) -> u64 {
        let after = self.pieces.partition_point(|piece| piece.offset <= offset);
        let before = match after.checked_sub(1).and_then(|index| self.pieces.get(index)) {
            Some(piece) if offset < piece.offset + piece.bytes.len() as u64 => piece.runs_before,
            _ => self.pieces.get(after).map_or(self.runs, |piece| piece.runs_before),
        };
        let runs = self.runs - before + self.tail.runs.len() as u64;
        self.end.saturating_sub(offset) + COST_OF_RUN * runs
    }

    fn seal_tail(&mut self) {
        let Tail { stamp, bytes, runs } = std::mem::take(&mut self.tail);
        if !bytes.is_empty() {
            let offset = self.end - bytes.len() as u64;
            // Copied once more, so that no room for bytes to come is kept.
            self.keep(offset, stamp, Bytes::copy_from_slice(&bytes), runs.into());
        }
    }

    fn keep(&mut self, offset: u64, stamp: u64, bytes: Bytes, runs: Box<[Run]>) {
        let runs_before = self.runs;
        self.runs += runs.len() as u64;
        self.pieces.push_back(Piece { offset, stamp, bytes, runs, runs_before });
    }

    /// What comes at `offset`, at most `most` bytes of one stream.
    pub fn read(&self, offset: u64, most: usize) -> Next {
        if offset < self.start {
            return Next::Gap(self.start);
        }
        if offset >= self.end {
            return Next::Nothing;
        }
        let tail = self.end - self.tail.bytes.len() as u64;
        if offset >= tail {
            let (source, range) = within(&self.tail.runs, offset - tail, most);
            return Next::Bytes { offset, source, bytes: Bytes::copy_from_slice(&self.tail.bytes[range]) };
        }
        let index = self.pieces.partition_point(|piece| piece.offset <= offset).saturating_sub(1);
        let Some(piece) = self.pieces.get(index) else { return Next::Nothing };
        let (source, range) = within(&piece.runs, offset - piece.offset, most);
        Next::Bytes { offset, source, bytes: piece.bytes.slice(range) }
    }

    /// Lets go of all bytes; the offsets stay.
    pub fn forget(&mut self) {
        self.pieces = VecDeque::new();
        self.tail = Tail::default();
        self.start = self.end;
    }
}

impl Tail {
    fn push(&mut self, source: Source, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let end = position(self.bytes.len() as u64);
        match self.runs.last_mut().filter(|last| last.source == source) {
            Some(last) => last.end = end,
            None => self.runs.push(Run { end, source }),
        }
    }
}

/// A place in a piece; no piece is longer than one push or the tail.
fn position(length: u64) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The part of a piece that begins at `from` in it and has at most `most` bytes, all of one stream.
fn within(runs: &[Run], from: u64, most: usize) -> (Source, std::ops::Range<usize>) {
    let from = position(from);
    let index = runs.partition_point(|run| run.end <= from).min(runs.len().saturating_sub(1));
    let (source, end) = runs.get(index).map_or((Source::Stdout, from), |run| (run.source, run.end));
    let (from, end) = (from as usize, end as usize);
    (source, from..end.min(from.saturating_add(most)))
}

/// Whether more output may be read from the process, by how much of it is beyond what each attached client has
/// acknowledged.
///
/// With nobody attached it always may, and the oldest is lost. A terminal pauses only while no client has credit: a
/// slower one is served from the log. Without a terminal nothing may be lost to an attached client, so the slowest
/// decides.
pub fn may_read(tty: bool, pending: impl Iterator<Item = u64>) -> bool {
    may_read_below(tty, MOST_PENDING, pending)
}

/// As [`may_read`], where less than `most` may be pending without a terminal.
pub fn may_read_below(tty: bool, most: u64, mut pending: impl Iterator<Item = u64>) -> bool {
    let Some(first) = pending.next() else { return true };
    let mut all = std::iter::once(first).chain(pending);
    if tty { all.any(|pending| pending < CREDIT) } else { all.all(|pending| pending < most) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn reads_by_offset_across_sources_and_joined_pieces() {
        let mut log = Log::default();
        log.push(Source::Stdout, bytes("ab"));
        log.push(Source::Stdout, bytes("c"));
        log.push(Source::Stderr, bytes("E"));
        log.push(Source::Stdout, bytes("d"));
        assert_eq!(log.pieces.len(), 0, "all in the tail");
        let read = |offset| log.read(offset, 100);
        assert_eq!(read(0), Next::Bytes { offset: 0, source: Source::Stdout, bytes: bytes("abc") });
        assert_eq!(read(2), Next::Bytes { offset: 2, source: Source::Stdout, bytes: bytes("c") });
        assert_eq!(read(3), Next::Bytes { offset: 3, source: Source::Stderr, bytes: bytes("E") });
        assert_eq!(read(4), Next::Bytes { offset: 4, source: Source::Stdout, bytes: bytes("d") });
        assert_eq!(read(5), Next::Nothing);
        assert_eq!(log.read(0, 2), Next::Bytes { offset: 0, source: Source::Stdout, bytes: bytes("ab") });
    }

    #[test]
    fn small_writes_are_joined_without_being_copied_each_time() {
        let mut log = Log::default();
        let mut places = std::collections::BTreeSet::new();
        for number in 0..u64::try_from(JOIN_BELOW).unwrap() {
            log.push(Source::Stdout, bytes("x"));
            places.insert(log.tail.bytes.as_ptr() as usize);
            assert_eq!(
                log.read(number, 100),
                Next::Bytes { offset: number, source: Source::Stdout, bytes: bytes("x") }
            );
        }
        assert!(places.len() < 32, "moved {} times", places.len());
        assert_eq!(log.pieces.len(), 0);
        log.push(Source::Stdout, bytes("y"));
        assert_eq!(log.pieces.len(), 1);
        let end = JOIN_BELOW as u64;
        assert_eq!(
            log.read(end - 1, 9),
            Next::Bytes { offset: end - 1, source: Source::Stdout, bytes: bytes("x") }
        );
        assert_eq!(log.read(end, 9), Next::Bytes { offset: end, source: Source::Stdout, bytes: bytes("y") });
        log.forget();
        assert_eq!(log.read(end, 9), Next::Gap(end + 1));
    }

    #[test]
    fn the_oldest_goes_beyond_the_capacity_and_a_reader_is_told() {
        let mut log = Log::default();
        let piece = Bytes::from(vec![b'x'; 64 * 1024]);
        for _ in 0..80 {
            log.push(Source::Stdout, piece.clone());
        }
        assert_eq!(log.end(), 80 * 64 * 1024);
        assert!(log.end() - log.start <= CAPACITY);
        assert_eq!(log.read(0, 10), Next::Gap(log.start));
        assert!(matches!(log.read(log.start, 10), Next::Bytes { .. }));
        log.forget();
        assert_eq!(log.read(0, 10), Next::Gap(log.end()));
    }

    #[test]
    fn what_is_let_go_of_is_handed_out_oldest_first_with_its_stamp() {
        let mut log = Log::with_capacity(10);
        log.add(7, Source::Stdout, b"abc");
        log.add(8, Source::Stderr, b"d");
        log.add(9, Source::Stdout, &[b'x'; JOIN_BELOW]);
        assert!(log.is_over());
        assert_eq!(log.oldest(), Some(Oldest { stamp: 7, end: 4 }));
        assert_eq!(log.evict(), Some(bytes("abcd")));
        assert_eq!(log.start(), 4);
        assert_eq!(log.oldest(), Some(Oldest { stamp: 9, end: 4 + JOIN_BELOW as u64 }));
        assert_eq!(log.evict().map(|gone| gone.len()), Some(JOIN_BELOW));
        assert_eq!((log.cost(), log.oldest(), log.evict()), (0, None, None));
        log.add(10, Source::Stdout, b"e");
        assert_eq!(log.oldest(), Some(Oldest { stamp: 10, end: log.end() }));
        assert_eq!(log.evict(), Some(bytes("e")));
        assert_eq!(log.read(0, 1), Next::Gap(log.end()));
        assert_eq!(log.read(log.end(), 1), Next::Nothing);
    }

    #[test]
    fn flow_is_decided_by_the_fastest_on_a_terminal_and_the_slowest_without() {
        assert!(may_read(true, std::iter::empty()));
        assert!(!may_read(true, [10 * CREDIT].into_iter()));
        assert!(may_read(true, [10 * CREDIT, 1].into_iter()));
        assert!(may_read(false, std::iter::empty()));
        assert!(!may_read(false, [CAPACITY, 0].into_iter()));
        assert!(may_read(false, [CREDIT, 0].into_iter()));
    }

    #[test]
    fn nothing_is_lost_to_a_client_that_took_a_part_of_a_piece() {
        let mut log = Log::default();
        let piece = Bytes::from(vec![b'x'; usize::try_from(LARGEST_PUSH).unwrap()]);
        let mut taken = 0;
        for _ in 0..1000 {
            while may_read(false, [log.beyond(taken)].into_iter()) {
                log.push(Source::Stdout, piece.clone());
                assert!(log.start() <= taken);
            }
            taken += 16 * 1024 - 1;
        }
    }

    #[test]
    fn pieces_that_cannot_be_joined_cost_what_they_take() {
        let mut log = Log::default();
        for _ in 0..CAPACITY / 2 {
            log.push(Source::Stdout, bytes("x"));
            log.push(Source::Stderr, bytes("y"));
        }
        assert!(log.start > 0, "the oldest are gone");
        let runs = log.pieces.iter().map(|piece| piece.runs.len() as u64).sum::<u64>();
        assert!((log.end - log.start) + COST_OF_RUN * runs <= CAPACITY, "{runs} runs");
        assert_eq!(
            log.read(log.end - 1, 9),
            Next::Bytes { offset: log.end - 1, source: Source::Stderr, bytes: bytes("y") }
        );
        // A client that owes no acknowledgement yet holds up nothing.
        assert!(may_read(false, [log.beyond(log.end - CREDIT)].into_iter()));
        // Who lacks them all holds the process up before any is lost to it.
        assert!(!may_read(false, [log.beyond(log.start)].into_iter()));
        assert!(may_read(false, [log.beyond(log.end())].into_iter()));
    }
}
