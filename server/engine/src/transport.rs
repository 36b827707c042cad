//! One way to an engine: a connector that opens byte streams over a Unix socket, TCP, TLS or ssh.
//!
//! hyper's client takes it for bollard's calls and for our own streams alike. It counts living connections: when the
//! last one has ended the engine may have been replaced, so whatever was negotiated with it is forgotten (`epoch`).

mod ssh;
mod tcp;
mod tls;
mod unix;

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinHandle;

use crate::endpoint::{Address, Endpoint};

/// How long opening a connection may take.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// How long a helper program's last words are waited for.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A byte stream to an engine.
pub(crate) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// What the connections to one engine share.
#[derive(Default)]
pub(crate) struct Connections {
    living: AtomicUsize,
    epoch: AtomicU64,
    /// The last words on standard error of a connection's helper program (`ssh`).
    complaint: Mutex<String>,
    /// Who listens to these.
    listener: Mutex<Option<JoinHandle<()>>>,
    /// The environment of the client that was here last, for the helper programs of connections to come.
    environment: Mutex<BTreeMap<String, String>>,
}

impl Connections {
    /// Grows whenever the engine behind the connections may have become another one.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Says that the engine may have become another one.
    pub(crate) fn next_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// What the helper program last complained about; empty when it did not.
    pub(crate) fn complaint(&self) -> String {
        self.complaint.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits shortly for the helper program's last words, after a connection broke.
    pub(crate) async fn hear_out(&self) {
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(listener) = listener {
            let _still_talking = tokio::time::timeout(LAST_WORDS, listener).await;
        }
    }

    /// Says in which environment connections are opened from now on.
    pub(crate) fn open_in(&self, environment: &BTreeMap<String, String>) {
        self.environment.lock().unwrap_or_else(PoisonError::into_inner).clone_from(environment);
    }

    fn environment(&self) -> BTreeMap<String, String> {
        self.environment.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn listened_to_by(&self, listener: JoinHandle<()>) {
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = Some(listener);
    }

    fn complain(&self, words: String) {
        *self.complaint.lock().unwrap_or_else(PoisonError::into_inner) = words;
    }
}

/// Opens connections to one engine. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Connector {
    endpoint: Arc<Endpoint>,
    connections: Arc<Connections>,
}

impl Connector {
    pub(crate) fn new(endpoint: Arc<Endpoint>, connections: Arc<Connections>) -> Self {
        Self { endpoint, connections }
    }

    async fn open(self) -> io::Result<EngineConnection> {
        let opening = async {
            Ok::<Box<dyn ByteStream>, io::Error>(match &self.endpoint.address {
                Address::Unix { path } => Box::new(unix::open(path).await?),
                Address::Tcp { host, port } => Box::new(tcp::open(host, *port).await?),
                Address::Tls { host, port, certificates } => {
                    Box::new(tls::open(host, *port, certificates).await?)
                }
                Address::Ssh { user, host, port, socket } => Box::new(ssh::open(
                    &ssh::arguments(user.as_deref(), host, *port, socket.as_deref()),
                    &self.connections.environment(),
                    &self.connections,
                )?),
            })
        };
        let stream = tokio::time::timeout(CONNECT_LIMIT, opening)
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no connection within 5 s"))??;
        self.connections.living.fetch_add(1, Ordering::AcqRel);
        Ok(EngineConnection { stream, connections: self.connections })
    }
}

impl tower::Service<http::Uri> for Connector {
    type Response = TokioIo<EngineConnection>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.open().await.map(TokioIo::new) })
    }
}

/// An open connection. Its end is counted.
pub(crate) struct EngineConnection {
    stream: Box<dyn ByteStream>,
    connections: Arc<Connections>,
}

impl Drop for EngineConnection {
    fn drop(&mut self) {
        if self.connections.living.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.connections.next_epoch();
        }
    }
}

impl Connection for EngineConnection {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for EngineConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for EngineConnection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
