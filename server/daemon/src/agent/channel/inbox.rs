//! What an agent has sent for one attachment and its client has not taken yet: bounded by the credit that the client
//! gives. An agent that sends more is none of ours.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use gangplank_agent_protocol::CREDIT;
use gangplank_agent_protocol::frame::MAX_PAYLOAD;
use gangplank_agent_protocol::message::Exit;
use gangplank_agent_protocol::output::Source;
use gangplank_protocol::process::ProcessExit;
use tokio::sync::Notify;

/// Most bytes of output on their way to a client: its credit, and once more after a screen that starts it anew.
const MOST_OUTPUT: u64 = 2 * CREDIT + 2 * MAX_PAYLOAD as u64;
/// Most pieces on their way; those that follow each other are one.
const MOST_PIECES: usize = 256 * 1024;
const TOO_MANY_PIECES: &str = "sent more pieces than there could be";
/// Most bytes of screens on their way to a client.
const LARGEST_SCREEN: usize = 4 * 1024 * 1024;

/// What an attachment brings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    /// Output.
    Output {
        /// Which stream.
        source: Source,
        /// Where it begins.
        offset: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// Output before this is gone.
    Gap(u64),
    /// A part of the screen at an offset; those of one screen follow each other.
    Screen {
        /// The offset.
        offset: u64,
        /// No part of it follows.
        last: bool,
        /// The bytes.
        bytes: Bytes,
    },
    /// The process ended; everything was sent.
    Ended(Exit),
    /// The agent is gone, and how its processes ended.
    Lost(ProcessExit),
}

impl Item {
    /// The same on its own: what it came with is not held for it.
    fn apart(self) -> Self {
        let own = |bytes: Bytes| Bytes::copy_from_slice(&bytes);
        match self {
            Self::Output { source, offset, bytes } => Self::Output { source, offset, bytes: own(bytes) },
            other => other,
        }
    }

    /// Adds small pieces to the one before them; gives back what does not belong to it.
    fn join(&mut self, next: Self) -> Option<Self> {
        let (held, more) = match (&mut *self, &next) {
            (Self::Output { source, bytes, .. }, Self::Output { source: same, bytes: more, .. })
                if source == same =>
            {
                (bytes, more)
            }
            _ => return Some(next.apart()),
        };
        if held.len() + more.len() > MAX_PAYLOAD {
            return Some(next.apart());
        }
        let mut joined = match std::mem::take(held).try_into_mut() {
            Ok(joined) => joined,
            Err(shared) => BytesMut::from(shared.as_ref()),
        };
        joined.extend_from_slice(more);
        *held = joined.freeze();
        None
    }
}

#[derive(Debug, Default)]
pub(super) struct Inbox {
    content: Mutex<Content>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Content {
    items: VecDeque<Item>,
    output: u64,
    screen: usize,
    /// What has come of a screen whose last part has not.
    drawing: Option<BytesMut>,
    /// The next byte that it lacks.
    next: u64,
    ended: bool,
}

impl Inbox {
    fn content(&self) -> MutexGuard<'_, Content> {
        // Nothing below can panic between two changes.
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The agent has attached: output begins here, when none has come yet, and a screen that was cut comes anew.
    pub(super) fn begins_at(&self, offset: u64) {
        let mut content = self.content();
        content.next = content.next.max(offset);
        content.screen -= content.drawing.take().map_or(0, |cut| cut.len());
    }

    /// The offset from which output is lacking.
    pub(super) fn lacks_from(&self) -> u64 {
        self.content().next
    }

    pub(super) fn has_ended(&self) -> bool {
        self.content().ended
    }

    /// Takes what the agent sent. What is there already, after a bridge was replaced, is dropped.
    ///
    /// # Errors
    /// What the agent did that none of ours does.
    pub(super) fn put(&self, item: Item) -> Result<(), &'static str> {
        let mut content = self.content();
        if content.ended {
            return Ok(());
        }
        if content.drawing.is_some() && !matches!(item, Item::Screen { .. } | Item::Lost(_)) {
            return Err("left a screen unfinished");
        }
        let item = match item {
            Item::Output { source, offset, bytes } => {
                let end = offset.checked_add(bytes.len() as u64).ok_or("sent output at no offset")?;
                if end <= content.next {
                    return Ok(());
                }
                let had = content.next.saturating_sub(offset);
                if offset > content.next {
                    return Err("left out output without a word");
                }
                let had = usize::try_from(had).map_err(|_| "sent output at no offset")?;
                let bytes = bytes.slice(had..);
                content.next = end;
                content.output += bytes.len() as u64;
                if content.output > MOST_OUTPUT {
                    return Err("sent more output than was acknowledged");
                }
                Item::Output { source, offset: end - bytes.len() as u64, bytes }
            }
            Item::Gap(offset) => {
                if offset <= content.next {
                    return Ok(());
                }
                content.next = offset;
                // Bounded as output is: the newest gap stands for all of them.
                if let Some(Item::Gap(last)) = content.items.back_mut() {
                    *last = offset;
                    return Ok(());
                }
                Item::Gap(offset)
            }
            Item::Screen { offset, last, bytes } => {
                content.draw(offset, last, &bytes)?;
                drop(content);
                self.changed.notify_one();
                return Ok(());
            }
            end @ (Item::Ended(_) | Item::Lost(_)) => {
                content.ended = true;
                end
            }
        };
        let item = match content.items.back_mut() {
            Some(last) => last.join(item),
            None => Some(item.apart()),
        };
        if content.items.len() >= MOST_PIECES {
            return Err(TOO_MANY_PIECES);
        }
        content.items.extend(item);
        drop(content);
        self.changed.notify_one();
        Ok(())
    }

    /// What comes next; waits for it.
    pub(super) async fn next(&self) -> Item {
        loop {
            let taken = {
                let mut content = self.content();
                let taken = content.items.pop_front();
                match &taken {
                    Some(Item::Output { bytes, .. }) => content.output -= bytes.len() as u64,
                    Some(Item::Screen { bytes, .. }) => content.screen -= bytes.len(),
                    _ => {}
                }
                taken
            };
            if let Some(item) = taken {
                return item;
            }
            self.changed.notified().await;
        }
    }
}

impl Content {
    /// Takes a part of the screen at `offset`. Nobody is given one before its last part is there: should the bridge be
    /// lost within it, the whole of it comes again.
    fn draw(&mut self, offset: u64, last: bool, part: &[u8]) -> Result<(), &'static str> {
        self.screen += part.len();
        if self.screen > LARGEST_SCREEN {
            return Err("sent a screen larger than any terminal");
        }
        let drawing = self.drawing.get_or_insert_default();
        drawing.extend_from_slice(part);
        if !last {
            return Ok(());
        }
        let mut screen = std::mem::take(drawing);
        self.drawing = None;
        self.next = self.next.max(offset);
        loop {
            if self.items.len() >= MOST_PIECES {
                return Err(TOO_MANY_PIECES);
            }
            let bytes = screen.split_to(screen.len().min(MAX_PAYLOAD)).freeze();
            let last = screen.is_empty();
            self.items.push_back(Item::Screen { offset, last, bytes });
            if last {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(offset: u64, length: usize) -> Item {
        Item::Output { source: Source::Stdout, offset, bytes: Bytes::from(vec![b'x'; length]) }
    }

    fn screen(offset: u64, last: bool, bytes: &[u8]) -> Item {
        Item::Screen { offset, last, bytes: Bytes::copy_from_slice(bytes) }
    }

    #[tokio::test]
    async fn what_was_sent_twice_is_taken_once() {
        let inbox = Inbox::default();
        inbox.put(output(0, 10)).unwrap();
        inbox.put(output(0, 10)).unwrap();
        inbox.put(output(5, 10)).unwrap();
        assert_eq!(inbox.lacks_from(), 15);
        assert_eq!(inbox.next().await, output(0, 15));
    }

    #[tokio::test]
    async fn what_no_agent_of_ours_sends_is_refused() {
        let inbox = Inbox::default();
        assert!(inbox.put(output(1, 1)).is_err(), "a hole");
        assert!(inbox.put(output(u64::MAX, 2)).is_err(), "beyond all numbers");
        let inbox = Inbox::default();
        let mut offset = 0;
        let refused = loop {
            if let Err(wrong) = inbox.put(output(offset, MAX_PAYLOAD)) {
                break wrong;
            }
            offset += MAX_PAYLOAD as u64;
            assert!(offset < 2 * MOST_OUTPUT, "never refused");
        };
        assert_eq!(refused, "sent more output than was acknowledged");
        let inbox = Inbox::default();
        let part = vec![b'x'; MAX_PAYLOAD];
        assert!((0..=LARGEST_SCREEN / MAX_PAYLOAD).any(|_| inbox.put(screen(0, false, &part)).is_err()));
        let inbox = Inbox::default();
        inbox.put(screen(7, false, b"x")).unwrap();
        assert!(inbox.put(output(0, 7)).is_err(), "output within a screen");
        assert!(inbox.put(Item::Lost(ProcessExit::default())).is_ok(), "an end is always taken");
    }

    #[tokio::test]
    async fn small_pieces_become_large_ones_and_what_they_came_with_is_not_held() {
        let inbox = Inbox::default();
        for offset in 0..100_000 {
            inbox.put(output(offset, 1)).unwrap();
        }
        assert_eq!(inbox.content().items.len(), 100_000_usize.div_ceil(MAX_PAYLOAD));
        assert_eq!(inbox.next().await, output(0, MAX_PAYLOAD));
        let large = Bytes::from(vec![b'x'; 256 * 1024]);
        let piece = Item::Output { source: Source::Stderr, offset: 100_000, bytes: large.slice(..1) };
        inbox.put(piece).unwrap();
        assert!(large.is_unique(), "a piece holds all that it came with");
        for _ in 0..2 * MOST_PIECES {
            inbox.put(screen(100_001, false, b"")).unwrap();
        }
        inbox.put(screen(100_001, true, b"")).unwrap();
        assert!(inbox.content().items.len() < 10);
    }

    #[tokio::test]
    async fn pieces_that_cannot_be_joined_are_bounded() {
        let inbox = Inbox::default();
        let refused =
            (0..=MOST_PIECES as u64).map(|offset| inbox.put(screen(offset, true, b""))).find_map(Result::err);
        assert_eq!(refused, Some(TOO_MANY_PIECES));
        let inbox = Inbox::default();
        let turns = |offset: u64| Item::Output {
            source: if offset.is_multiple_of(2) { Source::Stdout } else { Source::Stderr },
            offset,
            bytes: Bytes::from_static(b"x"),
        };
        let refused = (0..=MOST_PIECES as u64).map(|offset| inbox.put(turns(offset))).find_map(Result::err);
        assert_eq!(refused, Some(TOO_MANY_PIECES));
    }

    #[tokio::test]
    async fn a_screen_that_a_lost_bridge_cut_is_lacking_still_and_comes_whole() {
        let inbox = Inbox::default();
        inbox.put(output(0, 5)).unwrap();
        assert_eq!(inbox.next().await, output(0, 5));
        inbox.put(screen(100, false, b"ha")).unwrap();
        assert_eq!(inbox.lacks_from(), 5, "half a screen stands for nothing");
        assert!(inbox.content().items.is_empty(), "half a screen is drawn by nobody");
        // Attached again from there on, the agent draws it once more, at the same offset where nothing came meanwhile.
        inbox.begins_at(5);
        inbox.put(screen(100, false, b"who")).unwrap();
        inbox.put(screen(100, true, b"le")).unwrap();
        inbox.put(output(100, 1)).unwrap();
        assert_eq!(inbox.lacks_from(), 101);
        assert_eq!(inbox.next().await, screen(100, true, b"whole"));
        assert_eq!(inbox.next().await, output(100, 1));
        assert_eq!(inbox.content().screen, 0);
    }

    #[tokio::test]
    async fn a_large_screen_is_handed_out_in_parts() {
        let inbox = Inbox::default();
        let (whole, half) = (vec![b'x'; MAX_PAYLOAD], vec![b'x'; MAX_PAYLOAD / 2]);
        inbox.put(screen(9, false, &half)).unwrap();
        inbox.put(screen(9, false, &whole)).unwrap();
        inbox.put(screen(9, true, b"yy")).unwrap();
        assert_eq!(inbox.next().await, screen(9, false, &whole));
        assert_eq!(inbox.next().await, screen(9, true, &[&half[..], b"yy"].concat()));
        assert_eq!(inbox.content().screen, 0);
    }

    #[tokio::test]
    async fn a_gap_leads_on_and_nothing_follows_the_end() {
        let inbox = Inbox::default();
        for offset in 1..100_000 {
            inbox.put(Item::Gap(offset)).unwrap();
        }
        inbox.put(output(99_999, 1)).unwrap();
        inbox.put(Item::Ended(Exit::default())).unwrap();
        inbox.put(output(100_000, 1)).unwrap();
        assert_eq!(inbox.next().await, Item::Gap(99_999));
        assert_eq!(inbox.next().await, output(99_999, 1));
        assert_eq!(inbox.next().await, Item::Ended(Exit::default()));
        assert!(inbox.content().items.is_empty());
    }
}
