//! A WebSocket spoken by hand, for clients that no library would let be: ones that send too much, never read, stop in
//! the middle of a frame or speak no protocol at all.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use gangplank_tests::Sandbox;
use serde_json::Value;

/// What takes longer hangs.
const DEADLINE: Duration = Duration::from_secs(30);

pub(super) const TEXT: u8 = 0x1;
pub(super) const BINARY: u8 = 0x2;
pub(super) const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// An upgraded connection to a sandbox's daemon.
pub(super) struct RawSocket {
    pub(super) stream: UnixStream,
}

/// The head of an upgrade; the key is the one of RFC 6455's example.
pub(super) fn upgrade(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// A connection to the daemon's socket on which nothing was said yet.
pub(super) fn connect(sandbox: &Sandbox) -> UnixStream {
    let daemon = sandbox.daemon().expect("a daemon runs");
    let stream = UnixStream::connect(daemon["socket"].as_str().unwrap()).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

impl RawSocket {
    /// Upgrades a new connection at `path`; gives the status where that is refused.
    pub(super) fn open(sandbox: &Sandbox, path: &str) -> Result<RawSocket, u16> {
        let mut stream = connect(sandbox);
        stream.write_all(upgrade(path).as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        match std::str::from_utf8(&head).unwrap()[9..12].parse().unwrap() {
            101 => Ok(RawSocket { stream }),
            status => Err(status),
        }
    }

    /// Sends one frame.
    pub(super) fn send(&mut self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        self.stream.write_all(&frame(opcode, payload))
    }

    /// Sends a message of JSON.
    pub(super) fn say(&mut self, message: &Value) -> io::Result<()> {
        self.send(TEXT, message.to_string().as_bytes())
    }

    /// The next frame, with pings answered; nothing when the connection has ended.
    pub(super) fn receive(&mut self) -> Option<(u8, Vec<u8>)> {
        let end = Instant::now() + DEADLINE;
        loop {
            assert!(Instant::now() < end, "nothing but pings came");
            let mut head = [0; 2];
            self.stream.read_exact(&mut head).ok()?;
            let length = match head[1] {
                126 => u64::from(u16::from_be_bytes(self.read()?)),
                127 => u64::from_be_bytes(self.read()?),
                short => u64::from(short),
            };
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            self.stream.read_exact(&mut payload).ok()?;
            match head[0] & 0x0f {
                PING => self.send(PONG, &payload).ok()?,
                opcode => return Some((opcode, payload)),
            }
        }
    }

    fn read<const LENGTH: usize>(&mut self) -> Option<[u8; LENGTH]> {
        let mut bytes = [0; LENGTH];
        self.stream.read_exact(&mut bytes).ok().map(|()| bytes)
    }

    /// The next message of JSON; nothing when the connection has ended.
    pub(super) fn hear(&mut self) -> Option<Value> {
        match self.receive()? {
            (TEXT, text) => Some(serde_json::from_slice(&text).unwrap()),
            _ => None,
        }
    }

    /// Waits until the daemon has ended the connection.
    #[track_caller]
    pub(super) fn ends(mut self, why: &str) {
        while let Some((opcode, _)) = self.receive() {
            if opcode == CLOSE {
                return;
            }
        }
        // An answer to a ping that cannot be sent looks like an end too, and so does a timeout: only the end lets a read
        // give nothing or fail otherwise.
        let mut rest = [0; 1024];
        let end = loop {
            match self.stream.read(&mut rest) {
                Ok(0) => break true,
                Ok(_) => {}
                Err(error) => break error.kind() != io::ErrorKind::WouldBlock,
            }
        };
        assert!(end, "the connection goes on after {why}");
        // It is over already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// A frame as clients must send them: whole, and masked, by a mask that changes nothing.
pub(super) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 | u8::try_from(short).unwrap()),
        medium @ 126..0x1_0000 => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(medium).unwrap().to_be_bytes());
        }
        long => {
            frame.push(0x80 | 127);
            frame.extend(u64::try_from(long).unwrap().to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}
