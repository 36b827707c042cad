//! How work tells its progress and asks the user.

use std::sync::Arc;

use gangplank_protocol::engine::EngineId;
use gangplank_protocol::operation::{Answer, Ask, OperationEvent, Step, StepStatus};
use gangplank_protocol::workspace::{Diagnostic, HostEffect};
use gangplank_protocol::{ErrorData, ErrorKind};

use super::live::Live;
use crate::clock::now;

/// The working side of an operation; cheap to clone.
#[derive(Debug, Clone)]
pub struct Reporter(Arc<Live>);

impl Reporter {
    pub(super) fn new(live: Arc<Live>) -> Self {
        Self(live)
    }

    /// The operation's id.
    pub fn operation_id(&self) -> String {
        self.0.snapshot().operation_id
    }

    /// Names the engine the operation works on.
    pub fn engine(&self, engine: &EngineId) {
        self.0.set_engine(engine.clone());
    }

    /// Begins a step; it ends with [`ActiveStep::end`], or as cancelled when it is dropped.
    pub fn begin(&self, step: &str, title: impl Into<String>) -> ActiveStep {
        let step = Step {
            step: step.to_owned(),
            title: title.into(),
            status: StepStatus::Running,
            started_at: now(),
            ended_at: None,
            exit_code: None,
        };
        self.0.put_step(step.clone());
        ActiveStep { live: Arc::clone(&self.0), step }
    }

    /// Tells that a step is not needed.
    pub fn skip(&self, step: &str, title: impl Into<String>) {
        let at = now();
        self.0.put_step(Step {
            step: step.to_owned(),
            title: title.into(),
            status: StepStatus::Skipped,
            started_at: at,
            ended_at: Some(at),
            exit_code: None,
        });
    }

    /// Tells the user something that does not stop the work.
    pub fn warn(&self, message: impl Into<String>) {
        let message = message.into();
        let weight = message.len();
        self.0.tell(OperationEvent::Warning { message, diagnostic: None }, weight);
    }

    /// Tells a problem of the configuration that does not stop the work.
    pub fn warn_at(&self, diagnostic: Diagnostic) {
        let message = diagnostic.message.clone();
        self.0.tell(OperationEvent::Warning { message, diagnostic: Some(diagnostic) }, 300);
    }

    /// Tells host effects that were granted without a question.
    pub fn host_effects(&self, effects: Vec<HostEffect>) {
        self.0.tell(OperationEvent::HostEffects { effects }, 1000);
    }

    /// Asks the user and waits for the answer.
    ///
    /// # Errors
    /// `cancelled` when the operation ends first.
    pub async fn ask(&self, ask: Ask) -> Result<Answer, ErrorData> {
        self.0.ask(ask).await.map_err(|_| {
            ErrorData::new(ErrorKind::Cancelled, "the operation ended before its question was answered")
        })
    }
}

/// A step that runs.
#[derive(Debug)]
pub struct ActiveStep {
    live: Arc<Live>,
    step: Step,
}

impl ActiveStep {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.step.step
    }

    /// Tells the user something that does not stop the work.
    pub fn warn(&self, message: &str) {
        let event = OperationEvent::Warning { message: message.to_owned(), diagnostic: None };
        self.live.tell(event, message.len());
    }

    /// Tells progress of one item of the step (empty: the step as a whole), in bytes.
    pub fn progress(&self, item: &str, status: &str, done: Option<u64>, total: Option<u64>) {
        let event = OperationEvent::Progress {
            step: self.step.step.clone(),
            item: item.to_owned(),
            status: status.to_owned(),
            done,
            total,
        };
        self.live.tell(event, 150);
    }

    /// Tells whole lines of the step's own output; `command` names one of several that run side by side.
    pub fn output(&self, command: Option<&str>, text: String) {
        let weight = text.len() + 100;
        let event = OperationEvent::Output {
            step: self.step.step.clone(),
            command: command.map(str::to_owned),
            text,
        };
        self.live.tell(event, weight);
    }

    /// Notes the exit code of the step's command.
    pub fn exit_code(&mut self, code: i32) {
        self.step.exit_code = Some(code);
    }

    /// Ends the step as `result` says; an error is marked with the step's name.
    ///
    /// # Errors
    /// The error of `result`.
    pub fn end<T>(mut self, result: Result<T, ErrorData>) -> Result<T, ErrorData> {
        match result {
            Ok(value) => {
                self.finish(StepStatus::Succeeded);
                Ok(value)
            }
            Err(error) => {
                let cancelled = error.kind == ErrorKind::Cancelled;
                self.finish(if cancelled { StepStatus::Cancelled } else { StepStatus::Failed });
                Err(ErrorData { step: error.step.or_else(|| Some(self.step.step.clone())), ..error })
            }
        }
    }

    fn finish(&mut self, status: StepStatus) {
        self.step.status = status;
        self.step.ended_at = Some(now());
        self.live.put_step(self.step.clone());
    }
}

impl Drop for ActiveStep {
    fn drop(&mut self) {
        if self.step.status == StepStatus::Running {
            self.finish(StepStatus::Cancelled);
        }
    }
}
