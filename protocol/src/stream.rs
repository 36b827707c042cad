//! The frames of a stream: a binary WebSocket at `/stream/{id}` that carries one process's bytes both ways, because
//! whatever has an order with bytes cannot go through JSON-RPC, whose calls run concurrently.
//!
//! One WebSocket message is one frame: a kind byte, then by kind a big-endian 64-bit offset, then the payload.
//! Output has one offset for standard output and standard error together, in the order they were read; input has
//! another. `exited` follows the last byte of output. In both directions at most [`CREDIT`] bytes are on their way without
//! being acknowledged; the daemon ends a stream whose client sends more.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::process::{ProcessExit, TerminalSize};

/// Bytes that may be on their way in one direction without being acknowledged.
pub const CREDIT: u64 = 256 * 1024;

/// Longest payload of one frame; a longer one ends the stream.
pub const MAX_PAYLOAD: usize = 64 * 1024;

/// Declares the frame kinds once: variant and kind byte; both decoder and TypeScript follow.
macro_rules! frame_kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $byte:literal,)+) => {
        /// The kind byte that a frame begins with.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum FrameKind {
            $($(#[doc = $doc])+ $variant = $byte,)+
        }

        impl FrameKind {
            /// Every kind: name, byte, and what it is for.
            pub const ALL: &[(&str, u8, &str)] = &[$((stringify!($variant), $byte, concat!($($doc,)+)),)+];

            fn from_byte(byte: u8) -> Option<Self> {
                match byte { $($byte => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

frame_kinds! {
    /// To the process: bytes of standard input at an offset.
    Stdin = 0x01,
    /// To the process: standard input ends here.
    EndOfInput = 0x02,
    /// To the process: its terminal has this size; JSON `{columns, rows}`.
    Resize = 0x03,
    /// To the process: a signal, by its POSIX name without `SIG`.
    Signal = 0x04,
    /// Both ways: everything before this offset was taken. From the client it means output, from the daemon input.
    Acknowledge = 0x05,
    /// From the process: bytes of standard output at an offset.
    Stdout = 0x11,
    /// From the process: bytes of standard error at an offset.
    Stderr = 0x12,
    /// From the process: the screen as it was at an offset, to be drawn on a cleared terminal. Several with one offset that
    /// follow each other are parts of one screen.
    Snapshot = 0x13,
    /// From the process: bytes before this offset are gone and will not come.
    Gap = 0x14,
    /// From the process: it ended; JSON `{code?, reason?, message?}`.
    Exited = 0x15,
}

/// One frame of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Bytes of standard input that begin at `offset`.
    Stdin {
        /// Bytes of input before these.
        offset: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// Standard input ends.
    EndOfInput,
    /// The terminal's size.
    Resize(TerminalSize),
    /// A signal's POSIX name without `SIG`.
    Signal(String),
    /// Everything before the offset was taken.
    Acknowledge {
        /// The offset.
        offset: u64,
    },
    /// Bytes of standard output that begin at `offset`.
    Stdout {
        /// Bytes of output before these.
        offset: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// Bytes of standard error that begin at `offset`.
    Stderr {
        /// Bytes of output before these.
        offset: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// A screen.
    Snapshot {
        /// Bytes of output it stands for.
        offset: u64,
        /// What to write to a cleared terminal.
        bytes: Bytes,
    },
    /// Output before the offset is gone.
    Gap {
        /// The next byte that will come.
        offset: u64,
    },
    /// The process ended.
    Exited(ProcessExit),
}

/// Why bytes are not a frame.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The message is empty.
    #[error("the frame is empty")]
    Empty,
    /// The kind byte is not one of [`FrameKind`].
    #[error("there is no frame kind {0:#04x}")]
    UnknownKind(u8),
    /// The message is shorter than its kind needs.
    #[error("the frame of kind {kind:?} is cut off after {length} bytes")]
    Truncated {
        /// The kind.
        kind: FrameKind,
        /// Bytes there were.
        length: usize,
    },
    /// The payload is longer than [`MAX_PAYLOAD`].
    #[error("the frame holds {0} bytes, more than {MAX_PAYLOAD}")]
    TooLong(usize),
    /// The payload is not what the kind needs.
    #[error("the payload of the frame of kind {0:?} is malformed")]
    Malformed(FrameKind),
}

const OFFSET_BYTES: usize = 8;

impl Frame {
    /// The frame as one WebSocket message.
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Stdin { offset, bytes } => with_offset(FrameKind::Stdin, *offset, bytes),
            Self::EndOfInput => Bytes::from_static(&[FrameKind::EndOfInput as u8]),
            Self::Resize(size) => with_json(FrameKind::Resize, size),
            Self::Signal(name) => {
                let mut message = BytesMut::with_capacity(1 + name.len());
                message.put_u8(FrameKind::Signal as u8);
                message.put_slice(name.as_bytes());
                message.freeze()
            }
            Self::Acknowledge { offset } => with_offset(FrameKind::Acknowledge, *offset, &[]),
            Self::Stdout { offset, bytes } => with_offset(FrameKind::Stdout, *offset, bytes),
            Self::Stderr { offset, bytes } => with_offset(FrameKind::Stderr, *offset, bytes),
            Self::Snapshot { offset, bytes } => with_offset(FrameKind::Snapshot, *offset, bytes),
            Self::Gap { offset } => with_offset(FrameKind::Gap, *offset, &[]),
            Self::Exited(exit) => with_json(FrameKind::Exited, exit),
        }
    }

    /// The frame in one WebSocket message.
    ///
    /// # Errors
    /// [`FrameError`] when the message is no frame; the stream is to be ended then.
    pub fn decode(message: &Bytes) -> Result<Self, FrameError> {
        let first = *message.first().ok_or(FrameError::Empty)?;
        let kind = FrameKind::from_byte(first).ok_or(FrameError::UnknownKind(first))?;
        if message.len() > 1 + OFFSET_BYTES + MAX_PAYLOAD {
            return Err(FrameError::TooLong(message.len()));
        }
        let offset = || -> Result<u64, FrameError> {
            let bytes = message
                .get(1..=OFFSET_BYTES)
                .and_then(|bytes| <[u8; OFFSET_BYTES]>::try_from(bytes).ok())
                .ok_or(FrameError::Truncated { kind, length: message.len() })?;
            Ok(u64::from_be_bytes(bytes))
        };
        let payload = || message.slice(1 + OFFSET_BYTES..);
        Ok(match kind {
            FrameKind::Stdin => Self::Stdin { offset: offset()?, bytes: payload() },
            FrameKind::EndOfInput => Self::EndOfInput,
            FrameKind::Resize => Self::Resize(from_json(kind, message)?),
            FrameKind::Signal => Self::Signal(signal_name(message)?),
            FrameKind::Acknowledge => Self::Acknowledge { offset: offset()? },
            FrameKind::Stdout => Self::Stdout { offset: offset()?, bytes: payload() },
            FrameKind::Stderr => Self::Stderr { offset: offset()?, bytes: payload() },
            FrameKind::Snapshot => Self::Snapshot { offset: offset()?, bytes: payload() },
            FrameKind::Gap => Self::Gap { offset: offset()? },
            FrameKind::Exited => Self::Exited(from_json(kind, message)?),
        })
    }
}

fn with_offset(kind: FrameKind, offset: u64, payload: &[u8]) -> Bytes {
    let mut message = BytesMut::with_capacity(1 + OFFSET_BYTES + payload.len());
    message.put_u8(kind as u8);
    message.put_u64(offset);
    message.put_slice(payload);
    message.freeze()
}

fn with_json<T: Serialize>(kind: FrameKind, value: &T) -> Bytes {
    let mut message = vec![kind as u8];
    // These types are plain structs of numbers and strings, which always serialize.
    if let Ok(json) = serde_json::to_vec(value) {
        message.extend_from_slice(&json);
    }
    Bytes::from(message)
}

fn from_json<T: for<'a> Deserialize<'a>>(kind: FrameKind, message: &[u8]) -> Result<T, FrameError> {
    serde_json::from_slice(&message[1..]).map_err(|_| FrameError::Malformed(kind))
}

fn signal_name(message: &[u8]) -> Result<String, FrameError> {
    let name = std::str::from_utf8(&message[1..]).map_err(|_| FrameError::Malformed(FrameKind::Signal))?;
    let plausible = !name.is_empty()
        && name.len() <= 16
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'-');
    if plausible { Ok(name.to_owned()) } else { Err(FrameError::Malformed(FrameKind::Signal)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Frame> {
        let bytes = Bytes::from_static(b"\x00\x01\xff\r\n");
        vec![
            Frame::Stdin { offset: 0, bytes: bytes.clone() },
            Frame::EndOfInput,
            Frame::Resize(TerminalSize { columns: 80, rows: 24 }),
            Frame::Signal("INT".into()),
            Frame::Acknowledge { offset: 1 << 40 },
            Frame::Stdout { offset: 7, bytes: bytes.clone() },
            Frame::Stderr { offset: u64::MAX, bytes: Bytes::new() },
            Frame::Snapshot { offset: 9, bytes },
            Frame::Gap { offset: 3 },
            Frame::Exited(ProcessExit { code: Some(130), reason: None, message: None }),
        ]
    }

    #[test]
    fn every_kind_round_trips() {
        let samples = samples();
        assert_eq!(samples.len(), FrameKind::ALL.len());
        for frame in samples {
            assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
        }
    }

    #[test]
    fn every_truncation_is_an_error_or_another_frame_but_never_a_panic() {
        for frame in samples() {
            let whole = frame.encode();
            for length in 0..whole.len() {
                if let Ok(other) = Frame::decode(&whole.slice(..length)) {
                    assert_ne!(other, frame, "cut at {length}");
                }
            }
        }
    }

    #[test]
    fn hostile_frames_are_refused() {
        assert_eq!(Frame::decode(&Bytes::new()), Err(FrameError::Empty));
        assert_eq!(Frame::decode(&Bytes::from_static(&[0xee])), Err(FrameError::UnknownKind(0xee)));
        let long = Bytes::from(vec![FrameKind::Stdin as u8; MAX_PAYLOAD + 10]);
        assert!(matches!(Frame::decode(&long), Err(FrameError::TooLong(_))));
        let signal = Bytes::from_static(b"\x04; rm -rf /");
        assert_eq!(Frame::decode(&signal), Err(FrameError::Malformed(FrameKind::Signal)));
    }
}
