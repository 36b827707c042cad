//! What a client has sent and its process has not taken yet. It is bounded whatever the client does: input by its bytes,
//! since small pieces are joined; sizes and signals by keeping of each kind only the one that counts.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Buf as _, Bytes, BytesMut};
use gangplank_protocol::process::TerminalSize;
use gangplank_protocol::stream::{CREDIT, MAX_PAYLOAD};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Different signals that wait to be sent; Linux has no more.
const MOST_SIGNALS: usize = 64;

/// Standard input on its way.
#[derive(Debug)]
pub(super) struct Input {
    waiting: Mutex<Waiting>,
    changed: Notify,
    over: CancellationToken,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: BytesMut,
    received: u64,
    end: End,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum End {
    #[default]
    NotYet,
    Received,
    PassedOn,
}

/// What the process gets next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Bytes.
    Bytes(Bytes),
    /// No more bytes.
    End,
}

impl Input {
    /// Input that comes until `over` is cancelled.
    pub(super) fn until(over: CancellationToken) -> Self {
        Self { waiting: Mutex::default(), changed: Notify::new(), over }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing below can panic between two changes.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds bytes that begin at `offset`, `taken` being those that the process has.
    ///
    /// # Errors
    /// What the client did wrong.
    pub(super) fn put(&self, offset: u64, bytes: &[u8], taken: u64) -> Result<(), String> {
        let mut waiting = self.waiting();
        if waiting.end != End::NotYet {
            return Err("input after its end".into());
        }
        if bytes.is_empty() {
            return Err("input without a byte".into());
        }
        if offset != waiting.received {
            return Err(format!("input at {offset} where {} belongs", waiting.received));
        }
        let received = offset + bytes.len() as u64;
        if received - taken > CREDIT + MAX_PAYLOAD as u64 {
            return Err("more input than was acknowledged".into());
        }
        waiting.received = received;
        waiting.bytes.extend_from_slice(bytes);
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// Ends it.
    ///
    /// # Errors
    /// What the client did wrong.
    pub(super) fn end(&self) -> Result<(), String> {
        let mut waiting = self.waiting();
        if waiting.end != End::NotYet {
            return Err("a second end of input".into());
        }
        waiting.end = End::Received;
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// What comes next; waits for it. Nothing when it is over and all was given out.
    pub(super) async fn next(&self) -> Option<Piece> {
        loop {
            let over = self.over.is_cancelled();
            if let Some(piece) = self.waiting().take() {
                return Some(piece);
            }
            if over {
                return None;
            }
            tokio::select! {
                () = self.changed.notified() => {}
                () = self.over.cancelled() => {}
            }
        }
    }
}

impl Waiting {
    fn take(&mut self) -> Option<Piece> {
        if !self.bytes.is_empty() {
            let length = self.bytes.len().min(MAX_PAYLOAD);
            let piece = Bytes::copy_from_slice(&self.bytes[..length]);
            self.bytes.advance(length);
            if self.bytes.is_empty() {
                // What a burst needed is not held for the stream's life.
                self.bytes = BytesMut::new();
            }
            return Some(Piece::Bytes(piece));
        }
        (self.end == End::Received).then(|| {
            self.end = End::PassedOn;
            Piece::End
        })
    }
}

/// Sizes and signals on their way.
#[derive(Debug)]
pub(super) struct Orders {
    given: Mutex<Given>,
    changed: Notify,
    over: CancellationToken,
}

#[derive(Debug, Default)]
struct Given {
    size: Option<TerminalSize>,
    signals: VecDeque<String>,
}

/// What is to be done to the process next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Give its terminal this size.
    Resize(TerminalSize),
    /// Send it this signal.
    Signal(String),
}

impl Orders {
    /// Orders that come until `over` is cancelled.
    pub(super) fn until(over: CancellationToken) -> Self {
        Self { given: Mutex::default(), changed: Notify::new(), over }
    }

    fn given(&self) -> MutexGuard<'_, Given> {
        // Nothing below can panic between two changes.
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the terminal a size, in place of any that still waits.
    pub(super) fn resize(&self, size: TerminalSize) {
        self.given().size = Some(size);
        self.changed.notify_one();
    }

    /// Sends a signal, unless the same still waits: so does POSIX with pending signals.
    ///
    /// # Errors
    /// What the client did wrong.
    pub(super) fn signal(&self, name: String) -> Result<(), String> {
        let mut given = self.given();
        if !given.signals.contains(&name) {
            if given.signals.len() >= MOST_SIGNALS {
                return Err("more signals than there are".into());
            }
            given.signals.push_back(name);
        }
        drop(given);
        self.changed.notify_one();
        Ok(())
    }

    /// What comes next; nothing when it is over and all was given out.
    pub(super) async fn next(&self) -> Option<Order> {
        loop {
            let over = self.over.is_cancelled();
            if let Some(order) = self.given().take() {
                return Some(order);
            }
            if over {
                return None;
            }
            tokio::select! {
                () = self.changed.notified() => {}
                () = self.over.cancelled() => {}
            }
        }
    }
}

impl Given {
    fn take(&mut self) -> Option<Order> {
        let signal = self.signals.pop_front().map(Order::Signal);
        signal.or_else(|| self.size.take().map(Order::Resize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn input_comes_in_order_and_small_pieces_joined() {
        let over = CancellationToken::new();
        let input = Input::until(over.clone());
        for (offset, byte) in (0..).zip(b"abcdef") {
            input.put(offset, &[*byte], 0).unwrap();
        }
        assert_eq!(input.next().await, Some(Piece::Bytes(Bytes::from_static(b"abcdef"))));
        let long = vec![b'x'; MAX_PAYLOAD];
        for number in 0..2 {
            input.put(6 + number * MAX_PAYLOAD as u64, &long, 6).unwrap();
        }
        input.end().unwrap();
        // It is given out also when the client has gone.
        over.cancel();
        assert_eq!(input.next().await, Some(Piece::Bytes(Bytes::from(long.clone()))));
        assert_eq!(input.next().await, Some(Piece::Bytes(Bytes::from(long))));
        assert_eq!(input.next().await, Some(Piece::End));
        assert_eq!(input.next().await, None);
    }

    #[test]
    fn input_that_costs_no_credit_or_has_none_is_refused() {
        let input = Input::until(CancellationToken::new());
        assert!(input.put(0, b"", 0).unwrap_err().contains("without a byte"));
        assert!(input.put(1, b"x", 0).unwrap_err().contains("where 0 belongs"));
        let most = CREDIT + MAX_PAYLOAD as u64;
        for offset in 0..most {
            input.put(offset, b"x", 0).unwrap();
        }
        assert!(input.waiting().bytes.capacity() <= 4 * usize::try_from(most).unwrap());
        assert!(input.put(most, b"x", 0).unwrap_err().contains("acknowledged"));
        input.put(most, b"x", 1).unwrap();
        input.end().unwrap();
        assert!(input.end().unwrap_err().contains("second end"));
        assert!(input.put(most + 1, b"x", most).unwrap_err().contains("after its end"));
    }

    #[tokio::test]
    async fn of_orders_that_wait_only_those_that_count_are_kept() {
        let over = CancellationToken::new();
        let orders = Orders::until(over.clone());
        let size = |columns| TerminalSize { columns, rows: 24 };
        for columns in 1..1000 {
            orders.resize(size(columns));
            orders.signal("INT".into()).unwrap();
            orders.signal("WINCH".into()).unwrap();
        }
        // They are given out also when the client has gone.
        over.cancel();
        assert_eq!(orders.next().await, Some(Order::Signal("INT".into())));
        assert_eq!(orders.next().await, Some(Order::Signal("WINCH".into())));
        assert_eq!(orders.next().await, Some(Order::Resize(size(999))));
        assert_eq!(orders.next().await, None);
        let mut names = (0..100).map(|number| orders.signal(format!("X{number}")));
        assert_eq!(names.position(|refused| refused.is_err()), Some(MOST_SIGNALS));
    }
}
