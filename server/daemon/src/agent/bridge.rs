//! One bridge: an engine's exec whose standard input and output carry frames to an agent's core and back, once both have
//! proven the key.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, Stream, StreamExt as _};
use gangplank_agent_protocol::frame::{FrameError, MAX_TO_AGENT, MAX_TO_DAEMON, ToAgent, ToDaemon};
use gangplank_agent_protocol::handshake::{
    ANSWER_LENGTH, Handshake, HandshakeError, Hello, Identity, OWN_VERSIONS, agent_answer,
};
use gangplank_agent_protocol::message::{Seed, Welcome};
use gangplank_engine::exec::ExecSpec;
use gangplank_engine::{Engine, EngineError, InputWriter, OutputStream, Session, Source};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};
use tokio_util::io::StreamReader;

use super::known::Known;

/// How long an agent has to answer the first hello: its exec's start on a busy engine is in it.
const PATIENCE: Duration = Duration::from_secs(30);
/// The exit code of a bridge that found no core.
const NO_CORE: i64 = 3;
/// Most that is kept of what a bridge complains.
const MOST_COMPLAINTS: usize = 2048;

/// What a bridge is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    /// Start the agent's core first.
    Start,
    /// Connect to the core that runs.
    Connect,
}

/// Frames to an agent and back.
pub(super) struct Bridge {
    /// The agent's first word.
    pub(super) welcome: Welcome,
    /// From it.
    pub(super) reader: FrameReader,
    /// To it.
    pub(super) writer: FrameWriter,
}

/// Why there is no bridge, or no more.
#[derive(Debug, thiserror::Error)]
pub(super) enum BridgeError {
    /// The agent's core is not there.
    #[error("the agent does not run")]
    NoCore,
    /// The program did not run, or ended.
    #[error("the agent's program ended with exit code {code}{complaint}")]
    Ended {
        /// Its exit code.
        code: i64,
        /// What it said, after a colon; empty when it said nothing.
        complaint: String,
    },
    /// The other side is not the agent.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// It sent what no agent sends.
    #[error("the agent sent what is not a frame: {0}")]
    Frame(#[from] FrameError),
    /// It did something else than what was its turn.
    #[error("the agent {0}")]
    Unexpected(&'static str),
    /// It sent what no agent of ours sends.
    #[error("the agent {0}")]
    Violation(&'static str),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The stream broke.
    #[error("the connection to the agent broke: {0}")]
    Broken(#[from] io::Error),
    /// No answer.
    #[error("the agent did not answer within {} s", PATIENCE.as_secs())]
    Silent,
}

type Chunks = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Reads frames.
pub(super) struct FrameReader(FramedRead<StreamReader<Chunks, Bytes>, LengthDelimitedCodec>);

/// Writes frames.
pub(super) struct FrameWriter(FramedWrite<InputWriter, LengthDelimitedCodec>);

impl BridgeError {
    /// Whether nobody holds the agent's key behind its socket any more.
    pub(super) fn is_proof_of_absence(&self) -> bool {
        matches!(self, Self::NoCore | Self::Handshake(HandshakeError::NotProven))
    }

    /// Whether another attempt may do better: the engine was away, or somebody killed the program.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Engine(error) => error.is_unavailable(),
            Self::Ended { code, .. } => *code > 128,
            Self::Broken(_) | Self::Silent => true,
            _ => false,
        }
    }
}

impl FrameReader {
    /// The next frame; none at the stream's end.
    ///
    /// # Errors
    /// [`BridgeError::Frame`], [`BridgeError::Broken`].
    pub(super) async fn next(&mut self) -> Result<Option<ToDaemon>, BridgeError> {
        let frame = match self.0.next().await.transpose() {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(BridgeError::Violation("sent a frame that is longer than any"));
            }
            frame => frame?,
        };
        match frame {
            Some(bytes) => Ok(Some(ToDaemon::decode(bytes.freeze())?)),
            None => Ok(None),
        }
    }
}

impl FrameWriter {
    /// Sends frames together.
    ///
    /// # Errors
    /// [`BridgeError::Broken`].
    pub(super) async fn send(&mut self, frames: Vec<ToAgent>) -> Result<(), BridgeError> {
        for frame in frames {
            self.0.feed(frame.encode()).await?;
        }
        Ok(futures_util::SinkExt::<Bytes>::flush(&mut self.0).await?)
    }
}

/// Opens a bridge to the agent `known`.
///
/// # Errors
/// [`BridgeError`].
pub(super) async fn open(engine: &Engine, known: &Known, errand: Errand) -> Result<Bridge, BridgeError> {
    tokio::time::timeout(PATIENCE, begin(engine, known, errand)).await.map_err(|_| BridgeError::Silent)?
}

async fn begin(engine: &Engine, known: &Known, errand: Errand) -> Result<Bridge, BridgeError> {
    let verb = match errand {
        Errand::Start => "start",
        Errand::Connect => "bridge",
    };
    let spec = ExecSpec {
        argv: vec![known.program.clone(), verb.into(), known.socket.clone()],
        user: Some(known.user.clone()).filter(|user| !user.is_empty()),
        working_dir: Some("/".into()),
        attach_stdin: true,
        ..ExecSpec::default()
    };
    let Session { id, reader, writer } = engine.exec(&known.container_id, &spec).await?;
    let complaints = Complaints::default();
    let mut reader = StreamReader::new(stdout(reader, complaints.clone()));
    let mut writer = writer;
    match prove(&mut reader, &mut writer, known, errand).await {
        Ok(()) => {}
        // It ended: its exit code says why.
        Err(BridgeError::Broken(_)) => return Err(ended(engine.exec_exit_code(&id).await?, &complaints)),
        Err(error) => return Err(error),
    }
    let mut reader = FrameReader(codec(MAX_TO_DAEMON).new_read(reader));
    let writer = FrameWriter(codec(MAX_TO_AGENT).new_write(writer));
    match reader.next().await? {
        Some(ToDaemon::Welcome(welcome)) => Ok(Bridge { welcome, reader, writer }),
        Some(_) => Err(BridgeError::Unexpected("did not say welcome first")),
        None => Err(match ended(engine.exec_exit_code(&id).await?, &complaints) {
            // The core has closed the connection: it did not take our proof.
            BridgeError::Ended { code: 0, .. } => HandshakeError::NotProven.into(),
            ended => ended,
        }),
    }
}

/// Proves the key and has it proven.
async fn prove(
    reader: &mut StreamReader<Chunks, Bytes>,
    writer: &mut InputWriter,
    known: &Known,
    errand: Errand,
) -> Result<(), BridgeError> {
    let identity = Identity { container_id: known.container_id.clone(), user: known.user.clone() };
    if errand == Errand::Start {
        let seed = Seed { key: known.key.clone(), identity: identity.clone() };
        let seed = serde_json::to_vec(&seed).map_err(io::Error::other)?;
        writer.write_u32(u32::try_from(seed.len()).map_err(io::Error::other)?).await?;
        writer.write_all(&seed).await?;
    }
    let daemon = Hello { versions: OWN_VERSIONS, nonce: crate::identifier::nonce() };
    writer.write_all(&daemon.encode()).await?;
    writer.flush().await?;
    let mut answer = [0; ANSWER_LENGTH];
    reader.read_exact(&mut answer).await?;
    let (agent, proof) = agent_answer(&answer)?;
    let handshake = Handshake { key: &known.key, identity: &identity, daemon, agent };
    handshake.check_agent(proof)?;
    writer.write_all(&handshake.daemon_proof()).await?;
    writer.flush().await?;
    Ok(())
}

fn codec(longest: usize) -> tokio_util::codec::length_delimited::Builder {
    let mut builder = LengthDelimitedCodec::builder();
    builder.max_frame_length(longest);
    builder
}

fn ended(code: i64, complaints: &Complaints) -> BridgeError {
    if code == NO_CORE {
        return BridgeError::NoCore;
    }
    let text = complaints.0.lock().unwrap_or_else(PoisonError::into_inner);
    let text = String::from_utf8_lossy(&text);
    let text: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let complaint = if text.is_empty() { text } else { format!(": {text}") };
    BridgeError::Ended { code, complaint }
}

/// The beginning of what a bridge wrote to its standard error.
#[derive(Debug, Clone, Default)]
struct Complaints(Arc<Mutex<Vec<u8>>>);

/// What the bridge writes to its standard output; what it complains is put aside.
fn stdout(reader: OutputStream, complaints: Complaints) -> Chunks {
    Box::pin(reader.filter_map(move |output| {
        let chunk = match output {
            Ok(output) if output.source == Source::Stdout => Some(Ok(output.bytes)),
            Ok(output) => {
                let mut kept = complaints.0.lock().unwrap_or_else(PoisonError::into_inner);
                let room = MOST_COMPLAINTS.saturating_sub(kept.len()).min(output.bytes.len());
                kept.extend_from_slice(&output.bytes[..room]);
                None
            }
            Err(error) => Some(Err(io::Error::other(error))),
        };
        std::future::ready(chunk)
    }))
}
