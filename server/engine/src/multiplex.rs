//! Output of containers and execs as engines send it: raw from a terminal, otherwise in frames of 8 bytes header
//! (stream, three zeros, big-endian length) and payload.
//!
//! Payloads are handed on as they arrive, never collected, so a frame's length costs no memory. bollard's decoder is
//! not used: it guesses from the first byte whether a stream is framed, and takes a terminal's output for frames.

use std::mem;

use bytes::{Buf as _, Bytes, BytesMut};

/// Which stream bytes were written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Standard output, or a terminal's only stream.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Some bytes that a process wrote. Chunks say nothing about how it wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Where to.
    pub source: Source,
    /// What.
    pub bytes: Bytes,
}

const HEADER: usize = 8;

/// Takes the stream apart, however it is cut into chunks.
#[derive(Debug)]
pub(crate) enum Decoder {
    /// A terminal's bytes.
    Raw,
    /// Frames: a header in the making, or a payload with so many bytes to come.
    Framed { header: BytesMut, source: Source, remaining: usize },
}

impl Decoder {
    pub(crate) fn new(tty: bool) -> Self {
        if tty {
            Self::Raw
        } else {
            Self::Framed { header: BytesMut::with_capacity(HEADER), source: Source::Stdout, remaining: 0 }
        }
    }

    /// Takes from the front of `chunk` what makes one output; `None` when the chunk is used up.
    ///
    /// # Errors
    /// A header that is none, in words.
    pub(crate) fn next(&mut self, chunk: &mut Bytes) -> Result<Option<Output>, String> {
        let Self::Framed { header, source, remaining } = self else {
            let bytes = mem::take(chunk);
            return Ok((!bytes.is_empty()).then_some(Output { source: Source::Stdout, bytes }));
        };
        loop {
            if chunk.is_empty() {
                return Ok(None);
            }
            if *remaining > 0 {
                let bytes = chunk.split_to(chunk.len().min(*remaining));
                *remaining -= bytes.len();
                return Ok(Some(Output { source: *source, bytes }));
            }
            let missing = chunk.len().min(HEADER - header.len());
            header.extend_from_slice(&chunk.split_to(missing));
            if header.len() == HEADER {
                (*source, *remaining) = parse_header(header)?;
                header.clear();
            }
        }
    }

    /// Whether the stream may end here, or ends within a frame.
    pub(crate) fn is_complete(&self) -> bool {
        match self {
            Self::Raw => true,
            Self::Framed { header, remaining, .. } => header.is_empty() && *remaining == 0,
        }
    }
}

fn parse_header(mut header: &[u8]) -> Result<(Source, usize), String> {
    let (stream, zeros) = (header.get_u8(), header.get_uint(3));
    // 0 is standard input echoed by old engines, 3 an error of the engine's own.
    let source = match (stream, zeros) {
        (0 | 1, 0) => Source::Stdout,
        (2 | 3, 0) => Source::Stderr,
        _ => return Err(format!("{stream} is no stream of a container")),
    };
    let length = usize::try_from(header.get_u32()).map_err(|error| error.to_string())?;
    Ok((source, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(stream: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&[stream, 0, 0, 0], &length[..], payload].concat()
    }

    /// Decodes `chunks` and joins what belongs together.
    fn decode(decoder: &mut Decoder, chunks: &[&[u8]]) -> Result<(Vec<u8>, Vec<u8>), String> {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        for chunk in chunks {
            let mut chunk = Bytes::copy_from_slice(chunk);
            while let Some(output) = decoder.next(&mut chunk)? {
                assert!(!output.bytes.is_empty());
                match output.source {
                    Source::Stdout => stdout.extend_from_slice(&output.bytes),
                    Source::Stderr => stderr.extend_from_slice(&output.bytes),
                }
            }
        }
        Ok((stdout, stderr))
    }

    #[test]
    fn frames_come_out_whole_at_every_split() {
        let wire =
            [frame(1, b"one\x01\x00\x00\x00\x00"), frame(2, b"two"), frame(1, b""), frame(1, b"three")]
                .concat();
        for first in 0..=wire.len() {
            for second in first..=wire.len() {
                let mut decoder = Decoder::new(false);
                let (stdout, stderr) =
                    decode(&mut decoder, &[&wire[..first], &wire[first..second], &wire[second..]]).unwrap();
                assert_eq!(stdout, b"one\x01\x00\x00\x00\x00three");
                assert_eq!(stderr, b"two");
                assert!(decoder.is_complete());
            }
        }
    }

    #[test]
    fn a_terminals_bytes_are_not_touched() {
        let bytes: Vec<u8> = (0..=255).collect();
        for at in 0..bytes.len() {
            let (stdout, stderr) = decode(&mut Decoder::new(true), &[&bytes[..at], &bytes[at..]]).unwrap();
            assert_eq!((stdout.as_slice(), stderr.is_empty()), (bytes.as_slice(), true));
        }
    }

    #[test]
    fn a_huge_length_costs_nothing() {
        let mut decoder = Decoder::new(false);
        let (stdout, _) = decode(&mut decoder, &[&[1, 0, 0, 0, 255, 255, 255, 255], b"abc"]).unwrap();
        assert_eq!(stdout, b"abc");
        assert!(!decoder.is_complete());
    }

    #[test]
    fn what_is_no_header_is_an_error() {
        for header in [[9, 0, 0, 0, 0, 0, 0, 1], [1, 0, 1, 0, 0, 0, 0, 1]] {
            assert!(decode(&mut Decoder::new(false), &[&header]).is_err());
        }
    }
}
