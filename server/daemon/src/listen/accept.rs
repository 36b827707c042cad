//! Accepting connections: each is read behind its gate, admitted, and handed to the RPC server or to a stream.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{HeaderValue, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jsonrpsee::RpcModule;
use jsonrpsee::core::middleware::RpcServiceBuilder;
use jsonrpsee::server::{
    HttpBody, HttpResponse, Server, ServerHandle, StopHandle, TowerServiceBuilder, stop_channel,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;
use tower::layer::layer_fn;
use tower::layer::util::Identity;

use super::admit::{Door, Refusal, Route};
use super::gate::Gated;
use super::limit::{Limits, MOST_CONTROL};
use super::{TcpDoor, UnixDoor};
use crate::connection::Connection;
use crate::daemon::{Counted, Daemon};
use crate::process::Client;
use crate::{rpc, stream};

/// How long a connection may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause after a failed accept (no file descriptors left), so that it does not spin.
const BREATHER: Duration = Duration::from_millis(100);

/// The doors and everything behind them.
#[derive(Debug, Clone)]
pub struct Doors {
    daemon: Arc<Daemon>,
    methods: RpcModule<Arc<Daemon>>,
    limits: Limits,
    /// One for all connections, since it counts them.
    rpc_server: TowerServiceBuilder<Identity, Identity>,
    stop_handle: StopHandle,
    tasks: TaskTracker,
}

impl Doors {
    /// Doors that lead to `methods`; the handle ends the RPC connections.
    pub fn new(daemon: Arc<Daemon>, methods: RpcModule<Arc<Daemon>>) -> (Self, ServerHandle) {
        let (stop_handle, server_handle) = stop_channel();
        let rpc_server = Server::builder().set_config(rpc::server_config(MOST_CONTROL)).to_service_builder();
        let tasks = TaskTracker::new();
        (Self { daemon, methods, limits: Limits::new(), rpc_server, stop_handle, tasks }, server_handle)
    }

    /// Closes the doors; what is left are the streams.
    pub fn into_streams(self) -> TaskTracker {
        self.tasks
    }

    /// Serves the Unix socket until the daemon stops.
    pub async fn serve_unix(self, mut door: UnixDoor, allowed_origins: Vec<String>) {
        let admits = Door::Unix { allowed_origins };
        let stop = self.daemon.stop.clone();
        while let Some(accepted) = stop.run_until_cancelled(door.accept()).await {
            match accepted {
                Ok(socket) => {
                    let peer = socket.peer_cred().ok().and_then(|peer| u32::try_from(peer.pid()?).ok());
                    self.take(socket, Connection::of(peer), admits.clone()).await;
                }
                Err(error) => breathe(&error).await,
            }
        }
    }

    /// Serves the loopback port until the daemon stops.
    pub async fn serve_tcp(mut self, mut door: TcpDoor, allowed_origins: Vec<String>) {
        self.limits = self.limits.of_another_door();
        let admits = Door::Tcp { port: door.address.port(), token: door.token.clone(), allowed_origins };
        let stop = self.daemon.stop.clone();
        while let Some(accepted) = stop.run_until_cancelled(door.accept()).await {
            match accepted {
                Ok(socket) => self.take(socket, Connection::default(), admits.clone()).await,
                Err(error) => breathe(&error).await,
            }
        }
    }

    async fn take<S>(&self, socket: S, connection: Connection, door: Door)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let Some(unrouted) = self.limits.unrouted().await else { return };
        let doors = self.clone();
        tokio::spawn(async move {
            let socket = Gated::new(socket, connection.gate().clone());
            let unrouted = Arc::new(std::sync::Mutex::new(Some(unrouted)));
            let stop = doors.daemon.stop.clone();
            let service = service_fn(move |request| {
                // The place among those who have not said what they want is free now.
                drop(unrouted.lock().map(|mut place| place.take()));
                let (doors, door, connection) = (doors.clone(), door.clone(), connection.clone());
                async move { Ok::<_, Infallible>(doors.answer(&door, connection, request).await) }
            });
            let serving = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .max_buf_size(16 * 1024)
                .serve_connection(TokioIo::new(socket), service)
                .with_upgrades();
            if let Some(Err(error)) = stop.run_until_cancelled(serving).await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }

    async fn answer(
        &self,
        door: &Door,
        connection: Connection,
        request: http::Request<Incoming>,
    ) -> HttpResponse {
        match door.admit(request.method(), request.uri(), request.headers()) {
            Err(refusal) => self.refuse(&refusal),
            Ok(Route::Rpc) => self.rpc(connection, request).await,
            Ok(Route::Stream(id)) => self.stream(&id, request),
        }
    }

    fn refuse(&self, refusal: &Refusal) -> HttpResponse {
        self.daemon.counters.connections_refused.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(status = %refusal.status, reason = refusal.reason, "a request was refused");
        let mut response = Response::new(HttpBody::from(format!("{}\n", refusal.reason)));
        *response.status_mut() = refusal.status;
        // Nothing more is read from a peer that was refused.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    }

    async fn rpc(&self, connection: Connection, mut request: http::Request<Incoming>) -> HttpResponse {
        request.extensions_mut().insert(connection.clone());
        let daemon = Arc::clone(&self.daemon);
        let limited = RpcServiceBuilder::new().layer(layer_fn(move |inner| {
            rpc::CallLimit::new(inner, connection.clone(), Arc::clone(&daemon))
        }));
        let builder = self.rpc_server.clone().set_rpc_middleware(limited);
        let mut service = builder.build(self.methods.clone(), self.stop_handle.clone());
        let closed = service.on_session_closed();
        let daemon = Arc::clone(&self.daemon);
        tokio::spawn(async move {
            let _open = Counted::one(&daemon.counters.connections);
            closed.await;
        });
        service.call(request).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "the RPC server could not take a connection");
            self.refuse(&Refusal { status: StatusCode::BAD_REQUEST, reason: "the upgrade failed" })
        })
    }

    fn stream(&self, id: &str, request: http::Request<Incoming>) -> HttpResponse {
        let Some(place) = self.limits.stream() else {
            return self.refuse(&Refusal {
                status: StatusCode::SERVICE_UNAVAILABLE,
                reason: "too many streams are open",
            });
        };
        let Some(key) = request.headers().get(header::SEC_WEBSOCKET_KEY) else {
            return self.refuse(&Refusal {
                status: StatusCode::BAD_REQUEST,
                reason: "Sec-WebSocket-Key is missing",
            });
        };
        let accept = derive_accept_key(key.as_bytes());
        let Some(client) = self.daemon.tickets.take(id) else {
            return self.refuse(&Refusal {
                status: StatusCode::NOT_FOUND,
                reason: "this stream's ticket is used or has expired",
            });
        };
        let (daemon, stop) = (Arc::clone(&self.daemon), self.daemon.stop.clone());
        self.tasks.spawn(async move {
            let _place = place;
            let _open = Counted::one(&daemon.counters.streams);
            carry(request, client, stop).await;
        });
        let mut response = Response::new(HttpBody::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = HeaderValue::from_str(&accept) {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        response
    }
}

async fn carry(request: http::Request<Incoming>, client: Client, stop: CancellationToken) {
    match hyper::upgrade::on(request).await {
        Ok(upgraded) => stream::serve(upgraded, client, stop).await,
        Err(error) => tracing::debug!(%error, "a stream was not upgraded"),
    }
}

async fn breathe(error: &std::io::Error) {
    tracing::warn!(%error, "a connection could not be accepted");
    tokio::time::sleep(BREATHER).await;
}
