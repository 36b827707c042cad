//! A failure for people, on standard error: what failed, why, what to do, where the log is.

use std::fmt::Write;

use gangplank_protocol::ErrorData;
use gangplank_protocol::error::ErrorDetails;
use gangplank_protocol::workspace::{Diagnostic, HostEffect, Severity};

use super::escape;

/// The lines, escaped.
pub(crate) fn text(data: &ErrorData) -> String {
    let mut text = format!("error: {} ({})", escape::line(&data.message), data.kind.name());
    if let Some(step) = &data.step {
        add(&mut text, "in step", step);
    }
    for cause in &data.causes {
        add(&mut text, "because", cause);
    }
    if let Some(details) = &data.details {
        add_details(&mut text, &data.message, details);
    }
    if let Some(hint) = &data.hint {
        add(&mut text, "hint", hint);
    }
    if let Some(log) = &data.log_path {
        add(&mut text, "log", log);
    }
    text
}

fn add(text: &mut String, label: &str, value: &str) {
    // writing to a String does not fail
    let _ = write!(text, "\n  {label}: {}", escape::line(value));
}

/// What is known beyond the message; a problem that is the message is not told again.
fn add_details(text: &mut String, message: &str, details: &ErrorDetails) {
    match details {
        ErrorDetails::Diagnostics { diagnostics } => {
            let lines = diagnostics.iter().map(diagnostic);
            for line in lines.filter(|line| *line != escape::line(message)) {
                let _ = write!(text, "\n  {line}");
            }
        }
        ErrorDetails::Offers { offers } => {
            for offer in offers {
                add(text, &offer.title, &format!("{} ({})", offer.image, offer.reason));
            }
        }
        ErrorDetails::Configurations { configurations } => {
            for configuration in configurations {
                add(text, "--config", configuration);
            }
        }
        ErrorDetails::HostEffects { effects, .. } => {
            for effect in effects {
                let _ = write!(text, "\n  {}", self::effect(effect));
            }
        }
        ErrorDetails::Command { exit_code, last_output, container_id } => {
            if let Some(code) = exit_code {
                add(text, "exit code", &code.to_string());
            }
            for line in last_output {
                let _ = write!(text, "\n  | {}", escape::output(line, false).trim_end());
            }
            if let Some(id) = container_id {
                add(text, "container", id);
            }
        }
    }
}

/// A problem of a configuration, in one line.
pub(crate) fn diagnostic(diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = match diagnostic.line {
        0 => diagnostic.file.clone(),
        line => format!("{}:{line}:{}", diagnostic.file, diagnostic.column),
    };
    let property = diagnostic.property.as_ref().map(|property| format!("{property}: ")).unwrap_or_default();
    let hint = diagnostic.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    escape::line(&format!("{place}: {severity}: {property}{}{hint}", diagnostic.message)).into_owned()
}

/// What a configuration does to the host, in one line and in full.
pub(crate) fn effect(effect: &HostEffect) -> String {
    escape::line(&format!("{} {}: {} [{}]", effect.kind, effect.property, effect.value, effect.reason))
        .into_owned()
}

#[cfg(test)]
mod tests {
    use gangplank_protocol::ErrorKind;

    use super::*;

    #[test]
    fn a_failure_says_what_why_and_what_to_do() {
        let mut data = ErrorData::new(ErrorKind::LifecycleFailed, "postCreateCommand failed\x1b[2J")
            .hint("mend it and run `gangplank up` again")
            .details(ErrorDetails::Command {
                exit_code: Some(3),
                last_output: vec!["\x1b[31mno such file\x1b[0m\n".into()],
                container_id: None,
            });
        data.step = Some("postCreateCommand".into());
        assert_eq!(
            text(&data),
            "error: postCreateCommand failed\\u{1b}[2J (lifecycleFailed)\n  in step: postCreateCommand\n  \
             exit code: 3\n  | no such file\n  hint: mend it and run `gangplank up` again"
        );
    }

    #[test]
    fn every_host_effect_is_named_in_full() {
        let effect = HostEffect {
            kind: "hostCommand".into(),
            property: "initializeCommand".into(),
            value: "curl x | sh".into(),
            reason: "runs on this machine".into(),
        };
        let details = ErrorDetails::HostEffects { effects: vec![effect.clone(), effect], hash: "h".into() };
        let text = text(&ErrorData::new(ErrorKind::Untrusted, "not trusted").details(details));
        assert_eq!(text.matches("initializeCommand: curl x | sh").count(), 2);
    }
}
