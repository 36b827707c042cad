//! Text from engines, registries and containers made safe to show: control and direction characters are escaped.

use std::fmt::Write as _;

/// Longest text kept of one message, in characters. Longer ones end in an ellipsis.
const LONGEST: usize = 4096;

/// Escapes control characters (C0, C1, line separators) and bidirectional controls, trims, and bounds the length.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LONGEST));
    for (count, c) in text.trim().chars().enumerate() {
        if count == LONGEST {
            out.push('…');
            break;
        }
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || is_invisible(c) => {
                let _infallible = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Characters that change direction or lines without being control characters to Unicode.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn escapes_what_could_drive_a_terminal_and_keeps_the_rest() {
        for (text, shown) in [
            ("plain ünïcode", "plain ünïcode"),
            ("\u{1b}]0;title\u{7}x", "\\u{1b}]0;title\\u{7}x"),
            ("two\nlines\r\n", "two\\nlines"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("abc\u{202e}fed", "abc\\u{202e}fed"),
        ] {
            assert_eq!(escaped(text), shown);
        }
    }

    #[test]
    fn bounds_the_length() {
        assert_eq!(escaped(&"x".repeat(100_000)).chars().count(), 4097);
    }
}
