//! The loopback port, only when asked for: a bearer token that is new at each start, kept in a file of ours (T3).

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::net::{TcpListener, TcpStream};

use crate::identifier;
use crate::place::{Durability, Place, write_atomically};

/// Why the loopback port is not opened.
#[derive(Debug, thiserror::Error)]
pub enum TcpError {
    /// The address would be reachable from other machines or from containers.
    #[error("{0} is not a loopback address; the daemon listens on 127.0.0.1 or [::1] only")]
    NotLoopback(SocketAddr),
    /// The port or the token's file could not be had.
    #[error("could not listen on {address}")]
    Io {
        /// The address asked for.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The listening port.
#[derive(Debug)]
pub struct TcpDoor {
    listener: TcpListener,
    /// The address it listens on.
    pub address: SocketAddr,
    /// The token that clients send as `Authorization: Bearer`.
    pub token: String,
    /// The file that holds it.
    pub token_file: PathBuf,
}

impl TcpDoor {
    /// Listens on a loopback address; port 0 takes any.
    ///
    /// # Errors
    /// [`TcpError`].
    pub async fn open(place: &Place, address: SocketAddr) -> Result<Self, TcpError> {
        if !address.ip().is_loopback() {
            return Err(TcpError::NotLoopback(address));
        }
        let failed = |source| TcpError::Io { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let token = format!("{}{}", identifier::random(""), identifier::random(""));
        let token_file = place.state_file("tcp-token");
        write_atomically(&token_file, token.as_bytes(), Durability::Kernel).map_err(failed)?;
        Ok(Self { listener, address, token, token_file })
    }

    /// The next connection.
    ///
    /// # Errors
    /// When accepting fails for good.
    pub async fn accept(&mut self) -> io::Result<TcpStream> {
        let (stream, _) = self.listener.accept().await?;
        // Small frames must not wait for more; without it the connection only is slower.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }
}
