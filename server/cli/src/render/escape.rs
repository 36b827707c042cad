//! Text from engines, containers and files, made harmless for a terminal: what would move the cursor, change the
//! terminal or turn the order of letters around is shown instead of done.

use std::borrow::Cow;

/// One line: every control and bidirectional character is shown, line ends too.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    replace(text, |character| is_harmful(character) || matches!(character, '\n' | '\t'))
}

/// Output of a program, in whole lines: tabs and line ends stay, and colours where `colours` is true.
pub(crate) fn output(text: &str, colours: bool) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('\x1b') {
        let (before, sequence) = rest.split_at(start);
        clean.push_str(&replace(before, is_harmful));
        let length = colour_length(sequence);
        match length {
            Some(length) => {
                if colours {
                    clean.push_str(&sequence[..length]);
                }
                rest = &sequence[length..];
            }
            None => {
                clean.push_str("\\u{1b}");
                rest = &sequence[1..];
            }
        }
    }
    clean.push_str(&replace(rest, is_harmful));
    clean
}

/// JSON text, in which such characters can only be within strings: escaped as JSON does it, so that the value is the
/// same.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            // all of them are in the first plane, and need no surrogates
            character if is_harmful(character) => clean.push_str(&format!("\\u{:04x}", u32::from(character))),
            character => clean.push(character),
        }
    }
    Cow::Owned(clean)
}

/// The length of the colour sequence (SGR: `ESC [ digits ; : m`) that the text begins with.
fn colour_length(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\x1b[")?;
    let end =
        parameters.find(|character: char| !(character.is_ascii_digit() || matches!(character, ';' | ':')))?;
    parameters[end..].starts_with('m').then_some(2 + end + 1)
}

fn replace(text: &str, harmful: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&harmful) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' if harmful('\n') => clean.push_str("\\n"),
            '\t' if harmful('\t') => clean.push_str("\\t"),
            '\r' => clean.push_str("\\r"),
            character if harmful(character) => clean.extend(character.escape_unicode()),
            character => clean.push(character),
        }
    }
    Cow::Owned(clean)
}

fn is_harmful(character: char) -> bool {
    let control = character.is_control() && !matches!(character, '\n' | '\t');
    // Unicode's bidirectional controls, and its line and paragraph separators
    let layout = matches!(character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
    control || layout
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_terminal_is_shown() {
        for (text, shown) in [
            ("plain, Ünïcode, 日本", "plain, Ünïcode, 日本"),
            ("\x1b]0;title\x07", "\\u{1b}]0;title\\u{7}"),
            ("a\r\nb\tc", "a\\r\\nb\\tc"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("abc\u{202e}fed", "abc\\u{202e}fed"),
            ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
            ("del\x7f nul\0", "del\\u{7f} nul\\u{0}"),
        ] {
            assert_eq!(line(text), shown);
        }
    }

    #[test]
    fn json_says_the_same_in_harmless_letters() {
        let value = serde_json::json!({"name": "a\u{9b}31m\u{202e}b\x7f ü\n"});
        let printed = value.to_string();
        let clean = json(&printed);
        assert!(!clean.contains(is_harmful), "{clean}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&clean).unwrap(), value);
    }

    #[test]
    fn output_keeps_lines_and_colours_only() {
        assert_eq!(output("\x1b[1;31mred\x1b[0m\n\tx\n", true), "\x1b[1;31mred\x1b[0m\n\tx\n");
        assert_eq!(output("\x1b[1;31mred\x1b[0m\n", false), "red\n");
        assert_eq!(output("\x1b[2Jgone\x1b]52;c;x\x07", true), "\\u{1b}[2Jgone\\u{1b}]52;c;x\\u{7}");
        assert_eq!(output("10%\r20%\n", true), "10%\\r20%\n");
        assert_eq!(output("\x1b[31", true), "\\u{1b}[31");
    }
}
