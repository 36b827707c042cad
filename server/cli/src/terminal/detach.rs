//! Keys that leave a terminal without ending what runs in it, in Docker's notation: `ctrl-p,ctrl-q`.

use std::str::FromStr;

/// A sequence of key bytes; empty when leaving by keys is turned off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DetachKeys(Vec<u8>);

/// Why a text names no keys.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no key: give one character, or `ctrl-` with a letter or one of @ [ \\ ] ^ _")]
pub(crate) struct UnknownKey(String);

impl FromStr for DetachKeys {
    type Err = UnknownKey;

    fn from_str(text: &str) -> Result<Self, UnknownKey> {
        if text.is_empty() {
            return Ok(DetachKeys(Vec::new()));
        }
        text.split(',').map(key).collect::<Result<_, _>>().map(DetachKeys)
    }
}

fn key(name: &str) -> Result<u8, UnknownKey> {
    let unknown = || UnknownKey(name.to_owned());
    let single = |text: &str| match text.as_bytes() {
        [byte] if byte.is_ascii() && !byte.is_ascii_control() => Some(*byte),
        _ => None,
    };
    match name.strip_prefix("ctrl-") {
        None => single(name).ok_or_else(unknown),
        Some(held) => match single(held).map(|byte| byte.to_ascii_uppercase()) {
            Some(byte @ (b'@'..=b'_')) => Ok(byte - b'@'),
            _ => Err(unknown()),
        },
    }
}

/// Looks for the keys in what is typed. Bytes that may be the beginning of the keys are held back until the next byte
/// tells.
#[derive(Debug)]
pub(crate) struct Matcher {
    keys: Vec<u8>,
    matched: usize,
}

/// What typed bytes come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Typed {
    /// The bytes for the process.
    pub(crate) bytes: Vec<u8>,
    /// True when the keys were typed; what came after them is dropped.
    pub(crate) detach: bool,
}

impl Matcher {
    pub(crate) fn new(keys: DetachKeys) -> Matcher {
        Matcher { keys: keys.0, matched: 0 }
    }

    /// Takes the next bytes.
    pub(crate) fn take(&mut self, input: &[u8]) -> Typed {
        let mut bytes = Vec::with_capacity(input.len() + self.matched);
        if self.keys.is_empty() {
            bytes.extend_from_slice(input);
            return Typed { bytes, detach: false };
        }
        for &byte in input {
            while self.matched > 0 && self.keys[self.matched] != byte {
                self.give_up_one(&mut bytes);
            }
            if self.keys[self.matched] != byte {
                bytes.push(byte);
                continue;
            }
            self.matched += 1;
            if self.matched == self.keys.len() {
                self.matched = 0;
                return Typed { bytes, detach: true };
            }
        }
        Typed { bytes, detach: false }
    }

    /// The first held byte is no beginning after all: the longest later beginning among the held ones stays held.
    fn give_up_one(&mut self, bytes: &mut Vec<u8>) {
        let held = &self.keys[..self.matched];
        let next =
            (1..=held.len()).find(|start| self.keys.starts_with(&held[*start..])).unwrap_or(held.len());
        bytes.extend_from_slice(&held[..next]);
        self.matched -= next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> DetachKeys {
        text.parse().unwrap()
    }

    fn typed(keys: &str, chunks: &[&[u8]]) -> (Vec<u8>, bool) {
        let mut matcher = Matcher::new(keys.parse().unwrap());
        let mut bytes = Vec::new();
        for chunk in chunks {
            let typed = matcher.take(chunk);
            bytes.extend(typed.bytes);
            if typed.detach {
                return (bytes, true);
            }
        }
        (bytes, false)
    }

    #[test]
    fn keys_are_written_as_dockers() {
        assert_eq!(keys("ctrl-p,ctrl-q").0, [0x10, 0x11]);
        assert_eq!(keys("ctrl-@,a,ctrl-[,ctrl-_").0, [0, b'a', 0x1b, 0x1f]);
        assert_eq!(keys("").0, [] as [u8; 0]);
        for wrong in ["ctrl-", "ctrl-é", "ab", "a,,b", "ctrl-1"] {
            assert!(wrong.parse::<DetachKeys>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_keys_are_found_in_one_piece_and_in_two() {
        assert_eq!(typed("ctrl-p,ctrl-q", &[b"ls\x10\x11rest"]), (b"ls".to_vec(), true));
        assert_eq!(typed("ctrl-p,ctrl-q", &[b"ls\x10", b"\x11"]), (b"ls".to_vec(), true));
    }

    #[test]
    fn a_beginning_that_goes_on_otherwise_is_typed() {
        assert_eq!(typed("ctrl-p,ctrl-q", &[b"\x10", b"a"]), (b"\x10a".to_vec(), false));
        assert_eq!(typed("ctrl-p,ctrl-q", &[b"\x10\x10\x11"]), (b"\x10".to_vec(), true));
        assert_eq!(typed("a,a,b", &[b"aaab"]), (b"a".to_vec(), true));
        assert_eq!(typed("a,b,a,c", &[b"ababac"]), (b"ab".to_vec(), true));
    }

    #[test]
    fn without_keys_every_byte_is_typed() {
        assert_eq!(typed("", &[b"\x10\x11\x00\xff"]), (b"\x10\x11\x00\xff".to_vec(), false));
    }
}
