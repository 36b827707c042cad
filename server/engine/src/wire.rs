//! Sending requests: the negotiated version on every path, errors by kind, one retry when the engine was replaced.
//!
//! Everything goes through [`Wire::send`], bollard's calls included, so no request can miss the version. The version
//! is negotiated by `/_ping` (the one request without it) and again after the last connection has ended, after a
//! connection failed, and when the engine refuses the version.

mod greeting;
mod request;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyDataStream, BodyExt as _, Either, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::de::DeserializeOwned;

pub(crate) use greeting::Greeting;
use greeting::greeting_of;
pub(crate) use request::{Body, empty, post_json, request};

use crate::error::{Action, refusal};
use crate::transport::{Connections, Connector};
use crate::version::ApiVersion;
use crate::{Endpoint, EngineError, ObjectKind};

/// How long a plain call may take.
pub(crate) const PLAIN_LIMIT: Duration = Duration::from_secs(60);
/// How long the answer to a ping may take.
pub(crate) const PING_LIMIT: Duration = Duration::from_secs(4);
/// Most bytes read of an answer that is no stream.
const ANSWER_LIMIT: usize = 64 << 20;
/// Most bytes read of an answer that refuses.
const REFUSAL_LIMIT: usize = 64 << 10;

/// Sends requests to one engine.
pub(crate) struct Wire {
    pub(crate) endpoint: Arc<Endpoint>,
    client: Client<Connector, Body>,
    connections: Arc<Connections>,
    /// What was negotiated, and in which epoch.
    negotiated: Mutex<Option<(u64, Greeting)>>,
}

impl Wire {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        let (endpoint, connections) = (Arc::new(endpoint), Arc::new(Connections::default()));
        connections.open_in(&endpoint.environment);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60))
            .build(Connector::new(Arc::clone(&endpoint), Arc::clone(&connections)));
        Self { endpoint, client, connections, negotiated: Mutex::new(None) }
    }

    /// Opens connections in the environment of `endpoint` from now on.
    pub(crate) fn refresh(&self, endpoint: &Endpoint) {
        self.connections.open_in(&endpoint.environment);
    }

    /// What the engine said of itself, asked again when it may have been replaced.
    pub(crate) async fn greeting(&self) -> Result<Greeting, EngineError> {
        if let Some((epoch, greeting)) = &*self.negotiated.lock().unwrap_or_else(PoisonError::into_inner)
            && *epoch == self.connections.epoch()
        {
            return Ok(greeting.clone());
        }
        // The lock is not held: callers must not queue behind an engine that hangs.
        let greeting = self.ping().await?;
        let epoch = self.connections.epoch();
        *self.negotiated.lock().unwrap_or_else(PoisonError::into_inner) = Some((epoch, greeting.clone()));
        Ok(greeting)
    }

    /// Asks the engine whether it is there, within [`PING_LIMIT`].
    ///
    /// # Errors
    /// [`EngineError::Unavailable`] alone: no answer, a refusal, and a dialect too old for us are all "not there".
    pub(crate) async fn ping(&self) -> Result<Greeting, EngineError> {
        let pinging = async {
            let request = Request::get(format!("http://{}/_ping", self.endpoint.authority()));
            let request = request.body(empty()).map_err(|error| self.unavailable(&error.to_string()))?;
            let (parts, body) = self.transmit(request).await?.into_parts();
            let text = read(body, REFUSAL_LIMIT).await.map_err(|why| self.unavailable(&why))?;
            if !parts.status.is_success() {
                let text = String::from_utf8_lossy(&text);
                return Err(self.unavailable(&format!("it answers {} {text}", parts.status)));
            }
            greeting_of(&parts.headers).map_err(|why| self.unavailable(&why))
        };
        match tokio::time::timeout(PING_LIMIT, pinging).await {
            Ok(result) => result,
            Err(_) => {
                self.connections.next_epoch();
                Err(self.unavailable("it accepts connections but does not answer"))
            }
        }
    }

    /// Sends a request whose URI has the path without a version. An answer that refuses is the error it stands for.
    pub(crate) async fn ask(
        &self,
        action: &Action,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, EngineError> {
        let response = self.send(request).await?;
        let status = response.status();
        if status.is_success()
            || status == StatusCode::SWITCHING_PROTOCOLS
            || status == StatusCode::NOT_MODIFIED
        {
            return Ok(response);
        }
        let message = message_of(response.into_body()).await;
        Err(refusal(action, status.as_u16(), &message))
    }

    /// A plain call with a JSON answer, within [`PLAIN_LIMIT`].
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        action: &Action,
        request: Request<Body>,
    ) -> Result<T, EngineError> {
        within(action, PLAIN_LIMIT, self.json_in_the_end(action, request)).await
    }

    /// The same for an answer that comes when something has happened, however long that takes.
    pub(crate) async fn json_in_the_end<T: DeserializeOwned>(
        &self,
        action: &Action,
        request: Request<Body>,
    ) -> Result<T, EngineError> {
        let response = self.ask(action, request).await?;
        let body = read(response.into_body(), ANSWER_LIMIT).await.map_err(|why| self.unavailable(&why))?;
        serde_json::from_slice(&body).map_err(|error| action.malformed(error))
    }

    /// A call whose answer streams bytes without an end in time; its beginning comes within [`PLAIN_LIMIT`].
    pub(crate) async fn stream(
        &self,
        action: &Action,
        request: Request<Body>,
    ) -> Result<BodyDataStream<Incoming>, EngineError> {
        let response = within(action, PLAIN_LIMIT, self.ask(action, request)).await?;
        Ok(response.into_body().into_data_stream())
    }

    /// Sends a request, whatever its answer; the version is put on the path here.
    pub(crate) async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, EngineError> {
        let (parts, body) = request.into_parts();
        let again = match &body {
            Either::Left(bytes) => Some((parts.clone(), Either::Left(bytes.clone()))),
            Either::Right(_) => None,
        };
        let version = self.greeting().await?.version;
        let response = self.transmit(self.addressed(parts, body, version)?).await?;
        if response.status() != StatusCode::BAD_REQUEST {
            return Ok(response);
        }
        // Perhaps the engine was replaced by one that does not speak this version: it has refused, so asking it again
        // in its own version does nothing twice.
        self.connections.next_epoch();
        let now = self.greeting().await?.version;
        match again {
            Some((parts, body)) if now != version => self.transmit(self.addressed(parts, body, now)?).await,
            _ => Ok(response),
        }
    }

    fn addressed(
        &self,
        mut parts: http::request::Parts,
        body: Body,
        version: ApiVersion,
    ) -> Result<Request<Body>, EngineError> {
        let uri = version.on_path(&parts.uri).map_err(http::Error::from).and_then(|target| {
            Uri::builder().scheme("http").authority(self.endpoint.authority()).path_and_query(target).build()
        });
        parts.uri = uri.map_err(|error| EngineError::InvalidParameter {
            what: format!("ask for {}", crate::text::escaped(parts.uri.path())),
            message: error.to_string(),
        })?;
        parts.headers.remove(header::HOST);
        Ok(Request::from_parts(parts, body))
    }

    async fn transmit(&self, request: Request<Body>) -> Result<Response<Incoming>, EngineError> {
        let error = match self.client.request(request).await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        self.connections.next_epoch();
        self.connections.hear_out().await;
        let mut innermost: &dyn std::error::Error = &error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        Err(self.unavailable(&innermost.to_string()))
    }

    /// The error for a broken or missing connection.
    pub(crate) fn unavailable(&self, why: &str) -> EngineError {
        match self.connections.complaint() {
            words if words.is_empty() => EngineError::unavailable(self.endpoint.id().as_str(), why),
            words => EngineError::unavailable(self.endpoint.id().as_str(), format!("{why}: {words}")),
        }
    }
}

/// Holds `call` to `limit`.
pub(crate) async fn within<T>(
    action: &Action,
    limit: Duration,
    call: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    tokio::time::timeout(limit, call)
        .await
        .unwrap_or_else(|_| Err(EngineError::Timeout { what: action.to_string(), limit }))
}

/// Reads a whole body of at most `limit` bytes; the error says why it cannot be read.
async fn read(body: Incoming, limit: usize) -> Result<Bytes, String> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) => Err(format!("the answer broke off: {error}")),
    }
}

/// The words of an answer that refuses.
pub(crate) async fn message_of(body: Incoming) -> String {
    #[derive(serde::Deserialize)]
    struct Refusal {
        message: String,
    }
    let bytes = read(body, REFUSAL_LIMIT).await.unwrap_or_else(|why| why.into());
    match serde_json::from_slice::<Refusal>(&bytes) {
        Ok(refusal) => refusal.message,
        Err(_) => String::from_utf8_lossy(&bytes).into_owned(),
    }
}

/// The subject of calls on the engine itself.
pub(crate) fn on_engine(verb: &'static str) -> Action {
    Action::new(verb, ObjectKind::Engine, "")
}
