//! What one client may have at once (T20).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gangplank_protocol::{ErrorData, ErrorKind};
use jsonrpsee::MethodResponse;
use jsonrpsee::core::middleware::{Batch, Notification, RpcServiceT};
use jsonrpsee::server::{BatchRequestConfig, PingConfig, ServerConfig};
use jsonrpsee::types::Request;

use crate::connection::Connection;
use crate::daemon::Daemon;

/// Longest request and longest answer, in bytes; what is longer travels on a stream.
const LONGEST_MESSAGE: u32 = 1024 * 1024;
/// Calls in one batch.
const LARGEST_BATCH: u32 = 32;
/// Subscriptions of one connection.
const MOST_SUBSCRIPTIONS: u32 = 256;
/// Answers and notifications waiting to be written to one connection.
const MESSAGE_BUFFER: u32 = 64;
/// Calls of one connection in flight beyond which new ones are refused. Reading pauses well before.
const MOST_CALLS: usize = 512;
/// A ping goes out so often; a client that answers none for 20 s is gone.
const PING_EVERY: Duration = Duration::from_secs(5);
const DEAD_AFTER: Duration = Duration::from_secs(20);

/// The RPC server's settings.
pub fn server_config(most_connections: usize) -> ServerConfig {
    ServerConfig::builder()
        .ws_only()
        .max_request_body_size(LONGEST_MESSAGE)
        .max_response_body_size(LONGEST_MESSAGE)
        .max_connections(u32::try_from(most_connections).unwrap_or(u32::MAX))
        .max_subscriptions_per_connection(MOST_SUBSCRIPTIONS)
        .set_batch_request_config(BatchRequestConfig::Limit(LARGEST_BATCH))
        .set_message_buffer_capacity(MESSAGE_BUFFER)
        .enable_ws_ping(
            PingConfig::new().ping_interval(PING_EVERY).inactive_limit(DEAD_AFTER).max_failures(1),
        )
        .build()
}

/// Counts the calls in flight of one connection and refuses what is too much.
#[derive(Debug, Clone)]
pub struct CallLimit<S> {
    inner: S,
    connection: Connection,
    daemon: Arc<Daemon>,
}

impl<S> CallLimit<S> {
    /// Puts the connection's calls behind the limit.
    pub fn new(inner: S, connection: Connection, daemon: Arc<Daemon>) -> Self {
        Self { inner, connection, daemon }
    }
}

impl<S> RpcServiceT for CallLimit<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            NotificationResponse = MethodResponse,
            BatchResponse = MethodResponse,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let (inner, connection, daemon) =
            (self.inner.clone(), self.connection.clone(), Arc::clone(&self.daemon));
        async move {
            if connection.gate().calls() >= MOST_CALLS {
                daemon.counters.calls_refused.fetch_add(1, Ordering::Relaxed);
                let error = ErrorData::new(
                    ErrorKind::Busy,
                    format!("more than {MOST_CALLS} calls of this client are in flight"),
                )
                .hint("wait for answers before sending more");
                return MethodResponse::error(request.id, super::wire_error(&error));
            }
            let _in_flight = connection.gate().enter();
            let _turn = connection.gate().turn().await;
            inner.call(request).await
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let (inner, connection) = (self.inner.clone(), self.connection.clone());
        async move {
            let _in_flight: Vec<_> = (0..batch.len()).map(|_| connection.gate().enter()).collect();
            let _turn = connection.gate().turn().await;
            inner.batch(batch).await
        }
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = MethodResponse> + Send + 'a {
        let inner = self.inner.clone();
        async move { inner.notification(notification).await }
    }
}
