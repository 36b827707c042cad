//! Reads what test binaries print: how many tests held, and which did not.

use crate::step::Outcome;

/// The counts of all test binaries in `text`, the output of `cargo test`.
pub(super) fn of(text: &str) -> Outcome {
    let mut outcome = Outcome::default();
    for line in text.lines() {
        if let Some(counts) = line.strip_prefix("test result: ") {
            outcome.passed += count(counts, " passed");
            outcome.failed += count(counts, " failed");
        } else if let Some((name, rest)) =
            line.strip_prefix("test ").and_then(|test| test.split_once(" ... ignored"))
        {
            outcome.skipped.push(format!("{name}{rest}"));
        }
    }
    outcome
}

/// The number before `word` in `ok. 3 passed; 0 failed; …`.
fn count(counts: &str, word: &str) -> usize {
    let before = counts.split(word).next().unwrap_or_default();
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// The parts of `text` to read about failures: what failed tests said, or all of it where none ran.
pub(super) fn failures(text: &str) -> String {
    let mut shown = String::new();
    let mut within = false;
    for line in text.lines() {
        within = match line {
            "failures:" => true,
            _ if line.starts_with("test result: ") => false,
            _ => within || line.starts_with("error"),
        };
        if within {
            shown.push_str(line);
            shown.push('\n');
        }
    }
    if shown.is_empty() { text.to_owned() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "running 3 tests\ntest a ... ok\ntest b ... FAILED\ntest c ... ignored, no reason here\n\n\
        failures:\n\n---- b stdout ----\nit broke\n\nfailures:\n    b\n\n\
        test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s\n\n\
        running 12 tests\n\
        test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s\n";

    #[test]
    fn all_binaries_are_counted() {
        let outcome = of(OUTPUT);
        assert_eq!((outcome.passed, outcome.failed), (13, 1));
        assert_eq!(outcome.skipped, ["c, no reason here"]);
    }

    #[test]
    fn failures_are_shown_without_the_rest() {
        assert_eq!(failures(OUTPUT), "failures:\n\n---- b stdout ----\nit broke\n\nfailures:\n    b\n\n");
    }

    #[test]
    fn output_without_tests_is_shown_whole() {
        assert_eq!(failures("some linker trouble\n"), "some linker trouble\n");
    }
}
