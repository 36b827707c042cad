//! An untyped connection: whole JSON-RPC messages as text, passed on without being understood.

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use gangplank_protocol::RPC_PATH;
use tokio::net::UnixStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::client::url;
use crate::error::ClientError;
use crate::place::Place;
use crate::start;

/// The sending side.
#[derive(Debug)]
pub struct RelaySender(SplitSink<WebSocketStream<UnixStream>, Message>);

/// The receiving side.
#[derive(Debug)]
pub struct RelayReceiver(SplitStream<WebSocketStream<UnixStream>>);

/// Connects to the daemon's JSON-RPC without saying hello: whoever sends the messages does.
///
/// # Errors
/// [`ClientError`] when there is no daemon to talk to.
pub async fn connect(place: &Place, start: bool) -> Result<(RelaySender, RelayReceiver), ClientError> {
    start::persistently(start, || connect_once(place, start)).await
}

async fn connect_once(place: &Place, start: bool) -> Result<(RelaySender, RelayReceiver), ClientError> {
    let (_, socket) = start::connect(place, start).await?;
    let (socket, _) = client_async(url(RPC_PATH)?.as_str(), socket)
        .await
        .map_err(|error| ClientError::Transport(error.into()))?;
    let (sink, source) = socket.split();
    Ok((RelaySender(sink), RelayReceiver(source)))
}

impl RelaySender {
    /// Sends one message.
    ///
    /// # Errors
    /// [`ClientError::Transport`] when the connection is gone.
    pub async fn send(&mut self, message: String) -> Result<(), ClientError> {
        self.0.send(Message::text(message)).await.map_err(|error| ClientError::Transport(error.into()))
    }

    /// Closes the connection.
    pub async fn close(mut self) {
        // a connection that cannot be closed is gone
        let _ = self.0.close().await;
    }
}

impl RelayReceiver {
    /// The next message; nothing when the connection was closed.
    ///
    /// # Errors
    /// [`ClientError::Transport`] when the connection broke.
    pub async fn next(&mut self) -> Result<Option<String>, ClientError> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Ok(Some(text.to_string())),
                Some(Ok(Message::Close(_))) | None => return Ok(None),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(ClientError::Transport(error.into())),
            }
        }
    }
}
