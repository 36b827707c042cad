//! Following long work: progress while it runs, answers where it asks, Ctrl-C to cancel it.

mod question;

use gangplank_client::Client;
use gangplank_protocol::catalogue::{OperationAnswer, OperationCancel};
use gangplank_protocol::feed::Sequenced;
use gangplank_protocol::operation::{
    Answer, Operation, OperationAnswerParams, OperationEvent, OperationParams, OperationStarted,
    OperationState, Question,
};
use gangplank_protocol::{ErrorData, ErrorKind};
use serde::de::DeserializeOwned;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::failure::Failure;
use crate::render::Screen;
use crate::render::progress::Progress;

/// Follows an operation to its end and gives what it came to. Nobody here answers what it may ask.
///
/// # Errors
/// [`Failure::Operation`] with its error, [`Failure::Interrupted`] when the user cancelled it.
pub(crate) async fn finish<T: DeserializeOwned>(
    client: &Client,
    screen: &Screen,
    progress: Progress,
    started: &OperationStarted,
) -> Result<T, Failure> {
    finish_answering(client, screen, progress, started, false).await
}

/// The same; what it asks is put to the person at the terminal where `interactive` says that there is one.
///
/// # Errors
/// As [`finish`].
pub(crate) async fn finish_answering<T: DeserializeOwned>(
    client: &Client,
    screen: &Screen,
    progress: Progress,
    started: &OperationStarted,
    interactive: bool,
) -> Result<T, Failure> {
    let operation = Following { client, screen, progress, started, interactive }.until_it_ends().await?;
    let result = operation.result.unwrap_or_default();
    serde_json::from_value(result).map_err(|source| {
        let data = ErrorData::new(ErrorKind::Internal, "the operation's result could not be understood");
        Failure::Operation(Box::new(data.caused_by(&source)))
    })
}

struct Following<'a> {
    client: &'a Client,
    screen: &'a Screen,
    progress: Progress,
    started: &'a OperationStarted,
    interactive: bool,
}

impl Following<'_> {
    async fn until_it_ends(mut self) -> Result<Operation, Failure> {
        if self.started.joined {
            self.progress.note("joining the same work, which runs already");
        }
        let (sender, mut events) = mpsc::unbounded_channel();
        let mut interrupts = signal(SignalKind::interrupt()).map_err(Failure::io("listen for signals"))?;
        let mut cancelled = false;
        let mut answering: Option<JoinHandle<Option<(String, Answer)>>> = None;
        let follow = self.client.follow_operation(&self.started.operation_id, |event| {
            // the receiver lives as long as this call
            let _ = sender.send(event.clone());
        });
        let mut follow = std::pin::pin!(follow);
        let ended = loop {
            tokio::select! {
                biased;
                Some(event) = events.recv() => {
                    if let Some(question) = self.shown(&event)? {
                        if self.interactive {
                            answering = Some(self.ask(question));
                        } else {
                            self.screen.note("a question is open: whoever began this is asked there; waiting for the answer");
                        }
                    } else if matches!(event.event, OperationEvent::Answered { .. }) {
                        answering = None;
                    }
                }
                ended = &mut follow => break ended,
                Some(()) = interrupts.recv() => {
                    if std::mem::replace(&mut cancelled, true) {
                        self.progress.finish();
                        return Err(Failure::Interrupted);
                    }
                    self.progress.note("cancelling; Ctrl-C again leaves at once");
                    self.cancel().await;
                }
                answer = answered(&mut answering) => {
                    answering = None;
                    self.answer(answer).await?;
                }
            }
        };
        while let Ok(event) = events.try_recv() {
            self.shown(&event)?;
        }
        self.progress.finish();
        let operation = ended?;
        if let (OperationState::Cancelled, Some(next)) = (operation.state, &operation.next_step) {
            self.screen.note(next);
        }
        outcome(operation)
    }

    /// Shows an event; gives the question, if it is one.
    fn shown(&mut self, event: &Sequenced<OperationEvent>) -> Result<Option<Question>, Failure> {
        self.progress.event(event)?;
        match &event.event {
            OperationEvent::Question { question } => Ok(Some(question.clone())),
            _ => Ok(None),
        }
    }

    async fn cancel(&self) {
        let params = OperationParams { operation_id: self.started.operation_id.clone() };
        if let Err(error) = self.client.call::<OperationCancel>(&params).await {
            self.screen.note(&format!("it could not be cancelled: {error}"));
        }
    }

    /// Asks the user on a thread of its own: reading a line blocks.
    fn ask(&mut self, question: Question) -> JoinHandle<Option<(String, Answer)>> {
        self.progress.pause();
        tokio::task::spawn_blocking(move || {
            let answer = question::ask(&question.ask)?;
            Some((question.question_id, answer))
        })
    }

    async fn answer(&self, answer: Option<(String, Answer)>) -> Result<(), Failure> {
        let Some((question_id, answer)) = answer else {
            if self.started.joined {
                // What another client began goes on without an answer from here.
                self.screen.note("no answer from here: waiting for whoever began this");
            } else {
                self.cancel().await;
            }
            return Ok(());
        };
        let params =
            OperationAnswerParams { operation_id: self.started.operation_id.clone(), question_id, answer };
        match self.client.call::<OperationAnswer>(&params).await {
            // another client was quicker
            Err(error) if error.kind() == Some(ErrorKind::NotAsked) => Ok(()),
            other => other.map(drop).map_err(Failure::Client),
        }
    }
}

async fn answered(answering: &mut Option<JoinHandle<Option<(String, Answer)>>>) -> Option<(String, Answer)> {
    match answering {
        Some(task) => task.await.ok().flatten(),
        None => std::future::pending().await,
    }
}

fn outcome(operation: Operation) -> Result<Operation, Failure> {
    let error = |kind, message: &str| {
        let mut data = operation.error.clone().unwrap_or_else(|| ErrorData::new(kind, message));
        data.hint = data.hint.or_else(|| operation.next_step.clone());
        data.log_path = data.log_path.or_else(|| operation.log_path.clone());
        Failure::Operation(Box::new(data))
    };
    match operation.state {
        OperationState::Succeeded => Ok(operation),
        OperationState::Cancelled => match &operation.error {
            Some(data) if data.kind != ErrorKind::Cancelled => Err(error(data.kind, "cancelled")),
            _ => Err(Failure::Interrupted),
        },
        OperationState::Interrupted => Err(error(ErrorKind::Interrupted, "the daemon ended while it worked")),
        OperationState::Failed | OperationState::Running | OperationState::NeedsInput => {
            Err(error(ErrorKind::Internal, "it failed without saying why"))
        }
    }
}
