//! The engines in use: a handle for each, kept while the daemon lives, and whether it answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gangplank_engine::availability::Availability;
use gangplank_engine::{Endpoint, Engine, EngineId};
use gangplank_protocol::daemon::EngineStatus;
use gangplank_protocol::engine::EngineId as WireId;
use gangplank_protocol::{ErrorData, ErrorKind};
use tokio::sync::watch;

use crate::connection::Connection;
use crate::failure;

/// How long `daemon/hello` waits for an engine to be found; later requests look again.
const HELLO_PATIENCE: Duration = Duration::from_millis(300);

#[derive(Debug)]
struct Known {
    engine: Engine,
    availability: watch::Receiver<Availability>,
}

/// The engines this daemon has used; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Engines(Arc<Mutex<BTreeMap<EngineId, Known>>>);

impl Engines {
    fn known(&self) -> MutexGuard<'_, BTreeMap<EngineId, Known>> {
        // Inserts of whole entries: a panic in between leaves a valid map.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine that a request names, or the one its client's environment leads to.
    ///
    /// # Errors
    /// `engineUnavailable` within 5 s, with everything that was tried; `invalidParams` when neither the request nor the
    /// connection says which.
    pub async fn find(&self, connection: &Connection, asked: Option<&WireId>) -> Result<Engine, ErrorData> {
        if let Some(id) = asked {
            let id = EngineId::new(id.0.clone());
            let endpoint = Endpoint::from_id(&id, &connection.environment()).map_err(failure::from_engine)?;
            return self.connected(endpoint).await;
        }
        if let Some(id) = connection.engine() {
            let endpoint = Endpoint::from_id(&id, &connection.environment()).map_err(failure::from_engine)?;
            if let Some(engine) = self.refreshed(&endpoint) {
                return Ok(engine);
            }
        }
        let request = connection.engine_request().ok_or_else(|| {
            ErrorData::new(
                ErrorKind::InvalidParams,
                "no engine is named, and this client has not called daemon/hello",
            )
            .hint("call daemon/hello first, or give `engine`")
        })?;
        let endpoint = gangplank_engine::resolve(&request).await.map_err(failure::from_engine)?;
        let engine = self.connected(endpoint).await?;
        connection.set_engine(engine.id());
        Ok(engine)
    }

    /// The id of the client's own engine, if it is found at once.
    pub async fn find_soon(&self, connection: &Connection) -> Option<WireId> {
        let found = tokio::time::timeout(HELLO_PATIENCE, self.find(connection, None)).await.ok()?.ok()?;
        Some(wire_id(&found))
    }

    /// The engine at `endpoint`, if it was used before. What it opens from now on, it opens for the client that asks now.
    fn refreshed(&self, endpoint: &Endpoint) -> Option<Engine> {
        let engine = self.known().get(&endpoint.id()).map(|known| known.engine.clone())?;
        engine.refresh(endpoint);
        Some(engine)
    }

    async fn connected(&self, endpoint: Endpoint) -> Result<Engine, ErrorData> {
        if let Some(engine) = self.refreshed(&endpoint) {
            return Ok(engine);
        }
        let id = endpoint.id();
        let engine = Engine::connect(endpoint).await.map_err(failure::from_engine)?;
        let availability = engine.watch_availability().await;
        let mut known = self.known();
        Ok(known.entry(id).or_insert(Known { engine, availability }).engine.clone())
    }

    /// The engines used so far, and whether they answer.
    pub fn status(&self) -> Vec<EngineStatus> {
        self.known()
            .values()
            .map(|known| {
                let (available, reason) = match &*known.availability.borrow() {
                    Availability::Available { .. } => (true, None),
                    Availability::Unavailable { why } => (false, Some(why.clone())),
                };
                EngineStatus { engine: wire_id(&known.engine), available, reason }
            })
            .collect()
    }
}

/// The engine's id as the protocol has it.
pub fn wire_id(engine: &Engine) -> WireId {
    WireId(engine.id().as_str().to_owned())
}
