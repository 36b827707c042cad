//! One operation of this daemon: its state, of which this module is the only writer.

use std::sync::{Mutex, MutexGuard, PoisonError};

use gangplank_protocol::operation::{
    Answer, Ask, Operation, OperationEvent, OperationKind, OperationState, Question, Step, StepStatus,
};
use gangplank_protocol::{ErrorData, ErrorKind};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::journal::Journal;
use crate::clock::now;
use crate::feed::Feed;

/// Events kept for readers that come late or are slow.
const MOST_EVENTS: usize = 4096;
/// The same in bytes, about.
const MOST_EVENT_BYTES: usize = 2 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Live {
    state: Mutex<State>,
    feed: Feed<OperationEvent>,
    cancel: CancellationToken,
    ended: CancellationToken,
}

#[derive(Debug)]
struct State {
    operation: Operation,
    journal: Journal,
    answer: Option<oneshot::Sender<Answer>>,
}

impl Live {
    pub(super) fn new(
        operation_id: String,
        kind: OperationKind,
        subject: String,
        mut journal: Journal,
    ) -> Self {
        let operation = Operation {
            operation_id,
            kind,
            subject,
            engine: None,
            state: OperationState::Running,
            started_at: now(),
            ended_at: None,
            steps: Vec::new(),
            question: None,
            result: None,
            error: None,
            next_step: None,
            log_path: Some(journal.log_path().display().to_string()),
        };
        journal.record(&operation);
        Self {
            state: Mutex::new(State { operation, journal, answer: None }),
            feed: Feed::new(MOST_EVENTS, MOST_EVENT_BYTES),
            cancel: CancellationToken::new(),
            ended: CancellationToken::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change below leaves a whole state before it can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn snapshot(&self) -> Operation {
        self.state().operation.clone()
    }

    pub(super) fn feed(&self) -> &Feed<OperationEvent> {
        &self.feed
    }

    pub(super) fn cancel(&self) {
        self.cancel.cancel();
    }

    pub(super) async fn cancelled(&self) {
        self.cancel.cancelled().await;
    }

    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    pub(super) fn set_engine(&self, engine: gangplank_protocol::engine::EngineId) {
        self.state().operation.engine = Some(engine);
    }

    /// Tells an event that changes nothing of the operation itself.
    pub(super) fn tell(&self, event: OperationEvent, weight: usize) {
        self.state().journal.log(&event);
        self.feed.publish(event, weight);
    }

    /// Adds a step, or replaces the one of that name.
    pub(super) fn put_step(&self, step: Step) {
        let mut state = self.state();
        match state
            .operation
            .steps
            .iter_mut()
            .rev()
            .find(|known| known.step == step.step && known.status == StepStatus::Running)
        {
            Some(known) => *known = step.clone(),
            None => state.operation.steps.push(step.clone()),
        }
        let State { operation, journal, .. } = &mut *state;
        journal.record(operation);
        let event = OperationEvent::Step { step };
        journal.log(&event);
        drop(state);
        self.feed.publish(event, 200);
    }

    /// Puts a question; the answer comes through the receiver.
    pub(super) fn ask(&self, ask: Ask) -> oneshot::Receiver<Answer> {
        let question = Question { question_id: crate::identifier::random("q-"), ask };
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        state.operation.state = OperationState::NeedsInput;
        state.operation.question = Some(question.clone());
        state.answer = Some(sender);
        let State { operation, journal, .. } = &mut *state;
        journal.record(operation);
        drop(state);
        self.feed.publish(OperationEvent::Question { question }, 1000);
        receiver
    }

    pub(super) fn answer(&self, question_id: &str, answer: Answer) -> Result<(), ErrorData> {
        let mut state = self.state();
        let open =
            state.operation.question.as_ref().is_some_and(|question| question.question_id == question_id);
        let Some(sender) = state.answer.take_if(|_| open) else {
            return Err(ErrorData::new(
                ErrorKind::NotAsked,
                format!("the question {question_id} is not open"),
            )
            .hint("another client may have answered it; ask for the operation's state"));
        };
        state.operation.state = OperationState::Running;
        state.operation.question = None;
        drop(state);
        self.feed.publish(OperationEvent::Answered { question_id: question_id.to_owned() }, 100);
        // The work may have been cancelled meanwhile; then nobody wants the answer.
        let _ = sender.send(answer);
        Ok(())
    }

    /// Writes the operation's end, once; running steps end with it.
    pub(super) fn end(&self, outcome: Result<Value, ErrorData>) {
        match outcome {
            Ok(result) => self.finish(OperationState::Succeeded, Some(result), None),
            Err(error) if error.kind == ErrorKind::Cancelled => {
                self.finish(OperationState::Cancelled, None, Some(error));
            }
            Err(error) => self.finish(OperationState::Failed, None, Some(error)),
        }
    }

    pub(super) fn interrupt(&self) {
        let error = ErrorData::new(ErrorKind::Interrupted, "the daemon stopped while the operation ran");
        self.finish(OperationState::Interrupted, None, Some(error));
        self.cancel.cancel();
    }

    fn finish(&self, end: OperationState, result: Option<Value>, error: Option<ErrorData>) {
        let mut state = self.state();
        if state.operation.state.is_final() {
            return;
        }
        let State { operation, journal, answer } = &mut *state;
        *answer = None;
        operation.state = end;
        operation.question = None;
        operation.ended_at = Some(now());
        operation.result = result;
        operation.error = error.map(|error| ErrorData { log_path: operation.log_path.clone(), ..error });
        operation.next_step = super::next_step(operation);
        for step in operation.steps.iter_mut().filter(|step| step.status == StepStatus::Running) {
            step.status = StepStatus::Cancelled;
            step.ended_at = operation.ended_at;
        }
        journal.record(operation);
        let event = OperationEvent::Ended { operation: Box::new(operation.clone()) };
        journal.log(&event);
        drop(state);
        self.feed.publish(event, 1000);
        self.feed.close();
        self.ended.cancel();
    }
}
