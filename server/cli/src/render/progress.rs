//! The progress of an operation: bars on a terminal, lines elsewhere, JSON for programs.

mod bars;

use gangplank_protocol::feed::Sequenced;
use gangplank_protocol::operation::{OperationEvent, Step, StepStatus};

use super::{Screen, escape, failure, human};
use crate::context::CalledAs;
use crate::failure::Failure;
use bars::Bars;

/// Where progress goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// For people, on standard error.
    People,
    /// The same, but of the steps only getting an image, as for a container that is not a workspace: the rest takes no
    /// time, and standard error belongs to the command.
    Image,
    /// Each item of the feed as a line of JSON on standard output.
    Answer,
    /// Each item as a line of JSON on standard error.
    Log,
}

/// Shows an operation's feed.
#[derive(Debug)]
pub(crate) struct Progress {
    screen: Screen,
    called_as: CalledAs,
    mode: Mode,
    /// The only step that is shown.
    only: Option<&'static str>,
}

#[derive(Debug)]
enum Mode {
    Bars(Bars),
    Lines(Lines),
    Answer,
    Log,
    Silent,
}

/// What was last said of each part, so that a line is printed for what is new only.
#[derive(Debug, Default)]
struct Lines {
    last: std::collections::HashMap<(String, String), String>,
}

impl Progress {
    pub(crate) fn new(screen: Screen, called_as: CalledAs, wanted: Wanted) -> Progress {
        let mode = match wanted {
            Wanted::Answer => Mode::Answer,
            Wanted::Log => Mode::Log,
            Wanted::People | Wanted::Image if !screen.style.progress => Mode::Silent,
            Wanted::People | Wanted::Image if screen.style.bars => Mode::Bars(Bars::new()),
            Wanted::People | Wanted::Image => Mode::Lines(Lines::default()),
        };
        let only = (wanted == Wanted::Image).then_some("pull");
        Progress { screen, called_as, mode, only }
    }

    /// Shows an item of the feed.
    ///
    /// # Errors
    /// [`Failure::BrokenPipe`] when it is part of the answer and nobody reads that.
    pub(crate) fn event(&mut self, item: &Sequenced<OperationEvent>) -> Result<(), Failure> {
        match self.mode {
            Mode::Answer => return self.screen.json(item),
            Mode::Log => {
                self.screen.tell_json(item);
                return Ok(());
            }
            Mode::Bars(_) | Mode::Lines(_) | Mode::Silent => {}
        }
        if self.is_hidden(&item.event) {
            return Ok(());
        }
        match &item.event {
            OperationEvent::Step { step } => self.step(step),
            OperationEvent::Progress { step, item, status, done, total } => match &mut self.mode {
                Mode::Bars(bars) => bars.progress(step, item, status, *done, *total),
                Mode::Lines(lines) => {
                    if let Some(line) = lines.progress(step, item, status) {
                        self.screen.tell(&line);
                    }
                }
                _ => {}
            },
            OperationEvent::Output { step, command, text } => self.output(step, command.as_deref(), text),
            OperationEvent::Warning { message, diagnostic } => {
                if self.screen.style.warnings {
                    let text = match diagnostic {
                        Some(diagnostic) => failure::diagnostic(diagnostic),
                        None => format!("warning: {}", escape::line(message)),
                    };
                    self.tell(&text);
                }
            }
            OperationEvent::HostEffects { effects } => {
                if self.screen.style.warnings {
                    let effects: Vec<String> = effects.iter().map(failure::effect).collect();
                    let name = match self.called_as {
                        CalledAs::Devcontainer => "devcontainer",
                        CalledAs::Gangplank => "gangplank",
                    };
                    self.tell(&format!("{name}: trusted without asking: {}", effects.join("; ")));
                }
            }
            OperationEvent::Question { .. }
            | OperationEvent::Answered { .. }
            | OperationEvent::Ended { .. } => {}
        }
        Ok(())
    }

    fn is_hidden(&self, event: &OperationEvent) -> bool {
        let step = match event {
            OperationEvent::Step { step } => &step.step,
            OperationEvent::Progress { step, .. } | OperationEvent::Output { step, .. } => step,
            _ => return false,
        };
        self.only.is_some_and(|only| only != step)
    }

    /// Tells something that is not part of the feed.
    pub(crate) fn note(&mut self, text: &str) {
        if self.screen.style.progress {
            self.tell(&escape::line(text));
        }
    }

    /// Clears moving bars, so that a question can be asked; the next event brings them back.
    pub(crate) fn pause(&mut self) {
        if let Mode::Bars(bars) = &mut self.mode {
            bars.clear();
        }
    }

    /// Ends the show.
    pub(crate) fn finish(&mut self) {
        self.pause();
    }

    fn step(&mut self, step: &Step) {
        let line = step_line(step);
        match &mut self.mode {
            Mode::Bars(bars) => bars.step(step, line.as_deref()),
            Mode::Lines(_) if step.status == StepStatus::Running => {
                self.screen.tell(&format!("=> {}", title(step)));
            }
            Mode::Lines(_) => {
                if let Some(line) = line.filter(|_| !is_quick(step)) {
                    self.screen.tell(&line);
                }
            }
            _ => {}
        }
    }

    fn output(&mut self, step: &str, command: Option<&str>, text: &str) {
        let name = match command {
            Some(command) => format!("{step} {command}"),
            None => step.to_owned(),
        };
        let name = escape::line(&name).into_owned();
        if matches!(self.mode, Mode::Silent) {
            return;
        }
        for line in escape::output(text, self.screen.style.colours).lines() {
            self.tell(&format!("{name} | {line}"));
        }
    }

    fn tell(&mut self, text: &str) {
        match &mut self.mode {
            Mode::Bars(bars) => bars.above(text),
            _ => self.screen.tell(text),
        }
    }
}

impl Lines {
    /// A line when the status of a part is new and is a word about the whole part, not one of its many in-betweens.
    fn progress(&mut self, step: &str, item: &str, status: &str) -> Option<String> {
        let key = (step.to_owned(), item.to_owned());
        if self.last.get(&key).is_some_and(|last| last == status) {
            return None;
        }
        self.last.insert(key, status.to_owned());
        let part = if item.is_empty() { String::new() } else { format!(" {item}") };
        Some(escape::line(&format!("   {step}{part}: {status}")).into_owned())
    }
}

/// Whether it went well in so short a time that the line of its start says enough.
fn is_quick(step: &Step) -> bool {
    let took = step.ended_at.map(|end| end.saturating_sub(step.started_at));
    step.status == StepStatus::Succeeded && took.is_some_and(|took| took < 1000)
}

fn title(step: &Step) -> String {
    escape::line(&step.title).into_owned()
}

/// The line that is left of a step when it has ended.
fn step_line(step: &Step) -> Option<String> {
    let took =
        step.ended_at.map(|end| human::duration(end.saturating_sub(step.started_at))).unwrap_or_default();
    let title = title(step);
    match step.status {
        StepStatus::Running | StepStatus::Skipped => None,
        StepStatus::Succeeded => Some(format!("=> {title}: done {took}")),
        StepStatus::Failed => match step.exit_code {
            Some(code) => Some(format!("=> {title}: failed with exit code {code} {took}")),
            None => Some(format!("=> {title}: failed {took}")),
        },
        StepStatus::Cancelled => Some(format!("=> {title}: cancelled {took}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lines_tell_a_part_once_for_each_status() {
        let mut lines = Lines::default();
        let told: Vec<_> = ["Downloading", "Downloading", "Extracting", "Downloading"]
            .iter()
            .filter_map(|status| lines.progress("pull", "1f3e", status))
            .collect();
        assert_eq!(
            told,
            ["   pull 1f3e: Downloading", "   pull 1f3e: Extracting", "   pull 1f3e: Downloading"]
        );
    }

    #[test]
    fn a_failed_hook_says_its_exit_code() {
        let step = Step {
            step: "postCreateCommand".into(),
            title: "Run postCreateCommand".into(),
            status: StepStatus::Failed,
            started_at: 1000,
            ended_at: Some(2500),
            exit_code: Some(3),
        };
        assert_eq!(
            step_line(&step).as_deref(),
            Some("=> Run postCreateCommand: failed with exit code 3 1.5 s")
        );
    }
}
