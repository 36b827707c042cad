//! Answers that come as one JSON object a line, for as long as the engine has something to say.

use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};

use crate::EngineError;

/// Longest line that is read; engines send less than 64 KiB, labels included.
const LONGEST_LINE: usize = 1 << 20;

/// Cuts a body into its lines, without empty ones; after an error nothing more comes.
pub(crate) fn lines(
    body: impl Stream<Item = Result<Bytes, EngineError>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, EngineError>> + Send + 'static {
    struct State<S> {
        body: Option<Pin<Box<S>>>,
        buffer: BytesMut,
    }
    let state = State { body: Some(Box::pin(body)), buffer: BytesMut::new() };
    futures_util::stream::unfold(state, |mut state| async move {
        loop {
            let line = match state.buffer.iter().position(|byte| *byte == b'\n') {
                Some(end) => state.buffer.split_to(end + 1),
                None => match state.body.as_mut()?.next().await {
                    Some(Ok(_)) if state.buffer.len() > LONGEST_LINE => {
                        state.body = None;
                        let what = "read what the engine tells".to_owned();
                        return Some((
                            Err(EngineError::Malformed { what, message: "an endless line".to_owned() }),
                            state,
                        ));
                    }
                    Some(Ok(bytes)) => {
                        state.buffer.extend_from_slice(&bytes);
                        continue;
                    }
                    Some(Err(error)) => {
                        state.body = None;
                        state.buffer.clear();
                        return Some((Err(error), state));
                    }
                    None => {
                        state.body = None;
                        state.buffer.split()
                    }
                },
            };
            if !line.trim_ascii().is_empty() {
                return Some((Ok(line.freeze()), state));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;

    use super::*;

    #[tokio::test]
    async fn lines_however_they_are_cut() {
        let text = b"one\r\n\ntwo\nthree";
        for at in 0..=text.len() {
            let chunks = [&text[..at], &text[at..]].map(|chunk| Ok(Bytes::from_static(chunk)));
            let lines: Vec<_> = lines(futures_util::stream::iter(chunks)).try_collect().await.unwrap();
            assert_eq!(lines, [&b"one\r\n"[..], b"two\n", b"three"]);
        }
    }

    #[tokio::test]
    async fn an_endless_line_is_an_error() {
        let chunks = (0..10).map(|_| Ok(Bytes::from(vec![b'x'; LONGEST_LINE])));
        let lines: Vec<_> = lines(futures_util::stream::iter(chunks)).collect().await;
        assert!(matches!(lines.as_slice(), [Err(EngineError::Malformed { .. })]));
    }
}
