//! A process's bytes over a binary WebSocket: frames in both directions, output held back until it is acknowledged.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use gangplank_engine::Source;
use gangplank_protocol::stream::{CREDIT, Frame, MAX_PAYLOAD};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_util::sync::CancellationToken;

use crate::process::{Client, RunningProcess, StreamItem};

/// A ping goes out so often.
const PING_EVERY: Duration = Duration::from_secs(5);
/// A client that has sent nothing, not even an answer to a ping, for so long is gone.
const DEAD_AFTER: Duration = Duration::from_secs(20);

/// How long a client has to close a stream that ends for another reason than its process's end.
const HURRIED_GOODBYE: Duration = Duration::from_secs(1);

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Carries `client`'s process over an upgraded connection until it ends, the peer goes, or the daemon stops.
pub async fn serve(upgraded: Upgraded, mut client: Client, stop: CancellationToken) {
    let largest = MAX_PAYLOAD + 64;
    let config = WebSocketConfig::default()
        .max_message_size(Some(largest))
        .max_frame_size(Some(largest))
        .write_buffer_size(0)
        .max_write_buffer_size(4 * largest);
    let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
    let (mut sink, mut source) = socket.split();
    let process = Arc::clone(client.process());
    let (acknowledged, mut acknowledgements) = watch::channel(0_u64);
    let (taken, mut inputs) = watch::channel(0_u64);
    // Never waited on: acknowledgements come behind input, and a process that waits for its output to be taken reads no
    // input. The client's credit bounds it.
    let (pieces, queue) = mpsc::unbounded_channel();

    let receive = async {
        let mut expected = 0_u64;
        loop {
            let message = match tokio::time::timeout(DEAD_AFTER, source.next()).await {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(_)) | None) | Err(_) => return None,
            };
            let frame = match message {
                Message::Binary(bytes) => Frame::decode(&bytes),
                Message::Ping(_) | Message::Pong(_) => continue,
                Message::Close(_) => return None,
                Message::Text(_) | Message::Frame(_) => return Some("text where frames belong".to_owned()),
            };
            match frame {
                Ok(Frame::Stdin { offset, bytes }) if offset == expected => {
                    expected += bytes.len() as u64;
                    if expected - *taken.borrow() > CREDIT + MAX_PAYLOAD as u64 {
                        return Some("more input than was acknowledged".to_owned());
                    }
                    let _ = pieces.send(Piece::Bytes(bytes));
                }
                Ok(Frame::Stdin { offset, .. }) => {
                    return Some(format!("input at {offset} where {expected} belongs"));
                }
                Ok(Frame::EndOfInput) => drop(pieces.send(Piece::End)),
                Ok(Frame::Resize(size)) => process.resize(size).await,
                Ok(Frame::Signal(name)) => signal(&process, name),
                Ok(Frame::Acknowledge { offset }) => drop(acknowledged.send(offset)),
                Ok(other) => {
                    return Some(format!("a frame that only the daemon sends: {:?}", other.encode().first()));
                }
                Err(error) => return Some(error.to_string()),
            }
        }
    };

    let feed = feed_input(Arc::clone(&process), queue, &taken);
    let send = async {
        let mut ping = tokio::time::interval(PING_EVERY);
        loop {
            let message = tokio::select! {
                biased;
                Ok(()) = acknowledgements.changed() => {
                    client.acknowledge(*acknowledgements.borrow_and_update());
                    continue;
                }
                Ok(()) = inputs.changed() => Message::Binary(Frame::Acknowledge { offset: *inputs.borrow_and_update() }.encode()),
                item = client.next() => match item {
                    StreamItem::Output { offset, source: Source::Stdout, bytes } => Message::Binary(Frame::Stdout { offset, bytes }.encode()),
                    StreamItem::Output { offset, source: Source::Stderr, bytes } => Message::Binary(Frame::Stderr { offset, bytes }.encode()),
                    StreamItem::Gap(offset) => Message::Binary(Frame::Gap { offset }.encode()),
                    StreamItem::Exited(exit) => {
                        let _ = sink.send(Message::Binary(Frame::Exited(exit).encode())).await;
                        return Close { code: CloseCode::Normal, reason: "the process ended".into() };
                    }
                },
                _ = ping.tick() => Message::Ping(Bytes::new()),
                () = stop.cancelled() => return Close { code: CloseCode::Away, reason: "the daemon stops".into() },
            };
            if sink.send(message).await.is_err() {
                return Close { code: CloseCode::Abnormal, reason: String::new() };
            }
        }
    };

    let close = tokio::select! {
        refused = receive => refused.map(|reason| Close { code: CloseCode::Protocol, reason }),
        close = send => Some(close),
        () = feed => None,
    };
    if let Some(close) = close {
        say_goodbye(sink.reunite(source).ok(), close).await;
    }
}

struct Close {
    code: CloseCode,
    reason: String,
}

enum Piece {
    Bytes(Bytes),
    End,
}

/// Feeds input to the process beside everything else, so that a process that does not read holds up neither resizes
/// nor acknowledgements.
async fn feed_input(
    process: Arc<RunningProcess>,
    mut queue: mpsc::UnboundedReceiver<Piece>,
    taken: &watch::Sender<u64>,
) {
    let mut total = 0;
    while let Some(piece) = queue.recv().await {
        match piece {
            Piece::Bytes(bytes) => {
                total += bytes.len() as u64;
                process.input(bytes).await;
                let _ = taken.send(total);
            }
            Piece::End => process.end_input().await,
        }
    }
    // The receiving side has gone; it decides what happens next.
    std::future::pending::<()>().await;
}

fn signal(process: &Arc<RunningProcess>, name: String) {
    let process = Arc::clone(process);
    tokio::spawn(async move {
        if let Err(error) = process.signal(&name).await {
            tracing::debug!(%error, signal = name, "a signal from a stream was not delivered");
        }
    });
}

async fn say_goodbye(socket: Option<Socket>, close: Close) {
    let Some(mut socket) = socket else { return };
    if close.code == CloseCode::Abnormal {
        return;
    }
    let patience = if close.code == CloseCode::Normal { DEAD_AFTER } else { HURRIED_GOODBYE };
    let frame = CloseFrame { code: close.code, reason: close.reason.into() };
    let farewell = async {
        if socket.close(Some(frame)).await.is_ok() {
            // Read on until the peer closes too: a socket dropped with acknowledgements unread, or written to
            // afterwards, is reset, and the peer then loses what it has not read yet.
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    // A peer that takes longer is gone.
    let _ = tokio::time::timeout(patience, farewell).await;
}
