//! Frames after the handshake: a kind byte, fixed numbers in big endian, then the payload. Bytes that have an order travel
//! as they are, everything else as a message in JSON.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::message::{Answer, Ended, Exit, Request, Welcome};
use crate::output::Source;

/// Most bytes of output or input in one frame.
pub const MAX_PAYLOAD: usize = 16 * 1024;
/// Longest frame that an agent takes: a request with arguments and environment as long as a kernel takes them.
pub const MAX_TO_AGENT: usize = 4 * 1024 * 1024;
/// Longest frame that a daemon takes. The container is not trusted: nothing it says makes the daemon hold more.
pub const MAX_TO_DAEMON: usize = 256 * 1024;

/// A frame from the daemon.
#[derive(Debug, Clone, PartialEq)]
pub enum ToAgent {
    /// A request, answered by [`ToDaemon::Answer`] of the same number.
    Request {
        /// Its number on this bridge.
        number: u64,
        /// What is asked.
        request: Request,
    },
    /// Input of a process.
    Input {
        /// The process.
        process: u64,
        /// Bytes of its input before these. What the agent has is dropped: a frame sent again does no harm.
        offset: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// Everything before `offset` was taken by the client of this attachment.
    Acknowledge {
        /// The attachment.
        attachment: u32,
        /// The offset.
        offset: u64,
    },
    /// Bytes of payloads of [`ToDaemon::Output`] and [`ToDaemon::Snapshot`] received on this bridge in all.
    Received {
        /// Bytes.
        bytes: u64,
    },
    /// Is to be answered by [`ToDaemon::Pong`].
    Ping {
        /// Comes back.
        number: u64,
    },
}

/// A frame from the agent.
#[derive(Debug, Clone, PartialEq)]
pub enum ToDaemon {
    /// The first one.
    Welcome(Welcome),
    /// The answer to a request.
    Answer {
        /// The request's number.
        number: u64,
        /// What came of it.
        answer: Answer,
    },
    /// Output of the process that an attachment is to.
    Output {
        /// The attachment.
        attachment: u32,
        /// Which stream.
        source: Source,
        /// Bytes of its output before these.
        offset: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// Output before `offset` is gone; the next output is there.
    Gap {
        /// The attachment.
        attachment: u32,
        /// The offset.
        offset: u64,
    },
    /// A part of the screen as it was at `offset`, which is where output goes on; to be drawn on a cleared terminal.
    Snapshot {
        /// The attachment.
        attachment: u32,
        /// The offset.
        offset: u64,
        /// Whether it is the last part.
        last: bool,
        /// The bytes.
        bytes: Bytes,
    },
    /// The process ended and everything was sent to this attachment.
    Ended(Ended),
    /// Input of a process before `offset` was taken.
    InputTaken {
        /// The process.
        process: u64,
        /// The offset.
        offset: u64,
    },
    /// The answer to a ping.
    Pong {
        /// The ping's number.
        number: u64,
    },
}

/// Why bytes are not a frame.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// There is no such kind.
    #[error("there is no frame of kind {0:#04x}")]
    UnknownKind(u8),
    /// It is shorter than its kind needs.
    #[error("a frame of kind {0:#04x} is cut off")]
    Truncated(u8),
    /// Its payload is longer than its kind allows.
    #[error("a frame of kind {0:#04x} is too long")]
    TooLong(u8),
    /// Its message is not one.
    #[error("a frame of kind {0:#04x} is malformed: {1}")]
    Malformed(u8, String),
}

const REQUEST: u8 = 0x01;
const INPUT: u8 = 0x02;
const ACKNOWLEDGE: u8 = 0x03;
const RECEIVED: u8 = 0x04;
const PING: u8 = 0x05;
const WELCOME: u8 = 0x10;
const ANSWER: u8 = 0x11;
const OUTPUT: u8 = 0x12;
const GAP: u8 = 0x13;
const SNAPSHOT: u8 = 0x14;
const ENDED: u8 = 0x15;
const INPUT_TAKEN: u8 = 0x16;
const PONG: u8 = 0x17;

impl ToAgent {
    /// The frame in bytes, without its length.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Request { number, request } => Writer::new(REQUEST).u64(*number).json(request),
            Self::Input { process, offset, bytes } => {
                Writer::with_room(INPUT, bytes.len()).u64(*process).u64(*offset).bytes(bytes)
            }
            Self::Acknowledge { attachment, offset } => {
                Writer::new(ACKNOWLEDGE).u32(*attachment).u64(*offset).end()
            }
            Self::Received { bytes } => Writer::new(RECEIVED).u64(*bytes).end(),
            Self::Ping { number } => Writer::new(PING).u64(*number).end(),
        }
    }

    /// The frame in these bytes.
    ///
    /// # Errors
    /// [`FrameError`]; the bridge is to be ended then.
    pub fn decode(bytes: Bytes) -> Result<Self, FrameError> {
        let mut reader = Reader::new(bytes)?;
        let frame = match reader.kind {
            REQUEST => Self::Request { number: reader.u64()?, request: reader.json()? },
            INPUT => Self::Input {
                process: reader.u64()?,
                offset: reader.u64()?,
                bytes: reader.bytes(MAX_PAYLOAD)?,
            },
            ACKNOWLEDGE => Self::Acknowledge { attachment: reader.u32()?, offset: reader.u64()? },
            RECEIVED => Self::Received { bytes: reader.u64()? },
            PING => Self::Ping { number: reader.u64()? },
            kind => return Err(FrameError::UnknownKind(kind)),
        };
        reader.end()?;
        Ok(frame)
    }
}

impl ToDaemon {
    /// The frame in bytes, without its length.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Welcome(welcome) => Writer::new(WELCOME).json(welcome),
            Self::Answer { number, answer } => Writer::new(ANSWER).u64(*number).json(answer),
            Self::Output { attachment, source, offset, bytes } => Writer::with_room(OUTPUT, bytes.len())
                .u32(*attachment)
                .u8(*source as u8)
                .u64(*offset)
                .bytes(bytes),
            Self::Gap { attachment, offset } => Writer::new(GAP).u32(*attachment).u64(*offset).end(),
            Self::Snapshot { attachment, offset, last, bytes } => Writer::with_room(SNAPSHOT, bytes.len())
                .u32(*attachment)
                .u64(*offset)
                .u8(u8::from(*last))
                .bytes(bytes),
            Self::Ended(ended) => Writer::new(ENDED).u32(ended.attachment).json(&ended.exit),
            Self::InputTaken { process, offset } => Writer::new(INPUT_TAKEN).u64(*process).u64(*offset).end(),
            Self::Pong { number } => Writer::new(PONG).u64(*number).end(),
        }
    }

    /// The frame in these bytes.
    ///
    /// # Errors
    /// [`FrameError`]; the bridge is to be ended then.
    pub fn decode(bytes: Bytes) -> Result<Self, FrameError> {
        let mut reader = Reader::new(bytes)?;
        let frame = match reader.kind {
            WELCOME => Self::Welcome(reader.json()?),
            ANSWER => Self::Answer { number: reader.u64()?, answer: reader.json()? },
            OUTPUT => {
                let attachment = reader.u32()?;
                let source = match reader.u8()? {
                    1 => Source::Stdout,
                    2 => Source::Stderr,
                    other => {
                        return Err(FrameError::Malformed(OUTPUT, format!("there is no stream {other}")));
                    }
                };
                Self::Output { attachment, source, offset: reader.u64()?, bytes: reader.bytes(MAX_PAYLOAD)? }
            }
            GAP => Self::Gap { attachment: reader.u32()?, offset: reader.u64()? },
            SNAPSHOT => Self::Snapshot {
                attachment: reader.u32()?,
                offset: reader.u64()?,
                last: reader.u8()? != 0,
                bytes: reader.bytes(MAX_PAYLOAD)?,
            },
            ENDED => {
                let attachment = reader.u32()?;
                let exit: Exit = reader.json()?;
                Self::Ended(Ended { attachment, exit })
            }
            INPUT_TAKEN => Self::InputTaken { process: reader.u64()?, offset: reader.u64()? },
            PONG => Self::Pong { number: reader.u64()? },
            kind => return Err(FrameError::UnknownKind(kind)),
        };
        reader.end()?;
        Ok(frame)
    }
}

struct Writer(BytesMut);

impl Writer {
    fn new(kind: u8) -> Self {
        Self::with_room(kind, 0)
    }

    fn with_room(kind: u8, payload: usize) -> Self {
        let mut bytes = BytesMut::with_capacity(32 + payload);
        bytes.put_u8(kind);
        Self(bytes)
    }

    fn u8(mut self, value: u8) -> Self {
        self.0.put_u8(value);
        self
    }

    fn u32(mut self, value: u32) -> Self {
        self.0.put_u32(value);
        self
    }

    fn u64(mut self, value: u64) -> Self {
        self.0.put_u64(value);
        self
    }

    fn bytes(mut self, bytes: &[u8]) -> Bytes {
        self.0.put_slice(bytes);
        self.0.freeze()
    }

    fn json<T: Serialize>(mut self, value: &T) -> Bytes {
        // Plain structs of numbers, strings and lists of them, which always serialize.
        if let Ok(json) = serde_json::to_vec(value) {
            self.0.put_slice(&json);
        }
        self.0.freeze()
    }

    fn end(self) -> Bytes {
        self.0.freeze()
    }
}

struct Reader {
    kind: u8,
    rest: Bytes,
}

impl Reader {
    fn new(mut bytes: Bytes) -> Result<Self, FrameError> {
        let kind = bytes.try_get_u8().map_err(|_| FrameError::Truncated(0))?;
        Ok(Self { kind, rest: bytes })
    }

    fn u8(&mut self) -> Result<u8, FrameError> {
        self.rest.try_get_u8().map_err(|_| FrameError::Truncated(self.kind))
    }

    fn u32(&mut self) -> Result<u32, FrameError> {
        self.rest.try_get_u32().map_err(|_| FrameError::Truncated(self.kind))
    }

    fn u64(&mut self) -> Result<u64, FrameError> {
        self.rest.try_get_u64().map_err(|_| FrameError::Truncated(self.kind))
    }

    fn bytes(&mut self, most: usize) -> Result<Bytes, FrameError> {
        if self.rest.len() > most {
            return Err(FrameError::TooLong(self.kind));
        }
        Ok(std::mem::take(&mut self.rest))
    }

    /// Nothing follows what the kind has: it would be carried along for nothing.
    fn end(&self) -> Result<(), FrameError> {
        if self.rest.is_empty() { Ok(()) } else { Err(FrameError::TooLong(self.kind)) }
    }

    fn json<T: DeserializeOwned>(&mut self) -> Result<T, FrameError> {
        serde_json::from_slice(&std::mem::take(&mut self.rest))
            .map_err(|error| FrameError::Malformed(self.kind, error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::{Attach, Size, Start};

    fn to_agent() -> Vec<ToAgent> {
        let start = Start {
            process: u64::MAX,
            argv: vec!["sh".into(), "-c".into(), "é\n\"".into()],
            tty: Some(Size { columns: 80, rows: 24 }),
            ..Start::default()
        };
        let attach = Attach { process: 1, attachment: 2, offset: Some(3) };
        vec![
            ToAgent::Request { number: 1, request: Request::Start(start) },
            ToAgent::Request { number: 2, request: Request::Attach(attach) },
            ToAgent::Request { number: 3, request: Request::List },
            ToAgent::Input { process: 9, offset: 1 << 40, bytes: Bytes::from_static(b"\0\xff\n") },
            ToAgent::Acknowledge { attachment: 7, offset: 8 },
            ToAgent::Received { bytes: 5 },
            ToAgent::Ping { number: 6 },
        ]
    }

    fn to_daemon() -> Vec<ToDaemon> {
        let bytes = Bytes::from_static(b"\0\xff\n");
        vec![
            ToDaemon::Welcome(Welcome { agent: "1".into(), version: Some(1), pid: 4, ..Welcome::default() }),
            ToDaemon::Answer { number: 1, answer: Answer::Done },
            ToDaemon::Output { attachment: 1, source: Source::Stderr, offset: 2, bytes: bytes.clone() },
            ToDaemon::Gap { attachment: 1, offset: 2 },
            ToDaemon::Snapshot { attachment: 1, offset: 2, last: true, bytes },
            ToDaemon::Ended(Ended { attachment: 3, exit: Exit { code: Some(1), ..Exit::default() } }),
            ToDaemon::InputTaken { process: 1, offset: 2 },
            ToDaemon::Pong { number: 6 },
        ]
    }

    #[test]
    fn every_frame_round_trips() {
        for frame in to_agent() {
            assert_eq!(ToAgent::decode(frame.encode()), Ok(frame));
        }
        for frame in to_daemon() {
            assert_eq!(ToDaemon::decode(frame.encode()), Ok(frame));
        }
    }

    #[test]
    fn a_frame_cut_anywhere_is_an_error_or_another_frame() {
        for frame in to_daemon() {
            let whole = frame.encode();
            for length in 0..whole.len() {
                assert_ne!(ToDaemon::decode(whole.slice(..length)).as_ref(), Ok(&frame), "cut at {length}");
            }
        }
        for frame in to_agent() {
            let whole = frame.encode();
            for length in 0..whole.len() {
                assert_ne!(ToAgent::decode(whole.slice(..length)).as_ref(), Ok(&frame), "cut at {length}");
            }
        }
    }

    #[test]
    fn payloads_have_a_limit() {
        let long = Bytes::from(vec![0; MAX_PAYLOAD + 1]);
        let input = ToAgent::Input { process: 1, offset: 0, bytes: long.clone() }.encode();
        assert_eq!(ToAgent::decode(input), Err(FrameError::TooLong(INPUT)));
        let output = ToDaemon::Output { attachment: 1, source: Source::Stdout, offset: 0, bytes: long };
        assert_eq!(ToDaemon::decode(output.encode()), Err(FrameError::TooLong(OUTPUT)));
    }

    #[test]
    fn nothing_follows_a_frame_of_fixed_length() {
        let longer = |bytes: Bytes| Bytes::from([&bytes, &[0_u8][..]].concat());
        for frame in [
            ToAgent::Acknowledge { attachment: 7, offset: 8 },
            ToAgent::Received { bytes: 5 },
            ToAgent::Ping { number: 6 },
        ] {
            let kind = frame.encode()[0];
            assert_eq!(ToAgent::decode(longer(frame.encode())), Err(FrameError::TooLong(kind)));
        }
        for frame in [
            ToDaemon::Gap { attachment: 1, offset: 2 },
            ToDaemon::InputTaken { process: 1, offset: 2 },
            ToDaemon::Pong { number: 6 },
        ] {
            let kind = frame.encode()[0];
            assert_eq!(ToDaemon::decode(longer(frame.encode())), Err(FrameError::TooLong(kind)));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let bytes = Bytes::from(bytes);
            let _ = ToAgent::decode(bytes.clone());
            let _ = ToDaemon::decode(bytes);
        }
    }
}
