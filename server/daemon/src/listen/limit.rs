//! Connections at once, control and stream connections counted apart, so that neither starves the other. Those that
//! have said nothing yet are counted by door: any user of the machine can open them on the loopback port.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections to `/rpc`.
pub(super) const MOST_CONTROL: usize = 1024;
/// Connections to `/stream/{id}`.
pub(super) const MOST_STREAMS: usize = 2048;
/// Connections of one door that have not said yet what they want.
const MOST_UNROUTED: usize = 256;

#[derive(Debug, Clone)]
pub(super) struct Limits {
    unrouted: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

impl Limits {
    pub(super) fn new() -> Self {
        Self {
            unrouted: Arc::new(Semaphore::new(MOST_UNROUTED)),
            streams: Arc::new(Semaphore::new(MOST_STREAMS)),
        }
    }

    /// The same limits at another door.
    pub(super) fn of_another_door(&self) -> Self {
        Self { unrouted: Arc::new(Semaphore::new(MOST_UNROUTED)), streams: Arc::clone(&self.streams) }
    }

    /// A place for a connection whose request is being read; waits for one.
    pub(super) async fn unrouted(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.unrouted).acquire_owned().await.ok()
    }

    /// A place for a stream, if there is one.
    pub(super) fn stream(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.streams).try_acquire_owned().ok()
    }
}
