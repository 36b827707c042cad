//! The few requests to an engine's API that the harness itself makes: answers as JSON, bodies from files.
//!
//! Not bollard: only `server/engine` knows it, and a harness that used the product's own client could not tell the
//! product's faults from the engine's.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::TryStreamExt;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use serde_json::Value;

use crate::error::HarnessError;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What a request carries.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// Nothing.
    Empty,
    /// A JSON value.
    Json(&'a Value),
    /// A tar archive, read from this file.
    Tar(&'a Path),
}

/// An engine's API on its Unix socket.
#[derive(Debug, Clone)]
pub struct Api {
    socket: PathBuf,
}

/// An answer: the status and the whole body.
struct Answer {
    status: u16,
    version: Option<String>,
    body: Bytes,
}

impl Api {
    /// The API on `socket`.
    #[must_use]
    pub fn on(socket: impl Into<PathBuf>) -> Api {
        Api { socket: socket.into() }
    }

    /// The engine's own API version, if it answers.
    ///
    /// # Errors
    /// When nothing answers on the socket.
    pub fn version(&self) -> Result<String, HarnessError> {
        let answer = self.send("GET", "/_ping", Body::Empty)?;
        Ok(answer.version.unwrap_or_default())
    }

    /// `GET path`, answered by JSON.
    ///
    /// # Errors
    /// When the engine does not answer, or not with success.
    pub fn get(&self, path: &str) -> Result<Value, HarnessError> {
        self.request("GET", path, Body::Empty)
    }

    /// All images, intermediate ones too when `all`. Asked for again when one was removed meanwhile, which the containerd
    /// store answers with 404.
    ///
    /// # Errors
    /// When the engine does not answer, or not with success.
    pub fn images(&self, all: bool) -> Result<Value, HarnessError> {
        let mut attempts = 10;
        loop {
            attempts -= 1;
            match self.get(&format!("/images/json?all={all}")) {
                Err(HarnessError::Refused { status: 404, .. }) if attempts > 0 => {}
                answer => return answer,
            }
        }
    }

    /// `POST path`. An answer that streams several JSON values gives the last; one of them that tells of an error
    /// is an error.
    ///
    /// # Errors
    /// When the engine does not answer, not with success, or reports a failure within its answer.
    pub fn post(&self, path: &str, body: Body<'_>) -> Result<Value, HarnessError> {
        self.request("POST", path, body)
    }

    /// `DELETE path`.
    ///
    /// # Errors
    /// When the engine does not answer, or not with success.
    pub fn delete(&self, path: &str) -> Result<Value, HarnessError> {
        self.request("DELETE", path, Body::Empty)
    }

    fn request(&self, method: &str, path: &str, body: Body<'_>) -> Result<Value, HarnessError> {
        let version = self.version()?;
        let path = format!("/v{version}{path}");
        let answer = self.send(method, &path, body)?;
        let refused = |message: String| HarnessError::Refused {
            request: format!("{method} {path}"),
            status: answer.status,
            message,
        };
        if !(200..300).contains(&answer.status) {
            return Err(refused(String::from_utf8_lossy(&answer.body).trim().to_owned()));
        }
        let mut last = Value::Null;
        for value in serde_json::Deserializer::from_slice(&answer.body).into_iter::<Value>() {
            // an answer in another form than JSON is not for us to read
            let Ok(value) = value else { break };
            if let Some(message) = value.get("error").and_then(Value::as_str) {
                return Err(refused(message.to_owned()));
            }
            last = value;
        }
        Ok(last)
    }

    /// One connection and one request, on a thread of its own so that callers inside a runtime may use it too.
    fn send(&self, method: &str, path: &str, body: Body<'_>) -> Result<Answer, HarnessError> {
        let run = || -> Result<Answer, Failure> {
            tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(exchange(
                &self.socket,
                method,
                path,
                body,
            ))
        };
        std::thread::scope(|scope| scope.spawn(run).join())
            .unwrap_or_else(|_| Err("the request panicked".into()))
            .map_err(|source| HarnessError::Transport {
                request: format!("{method} {path}"),
                socket: self.socket.clone(),
                source,
            })
    }
}

async fn exchange(socket: &Path, method: &str, path: &str, body: Body<'_>) -> Result<Answer, Failure> {
    let stream = tokio::net::UnixStream::connect(socket).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(stream)).await?;
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("Host", "engine")
        // engines want one on a push, even where the registry wants none: this is `{}`
        .header("X-Registry-Auth", "e30=");
    let request = match body {
        Body::Empty => request.body(whole(Bytes::new()))?,
        Body::Json(value) => {
            request.header("Content-Type", "application/json").body(whole(value.to_string().into()))?
        }
        Body::Tar(file) => {
            let file = tokio::fs::File::open(file).await?;
            let chunks = tokio_util::io::ReaderStream::with_capacity(file, 1 << 18);
            let stream = StreamBody::new(chunks.map_ok(Frame::data).map_err(Failure::from));
            request.header("Content-Type", "application/x-tar").body(BodyExt::boxed(stream))?
        }
    };
    let answer = async {
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let version = response.headers().get("Api-Version").and_then(|value| value.to_str().ok());
        let version = version.map(str::to_owned);
        let body = response.into_body().collect().await?.to_bytes();
        Ok::<_, Failure>(Answer { status, version, body })
    };
    tokio::select! {
        answer = answer => answer,
        Err(broken) = connection => Err(broken.into()),
    }
}

fn whole(bytes: Bytes) -> BoxBody<Bytes, Failure> {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}
