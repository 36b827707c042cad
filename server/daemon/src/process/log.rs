//! The newest output of a process, by offset: pure. Standard output and error share one offset, in the order read.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use gangplank_engine::Source;
use gangplank_protocol::stream::CREDIT;

/// Bytes of output kept for clients that come or come back, with what their pieces cost.
pub(super) const CAPACITY: u64 = 4 * 1024 * 1024;
/// Largest piece one push brings.
const LARGEST_PUSH: u64 = 64 * 1024;
/// What a piece costs beside its bytes: single bytes to both streams in turn cannot be joined.
const COST_OF_PIECE: u64 = 128;
/// Pieces below this are joined, so that many small writes cost little.
const JOIN_BELOW: usize = 16 * 1024;

#[derive(Debug)]
struct Piece {
    offset: u64,
    source: Source,
    bytes: Bytes,
}

/// The newest piece, while small ones are joined to it.
#[derive(Debug)]
struct Tail {
    offset: u64,
    source: Source,
    bytes: BytesMut,
}

/// The kept output.
#[derive(Debug, Default)]
pub(super) struct Log {
    pieces: VecDeque<Piece>,
    /// Comes after all of `pieces`.
    tail: Option<Tail>,
    /// Offset of the first byte kept.
    start: u64,
    /// Offset after the last byte.
    end: u64,
}

/// What a reader at some offset gets next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
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

impl Log {
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// Adds output, and lets go of the oldest beyond the capacity.
    pub(super) fn push(&mut self, source: Source, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len() as u64;
        match &mut self.tail {
            Some(tail) if tail.source == source && tail.bytes.len() + bytes.len() <= JOIN_BELOW => {
                tail.bytes.extend_from_slice(&bytes);
            }
            _ => {
                self.seal_tail();
                if bytes.len() < JOIN_BELOW {
                    self.tail = Some(Tail { offset: self.end, source, bytes: BytesMut::from(&bytes[..]) });
                } else {
                    self.pieces.push_back(Piece { offset: self.end, source, bytes });
                }
            }
        }
        self.end += length;
        while self.beyond(self.start) > CAPACITY {
            match self.pieces.pop_front() {
                Some(gone) => self.start = gone.offset + gone.bytes.len() as u64,
                None => break,
            }
        }
    }

    /// What is kept from `offset` on costs, in bytes.
    pub(super) fn beyond(&self, offset: u64) -> u64 {
        let before = self.pieces.partition_point(|piece| piece.offset < offset);
        self.end.saturating_sub(offset) + COST_OF_PIECE * (self.pieces.len() - before) as u64
    }

    fn seal_tail(&mut self) {
        if let Some(Tail { offset, source, bytes }) = self.tail.take() {
            // Copied once more, so that no room for bytes to come is kept.
            self.pieces.push_back(Piece { offset, source, bytes: Bytes::copy_from_slice(&bytes) });
        }
    }

    /// What comes at `offset`, at most `most` bytes of one stream.
    pub(super) fn read(&self, offset: u64, most: usize) -> Next {
        if offset < self.start {
            return Next::Gap(self.start);
        }
        if offset >= self.end {
            return Next::Nothing;
        }
        if let Some(tail) = self.tail.as_ref().filter(|tail| offset >= tail.offset) {
            let range = within(tail.offset, tail.bytes.len(), offset, most);
            return Next::Bytes {
                offset,
                source: tail.source,
                bytes: Bytes::copy_from_slice(&tail.bytes[range]),
            };
        }
        let index = self.pieces.partition_point(|piece| piece.offset <= offset).saturating_sub(1);
        let Some(piece) = self.pieces.get(index) else { return Next::Nothing };
        let range = within(piece.offset, piece.bytes.len(), offset, most);
        Next::Bytes { offset, source: piece.source, bytes: piece.bytes.slice(range) }
    }

    /// Lets go of all bytes; the offsets stay.
    pub(super) fn forget(&mut self) {
        self.pieces.clear();
        self.tail = None;
        self.start = self.end;
    }
}

/// The part of a piece of `length` bytes at `begin` that begins at `offset` and has at most `most` bytes.
fn within(begin: u64, length: usize, offset: u64, most: usize) -> std::ops::Range<usize> {
    let from = usize::try_from(offset - begin).unwrap_or(usize::MAX).min(length);
    from..length.min(from.saturating_add(most))
}

/// Whether more output may be read from the process, by how much of it is beyond what each attached client has
/// acknowledged.
///
/// With nobody attached it always may, and the oldest is lost. A terminal pauses only while no client has credit: a
/// slower one is served from the log. Without a terminal nothing may be lost to an attached client, so the slowest
/// decides.
pub(super) fn may_read(tty: bool, mut pending: impl Iterator<Item = u64>) -> bool {
    let Some(first) = pending.next() else { return true };
    let mut all = std::iter::once(first).chain(pending);
    if tty {
        all.any(|pending| pending < CREDIT)
    } else {
        all.all(|pending| pending < CAPACITY - LARGEST_PUSH)
    }
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
        assert_eq!(log.pieces.len(), 2, "and the tail");
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
            places.insert(log.tail.as_ref().unwrap().bytes.as_ptr() as usize);
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
    fn flow_is_decided_by_the_fastest_on_a_terminal_and_the_slowest_without() {
        assert!(may_read(true, std::iter::empty()));
        assert!(!may_read(true, [10 * CREDIT].into_iter()));
        assert!(may_read(true, [10 * CREDIT, 1].into_iter()));
        assert!(may_read(false, std::iter::empty()));
        assert!(!may_read(false, [CAPACITY, 0].into_iter()));
        assert!(may_read(false, [CREDIT, 0].into_iter()));
    }

    #[test]
    fn pieces_that_cannot_be_joined_cost_what_they_take() {
        let mut log = Log::default();
        for _ in 0..50_000 {
            log.push(Source::Stdout, bytes("x"));
            log.push(Source::Stderr, bytes("y"));
        }
        assert!(log.pieces.len() as u64 <= CAPACITY / COST_OF_PIECE, "{} pieces", log.pieces.len());
        assert!(log.start > 0, "the oldest are gone");
        // Who lacks them all holds the process up before any is lost to it.
        assert!(!may_read(false, [log.beyond(log.start)].into_iter()));
        assert!(may_read(false, [log.beyond(log.end())].into_iter()));
    }
}
