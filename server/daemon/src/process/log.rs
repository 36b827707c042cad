//! The newest output of a process, by offset: pure. Standard output and error share one offset, in the order read.

use std::collections::VecDeque;

use bytes::Bytes;
use gangplank_engine::Source;
use gangplank_protocol::stream::CREDIT;

/// Bytes of output kept for clients that come or come back.
pub(super) const CAPACITY: u64 = 4 * 1024 * 1024;
/// Largest piece one push brings.
const LARGEST_PUSH: u64 = 64 * 1024;
/// Pieces below this are joined, so that many small writes cost little.
const JOIN_BELOW: usize = 16 * 1024;

#[derive(Debug)]
struct Piece {
    offset: u64,
    source: Source,
    bytes: Bytes,
}

/// The kept output.
#[derive(Debug, Default)]
pub(super) struct Log {
    pieces: VecDeque<Piece>,
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
        match self.pieces.back_mut() {
            Some(last) if last.source == source && last.bytes.len() + bytes.len() <= JOIN_BELOW => {
                last.bytes = [&last.bytes[..], &bytes[..]].concat().into();
            }
            _ => self.pieces.push_back(Piece { offset: self.end, source, bytes }),
        }
        self.end += length;
        while self.end - self.start > CAPACITY {
            match self.pieces.pop_front() {
                Some(gone) => self.start = gone.offset + gone.bytes.len() as u64,
                None => break,
            }
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
        let index = self.pieces.partition_point(|piece| piece.offset <= offset).saturating_sub(1);
        let Some(piece) = self.pieces.get(index) else { return Next::Nothing };
        let from = usize::try_from(offset - piece.offset).unwrap_or(usize::MAX).min(piece.bytes.len());
        let to = piece.bytes.len().min(from + most);
        Next::Bytes { offset, source: piece.source, bytes: piece.bytes.slice(from..to) }
    }

    /// Lets go of all bytes; the offsets stay.
    pub(super) fn forget(&mut self) {
        self.pieces.clear();
        self.start = self.end;
    }
}

/// Whether more output may be read from the process, by what each attached client has acknowledged.
///
/// With nobody attached it always may, and the oldest is lost. A terminal pauses only while no client has credit: a
/// slower one is served from the log. Without a terminal nothing may be lost to an attached client, so the slowest
/// decides.
pub(super) fn may_read(tty: bool, end: u64, mut acknowledged: impl Iterator<Item = u64>) -> bool {
    let Some(first) = acknowledged.next() else { return true };
    let mut all = std::iter::once(first).chain(acknowledged).map(|taken| end.saturating_sub(taken));
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
        assert_eq!(log.pieces.len(), 3);
        let read = |offset| log.read(offset, 100);
        assert_eq!(read(0), Next::Bytes { offset: 0, source: Source::Stdout, bytes: bytes("abc") });
        assert_eq!(read(2), Next::Bytes { offset: 2, source: Source::Stdout, bytes: bytes("c") });
        assert_eq!(read(3), Next::Bytes { offset: 3, source: Source::Stderr, bytes: bytes("E") });
        assert_eq!(read(4), Next::Bytes { offset: 4, source: Source::Stdout, bytes: bytes("d") });
        assert_eq!(read(5), Next::Nothing);
        assert_eq!(log.read(0, 2), Next::Bytes { offset: 0, source: Source::Stdout, bytes: bytes("ab") });
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
        let end = 10 * CREDIT;
        assert!(may_read(true, end, std::iter::empty()));
        assert!(!may_read(true, end, [0].into_iter()));
        assert!(may_read(true, end, [0, end - 1].into_iter()));
        let end = CAPACITY;
        assert!(may_read(false, end, std::iter::empty()));
        assert!(!may_read(false, end, [0, end].into_iter()));
        assert!(may_read(false, end, [end - CREDIT, end].into_iter()));
    }
}
