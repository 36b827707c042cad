//! Questions to a person at a terminal, on standard error and standard input.

use std::io::{BufRead, Write};

use gangplank_protocol::operation::{Answer, Ask};

use crate::render::{escape, failure};

/// Asks until there is an answer. Nothing when the input ends.
pub(super) fn ask(ask: &Ask) -> Option<Answer> {
    let stdin = std::io::stdin();
    conversation(ask, &mut stdin.lock(), &mut std::io::stderr())
}

fn conversation(ask: &Ask, input: &mut dyn BufRead, output: &mut dyn Write) -> Option<Answer> {
    match ask {
        Ask::Trust { effects, .. } => {
            let mut text = "This configuration reaches your machine:\n".to_owned();
            for effect in effects {
                text.push_str(&format!("  {}\n", failure::effect(effect)));
            }
            text.push_str("Scripts that these call are not shown. Trust them in this folder?");
            let trusted = yes_or_no(&text, false, input, output)?;
            Some(if trusted { Answer::Trust } else { Answer::Refuse })
        }
        Ask::Configuration { configurations } => {
            let choice = choose("Which configuration?", configurations, input, output)?;
            Some(Answer::Choose { choice: configurations.get(choice)?.clone(), write: false })
        }
        Ask::Offer { offers } => {
            let titles: Vec<String> = offers
                .iter()
                .map(|offer| format!("{}: {} ({})", offer.title, offer.image, offer.reason))
                .collect();
            let question = "This folder has no dev container configuration. Which image?";
            let choice = offers.get(choose(question, &titles, input, output)?)?;
            let write = yes_or_no("Write .devcontainer/devcontainer.json with it?", true, input, output)?;
            Some(Answer::Choose { choice: choice.id.clone(), write })
        }
    }
}

/// The number of the line chosen, from 0; the first by an empty answer.
fn choose(
    question: &str,
    lines: &[String],
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Option<usize> {
    let mut text = format!("{question}\n");
    for (index, line) in lines.iter().enumerate() {
        text.push_str(&format!("  {}  {}\n", index + 1, escape::line(line)));
    }
    say(output, &text);
    loop {
        say(output, "Number [1]: ");
        match read(input)?.as_str() {
            "" => return Some(0),
            answer => match answer.parse::<usize>() {
                Ok(number) if (1..=lines.len()).contains(&number) => return Some(number - 1),
                _ => say(output, &format!("A number from 1 to {}.\n", lines.len())),
            },
        }
    }
}

fn yes_or_no(question: &str, default: bool, input: &mut dyn BufRead, output: &mut dyn Write) -> Option<bool> {
    loop {
        say(output, &format!("{question} [{}] ", if default { "Y/n" } else { "y/N" }));
        match read(input)?.to_ascii_lowercase().as_str() {
            "" => return Some(default),
            "y" | "yes" => return Some(true),
            "n" | "no" => return Some(false),
            _ => say(output, "Yes or no.\n"),
        }
    }
}

fn say(output: &mut dyn Write, text: &str) {
    // a terminal that is gone gives no answer either, which ends the question
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}

fn read(input: &mut dyn BufRead) -> Option<String> {
    let mut line = String::new();
    match input.read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line.trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use gangplank_protocol::workspace::{ConfigurationOffer, HostEffect};

    use super::*;

    fn asked(ask: &Ask, input: &str) -> (Option<Answer>, String) {
        let mut output = Vec::new();
        let answer = conversation(ask, &mut input.as_bytes(), &mut output);
        (answer, String::from_utf8(output).unwrap())
    }

    #[test]
    fn trust_is_never_given_by_default_and_shows_every_effect() {
        let effect = |value: &str| HostEffect {
            kind: "hostCommand".into(),
            property: "initializeCommand".into(),
            value: value.into(),
            reason: "runs here".into(),
        };
        let ask = Ask::Trust { effects: vec![effect("one"), effect("two\x1b[8m")], hash: "h".into() };
        let (answer, shown) = asked(&ask, "\n");
        assert_eq!(answer, Some(Answer::Refuse));
        assert!(shown.contains("one") && shown.contains("two\\u{1b}[8m"), "{shown}");
        assert_eq!(asked(&ask, "yes\n").0, Some(Answer::Trust));
        assert_eq!(asked(&ask, "maybe\nn\n").0, Some(Answer::Refuse));
        assert_eq!(asked(&ask, "").0, None);
    }

    #[test]
    fn a_choice_is_a_number_that_is_there() {
        let ask = Ask::Configuration { configurations: vec!["/a".into(), "/b".into()] };
        let chosen = |choice: &str| Some(Answer::Choose { choice: choice.into(), write: false });
        assert_eq!(asked(&ask, "\n").0, chosen("/a"));
        assert_eq!(asked(&ask, "0\n3\nx\n2\n").0, chosen("/b"));
    }

    #[test]
    fn an_offer_asks_whether_to_write_the_file() {
        let offer = ConfigurationOffer {
            id: "python".into(),
            title: "Python 3".into(),
            image: "python:3".into(),
            reason: "the folder has main.py".into(),
        };
        let ask = Ask::Offer { offers: vec![offer] };
        assert_eq!(asked(&ask, "1\nn\n").0, Some(Answer::Choose { choice: "python".into(), write: false }));
        assert_eq!(asked(&ask, "\n\n").0, Some(Answer::Choose { choice: "python".into(), write: true }));
    }
}
