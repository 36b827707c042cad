//! One connection to the core: first the proof of the key, then frames.

use std::future::Future;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt as _;
use gangplank_agent_protocol::DEAD_AFTER_SECONDS;
use gangplank_agent_protocol::frame::{MAX_TO_AGENT, ToAgent, ToDaemon};
use gangplank_agent_protocol::handshake::{HELLO_LENGTH, Handshake, Hello, OWN_VERSIONS, PROOF_LENGTH};
use gangplank_agent_protocol::message::Welcome;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;
use tokio_util::codec::{FramedRead, LengthDelimitedCodec};

use crate::core::Core;
use crate::outbox::Outbox;
use crate::requests;

/// Who has not proven the key after this is dropped.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A bridge from which nothing came for so long is dropped: its daemon would have sent many pings.
const SILENCE: Duration = Duration::from_secs(3 * DEAD_AFTER_SECONDS);
/// Bytes read at once.
const READ: usize = 64 * 1024;

/// Serves a connection from its first byte to its end. `proven` is called once the key is proven, and gives what says
/// when the connection is to end all the same.
pub(crate) async fn serve<F: Future<Output = ()>>(
    core: Rc<Core>,
    mut stream: UnixStream,
    bridge: u64,
    proven: impl FnOnce(Rc<Outbox>) -> F,
) {
    let Ok(Ok(version)) = timeout(HANDSHAKE, handshake(&core, &mut stream)).await else { return };
    let outbox = Rc::new(Outbox::new(bridge));
    outbox.send(&ToDaemon::Welcome(Welcome {
        agent: env!("CARGO_PKG_VERSION").into(),
        version,
        pid: rustix::process::getpid().as_raw_nonzero().get(),
        uid: rustix::process::getuid().as_raw(),
    }));
    let replaced = proven(Rc::clone(&outbox));
    let (reader, writer) = stream.into_split();
    tokio::select! {
        () = read(&core, &outbox, reader, version.is_none()) => {}
        _ = write(&outbox, writer) => {}
        () = replaced => {}
    }
    outbox.close();
    core.left(bridge);
}

/// The version agreed on.
async fn handshake(core: &Core, stream: &mut UnixStream) -> io::Result<Option<u16>> {
    let mut hello = [0; HELLO_LENGTH];
    stream.read_exact(&mut hello).await?;
    let daemon = Hello::decode(&hello).map_err(io::Error::other)?;
    let mut nonce = [0; 32];
    getrandom::fill(&mut nonce).map_err(|error| io::Error::other(error.to_string()))?;
    let agent = Hello { versions: OWN_VERSIONS, nonce };
    let handshake = Handshake { key: &core.seed.key, identity: &core.seed.identity, daemon, agent };
    stream.write_all(&handshake.agent_answer()).await?;
    let mut proof = [0; PROOF_LENGTH];
    stream.read_exact(&mut proof).await?;
    handshake.check_daemon(&proof).map_err(io::Error::other)?;
    Ok(OWN_VERSIONS.agreed(daemon.versions))
}

/// Reads frames until there are no more, or one that is none.
async fn read(core: &Rc<Core>, outbox: &Rc<Outbox>, reader: OwnedReadHalf, frozen: bool) {
    let codec =
        LengthDelimitedCodec::builder().length_field_type::<u32>().max_frame_length(MAX_TO_AGENT).new_codec();
    let mut frames = FramedRead::with_capacity(reader, codec, READ);
    loop {
        outbox.has_room().await;
        let Ok(Some(Ok(bytes))) = timeout(SILENCE, frames.next()).await else { return };
        let Ok(frame) = ToAgent::decode(bytes.freeze()) else { return };
        match frame {
            ToAgent::Request { number, request } => {
                let answer = requests::answer(core, outbox, request, frozen);
                outbox.send(&ToDaemon::Answer { number, answer });
            }
            ToAgent::Input { process, offset, bytes } => core.input(outbox, process, offset, &bytes),
            ToAgent::Acknowledge { attachment, offset } => {
                outbox.acknowledge(attachment, offset);
                core.relieve();
            }
            ToAgent::Received { bytes } => outbox.received(bytes),
            ToAgent::Ping { number } => outbox.send(&ToDaemon::Pong { number }),
        }
    }
}

async fn write(outbox: &Outbox, mut writer: OwnedWriteHalf) -> io::Result<()> {
    let mut batch = BytesMut::new();
    loop {
        outbox.next(&mut batch).await;
        writer.write_all_buf(&mut batch).await?;
        // Keeps no room of a long answer.
        if batch.capacity() > 4 * READ {
            batch = BytesMut::new();
        }
    }
}
