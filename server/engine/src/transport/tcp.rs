//! An engine on a TCP port, without encryption.
//!
//! The kernel asks the other end now and then whether it is still there, so that a stream on which nothing happens for
//! hours does not wait for an engine that is gone.

use std::io;
use std::time::Duration;

use rustix::net::sockopt;

use tokio::net::TcpStream;

pub(crate) async fn open(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(&stream, true)?;
    sockopt::set_tcp_keepidle(&stream, Duration::from_secs(15))?;
    sockopt::set_tcp_keepintvl(&stream, Duration::from_secs(5))?;
    sockopt::set_tcp_keepcnt(&stream, 3)?;
    Ok(stream)
}
