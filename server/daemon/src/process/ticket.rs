//! Leave to open a stream: given out by an idempotent call, good for one upgrade within 10 s. The client counts as
//! attached from the moment it gets the ticket, so nothing is lost before it comes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gangplank_protocol::process::StreamTicket;

use super::Client;

/// How long a ticket is good.
const GOOD_FOR: Duration = Duration::from_secs(10);

/// The tickets given out and not used yet; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Tickets(Arc<Mutex<BTreeMap<String, Client>>>);

impl Tickets {
    /// A ticket for this client.
    pub fn give(&self, client: Client) -> StreamTicket {
        let stream_id = crate::identifier::random("s-");
        let ticket = StreamTicket { stream_id: stream_id.clone(), offset: client.position() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(stream_id.clone(), client);
        let tickets = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(GOOD_FOR).await;
            drop(tickets.take(&stream_id));
        });
        ticket
    }

    /// The client of a ticket, once.
    pub fn take(&self, stream_id: &str) -> Option<Client> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(stream_id)
    }
}
