//! What is kept of an operation on disk: its state, and a log of everything it told. Both are written to the kernel at
//! each step, so that a killed daemon leaves them; a power cut may cost the last lines.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use gangplank_protocol::operation::{Operation, OperationEvent, OperationState, StepStatus};
use gangplank_protocol::{ErrorData, ErrorKind};

use crate::store::Store;

/// Operations whose journals are kept.
const MOST_JOURNALS: usize = 200;
/// Longest log of one operation, in bytes; the end of a longer one is cut.
const MOST_LOG_BYTES: u64 = 10 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Journal {
    store: Store,
    name: String,
    log_path: PathBuf,
    log: Option<File>,
    log_bytes: u64,
}

impl Journal {
    pub(super) fn open(store: Store, operation_id: &str) -> Self {
        let name = state_name(operation_id);
        let log_path = store.path(&format!("operations/{operation_id}.log"));
        Self { store, name, log_path, log: None, log_bytes: 0 }
    }

    pub(super) fn log_path(&self) -> &Path {
        &self.log_path
    }

    /// Writes the operation as it stands. The configuration is left out: it may hold the client's environment.
    pub(super) fn record(&mut self, operation: &Operation) {
        let mut kept = operation.clone();
        if let Some(result) = kept.result.as_mut().and_then(serde_json::Value::as_object_mut) {
            result.remove("configuration");
        }
        if let Err(e) = self.store.write_quickly(&self.name, &kept) {
            tracing::warn!(operation = %operation.operation_id, error = %e, "the operation's journal could not be written");
        }
    }

    /// Adds what an event says to the log.
    pub(super) fn log(&mut self, event: &OperationEvent) {
        let line = match event {
            OperationEvent::Step { step } => match step.exit_code {
                Some(code) => format!("== {}: {:?} (exit code {code})\n", step.title, step.status),
                None => format!("== {}: {:?}\n", step.title, step.status),
            },
            OperationEvent::Output { command: Some(command), text, .. } => format!("[{command}] {text}"),
            OperationEvent::Output { text, .. } => text.clone(),
            OperationEvent::Warning { message, .. } => format!("warning: {message}\n"),
            OperationEvent::HostEffects { effects } => effects
                .iter()
                .map(|e| format!("host effect: {} {}: {}\n", e.kind, e.property, e.value))
                .collect(),
            OperationEvent::Ended { operation } => match &operation.error {
                Some(error) => format!("== {:?}: {}\n{}", operation.state, error.message, causes(error)),
                None => format!("== {:?}\n", operation.state),
            },
            OperationEvent::Progress { .. }
            | OperationEvent::Question { .. }
            | OperationEvent::Answered { .. } => return,
        };
        if self.log_bytes + line.len() as u64 > MOST_LOG_BYTES {
            return;
        }
        self.log_bytes += line.len() as u64;
        if self.log.is_none() {
            self.log = File::options().create(true).append(true).mode(0o600).open(&self.log_path).ok();
        }
        if let Some(log) = &mut self.log {
            // A log that cannot be written must not stop the work.
            let _ = log.write_all(line.as_bytes());
        }
    }
}

fn causes(error: &ErrorData) -> String {
    error.causes.iter().map(|cause| format!("   because {cause}\n")).collect()
}

fn state_name(operation_id: &str) -> String {
    format!("operations/{operation_id}.json")
}

/// The journal of one operation, if there is one.
pub(super) fn read(store: &Store, operation_id: &str) -> Option<Operation> {
    // The id comes from a client and becomes part of a path.
    let plausible =
        operation_id.starts_with("op-") && operation_id[3..].bytes().all(|b| b.is_ascii_hexdigit());
    plausible.then(|| store.read(&state_name(operation_id))).flatten()
}

/// Marks what a dead daemon left running, and removes the oldest journals.
pub(super) fn interrupt_unfinished(store: &Store) {
    let Ok(entries) = std::fs::read_dir(store.path("operations")) else { return };
    let mut all: Vec<(std::time::SystemTime, String)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let id = name.strip_suffix(".json")?.to_owned();
            Some((entry.metadata().ok()?.modified().ok()?, id))
        })
        .collect();
    all.sort();
    let excess = all.len().saturating_sub(MOST_JOURNALS);
    for (_, id) in all.drain(..excess) {
        let _ = std::fs::remove_file(store.path(&state_name(&id)));
        let _ = std::fs::remove_file(store.path(&format!("operations/{id}.log")));
    }
    for (_, id) in all {
        let Some(mut operation) = read(store, &id) else { continue };
        if operation.state.is_final() {
            continue;
        }
        operation.state = OperationState::Interrupted;
        operation.question = None;
        operation.ended_at = Some(crate::clock::now());
        operation.next_step = super::next_step(&operation);
        let mut error = ErrorData::new(ErrorKind::Interrupted, "the daemon ended while the operation ran");
        error.log_path.clone_from(&operation.log_path);
        for step in operation.steps.iter_mut().filter(|step| step.status == StepStatus::Running) {
            step.status = StepStatus::Cancelled;
            error.step = Some(step.step.clone());
        }
        operation.error = Some(error);
        if let Err(e) = store.write_quickly(&state_name(&id), &operation) {
            tracing::warn!(operation = id, error = %e, "an interrupted operation could not be marked");
        }
    }
}
