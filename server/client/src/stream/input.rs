//! What a client has given its process to read: numbered through all its connections, and kept until the process is known
//! to have it, so that a new connection goes on exactly where the process stands.

use bytes::{Bytes, BytesMut};
use gangplank_protocol::stream::{CREDIT, Frame, MAX_PAYLOAD};
use tokio::sync::watch;

/// Input that was acknowledged and is kept all the same: a daemon acknowledges what it holds for the process, and may end
/// before that has it.
const KEPT: u64 = CREDIT;

/// Input shared by the writers, which add to it, the connection, which sends it, and the reader, which hears of
/// acknowledgements.
#[derive(Debug)]
pub(super) struct Input(watch::Sender<State>);

#[derive(Debug)]
struct State {
    /// Which connection this is, counted.
    connection: u64,
    /// True when nobody will connect again.
    over: bool,
    /// Bytes `start..`, of which there are `kept.len()`.
    kept: BytesMut,
    start: u64,
    /// Where the connection's own offsets begin.
    origin: u64,
    /// Sent on this connection, up to here.
    sent: u64,
    /// Sent on any.
    ever_sent: u64,
    /// Acknowledged on this connection, up to here.
    taken: u64,
    ended: bool,
    end_sent: bool,
    /// What the process had taken from everyone when it had taken nothing of this; unknown when nobody counts.
    base: Option<u64>,
}

/// What a connection sends next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Frame(Frame),
    /// Nothing, for now.
    Nothing,
    /// Nothing any more: there is another connection, or nobody reads.
    Over,
}

/// How far a process is, as told to a client that comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// Bytes that it has taken from everyone.
    pub(super) taken: Option<u64>,
    /// True when the daemon is the one of before: what it acknowledged it still holds.
    pub(super) same_daemon: bool,
}

impl Input {
    /// Nothing yet. `base` is what the process had taken before.
    pub(super) fn new(base: Option<u64>) -> Input {
        Input(watch::Sender::new(State {
            connection: 0,
            over: false,
            kept: BytesMut::new(),
            start: 0,
            origin: 0,
            sent: 0,
            ever_sent: 0,
            taken: 0,
            ended: false,
            end_sent: false,
            base,
        }))
    }

    /// Adds bytes, as many as there is room for, waiting until there is some. False when nobody reads any more.
    pub(super) async fn put(&self, bytes: &mut Bytes) -> bool {
        let mut changes = self.0.subscribe();
        while !bytes.is_empty() {
            if changes.wait_for(|state| state.over || state.room() > 0).await.is_err() {
                return false;
            }
            let mut over = false;
            self.0.send_modify(|state| {
                over = state.over;
                let piece = bytes.split_to(state.room().min(bytes.len()));
                state.kept.extend_from_slice(&piece);
            });
            if over {
                return false;
            }
        }
        true
    }

    /// Notes that there is no more. False when nobody reads any more.
    pub(super) fn end(&self) -> bool {
        self.0.send_modify(|state| state.ended = true);
        !self.0.borrow().over
    }

    /// The connection's peer has taken everything before `offset`.
    pub(super) fn acknowledged(&self, offset: u64) {
        self.0.send_if_modified(|state| {
            // what was not sent cannot have been taken
            let taken = state.origin.saturating_add(offset).min(state.sent);
            let more = taken > state.taken;
            if more {
                state.taken = taken;
                state.forget();
            }
            more
        });
    }

    /// Nobody will connect again.
    pub(super) fn give_up(&self) {
        self.0.send_modify(|state| state.over = true);
    }

    /// Nothing goes over the connection any more.
    pub(super) fn disconnect(&self) {
        self.0.send_modify(|state| state.connection += 1);
    }

    /// A new connection begins, to a process that stands so; gives its number.
    pub(super) fn begin_again(&self, standing: Standing) -> u64 {
        self.0.send_modify(|state| state.begin_again(standing));
        self.0.borrow().connection
    }

    /// What connection `number` sends next.
    pub(super) fn next(&self, number: u64) -> Next {
        let mut next = Next::Nothing;
        self.0.send_if_modified(|state| {
            next = state.next(number);
            // only what the peer says makes others go on
            false
        });
        next
    }

    /// Waits until [`Input::next`] has something for connection `number`.
    pub(super) async fn ready(&self, number: u64) {
        let mut changes = self.0.subscribe();
        // the sender is this
        let _ = changes.wait_for(|state| state.is_over(number) || state.is_ready()).await;
    }

    /// True when connection `number` has sent everything.
    pub(super) fn is_drained(&self, number: u64) -> bool {
        let state = self.0.borrow();
        state.is_over(number) || state.sent == state.end() && state.end_sent == state.ended
    }
}

impl State {
    fn end(&self) -> u64 {
        self.start + self.kept.len() as u64
    }

    fn room(&self) -> usize {
        usize::try_from(CREDIT.saturating_sub(self.end() - self.taken)).unwrap_or(usize::MAX)
    }

    fn is_over(&self, number: u64) -> bool {
        self.over || self.connection != number
    }

    /// Bytes that may be sent now.
    fn sendable(&self) -> u64 {
        let credit = CREDIT.saturating_sub(self.sent - self.taken);
        credit.min(self.end() - self.sent).min(MAX_PAYLOAD as u64)
    }

    fn is_ready(&self) -> bool {
        self.sendable() > 0 || self.sent == self.end() && self.ended && !self.end_sent
    }

    fn next(&mut self, number: u64) -> Next {
        if self.is_over(number) {
            return Next::Over;
        }
        if !self.is_ready() {
            return Next::Nothing;
        }
        let length = self.sendable();
        if length == 0 {
            self.end_sent = true;
            return Next::Frame(Frame::EndOfInput);
        }
        let kept = |offset: u64| usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        let bytes = Bytes::copy_from_slice(&self.kept[kept(self.sent)..kept(self.sent + length)]);
        let offset = self.sent - self.origin;
        self.sent += length;
        self.ever_sent = self.ever_sent.max(self.sent);
        Next::Frame(Frame::Stdin { offset, bytes })
    }

    fn begin_again(&mut self, standing: Standing) {
        let had = self.base.zip(standing.taken).and_then(|(base, taken)| taken.checked_sub(base));
        let from = match had.filter(|had| (self.start..=self.ever_sent).contains(had)) {
            Some(had) if standing.same_daemon => had.max(self.taken),
            Some(had) => had,
            // Others typed meanwhile, or nobody counts: rather lost than typed twice.
            None => {
                self.base = standing.taken.and_then(|taken| taken.checked_sub(self.ever_sent));
                self.ever_sent
            }
        };
        self.connection += 1;
        self.origin = from;
        self.sent = from;
        self.taken = from;
        self.end_sent = false;
        self.forget();
    }

    fn forget(&mut self) {
        let surplus = self.taken.saturating_sub(KEPT).saturating_sub(self.start);
        if surplus > 0 {
            // never more than is kept: what was taken was sent, and what was sent is kept
            bytes::Buf::advance(&mut self.kept, usize::try_from(surplus).unwrap_or(usize::MAX));
            self.start += surplus;
        }
    }
}
