//! A connection to the daemon: calls and subscriptions by the types of the protocol's catalogue.
//!
//! A connection that was lost is made anew by the next call or subscription, starting a daemon where none is left. A
//! call that was under way when it was lost is not repeated: it may have happened.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use gangplank_protocol::catalogue::{DaemonHello, DaemonShutdown, DaemonStatusMethod};
use gangplank_protocol::daemon::{DaemonHelloParams, DaemonHelloResult, DaemonStatus, Empty, Program};
use gangplank_protocol::{ErrorData, ErrorKind, Method, PROTOCOL_VERSION, RPC_PATH, Subscription};
use jsonrpsee::client_transport::ws::{Url, WsTransportClientBuilder};
use jsonrpsee::core::client::{
    ClientBuilder, ClientT, Error as RpcError, Subscription as RpcSubscription, SubscriptionClientT,
    SubscriptionCloseReason,
};
use jsonrpsee::core::traits::ToRpcParams;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::net::UnixStream;
use tokio::sync::Mutex;

use crate::error::ClientError;
use crate::place::Place;
use crate::start;
use gangplank_protocol::daemon::DaemonRecord;

/// Longest time that a call may take. Long work is an operation; the longest calls wait for a container to stop.
pub const CALL_LIMIT: Duration = Duration::from_secs(600);
const HELLO_LIMIT: Duration = Duration::from_secs(10);
const MAX_MESSAGE: u32 = 64 * 1024 * 1024;
/// Items of a feed that may wait to be read; the output of a busy build is thousands of lines.
const FEED_CAPACITY: usize = 8192;

/// Who connects, and what the daemon must know of it.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Where the daemon is; this user's own place without it.
    pub place: Option<Place>,
    /// The program that connects.
    pub program: Program,
    /// The variables that lead to its engine ([`crate::environment::engine_environment`]).
    pub environment: BTreeMap<String, String>,
    /// The Docker context that goes before the environment.
    pub context: Option<String>,
    /// Whether to start a daemon when none answers.
    pub start: bool,
}

/// A client of the daemon. Clones share the connection.
#[derive(Debug, Clone)]
pub struct Client {
    shared: Arc<Shared>,
    /// Whether a daemon is started when the connection was lost and none answers.
    start: bool,
}

#[derive(Debug)]
struct Shared {
    options: ConnectOptions,
    place: Place,
    connection: Mutex<Arc<Connection>>,
}

#[derive(Debug)]
struct Connection {
    rpc: jsonrpsee::core::client::Client,
    record: DaemonRecord,
    hello: DaemonHelloResult,
}

impl Client {
    /// Connects to this user's daemon, starting it where none answers, and says hello.
    ///
    /// An older daemon with nothing running is replaced by one of this build.
    ///
    /// # Errors
    /// [`ClientError`] when there is no daemon to talk to.
    pub async fn connect(options: ConnectOptions) -> Result<Client, ClientError> {
        let place = options.place.clone().or_else(Place::of_this_user).ok_or(ClientError::NoPlace)?;
        let mut connection = Connection::open(&place, &options).await?;
        if options.start && connection.is_replaceable(&options.program).await {
            connection.end().await?;
            connection = Connection::open(&place, &options).await?;
        }
        let connection = Mutex::new(Arc::new(connection));
        let start = options.start;
        Ok(Client { shared: Arc::new(Shared { options, place, connection }), start })
    }

    /// The same client, on the same connection, but for one thing: once that was lost, it does not start a daemon.
    #[must_use]
    pub fn without_starting(&self) -> Client {
        Client { shared: Arc::clone(&self.shared), start: false }
    }

    /// What the daemon said to the last hello.
    pub async fn hello(&self) -> Result<DaemonHelloResult, ClientError> {
        Ok(self.connection().await?.hello.clone())
    }

    /// The place that the daemon was found in.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.shared.place
    }

    /// Calls a method.
    ///
    /// # Errors
    /// [`ClientError::Rpc`] with the daemon's answer when it is an error, else what went wrong on the way.
    pub async fn call<M: Method>(&self, params: &M::Params) -> Result<M::Result, ClientError> {
        self.connection().await?.call::<M>(params).await
    }

    /// Begins a subscription.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn subscribe<S: Subscription>(&self, params: &S::Params) -> Result<Feed<S>, ClientError> {
        let connection = self.connection().await?;
        let inner = connection
            .rpc
            .subscribe(S::SUBSCRIBE, Named(params), S::UNSUBSCRIBE)
            .await
            .map_err(|error| from_rpc(S::SUBSCRIBE, error))?;
        Ok(Feed { inner, _connection: connection, items: PhantomData })
    }

    /// A second connection to the same daemon, for a stream, and that daemon's epoch.
    pub(crate) async fn stream_socket(&self) -> Result<(UnixStream, String), ClientError> {
        let connection = self.connection().await?;
        let socket = crate::locate::connect(&connection.record).await?.ok_or(ClientError::ConnectionLost)?;
        Ok((socket, connection.hello.epoch.clone()))
    }

    /// The connection, made anew where it was lost.
    async fn connection(&self) -> Result<Arc<Connection>, ClientError> {
        let mut current = self.shared.connection.lock().await;
        if !current.rpc.is_connected() {
            let options = ConnectOptions { start: self.start, ..self.shared.options.clone() };
            *current = Arc::new(Connection::open(&self.shared.place, &options).await?);
        }
        Ok(Arc::clone(&current))
    }
}

impl Connection {
    /// Connects and says hello.
    async fn open(place: &Place, options: &ConnectOptions) -> Result<Connection, ClientError> {
        start::persistently(options.start, || Connection::open_once(place, options)).await
    }

    async fn open_once(place: &Place, options: &ConnectOptions) -> Result<Connection, ClientError> {
        let (record, stream) = start::connect(place, options.start).await?;
        if record.protocol_version.major != PROTOCOL_VERSION.major {
            return Err(ClientError::ProtocolVersion {
                daemon: record.version,
                theirs: record.protocol_version,
                ours: PROTOCOL_VERSION,
            });
        }
        let (sender, receiver) = WsTransportClientBuilder::default()
            .max_request_size(MAX_MESSAGE)
            .max_response_size(MAX_MESSAGE)
            .build_with_stream(url(RPC_PATH)?, stream)
            .await
            .map_err(|error| ClientError::Transport(error.into()))?;
        let rpc = ClientBuilder::default()
            .request_timeout(CALL_LIMIT)
            .max_buffer_capacity_per_subscription(FEED_CAPACITY)
            .build_with_tokio(sender, receiver);
        let params = DaemonHelloParams {
            protocol_version: PROTOCOL_VERSION,
            client: options.program.clone(),
            environment: options.environment.clone(),
            context: options.context.clone(),
        };
        let hello = rpc.request(DaemonHello::NAME, Named(&params));
        let hello = tokio::time::timeout(HELLO_LIMIT, hello)
            .await
            .map_err(|_| ClientError::Timeout { method: DaemonHello::NAME, limit: HELLO_LIMIT })?
            .map_err(|error| from_rpc(DaemonHello::NAME, error))?;
        Ok(Connection { rpc, record, hello })
    }

    async fn call<M: Method>(&self, params: &M::Params) -> Result<M::Result, ClientError> {
        self.rpc.request(M::NAME, Named(params)).await.map_err(|error| from_rpc(M::NAME, error))
    }

    /// True when the daemon is of an older build of the same program and nothing would be missed.
    async fn is_replaceable(&self, program: &Program) -> bool {
        if self.hello.daemon.name != program.name || !is_older(&self.hello.daemon.version, &program.version) {
            return false;
        }
        matches!(self.call::<DaemonStatusMethod>(&Empty {}).await, Ok(status) if is_idle(&status))
    }

    /// Ends the daemon and waits until the connection to it is gone.
    async fn end(self) -> Result<(), ClientError> {
        match self.call::<DaemonShutdown>(&Empty {}).await {
            Ok(_) | Err(ClientError::ConnectionLost) => {}
            Err(error) => return Err(error),
        }
        // one that does not go is met again by the next connection, which then goes on with it
        let _ = tokio::time::timeout(HELLO_LIMIT, self.rpc.on_disconnect()).await;
        Ok(())
    }
}

/// True when the only thing that the daemon is busy with is the connection that asks.
fn is_idle(status: &DaemonStatus) -> bool {
    let activity = status.activity;
    activity.connections <= 1
        && [activity.operations, activity.processes, activity.streams, activity.watches]
            .iter()
            .all(|count| *count == 0)
}

/// Compares `major.minor.patch`; what is not of that form is never older.
fn is_older(theirs: &str, ours: &str) -> bool {
    fn numbers(version: &str) -> Option<[u64; 3]> {
        let mut parts = version.split('.').map(|part| part.parse().ok());
        let numbers = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(numbers)
    }
    matches!((numbers(theirs), numbers(ours)), (Some(theirs), Some(ours)) if theirs < ours)
}

/// The address of a path on the daemon's socket; the host is what the daemon expects of local clients.
pub(crate) fn url(path: &str) -> Result<Url, ClientError> {
    Url::parse(&format!("ws://localhost{path}")).map_err(|error| ClientError::Transport(error.into()))
}

/// Parameters by name: the type's own fields.
struct Named<'a, P>(&'a P);

impl<P: Serialize> ToRpcParams for Named<'_, P> {
    fn to_rpc_params(self) -> Result<Option<Box<RawValue>>, serde_json::Error> {
        serde_json::value::to_raw_value(self.0).map(Some)
    }
}

fn from_rpc(method: &'static str, error: RpcError) -> ClientError {
    match error {
        RpcError::Call(object) => {
            let data = object.data().and_then(|data| serde_json::from_str(data.get()).ok());
            ClientError::Rpc(Box::new(data.unwrap_or_else(|| {
                let kind = ErrorKind::from_number(object.code()).unwrap_or(ErrorKind::Internal);
                ErrorData::new(kind, object.message())
            })))
        }
        RpcError::RestartNeeded(_) | RpcError::ServiceDisconnect => ClientError::ConnectionLost,
        RpcError::Transport(source) => ClientError::Transport(source),
        RpcError::RequestTimeout => ClientError::Timeout { method, limit: CALL_LIMIT },
        RpcError::ParseError(source) => {
            ClientError::Malformed { what: format!("answer to {method}"), source: source.into() }
        }
        other => ClientError::Transport(Box::new(other)),
    }
}

/// The items of a subscription; dropping it ends the subscription.
pub struct Feed<S: Subscription> {
    inner: RpcSubscription<S::Item>,
    /// A feed lives as long as its connection.
    _connection: Arc<Connection>,
    items: PhantomData<fn() -> S>,
}

impl<S: Subscription> std::fmt::Debug for Feed<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").field("of", &S::SUBSCRIBE).finish_non_exhaustive()
    }
}

impl<S: Subscription> Feed<S> {
    /// The next item.
    ///
    /// # Errors
    /// [`ClientError::ConnectionLost`] and [`ClientError::Lagged`] end the feed: subscribe again with the last
    /// item's cursor. [`ClientError::Malformed`] is about one item.
    pub async fn next(&mut self) -> Result<S::Item, ClientError> {
        match self.inner.next().await {
            Some(Ok(item)) => Ok(item),
            Some(Err(source)) => Err(ClientError::Malformed {
                what: format!("item of {}", S::SUBSCRIBE),
                source: source.into(),
            }),
            None => Err(match self.inner.close_reason() {
                Some(SubscriptionCloseReason::Lagged) => ClientError::Lagged,
                _ => ClientError::ConnectionLost,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_older_build_is_replaced() {
        assert!(is_older("0.1.0", "0.1.1"));
        assert!(is_older("0.9.0", "0.10.0"));
        for (theirs, ours) in [("0.1.0", "0.1.0"), ("0.2.0", "0.1.9"), ("dev", "0.1.0"), ("0.1.0-a", "0.1.0")]
        {
            assert!(!is_older(theirs, ours), "{theirs} {ours}");
        }
    }

    #[test]
    fn an_error_without_our_data_keeps_its_kind_by_number() {
        let object = jsonrpsee::types::ErrorObjectOwned::owned(1003, "no such container", None::<()>);
        let ClientError::Rpc(data) = from_rpc("container/stop", RpcError::Call(object)) else { panic!() };
        assert_eq!((data.kind, data.message.as_str()), (ErrorKind::NotFound, "no such container"));
    }

    #[test]
    fn an_error_keeps_all_that_the_daemon_said() {
        let said = ErrorData::new(ErrorKind::Conflict, "the name is in use").hint("choose another");
        let object = jsonrpsee::types::ErrorObjectOwned::owned(1004, "the name is in use", Some(&said));
        let ClientError::Rpc(data) = from_rpc("container/run", RpcError::Call(object)) else { panic!() };
        assert_eq!(*data, said);
    }
}
