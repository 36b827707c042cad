//! An engine on a TCP port, without encryption.

use std::io;

use tokio::net::TcpStream;

pub(crate) async fn open(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
