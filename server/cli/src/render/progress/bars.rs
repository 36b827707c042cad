//! Moving bars: a spinner for each running step, a bar for each part of it that tells bytes.

use std::collections::HashMap;
use std::time::Duration;

use gangplank_protocol::operation::{Step, StepStatus};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::render::escape;

/// The bars on the screen.
#[derive(Debug)]
pub(super) struct Bars {
    all: MultiProgress,
    steps: HashMap<String, ProgressBar>,
    parts: HashMap<(String, String), ProgressBar>,
    /// True while the screen belongs to a question.
    hidden: bool,
}

impl Bars {
    pub(super) fn new() -> Bars {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        Bars { all, steps: HashMap::new(), parts: HashMap::new(), hidden: false }
    }

    /// A step began, or ended with `line` as what is left of it.
    pub(super) fn step(&mut self, step: &Step, line: Option<&str>) {
        self.show();
        if step.status == StepStatus::Running {
            let bar = self.steps.entry(step.step.clone()).or_insert_with(|| self.all.add(spinner()));
            bar.set_message(escape::line(&step.title).into_owned());
            return;
        }
        if let Some(bar) = self.steps.remove(&step.step) {
            bar.finish_and_clear();
        }
        self.parts.retain(|(owner, _), bar| {
            let stays = *owner != step.step;
            if !stays {
                bar.finish_and_clear();
            }
            stays
        });
        if let Some(line) = line {
            self.above(line);
        }
    }

    /// Progress of a part of a step, or of the step as a whole.
    pub(super) fn progress(
        &mut self,
        step: &str,
        part: &str,
        status: &str,
        done: Option<u64>,
        total: Option<u64>,
    ) {
        self.show();
        let status = escape::line(status).into_owned();
        if part.is_empty() {
            if let Some(bar) = self.steps.get(step) {
                bar.set_prefix(status);
            }
            return;
        }
        let key = (step.to_owned(), part.to_owned());
        let bar = self.parts.entry(key).or_insert_with(|| {
            let bar = self.all.add(bytes());
            bar.set_prefix(escape::line(part).into_owned());
            bar
        });
        bar.set_message(status);
        if let Some(total) = total {
            bar.set_length(total);
        }
        if let Some(done) = done {
            bar.set_position(done);
        }
    }

    /// Prints lines above the bars.
    pub(super) fn above(&mut self, text: &str) {
        self.show();
        // a terminal that is gone shows nothing
        let _ = self.all.println(text);
    }

    /// Takes the bars off the screen until something happens.
    pub(super) fn clear(&mut self) {
        let _ = self.all.clear();
        // spinners turn by themselves, and would draw over a question
        self.all.set_draw_target(ProgressDrawTarget::hidden());
        self.hidden = true;
    }

    fn show(&mut self) {
        if std::mem::take(&mut self.hidden) {
            self.all.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_style(style("{spinner} {msg} {prefix} {elapsed}"));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn bytes() -> ProgressBar {
    ProgressBar::new(0).with_style(style("  {prefix:12} {msg:18} {bar:30} {bytes:>10}/{total_bytes}"))
}

fn style(template: &str) -> ProgressStyle {
    // a template that is wrong shows the plain bar
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_right() {
        for template in [
            "{spinner} {msg} {prefix} {elapsed}",
            "  {prefix:12} {msg:18} {bar:30} {bytes:>10}/{total_bytes}",
        ] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
