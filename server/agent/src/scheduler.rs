//! Which attachment's output goes next on a bridge: pure. Those with little to send come first, so that an echo waits for
//! no flood; otherwise each in turn.

use std::collections::{HashSet, VecDeque};

/// Pending output up to this is little.
const LITTLE: u64 = 4 * 1024;
/// Bytes of little ones in a row before one of the others gets a turn: many little ones must not starve it.
const IN_A_ROW: u64 = 16 * 1024;

/// The attachments that have something to send.
#[derive(Debug, Default)]
pub(crate) struct Scheduler {
    little: VecDeque<u32>,
    much: VecDeque<u32>,
    queued: HashSet<u32>,
    in_a_row: u64,
}

impl Scheduler {
    /// `attachment` may have something to send.
    pub(crate) fn offer(&mut self, attachment: u32) {
        if self.queued.insert(attachment) {
            self.little.push_back(attachment);
        }
    }

    /// `attachment` goes on with what it has begun before any other that has much to send.
    pub(crate) fn go_on(&mut self, attachment: u32) {
        if self.queued.insert(attachment) {
            self.much.push_front(attachment);
        }
    }

    /// Who is next; `pending` tells how much each has to send.
    pub(crate) fn next(&mut self, pending: impl Fn(u32) -> u64) -> Option<u32> {
        while let Some(attachment) = self.little.front().copied() {
            let bytes = pending(attachment);
            if bytes > LITTLE {
                self.little.pop_front();
                self.much.push_back(attachment);
                continue;
            }
            if !self.much.is_empty() && self.in_a_row >= IN_A_ROW {
                break;
            }
            self.in_a_row += bytes;
            self.little.pop_front();
            self.queued.remove(&attachment);
            return Some(attachment);
        }
        self.in_a_row = 0;
        let attachment = self.much.pop_front()?;
        self.queued.remove(&attachment);
        Some(attachment)
    }

    /// `attachment` is no more.
    pub(crate) fn forget(&mut self, attachment: u32) {
        if self.queued.remove(&attachment) {
            self.little.retain(|queued| *queued != attachment);
            self.much.retain(|queued| *queued != attachment);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What goes out when `pending` bytes wait for each attachment and at most `piece` go in one turn.
    fn order(pending: &mut [u64], piece: u64) -> Vec<usize> {
        let mut scheduler = Scheduler::default();
        (0..pending.len()).for_each(|attachment| scheduler.offer(u32::try_from(attachment).unwrap()));
        let mut order = Vec::new();
        while let Some(next) = scheduler.next(|attachment| pending[attachment as usize]) {
            let place = next as usize;
            order.push(place);
            pending[place] -= pending[place].min(piece);
            if pending[place] > 0 {
                scheduler.offer(next);
            }
        }
        order
    }

    #[test]
    fn little_ones_come_before_floods_and_floods_take_turns() {
        assert_eq!(order(&mut [30_000, 30_000, 10, 4096], 10_000), [2, 3, 0, 1, 0, 1, 0, 1]);
    }

    #[test]
    fn a_flood_gets_its_turn_beside_endless_little_ones() {
        let mut scheduler = Scheduler::default();
        scheduler.offer(0);
        scheduler.offer(1);
        let pending = |attachment| if attachment == 0 { 1 << 20 } else { LITTLE };
        let mut before = 0;
        while scheduler.next(pending) == Some(1) {
            scheduler.offer(1);
            before += LITTLE;
        }
        assert_eq!(before, IN_A_ROW);
    }

    #[test]
    fn what_was_begun_is_finished_before_another_flood() {
        let mut scheduler = Scheduler::default();
        (0..3).for_each(|attachment| scheduler.offer(attachment));
        let pending = |attachment| if attachment == 2 { 1 } else { 1 << 20 };
        assert_eq!(scheduler.next(pending), Some(2));
        assert_eq!(scheduler.next(pending), Some(0));
        scheduler.go_on(0);
        scheduler.offer(2);
        assert_eq!(scheduler.next(pending), Some(2));
        assert_eq!(scheduler.next(pending), Some(0));
        assert_eq!(scheduler.next(pending), Some(1));
    }

    #[test]
    fn what_is_forgotten_is_never_next() {
        let mut scheduler = Scheduler::default();
        (0..3).for_each(|attachment| scheduler.offer(attachment));
        scheduler.forget(1);
        assert_eq!(scheduler.next(|_| 9000), Some(0));
        assert_eq!(scheduler.next(|_| 9000), Some(2));
        assert_eq!(scheduler.next(|_| 9000), None);
        scheduler.offer(1);
        assert_eq!(scheduler.next(|_| 1), Some(1));
    }

    proptest! {
        #[test]
        fn all_is_sent_and_nobody_waits_for_more_than_a_round(
            mut pending in proptest::collection::vec(1_u64..200_000, 1..8),
        ) {
            let before = pending.clone();
            let order = order(&mut pending, 16 * 1024);
            prop_assert!(pending.iter().all(|left| *left == 0));
            let floods: Vec<usize> = (0..before.len()).filter(|place| before[*place] > 64 * 1024).collect();
            for pair in floods.windows(2) {
                let place = |which: usize| order.iter().position(|next| *next == which).unwrap();
                // each has a turn, and one more when that leaves it with little
                prop_assert!(place(pair[0]).abs_diff(place(pair[1])) <= 2 * before.len());
            }
        }
    }
}
