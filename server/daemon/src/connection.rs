//! One client connection: what its `daemon/hello` said. It lives in memory as long as the connection does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use gangplank_engine::{EngineId, EngineRequest};
use gangplank_protocol::daemon::DaemonHelloParams;

use crate::listen::Gate;

/// A client connection; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Connection(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Counts its calls in flight.
    gate: Gate,
    hello: Mutex<Hello>,
    /// The process id of the client, where the socket tells it.
    pid: Option<u32>,
}

#[derive(Debug, Default)]
struct Hello {
    request: Option<EngineRequest>,
    engine: Option<EngineId>,
}

impl Connection {
    /// The connection of the client with this process id.
    pub fn of(pid: Option<u32>) -> Self {
        Self(Arc::new(Shared { pid, ..Shared::default() }))
    }

    /// The client's process id, where it came by the Unix socket.
    pub fn pid(&self) -> Option<u32> {
        self.0.pid
    }

    /// The gate that its calls pass.
    pub fn gate(&self) -> &Gate {
        &self.0.gate
    }

    fn hello(&self) -> std::sync::MutexGuard<'_, Hello> {
        // Whole values are replaced: a panic in between leaves a valid one.
        self.0.hello.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what the client said about itself; an earlier hello is forgotten.
    pub fn introduce(&self, hello: &DaemonHelloParams) {
        let request =
            EngineRequest { context: hello.context.clone(), environment: hello.environment.clone() };
        *self.hello() = Hello { request: Some(request), engine: None };
    }

    /// What leads to the client's own engine; `None` before its hello.
    pub fn engine_request(&self) -> Option<EngineRequest> {
        self.hello().request.clone()
    }

    /// The variables the client sent; empty before its hello.
    pub fn environment(&self) -> BTreeMap<String, String> {
        self.hello().request.as_ref().map(|request| request.environment.clone()).unwrap_or_default()
    }

    /// The engine found for this client earlier.
    pub fn engine(&self) -> Option<EngineId> {
        self.hello().engine.clone()
    }

    /// Keeps the engine found for this client.
    pub fn set_engine(&self, engine: EngineId) {
        self.hello().engine = Some(engine);
    }
}
