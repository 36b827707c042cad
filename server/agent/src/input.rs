//! Input of one process: in order by offset, each byte once, no more kept than the credit.

use bytes::{Buf as _, BytesMut};
use gangplank_agent_protocol::CREDIT;

/// What waits to be written to a process: pure.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// Bytes that were written to the process, or dropped when it read no more.
    taken: u64,
    waiting: BytesMut,
    /// Where its input ends.
    end: Option<u64>,
    /// It reads no more.
    closed: bool,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Write what waits.
    Write,
    /// End the input.
    End,
    /// Wait.
    Nothing,
    /// No more will come.
    Over,
}

impl Queue {
    /// Bytes taken so far.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// What waits.
    pub(crate) fn waiting(&self) -> &[u8] {
        &self.waiting
    }

    /// Takes `bytes`, which begin at `offset`. What is here already is dropped, and so is what comes after a gap or is
    /// more than may be unconfirmed: whoever sent it learns from the offset that is confirmed. False then.
    pub(crate) fn offer(&mut self, offset: u64, bytes: &[u8]) -> bool {
        let accepted = self.taken + self.waiting.len() as u64;
        let Some(known) = accepted.checked_sub(offset) else { return false };
        let Some(new) = usize::try_from(known).ok().and_then(|known| bytes.get(known..)) else { return true };
        if self.closed || self.end.is_some_and(|end| accepted >= end) {
            self.taken += new.len() as u64;
            return true;
        }
        let room = usize::try_from(CREDIT).unwrap_or(usize::MAX).saturating_sub(self.waiting.len());
        self.waiting.extend_from_slice(&new[..new.len().min(room)]);
        new.len() <= room
    }

    /// The input ends after `offset` bytes.
    pub(crate) fn end(&mut self, offset: u64) {
        self.end.get_or_insert(offset);
    }

    /// `count` bytes of what waits were written.
    pub(crate) fn written(&mut self, count: usize) {
        let count = count.min(self.waiting.len());
        self.waiting.advance(count);
        self.taken += count as u64;
        if self.waiting.is_empty() {
            // Keeps no room of a past flood.
            self.waiting = BytesMut::new();
        }
    }

    /// The process reads no more: what waits and what comes is dropped.
    pub(crate) fn close(&mut self) {
        self.written(self.waiting.len());
        self.closed = true;
    }

    /// What is to be done next.
    pub(crate) fn step(&self) -> Step {
        if self.closed {
            Step::Over
        } else if !self.waiting.is_empty() {
            Step::Write
        } else if self.end.is_some_and(|end| self.taken >= end) {
            Step::End
        } else {
            Step::Nothing
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn repeated_bytes_are_dropped_and_gaps_refused() {
        let mut queue = Queue::default();
        assert!(queue.offer(0, b"abc"));
        assert!(queue.offer(0, b"abc"));
        assert!(queue.offer(1, b"bcd"));
        assert!(!queue.offer(5, b"f"));
        assert_eq!(queue.waiting(), b"abcd");
        queue.written(2);
        assert!(queue.offer(0, b"abcde"));
        assert_eq!((queue.taken(), queue.waiting()), (2, &b"cde"[..]));
    }

    #[test]
    fn no_more_waits_than_the_credit() {
        let mut queue = Queue::default();
        let credit = usize::try_from(CREDIT).unwrap();
        assert!(queue.offer(0, &vec![1; credit - 1]));
        assert!(!queue.offer(CREDIT - 1, b"xy"));
        assert_eq!(queue.waiting().len(), credit);
        queue.written(10);
        assert!(queue.offer(CREDIT, b"y"));
    }

    #[test]
    fn it_ends_at_its_offset_and_not_before() {
        let mut queue = Queue::default();
        queue.end(3);
        assert_eq!(queue.step(), Step::Nothing);
        assert!(queue.offer(0, b"abc"));
        assert_eq!(queue.step(), Step::Write);
        queue.written(3);
        assert_eq!(queue.step(), Step::End);
        queue.close();
        assert_eq!(queue.step(), Step::Over);
        assert!(queue.offer(3, b"dropped"));
        assert_eq!((queue.taken(), queue.waiting()), (10, &b""[..]));
    }

    proptest! {
        #[test]
        fn however_it_is_cut_and_repeated_each_byte_is_written_once(
            cuts in proptest::collection::vec((0_usize..64, 1_usize..16, 0_usize..8), 1..64),
        ) {
            let all: Vec<u8> = (0..=255).collect();
            let (mut queue, mut written) = (Queue::default(), Vec::new());
            for (offset, length, write) in cuts {
                let piece = &all[offset..offset + length];
                queue.offer(offset as u64, piece);
                let write = write.min(queue.waiting().len());
                written.extend_from_slice(&queue.waiting()[..write]);
                queue.written(write);
            }
            written.extend_from_slice(queue.waiting());
            prop_assert_eq!(&written[..], &all[..written.len()]);
        }
    }
}
