//! Frames of output as the bytes that are written for them.

use bytes::Bytes;
use gangplank_protocol::stream::Frame;

use super::output::{Target, Written};

/// Cursor home, screen and scrollback cleared.
const CLEAR: &[u8] = b"\x1b[H\x1b[2J\x1b[3J";

/// What the output looks like so far, as far as the next frame depends on it.
#[derive(Debug)]
pub(super) struct Drawing {
    tty: bool,
    /// The offset of the screen whose parts come.
    screen: Option<u64>,
}

/// What becomes of a frame.
#[derive(Debug)]
pub(super) enum Drawn {
    Bytes(Written),
    /// Output before this byte is lost.
    LostBefore(u64),
    /// Nothing.
    Nothing,
}

impl Drawing {
    pub(super) fn new(tty: bool) -> Drawing {
        Drawing { tty, screen: None }
    }

    /// The frames that follow come over another connection: a screen among them is a new one.
    pub(super) fn reconnected(&mut self) {
        self.screen = None;
    }

    /// What is written for a frame. Of a screen in parts the first one clears the terminal.
    pub(super) fn frame(&mut self, frame: Frame) -> Drawn {
        let before = self.screen.take();
        let (target, offset, bytes) = match frame {
            Frame::Stdout { offset, bytes } => (Target::Stdout, offset, bytes),
            Frame::Stderr { offset, bytes } => (Target::Stderr, offset, bytes),
            Frame::Snapshot { offset, bytes } => {
                self.screen = Some(offset);
                let goes_on = before == Some(offset);
                let bytes = if self.tty && !goes_on { Bytes::from([CLEAR, &bytes].concat()) } else { bytes };
                return Drawn::Bytes(Written { target: Target::Stdout, bytes, reaches: offset });
            }
            Frame::Gap { offset } => return Drawn::LostBefore(offset),
            // what only goes the other way, and `exited`, which is handled where the session ends
            Frame::Stdin { .. }
            | Frame::EndOfInput
            | Frame::Resize(_)
            | Frame::Signal(_)
            | Frame::Acknowledge { .. }
            | Frame::Exited(_) => return Drawn::Nothing,
        };
        let reaches = offset + bytes.len() as u64;
        Drawn::Bytes(Written { target, bytes, reaches })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(drawing: &mut Drawing, frame: Frame) -> (Vec<u8>, u64) {
        match drawing.frame(frame) {
            Drawn::Bytes(written) => (written.bytes.to_vec(), written.reaches),
            other => panic!("{other:?}"),
        }
    }

    fn screen(offset: u64, bytes: &'static [u8]) -> Frame {
        Frame::Snapshot { offset, bytes: Bytes::from_static(bytes) }
    }

    fn output(offset: u64, bytes: &'static [u8]) -> Frame {
        Frame::Stdout { offset, bytes: Bytes::from_static(bytes) }
    }

    #[test]
    fn only_the_first_part_of_a_screen_clears_the_terminal() {
        let mut drawing = Drawing::new(true);
        let cleared = |bytes: &[u8]| [CLEAR, bytes].concat();
        assert_eq!(drawn(&mut drawing, screen(7, b"one")), (cleared(b"one"), 7));
        assert_eq!(drawn(&mut drawing, screen(7, b"two")), (b"two".to_vec(), 7));
        assert_eq!(drawn(&mut drawing, output(7, b"x")), (b"x".to_vec(), 8));
        // another screen: after output, at another offset, over another connection
        assert_eq!(drawn(&mut drawing, screen(8, b"a")), (cleared(b"a"), 8));
        assert_eq!(drawn(&mut drawing, screen(9, b"b")), (cleared(b"b"), 9));
        drawing.reconnected();
        assert_eq!(drawn(&mut drawing, screen(9, b"b")), (cleared(b"b"), 9));
    }

    #[test]
    fn without_a_terminal_nothing_is_cleared() {
        let mut drawing = Drawing::new(false);
        assert_eq!(drawn(&mut drawing, screen(7, b"one")), (b"one".to_vec(), 7));
    }
}
