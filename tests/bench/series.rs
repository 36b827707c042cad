//! Timings of one line of the table, and how they are put: medians, with the least and the most beside them.

use std::fmt::Write as _;
use std::time::Duration;

/// The timings of one way of doing one thing.
#[derive(Debug, Default)]
pub(crate) struct Series(Vec<f64>);

impl Series {
    /// Adds a timing.
    pub(crate) fn add(&mut self, took: Duration) {
        self.0.push(took.as_secs_f64() * 1000.0);
    }

    /// Adds a figure that is no time.
    pub(crate) fn add_figure(&mut self, figure: f64) {
        self.0.push(figure);
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    /// The median; of nothing, not a number.
    fn median(&self) -> f64 {
        let sorted = self.sorted();
        match sorted.len() {
            0 => f64::NAN,
            odd if odd % 2 == 1 => sorted[odd / 2],
            even => f64::midpoint(sorted[even / 2 - 1], sorted[even / 2]),
        }
    }

    fn shown(&self) -> String {
        let sorted = self.sorted();
        match (sorted.first(), sorted.last()) {
            (Some(least), Some(most)) => format!("{:.1} ({least:.1} to {most:.1})", self.median()),
            _ => "–".to_owned(),
        }
    }
}

/// One line: the same work done by the engine alone, by Gangplank, and by the peer.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// What was done, and in what unit.
    pub(crate) work: &'static str,
    /// By the raw API, or another floor.
    pub(crate) limit: Series,
    /// By Gangplank.
    pub(crate) ours: Series,
    /// By the peer.
    pub(crate) peer: Series,
}

impl Line {
    pub(crate) fn new(work: &'static str) -> Self {
        Self { work, ..Self::default() }
    }
}

/// The lines measured.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Line>);

impl Table {
    pub(crate) fn add(&mut self, line: Line) {
        self.0.push(line);
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text =
            "| work | limit | Gangplank | peer | ours ÷ limit | peer ÷ ours |\n|---|---|---|---|---|---|\n"
                .to_owned();
        for line in &self.0 {
            let ratio = |above: &Series, below: &Series| match above.median() / below.median() {
                ratio if ratio.is_finite() => format!("{ratio:.2}"),
                _ => "–".to_owned(),
            };
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} |",
                line.work,
                line.limit.shown(),
                line.ours.shown(),
                line.peer.shown(),
                ratio(&line.ours, &line.limit),
                ratio(&line.peer, &line.ours),
            );
        }
        text
    }
}
