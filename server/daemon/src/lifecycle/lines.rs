//! A command's output as whole lines that are safe to show: colours stay, every other control sequence is made
//! harmless, and of a line that was overwritten with carriage returns the last version counts.

use std::collections::VecDeque;

/// Longest line in bytes; what is longer is cut into several.
const LONGEST: usize = 8 * 1024;
/// Last lines kept for an error.
const KEPT: usize = 20;

/// Cuts output into lines.
#[derive(Debug, Default)]
pub struct Lines {
    pending: Vec<u8>,
    last: VecDeque<String>,
}

impl Lines {
    /// The lines that `bytes` complete, each with its end; `None` when they complete none.
    pub fn push(&mut self, bytes: &[u8]) -> Option<String> {
        self.pending.extend_from_slice(bytes);
        let end = match self.pending.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => at + 1,
            None if self.pending.len() > LONGEST => self.pending.len(),
            None => return None,
        };
        let whole: Vec<u8> = self.pending.drain(..end).collect();
        Some(self.shown(&whole))
    }

    /// What is left at the end of the output.
    pub fn finish(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.pending);
        (!rest.is_empty()).then(|| self.shown(&rest))
    }

    /// The last lines, oldest first.
    pub fn last(&self) -> Vec<String> {
        self.last.iter().cloned().collect()
    }

    fn shown(&mut self, whole: &[u8]) -> String {
        let text = String::from_utf8_lossy(whole);
        let mut shown = String::with_capacity(text.len());
        for line in text.lines() {
            let version = line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default();
            let line = harmless(version);
            if self.last.len() == KEPT {
                self.last.pop_front();
            }
            self.last.push_back(line.clone());
            shown.push_str(&line);
            shown.push('\n');
        }
        shown
    }
}

/// Keeps tabs and colour sequences (`ESC [ … m`), escapes every other control character.
fn harmless(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(['\u{1b}', '\t']) {
        shown.push_str(&escape(&rest[..at]));
        rest = &rest[at..];
        let kept = if rest.starts_with('\t') { 1 } else { colour(rest).unwrap_or(0) };
        let taken = kept.max(1);
        if kept > 0 {
            shown.push_str(&rest[..taken]);
        } else {
            shown.push_str(&escape(&rest[..taken]));
        }
        rest = &rest[taken..];
    }
    shown.push_str(&escape(rest));
    shown
}

/// Spells out what a terminal acts on or what turns the order of text around. Unlike in a prompt for consent, characters
/// that are merely invisible stay: programs print them in good faith.
fn escape(text: &str) -> String {
    let acts = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if acts(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
        shown
    })
}

/// The length of the colour sequence that `text` begins with.
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let length =
        parameters.bytes().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b':')).count();
    (parameters.as_bytes().get(length) == Some(&b'm')).then_some(length + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_whole_and_the_rest_at_the_end() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"one\ntw"), Some("one\n".into()));
        assert_eq!(lines.push(b"o"), None);
        assert_eq!(lines.push("\nthree \u{fffd}".as_bytes()), Some("two\n".into()));
        assert_eq!(lines.finish(), Some("three \u{fffd}\n".into()));
        assert_eq!(lines.last(), ["one", "two", "three \u{fffd}"]);
    }

    #[test]
    fn a_character_cut_in_two_is_whole_again() {
        let mut lines = Lines::default();
        let (one, two) = "grün\n".as_bytes().split_at(3);
        assert_eq!(lines.push(one), None);
        assert_eq!(lines.push(two), Some("grün\n".into()));
    }

    #[test]
    fn colours_stay_and_everything_else_is_made_harmless() {
        let shown = |text: &str| Lines::default().push(text.as_bytes()).unwrap();
        assert_eq!(shown("\u{1b}[1;31mred\u{1b}[0m\tok\n"), "\u{1b}[1;31mred\u{1b}[0m\tok\n");
        for hostile in
            ["\u{1b}]52;c;AAAA\u{7}\n", "\u{1b}[2J\n", "\u{1b}]0;title\u{7}\n", "\u{9b}31m\n", "\u{202e}x\n"]
        {
            let shown = shown(hostile);
            assert!(!shown.chars().any(|c| c.is_control() && c != '\n' || c == '\u{202e}'), "{shown:?}");
        }
    }

    #[test]
    fn of_an_overwritten_line_the_last_version_counts() {
        assert_eq!(Lines::default().push(b"10%\r50%\r100%\r\n"), Some("100%\n".into()));
    }

    #[test]
    fn output_without_a_line_end_does_not_grow_for_ever() {
        let mut lines = Lines::default();
        assert!(lines.push(&[b'x'; LONGEST + 1]).is_some());
        assert_eq!(lines.finish(), None);
    }
}
