//! A process's bytes over a binary WebSocket: frames in both directions, output held back until it is acknowledged.

mod inbox;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use gangplank_agent_protocol::output::Source;
use gangplank_protocol::stream::{Frame, MAX_PAYLOAD};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_util::sync::CancellationToken;

use crate::process::{Client, ProcessHandle, StreamItem};
use inbox::{Input, Order, Orders, Piece};

/// A ping goes out so often.
const PING_EVERY: Duration = Duration::from_secs(5);
/// A client that has sent nothing, not even an answer to a ping, for so long is gone.
const DEAD_AFTER: Duration = Duration::from_secs(20);

/// How long a process has to take what a client sent before it left.
const LAST_INPUT: Duration = Duration::from_secs(1);
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
    let process = client.process();
    let (acknowledged, mut acknowledgements) = watch::channel(0_u64);
    let (taken, mut inputs) = watch::channel(0_u64);
    let taken = Arc::new(taken);
    // Neither is ever waited for here: acknowledgements come behind both, and a process that waits for its output to be
    // taken reads no input.
    let over = CancellationToken::new();
    let input = Arc::new(Input::until(over.clone()));
    let orders = Arc::new(Orders::until(over.clone()));
    // On their own: what a client sends that goes at once arrives all the same.
    tokio::spawn(feed_input(process.clone(), Arc::clone(&input), Arc::clone(&taken), over.clone()));
    tokio::spawn(carry_out(process, Arc::clone(&orders)));
    let _over = over.drop_guard();

    let receive = async {
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
            let done = match frame {
                Ok(Frame::Stdin { offset, bytes }) => input.put(offset, &bytes, *taken.borrow()),
                Ok(Frame::EndOfInput) => input.end(),
                Ok(Frame::Resize(size)) => {
                    orders.resize(size);
                    Ok(())
                }
                Ok(Frame::Signal(name)) => orders.signal(name),
                Ok(Frame::Acknowledge { offset }) => {
                    // Whoever sends output holds the other end for as long as this runs.
                    let _ = acknowledged.send(offset);
                    Ok(())
                }
                Ok(other) => Err(format!("a frame that only the daemon sends: {:?}", other.encode().first())),
                Err(error) => Err(error.to_string()),
            };
            if let Err(wrong) = done {
                return Some(wrong);
            }
        }
    };

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
                    StreamItem::Screen { offset, bytes } => Message::Binary(Frame::Snapshot { offset, bytes }.encode()),
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

    let close = {
        tokio::pin!(receive);
        tokio::select! {
            refused = &mut receive => refused.map(|reason| Close { code: CloseCode::Protocol, reason }),
            close = send => {
                if close.code == CloseCode::Abnormal {
                    // The peer is gone, and what it sent before may still be on its way.
                    let _ = tokio::time::timeout(LAST_INPUT, &mut receive).await;
                }
                Some(close)
            }
        }
    };
    if let Some(close) = close {
        say_goodbye(sink.reunite(source).ok(), close).await;
    }
}

struct Close {
    code: CloseCode,
    reason: String,
}

/// Feeds input to the process beside everything else, so that a process that does not read holds up neither resizes
/// nor acknowledgements.
async fn feed_input(
    process: ProcessHandle,
    input: Arc<Input>,
    taken: Arc<watch::Sender<u64>>,
    over: CancellationToken,
) {
    let feed = async {
        let mut total = 0;
        while let Some(piece) = input.next().await {
            match piece {
                Piece::Bytes(bytes) => {
                    total += bytes.len() as u64;
                    process.input(bytes).await;
                    // Whoever has left needs no word.
                    let _ = taken.send(total);
                }
                Piece::End => process.end_input().await,
            }
        }
    };
    let left = async {
        over.cancelled().await;
        tokio::time::sleep(LAST_INPUT).await;
    };
    tokio::select! {
        () = feed => {}
        () = left => {}
    }
}

/// Resizes and signals the process beside everything else, so that an engine that takes its time holds up nothing.
async fn carry_out(process: ProcessHandle, orders: Arc<Orders>) {
    while let Some(order) = orders.next().await {
        match order {
            Order::Resize(size) => process.resize(size).await,
            Order::Signal(name) => {
                if let Err(error) = process.signal(&name).await {
                    tracing::debug!(%error, signal = name, "a signal from a stream was not delivered");
                }
            }
        }
    }
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
