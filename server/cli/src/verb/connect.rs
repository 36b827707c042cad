//! `connect --stdio`: the protocol for clients without WebSocket, message by message, without understanding any.
//!
//! The framing is the Language Server Protocol's base protocol. It is written here because the crates that have it
//! keep it to themselves (tower-lsp) or decode the messages too (lsp-server).

use bytes::{Buf, BytesMut};
use futures_util::StreamExt;
use gangplank_client::relay;
use tokio::io::AsyncWriteExt;
use tokio_util::codec::{Decoder, FramedRead};

use super::{DONE, Outcome};
use crate::context::Context;
use crate::failure::Failure;

/// Longest message taken; the daemon's own limit is lower.
const MAX_MESSAGE: usize = 64 * 1024 * 1024;
/// Longest head; the two fields that exist take less than a hundred bytes.
const MAX_HEAD: usize = 4096;

pub(super) async fn run(context: &Context) -> Outcome {
    let (mut to_daemon, mut from_daemon) = relay::connect(&context.place()?, true).await?;
    let mut input = FramedRead::new(tokio::io::stdin(), Messages);
    let mut output = tokio::io::stdout();
    loop {
        tokio::select! {
            message = input.next() => match message {
                Some(message) => to_daemon.send(message.map_err(Failure::io("read a message"))?).await?,
                None => {
                    to_daemon.close().await;
                    return DONE;
                }
            },
            message = from_daemon.next() => match message? {
                Some(message) => {
                    let framed = format!("Content-Length: {}\r\n\r\n{message}", message.len());
                    output.write_all(framed.as_bytes()).await.map_err(Failure::output)?;
                    output.flush().await.map_err(Failure::output)?;
                }
                None => return Err(gangplank_client::ClientError::ConnectionLost.into()),
            },
        }
    }
}

/// Cuts standard input into messages.
#[derive(Debug)]
struct Messages;

impl Decoder for Messages {
    type Item = String;
    type Error = std::io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<String>, std::io::Error> {
        let Some(head) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
            return if buffer.len() > MAX_HEAD { Err(invalid("the head has no end")) } else { Ok(None) };
        };
        let length = content_length(&buffer[..head])?;
        let start = head + 4;
        if buffer.len() < start + length {
            buffer.reserve(start + length - buffer.len());
            return Ok(None);
        }
        buffer.advance(start);
        let message = buffer.split_to(length);
        String::from_utf8(message.to_vec()).map(Some).map_err(|_| invalid("the message is not UTF-8"))
    }
}

fn content_length(head: &[u8]) -> Result<usize, std::io::Error> {
    let head = std::str::from_utf8(head).map_err(|_| invalid("the head is not text"))?;
    let length = head
        .split("\r\n")
        .filter_map(|field| field.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok())
        .ok_or_else(|| invalid("the head has no Content-Length"))?;
    if length > MAX_MESSAGE { Err(invalid("the message is too long")) } else { Ok(length) }
}

fn invalid(what: &'static str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(chunks: &[&[u8]]) -> Result<Vec<String>, std::io::Error> {
        let mut buffer = BytesMut::new();
        let mut messages = Vec::new();
        for chunk in chunks {
            buffer.extend_from_slice(chunk);
            while let Some(message) = Messages.decode(&mut buffer)? {
                messages.push(message);
            }
        }
        Ok(messages)
    }

    #[test]
    fn messages_come_out_whole_however_they_come_in() {
        let wire =
            "Content-Length: 7\r\n\r\n{\"ü\":1content-length:2\r\nContent-Type: x\r\n\r\n{}".as_bytes();
        let expected = ["{\"ü\":1", "{}"];
        assert_eq!(decoded(&[wire]).unwrap(), expected);
        let bytes: Vec<&[u8]> = wire.chunks(1).collect();
        assert_eq!(decoded(&bytes).unwrap(), expected);
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        for wire in [
            &b"Content-Length: x\r\n\r\n"[..],
            b"Content-Type: y\r\n\r\n",
            b"Content-Length: 99999999999\r\n\r\n",
            b"Content-Length: 1\r\n\r\n\xff",
            &[b'a'; MAX_HEAD + 1],
        ] {
            assert!(decoded(&[wire]).is_err(), "{wire:?}");
        }
    }
}
