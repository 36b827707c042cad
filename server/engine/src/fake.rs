//! A fake engine on a Unix socket for this crate's tests: scripted answers, and a record of what was asked.
//!
//! It refuses what no request of ours may be: one without an API version, and one that unpacks an archive in a
//! container that was not just seen to be never started, or a compressed one.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixListener;
use tokio::task::{AbortHandle, JoinSet};

use crate::endpoint::Address;
use crate::{Endpoint, Engine};

/// A request as the fake engine got it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Method and target without the version: `GET /containers/json?all=true`.
    pub(crate) line: String,
    /// The version on its path, as text.
    pub(crate) version: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

type Chunks = Pin<Box<dyn Stream<Item = Bytes> + Send>>;

/// What the fake engine does with a request.
pub(crate) enum Reply {
    Json(u16, serde_json::Value),
    /// An answer in chunks, which ends when the stream does.
    Chunks(Chunks),
    /// An upgrade: these bytes, then all input back until it is closed.
    Hijack(Vec<u8>),
    /// An upgrade: these bytes and their end; what is sent there is never read.
    HijackDeaf(Vec<u8>),
    /// The connection is closed without an answer.
    Drop,
    /// No answer, ever.
    Hang,
}

pub(crate) fn json(value: serde_json::Value) -> Reply {
    Reply::Json(200, value)
}

pub(crate) fn refuse(status: u16, message: &str) -> Reply {
    Reply::Json(status, serde_json::json!({ "message": message }))
}

pub(crate) fn chunks(chunks: &[&str]) -> Reply {
    let chunks: Vec<_> = chunks.iter().map(|chunk| Bytes::copy_from_slice(chunk.as_bytes())).collect();
    Reply::Chunks(Box::pin(futures_util::stream::iter(chunks)))
}

type Script = dyn Fn(&Asked) -> Reply + Send + Sync;

struct State {
    /// The newest version it speaks.
    version: Mutex<String>,
    asked: Mutex<Vec<Asked>>,
    violations: Mutex<Vec<String>>,
    /// By id or name: the state in which the script has last shown a container.
    shown: Mutex<HashMap<String, String>>,
    script: Box<Script>,
}

pub(crate) struct FakeEngine {
    folder: tempfile::TempDir,
    state: Arc<State>,
    running: Mutex<Option<AbortHandle>>,
}

impl FakeEngine {
    /// Starts one that speaks `version` and answers by `script`; `/_ping` it answers itself.
    pub(crate) fn start(version: &str, script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let state = State {
            version: Mutex::new(version.to_owned()),
            asked: Mutex::default(),
            violations: Mutex::default(),
            shown: Mutex::default(),
            script: Box::new(script),
        };
        let engine =
            Self { folder: tempfile::tempdir().unwrap(), state: Arc::new(state), running: Mutex::new(None) };
        engine.start_again(version);
        engine
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("engine.sock")
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::new(Address::Unix { path: self.socket() }, &std::collections::BTreeMap::new())
    }

    pub(crate) async fn connect(&self) -> Engine {
        Engine::connect(self.endpoint()).await.unwrap()
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().unwrap().clone()
    }

    /// Ends it with all its connections, as a killed engine does: its socket stays.
    pub(crate) fn stop(&self) {
        if let Some(running) = self.running.lock().unwrap().take() {
            running.abort();
        }
    }

    /// From now on it speaks another version, on the connections that it has.
    pub(crate) fn speak(&self, version: &str) {
        version.clone_into(&mut self.state.version.lock().unwrap());
    }

    /// Starts it again, perhaps as another version.
    pub(crate) fn start_again(&self, version: &str) {
        self.stop();
        self.speak(version);
        let listener = listen(&self.socket());
        let serving = tokio::spawn(serve(listener, Arc::clone(&self.state)));
        *self.running.lock().unwrap() = Some(serving.abort_handle());
    }
}

impl Drop for FakeEngine {
    fn drop(&mut self) {
        self.stop();
        let violations = self.state.violations.lock().unwrap().clone();
        if !std::thread::panicking() {
            assert!(violations.is_empty(), "requests that must not be: {violations:?}");
        }
    }
}

fn listen(socket: &Path) -> UnixListener {
    if socket.exists() {
        std::fs::remove_file(socket).unwrap();
    }
    UnixListener::bind(socket).unwrap()
}

async fn serve(listener: UnixListener, state: Arc<State>) {
    // Aborting this task drops the set, which ends all connections.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = hyper::service::service_fn(|request| answer(Arc::clone(&state), request));
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            let _broken_by_script = connection.with_upgrades().await;
        });
    }
}

type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

async fn answer(state: Arc<State>, mut request: Request<Incoming>) -> Result<Answer, std::io::Error> {
    let speaks = state.version.lock().unwrap().clone();
    let target = request.uri().path_and_query().unwrap().as_str().to_owned();
    if target == "/_ping" {
        let answer = Response::builder().header("Api-Version", &speaks).header("Server", "Docker/0 (fake)");
        return Ok(answer.body(full("OK".into())).unwrap());
    }
    let upgrade = hyper::upgrade::on(&mut request);
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    let Some((version, path)) = target.strip_prefix("/v").and_then(|target| target.split_once('/')) else {
        state.violations.lock().unwrap().push(format!("no version: {target}"));
        return Ok(plain(500, "no version"));
    };
    let asked = Asked {
        line: format!("{} /{path}", parts.method),
        version: version.to_owned(),
        headers: parts.headers,
        body,
    };
    if let Some(why) = unpacks_where_it_must_not(&state, &asked) {
        state.violations.lock().unwrap().push(format!("{}: {why}", asked.line));
        return Ok(plain(500, why));
    }
    let newest = |text: &str| text.split_once('.').unwrap().1.parse::<u16>().unwrap();
    state.asked.lock().unwrap().push(asked.clone());
    if newest(version) > newest(&speaks) {
        let message =
            format!("client version {version} is too new. Maximum supported API version is {speaks}");
        return Ok(plain(400, &message));
    }
    let reply = (state.script)(&asked);
    if let (Some(container), Reply::Json(_, value)) = (inspected(&asked), &reply) {
        let status = value["State"]["Status"].as_str().unwrap_or_default().to_owned();
        for name in [Some(container), value["Id"].as_str()].into_iter().flatten() {
            state.shown.lock().unwrap().insert(name.to_owned(), status.clone());
        }
    }
    match reply {
        Reply::Json(status, value) => {
            Ok(Response::builder().status(status).body(full(value.to_string().into())).unwrap())
        }
        Reply::Chunks(chunks) => {
            use futures_util::StreamExt as _;
            let frames = chunks.map(|chunk| Ok(Frame::data(chunk)));
            Ok(Response::new(StreamBody::new(frames).boxed_unsync()))
        }
        Reply::Hijack(bytes) => {
            tokio::spawn(async move {
                let (mut input, mut output) = tokio::io::split(TokioIo::new(upgrade.await.unwrap()));
                output.write_all(&bytes).await.unwrap();
                tokio::io::copy(&mut input, &mut output).await.unwrap();
                output.shutdown().await.unwrap();
            });
            Ok(switching())
        }
        Reply::HijackDeaf(bytes) => {
            tokio::spawn(async move {
                let mut upgraded = TokioIo::new(upgrade.await.unwrap());
                upgraded.write_all(&bytes).await.unwrap();
                upgraded.shutdown().await.unwrap();
                // Closed, it would tell the sender.
                std::future::pending::<()>().await;
            });
            Ok(switching())
        }
        Reply::Drop => Err(std::io::Error::other("dropped by the script")),
        Reply::Hang => std::future::pending().await,
    }
}

fn switching() -> Answer {
    let answer = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
    answer.header("Connection", "Upgrade").header("Upgrade", "tcp").body(full(Bytes::new())).unwrap()
}

fn inspected(asked: &Asked) -> Option<&str> {
    asked.line.strip_prefix("GET /containers/")?.strip_suffix("/json")
}

/// Why an archive must not be unpacked there.
fn unpacks_where_it_must_not(state: &State, asked: &Asked) -> Option<&'static str> {
    let (container, _) = asked.line.strip_prefix("PUT /containers/")?.split_once("/archive")?;
    if state.shown.lock().unwrap().get(container).is_none_or(|status| status != "created") {
        return Some("the container may have been started");
    }
    let plain = asked.body.get(257..262) == Some(b"ustar") && !asked.headers.contains_key("content-encoding");
    (!plain).then_some("the archive is compressed, or none")
}

fn full(bytes: Bytes) -> UnsyncBoxBody<Bytes, Infallible> {
    Full::new(bytes).boxed_unsync()
}

fn plain(status: u16, message: &str) -> Answer {
    let body = serde_json::json!({ "message": message }).to_string();
    Response::builder().status(status).body(full(body.into())).unwrap()
}
