//! Text from a repository, made safe to show: nothing in it can move the cursor, hide, or turn the order around.

/// A text as it can be shown to a user: every character that is invisible or acts on the display stands as `\u{…}`.
///
/// That is control characters (C0, DEL and C1, so escape sequences too), line breaks included, what sets the
/// direction of writing, what has no width, and what marks other invisible ranges.
pub fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, character| {
        if is_hidden(character) {
            shown.push_str(&format!("\\u{{{:x}}}", u32::from(character)));
        } else {
            shown.push(character);
        }
        shown
    })
}

fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'                        // soft hyphen
            | '\u{34f}'                     // combining grapheme joiner
            | '\u{61c}'                     // Arabic letter mark
            | '\u{115f}' | '\u{1160}'       // Hangul fillers
            | '\u{17b4}' | '\u{17b5}'       // Khmer inherent vowels
            | '\u{180b}'..='\u{180f}'       // Mongolian selectors
            | '\u{200b}'..='\u{200f}'       // no width, joiners, direction marks
            | '\u{2028}'..='\u{202e}'       // line and paragraph separators, direction overrides
            | '\u{2060}'..='\u{206f}'       // word joiner, invisible operators, direction isolates
            | '\u{3164}' | '\u{ffa0}'       // Hangul fillers
            | '\u{fe00}'..='\u{fe0f}'       // variation selectors
            | '\u{feff}'                    // byte order mark
            | '\u{fff0}'..='\u{fffb}'       // interlinear annotation
            | '\u{1d173}'..='\u{1d17a}'     // musical format controls
            | '\u{e0000}'..='\u{e0fff}'     // tags and further selectors
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_acts_on_the_display_is_spelled_out() {
        assert_eq!(
            escape("rm \u{202e}x\u{1b}]0;t\u{7}\u{9b}\n\u{200b}\u{7f}"),
            "rm \\u{202e}x\\u{1b}]0;t\\u{7}\\u{9b}\\u{a}\\u{200b}\\u{7f}"
        );
        assert_eq!(escape("curl 'é 漢字 😀'"), "curl 'é 漢字 😀'");
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left_and_plain_text_stays(text in any::<String>()) {
            let shown = escape(&text);
            prop_assert!(!shown.chars().any(is_hidden));
            prop_assert_eq!(escape(&shown), &*shown);
            if !text.chars().any(is_hidden) {
                prop_assert_eq!(shown, text);
            }
        }
    }
}
