//! What waits to be sent to an agent beside requests: input, acknowledgements. Bounded: input by its credit, the others
//! by keeping only the newest.

use std::collections::BTreeMap;

use bytes::{Buf as _, Bytes, BytesMut};
use gangplank_agent_protocol::CREDIT;
use gangplank_agent_protocol::frame::{MAX_PAYLOAD, ToAgent};
use gangplank_agent_protocol::message::{EndInput, Request};

/// Input of one process that the agent has not confirmed.
#[derive(Debug, Default)]
struct Input {
    /// What the agent has confirmed.
    taken: u64,
    /// Bytes after `taken`.
    bytes: BytesMut,
    /// How many of them were sent on this bridge.
    sent: usize,
    end: End,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    ToSend,
    Sent,
}

#[derive(Debug, Default)]
pub(super) struct Outgoing {
    inputs: BTreeMap<u64, Input>,
    acknowledgements: BTreeMap<u32, u64>,
    /// Output received on this bridge, and how much of it was told.
    received: u64,
    received_told: u64,
}

impl Outgoing {
    /// A new bridge: what was not confirmed goes again.
    pub(super) fn begin_again(&mut self) {
        for input in self.inputs.values_mut() {
            input.sent = 0;
            if input.end == End::Sent {
                input.end = End::ToSend;
            }
        }
        self.acknowledgements.clear();
        (self.received, self.received_told) = (0, 0);
    }

    /// Takes as many bytes as there is room for; false when there is none.
    pub(super) fn put_input(&mut self, process: u64, bytes: &mut Bytes) -> bool {
        let input = self.inputs.entry(process).or_default();
        let credit = usize::try_from(CREDIT).unwrap_or(usize::MAX);
        let room = credit.saturating_sub(input.bytes.len()).min(bytes.len());
        let piece = bytes.split_to(room);
        if input.end == End::Open {
            input.bytes.extend_from_slice(&piece);
        }
        room > 0
    }

    pub(super) fn end_input(&mut self, process: u64) {
        let input = self.inputs.entry(process).or_default();
        if input.end == End::Open {
            input.end = End::ToSend;
        }
    }

    /// What the agent has of a process's input, as it says when it is attached to.
    pub(super) fn know_input(&mut self, process: u64, taken: u64) {
        let input = self.inputs.entry(process).or_default();
        input.confirm(taken);
        if input.bytes.is_empty() {
            input.taken = input.taken.max(taken);
        }
    }

    /// Bytes of a process's input that need not be sent again: those that its agent has, and those kept here for it.
    pub(super) fn input_end(&self, process: u64) -> Option<u64> {
        self.inputs.get(&process).map(|input| input.taken + input.bytes.len() as u64)
    }

    /// The agent has confirmed input; true when that made room.
    pub(super) fn input_taken(&mut self, process: u64, taken: u64) -> bool {
        self.inputs.get_mut(&process).is_some_and(|input| input.confirm(taken))
    }

    /// A process has ended: nothing of its input is of use.
    pub(super) fn forget_input(&mut self, process: u64) {
        self.inputs.remove(&process);
    }

    pub(super) fn acknowledge(&mut self, attachment: u32, offset: u64) {
        let newest = self.acknowledgements.entry(attachment).or_default();
        *newest = (*newest).max(offset);
    }

    pub(super) fn forget_attachment(&mut self, attachment: u32) {
        self.acknowledgements.remove(&attachment);
    }

    /// Output came.
    pub(super) fn received(&mut self, bytes: usize) {
        self.received += bytes as u64;
    }

    /// Everything that may be sent now. `end` makes the request that ends an input.
    pub(super) fn take(&mut self, frames: &mut Vec<ToAgent>, mut end: impl FnMut(Request) -> ToAgent) {
        if self.received != self.received_told {
            self.received_told = self.received;
            frames.push(ToAgent::Received { bytes: self.received });
        }
        let acknowledged = std::mem::take(&mut self.acknowledgements);
        frames.extend(
            acknowledged.into_iter().map(|(attachment, offset)| ToAgent::Acknowledge { attachment, offset }),
        );
        for (process, input) in &mut self.inputs {
            while input.sent < input.bytes.len() {
                let piece = &input.bytes[input.sent..];
                let piece = &piece[..piece.len().min(MAX_PAYLOAD)];
                let offset = input.taken + input.sent as u64;
                frames.push(ToAgent::Input {
                    process: *process,
                    offset,
                    bytes: Bytes::copy_from_slice(piece),
                });
                input.sent += piece.len();
            }
            if input.end == End::ToSend {
                input.end = End::Sent;
                let offset = input.taken + input.bytes.len() as u64;
                frames.push(end(Request::EndInput(EndInput { process: *process, offset })));
            }
        }
    }
}

impl Input {
    fn confirm(&mut self, taken: u64) -> bool {
        let newly =
            usize::try_from(taken.saturating_sub(self.taken)).unwrap_or(usize::MAX).min(self.bytes.len());
        self.taken += newly as u64;
        self.bytes.advance(newly);
        self.sent = self.sent.saturating_sub(newly);
        if self.bytes.is_empty() {
            // What a burst needed is not held for the process's life.
            self.bytes = BytesMut::new();
        }
        newly > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(outgoing: &mut Outgoing) -> Vec<ToAgent> {
        let mut frames = Vec::new();
        outgoing.take(&mut frames, |request| ToAgent::Request { number: 9, request });
        frames
    }

    fn input(offset: u64, bytes: &'static [u8]) -> ToAgent {
        ToAgent::Input { process: 1, offset, bytes: Bytes::from_static(bytes) }
    }

    #[test]
    fn what_was_not_confirmed_goes_again_on_the_next_bridge() {
        let mut outgoing = Outgoing::default();
        assert!(outgoing.put_input(1, &mut Bytes::from_static(b"abc")));
        assert_eq!(sent(&mut outgoing), [input(0, b"abc")]);
        assert!(outgoing.input_taken(1, 1));
        assert!(outgoing.put_input(1, &mut Bytes::from_static(b"d")));
        outgoing.end_input(1);
        let end = |offset| ToAgent::Request {
            number: 9,
            request: Request::EndInput(EndInput { process: 1, offset }),
        };
        assert_eq!(sent(&mut outgoing), [input(3, b"d"), end(4)]);
        assert_eq!(sent(&mut outgoing), []);
        outgoing.begin_again();
        outgoing.know_input(1, 2);
        assert_eq!(sent(&mut outgoing), [input(2, b"cd"), end(4)]);
    }

    #[test]
    fn input_is_bounded_and_a_taken_one_makes_room() {
        let mut outgoing = Outgoing::default();
        let mut much = Bytes::from(vec![0; 300 * 1024]);
        assert!(outgoing.put_input(1, &mut much));
        assert_eq!(much.len(), 44 * 1024);
        assert!(!outgoing.put_input(1, &mut much));
        sent(&mut outgoing);
        assert!(outgoing.input_taken(1, 1024));
        assert!(outgoing.put_input(1, &mut much));
        assert_eq!(much.len(), 43 * 1024);
        // A number beyond what was sent is not believed.
        outgoing.input_taken(1, u64::MAX);
        assert_eq!(sent(&mut outgoing), []);
    }

    #[test]
    fn a_process_of_before_is_given_input_where_its_agent_stands() {
        let mut outgoing = Outgoing::default();
        outgoing.know_input(1, 100);
        outgoing.put_input(1, &mut Bytes::from_static(b"x"));
        assert_eq!(sent(&mut outgoing), [input(100, b"x")]);
    }

    #[test]
    fn of_acknowledgements_only_the_newest_is_sent() {
        let mut outgoing = Outgoing::default();
        outgoing.received(10);
        outgoing.received(20);
        outgoing.acknowledge(3, 5);
        outgoing.acknowledge(3, 4);
        assert_eq!(
            sent(&mut outgoing),
            [ToAgent::Received { bytes: 30 }, ToAgent::Acknowledge { attachment: 3, offset: 5 }]
        );
        assert_eq!(sent(&mut outgoing), []);
    }
}
