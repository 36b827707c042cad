//! The engine's API with as little around it as can be: one kept connection, no types. It is the limit that the product
//! is measured against, so it must not cost anything of its own.

use bytes::Bytes;
use gangplank_tests::Engine;
use gangplank_tests::error::HarnessError;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::runtime::Runtime;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A connection to the engine.
pub(crate) struct Raw {
    runtime: Runtime,
    sender: SendRequest<Full<Bytes>>,
    prefix: String,
    socket: std::path::PathBuf,
}

impl Raw {
    pub(crate) fn connect(engine: &Engine) -> Result<Self, HarnessError> {
        let socket = engine.socket();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(HarnessError::io("start a runtime for", &socket))?;
        let connected: Result<_, Failure> = runtime.block_on(async {
            let (sender, connection) = handshake(TokioIo::new(UnixStream::connect(&socket).await?)).await?;
            tokio::spawn(connection);
            Ok(sender)
        });
        let sender = connected.map_err(|source| transport("connect", &socket, source))?;
        let prefix = format!("/v{}", engine.api().version()?);
        Ok(Self { runtime, sender, prefix, socket })
    }

    /// One request; the answer as JSON, or nothing where it has none.
    pub(crate) fn call(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, HarnessError> {
        let text = body.map(ToString::to_string).unwrap_or_default();
        let answered: Result<(u16, Bytes), Failure> = self.runtime.block_on(async {
            let request = http::Request::builder()
                .method(method)
                .uri(format!("{}{path}", self.prefix))
                .header("Host", "engine")
                .header("Content-Type", "application/json")
                .body(Full::new(Bytes::from(text)))?;
            self.sender.ready().await?;
            let answer = self.sender.send_request(request).await?;
            let status = answer.status().as_u16();
            Ok((status, answer.into_body().collect().await?.to_bytes()))
        });
        let (status, body) = answered.map_err(|source| transport(path, &self.socket, source))?;
        if status >= 400 {
            let message = String::from_utf8_lossy(&body).into_owned();
            return Err(HarnessError::Refused { request: format!("{method} {path}"), status, message });
        }
        Ok(serde_json::from_slice(&body).unwrap_or_default())
    }
}

fn transport(request: &str, socket: &std::path::Path, source: Failure) -> HarnessError {
    HarnessError::Transport { request: request.to_owned(), socket: socket.to_owned(), source }
}
