//! A bounded history of events that any number of readers follow at their own pace. Nobody waits for a slow reader:
//! one that falls behind the history is told to read the whole state again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gangplank_protocol::feed::{Cursor, Sequenced};
use tokio::sync::Notify;

struct History<T> {
    /// Sequence number of the first event in `events`.
    first: u64,
    events: VecDeque<(usize, Arc<T>)>,
    weight: usize,
    closed: bool,
}

struct Shared<T> {
    epoch: String,
    most_events: usize,
    most_weight: usize,
    history: Mutex<History<T>>,
    changed: Notify,
}

/// The writing end; cheap to clone.
pub struct Feed<T>(Arc<Shared<T>>);

impl<T> Clone for Feed<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> std::fmt::Debug for Feed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").field("epoch", &self.0.epoch).finish_non_exhaustive()
    }
}

impl<T> Feed<T> {
    /// A feed of a new epoch that keeps at most so many events of at most so much weight in all.
    pub fn new(most_events: usize, most_weight: usize) -> Self {
        Self(Arc::new(Shared {
            epoch: crate::identifier::random("")[..12].to_owned(),
            most_events,
            most_weight,
            history: Mutex::new(History { first: 1, events: VecDeque::new(), weight: 0, closed: false }),
            changed: Notify::new(),
        }))
    }

    fn history(&self) -> MutexGuard<'_, History<T>> {
        // A panic while it was held leaves a whole history: every change is a push or a pop.
        self.0.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event; `weight` is about its bytes.
    pub fn publish(&self, event: T, weight: usize) {
        let mut history = self.history();
        if history.closed {
            return;
        }
        history.events.push_back((weight, Arc::new(event)));
        history.weight += weight;
        while history.events.len() > self.0.most_events
            || (history.weight > self.0.most_weight && history.events.len() > 1)
        {
            if let Some((weight, _)) = history.events.pop_front() {
                history.weight -= weight;
                history.first += 1;
            }
        }
        drop(history);
        self.0.changed.notify_waiters();
    }

    /// Ends the feed: readers get what is left, then the end.
    pub fn close(&self) {
        self.history().closed = true;
        self.0.changed.notify_waiters();
    }

    /// A reader that begins after `since`, or with the oldest event still held. A cursor of another epoch, or one that
    /// lies before the history, makes the first item carry `resync`.
    pub fn read_since(&self, since: Option<&Cursor>) -> Reader<T> {
        let (next, resync) = match since {
            None => (1, false),
            Some(cursor) if cursor.epoch == self.0.epoch => (cursor.seq + 1, false),
            Some(_) => (1, true),
        };
        Reader { feed: self.clone(), next, resync }
    }

    /// A reader of what comes from now on.
    pub fn read_from_now(&self) -> Reader<T> {
        let history = self.history();
        let next = history.first + history.events.len() as u64;
        drop(history);
        Reader { feed: self.clone(), next, resync: false }
    }
}

/// The reading end.
#[derive(Debug)]
pub struct Reader<T> {
    feed: Feed<T>,
    next: u64,
    resync: bool,
}

impl<T: Clone> Reader<T> {
    /// The next event; `None` after the feed's end.
    pub async fn next(&mut self) -> Option<Sequenced<T>> {
        loop {
            let changed = self.feed.0.changed.notified();
            tokio::pin!(changed);
            // Registered before looking, so that an event published in between wakes us.
            changed.as_mut().enable();
            {
                let history = self.feed.history();
                if self.next < history.first {
                    // A reader without a cursor that begins late has lost nothing it was promised.
                    self.resync |= self.next > 1 || history.first > 1;
                    self.next = history.first;
                }
                let index = usize::try_from(self.next - history.first).unwrap_or(usize::MAX);
                if let Some((_, event)) = history.events.get(index) {
                    let item = Sequenced {
                        epoch: self.feed.0.epoch.clone(),
                        seq: self.next,
                        resync: std::mem::take(&mut self.resync),
                        event: T::clone(event),
                    };
                    self.next += 1;
                    return Some(item);
                }
                if history.closed {
                    return None;
                }
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reader_resumes_after_its_cursor_and_sees_the_end() {
        let feed = Feed::new(10, 1000);
        for number in 1..=4 {
            feed.publish(number, 1);
        }
        let mut reader = feed.read_since(None);
        let first = reader.next().await.unwrap();
        assert_eq!((first.seq, first.event, first.resync), (1, 1, false));
        let mut resumed = feed.read_since(Some(&Cursor { seq: 3, ..first.cursor() }));
        assert_eq!(resumed.next().await.unwrap().event, 4);
        feed.close();
        assert!(resumed.next().await.is_none());
    }

    #[tokio::test]
    async fn a_gap_by_count_by_weight_or_by_epoch_is_told_once() {
        let by_count = Feed::new(2, 1000);
        let by_weight = Feed::new(100, 20);
        for number in 1..=5 {
            by_count.publish(number, 1);
            by_weight.publish(number, 10);
        }
        for feed in [by_count, by_weight] {
            let old = Cursor { epoch: feed.0.epoch.clone(), seq: 1 };
            let mut reader = feed.read_since(Some(&old));
            let item = reader.next().await.unwrap();
            assert_eq!((item.seq, item.resync), (4, true));
            assert!(!reader.next().await.unwrap().resync);
        }
        let feed = Feed::new(10, 10);
        feed.publish(1, 1);
        let mut reader = feed.read_since(Some(&Cursor { epoch: "another".into(), seq: 9 }));
        assert!(reader.next().await.unwrap().resync);
    }
}
