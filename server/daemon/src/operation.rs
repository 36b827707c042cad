//! Long work. An operation is a task of its own, so that it outlives the connection that asked for it; what it tells
//! goes to a feed for any number of readers and to a journal on disk, so that a daemon's death loses the work but not
//! the account of it.

mod journal;
mod live;
mod reporter;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gangplank_devcontainer::hooks::LifecycleHook;
use gangplank_protocol::feed::Cursor;
use gangplank_protocol::operation::{
    Answer, Operation, OperationEvent, OperationKind, OperationStarted, OperationState, StepStatus,
};
use gangplank_protocol::{ErrorData, ErrorKind};
use serde::Serialize;
use tokio_util::task::TaskTracker;

pub use reporter::{ActiveStep, Reporter};

use crate::feed::Reader;
use crate::store::Store;
use journal::Journal;
use live::Live;

/// Operations kept in memory after their end; older ones are read from the journal.
const MOST_ENDED_IN_MEMORY: usize = 64;

/// All operations of this daemon; cheap to clone.
#[derive(Debug, Clone)]
pub struct Operations(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Store,
    live: Mutex<BTreeMap<String, Arc<Live>>>,
    tasks: TaskTracker,
}

impl Operations {
    /// The operations of a starting daemon: what an earlier one left unfinished becomes `interrupted`.
    pub fn recover(store: Store) -> Self {
        journal::interrupt_unfinished(&store);
        Self(Arc::new(Shared { store, live: Mutex::default(), tasks: TaskTracker::new() }))
    }

    fn live(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Live>>> {
        // Inserts and removals of whole entries: a panic in between leaves a valid map.
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an operation and returns at once. `work` runs until it is done or cancelled, which drops it where it
    /// waits.
    pub fn begin<T, W, F>(&self, kind: OperationKind, subject: String, work: W) -> OperationStarted
    where
        T: Serialize + Send + 'static,
        W: FnOnce(Reporter) -> F,
        F: Future<Output = Result<T, ErrorData>> + Send + 'static,
    {
        let operation_id = crate::identifier::random("op-");
        let journal = Journal::open(self.0.store.clone(), &operation_id);
        let live = Arc::new(Live::new(operation_id.clone(), kind, subject, journal));
        self.forget_oldest_ended();
        self.live().insert(operation_id.clone(), Arc::clone(&live));
        let work = work(Reporter::new(Arc::clone(&live)));
        self.0.tasks.spawn(async move {
            // A task of its own, so that a panic in it becomes the operation's error.
            let mut task = tokio::spawn(work);
            let ended = tokio::select! {
                biased;
                () = live.cancelled() => {
                    task.abort();
                    // What it held is let go before anybody hears that it has ended.
                    task.await
                }
                ended = &mut task => ended,
            };
            live.end(outcome_of(ended));
        });
        OperationStarted { operation_id, joined: false }
    }

    /// The operation as it stands, of this or an earlier daemon.
    ///
    /// # Errors
    /// `notFound`.
    pub fn get(&self, operation_id: &str) -> Result<Operation, ErrorData> {
        if let Some(live) = self.find(operation_id) {
            return Ok(live.snapshot());
        }
        journal::read(&self.0.store, operation_id).ok_or_else(|| not_found(operation_id))
    }

    /// Cancels the operation and waits until it has ended.
    ///
    /// # Errors
    /// `notFound`.
    pub async fn cancel(&self, operation_id: &str) -> Result<Operation, ErrorData> {
        if let Some(live) = self.find(operation_id) {
            live.cancel();
            live.ended().await;
        }
        self.get(operation_id)
    }

    /// Waits until the operation has ended; one that is not of this daemon has.
    pub async fn ended(&self, operation_id: &str) {
        if let Some(live) = self.find(operation_id) {
            live.ended().await;
        }
    }

    /// Answers the operation's open question.
    ///
    /// # Errors
    /// `notFound`, or `notAsked` when this question is not open.
    pub fn answer(
        &self,
        operation_id: &str,
        question_id: &str,
        answer: Answer,
    ) -> Result<Operation, ErrorData> {
        let live = self.find(operation_id).ok_or_else(|| not_found(operation_id))?;
        live.answer(question_id, answer)?;
        Ok(live.snapshot())
    }

    /// Follows the operation's feed. One of an earlier daemon has only its end.
    ///
    /// # Errors
    /// `notFound`.
    pub fn follow(
        &self,
        operation_id: &str,
        since: Option<&Cursor>,
    ) -> Result<Reader<OperationEvent>, ErrorData> {
        if let Some(live) = self.find(operation_id) {
            return Ok(live.feed().read_since(since));
        }
        let operation = self.get(operation_id)?;
        let feed = crate::feed::Feed::new(1, usize::MAX);
        feed.publish(OperationEvent::Ended { operation: Box::new(operation) }, 0);
        feed.close();
        Ok(feed.read_since(since))
    }

    /// How many have not ended.
    pub fn running(&self) -> usize {
        self.live().values().filter(|live| !live.snapshot().state.is_final()).count()
    }

    /// Ends all, as a daemon does that stops: they become `interrupted`.
    pub fn interrupt_all(&self) {
        for live in self.live().values() {
            live.interrupt();
        }
    }

    fn find(&self, operation_id: &str) -> Option<Arc<Live>> {
        self.live().get(operation_id).cloned()
    }

    fn forget_oldest_ended(&self) {
        let mut all = self.live();
        let mut ended: Vec<(u64, String)> = all
            .iter()
            .map(|(id, live)| (live.snapshot(), id))
            .filter(|(operation, _)| operation.state.is_final())
            .map(|(operation, id)| (operation.ended_at.unwrap_or(0), id.clone()))
            .collect();
        ended.sort();
        let excess = ended.len().saturating_sub(MOST_ENDED_IN_MEMORY);
        for (_, id) in ended.into_iter().take(excess) {
            all.remove(&id);
        }
    }
}

fn outcome_of<T: Serialize>(
    ended: Result<Result<T, ErrorData>, tokio::task::JoinError>,
) -> Result<serde_json::Value, ErrorData> {
    match ended {
        Ok(outcome) => serde_json::to_value(outcome?)
            .map_err(|e| ErrorData::new(ErrorKind::Internal, "the result cannot be told").caused_by(&e)),
        Err(ended) if ended.is_cancelled() => {
            Err(ErrorData::new(ErrorKind::Cancelled, "the operation was cancelled"))
        }
        Err(panic) => Err(ErrorData::new(ErrorKind::Internal, "a defect ended the operation")
            .caused_by(&panic)
            .hint("please report it with the daemon's log (`gangplank daemon logs`)")),
    }
}

fn not_found(operation_id: &str) -> ErrorData {
    ErrorData::new(ErrorKind::NotFound, format!("there is no operation {operation_id}"))
}

/// What to do next about an operation that did not do what it should.
fn next_step(operation: &Operation) -> Option<String> {
    let command = match operation.kind {
        // The old container may still be there, and another `up` would be content with it.
        OperationKind::WorkspaceRebuild if !has_created(operation) => {
            format!("gangplank rebuild --workspace-folder {}", quoted(&operation.subject))
        }
        OperationKind::WorkspaceUp | OperationKind::WorkspaceRebuild => {
            format!("gangplank up --workspace-folder {}", quoted(&operation.subject))
        }
        OperationKind::ImagePull => format!("gangplank pull {}", quoted(&operation.subject)),
        OperationKind::ContainerRun => return None,
    };
    let cut_off = || {
        cut_off_hook(operation).map(|hook| {
            format!(
                "{hook} was cut off and counts as run; `gangplank rebuild --workspace-folder {}` runs it again",
                quoted(&operation.subject)
            )
        })
    };
    match operation.state {
        OperationState::Interrupted => Some(
            cut_off().unwrap_or_else(|| format!("run `{command}` again: it goes on from where this stopped")),
        ),
        OperationState::Cancelled => cut_off(),
        OperationState::Failed => match operation.error.as_ref() {
            // The error itself says how to allow it.
            Some(error) if error.kind == ErrorKind::Untrusted => None,
            Some(error) if is_marked_hook(error) => Some(format!(
                "mend the hook, then run `gangplank rebuild --workspace-folder {}`: another `up` would not run it again",
                quoted(&operation.subject)
            )),
            _ => Some(format!("mend what the error names, then run `{command}` again")),
        },
        OperationState::Succeeded | OperationState::Running | OperationState::NeedsInput => None,
    }
}

/// Whether it has made its container.
fn has_created(operation: &Operation) -> bool {
    operation.steps.iter().any(|step| step.step == "create" && step.status == StepStatus::Succeeded)
}

/// The hook that ran when the work was cut off, if it counts as run from then on.
fn cut_off_hook(operation: &Operation) -> Option<LifecycleHook> {
    let last = operation
        .steps
        .last()
        .filter(|step| matches!(step.status, StepStatus::Running | StepStatus::Cancelled))?;
    LifecycleHook::of_property(&last.step).filter(|hook| hook.marker().is_some())
}

/// Whether a hook failed that counts as run from now on: as in the reference, its marker was written before it ran.
fn is_marked_hook(error: &ErrorData) -> bool {
    let hook = error.step.as_deref().and_then(LifecycleHook::of_property);
    error.kind == ErrorKind::LifecycleFailed && hook.is_some_and(|hook| hook.marker().is_some())
}

fn quoted(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-:@".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
