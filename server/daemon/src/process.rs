//! What runs in containers through this daemon: its bytes, who is attached, how it ended.
//!
//! A process belongs to the daemon, not to the client that started it: clients come and go by stream tickets, and the
//! newest output is kept for them. Here a process is an engine's exec or a container's own first process; both end
//! with the daemon's connection to them, which is why another daemon answers `notResumable`.

mod control;
mod host_view;
mod running;
mod ticket;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gangplank_engine::{Engine, Session};
use gangplank_protocol::process::{Process, ProcessCloseResult};
use gangplank_protocol::{ErrorData, ErrorKind};

pub use control::Control;
pub use host_view::host_pid;
pub use running::{Client, RunningProcess, StreamItem};
pub use ticket::Tickets;

/// Ended processes remembered.
const MOST_ENDED: usize = 256;
/// Output kept of ended processes together, in bytes; the longest ended lose theirs first.
const MOST_ENDED_OUTPUT: usize = 32 * 1024 * 1024;

/// What is known of a process when it starts.
#[derive(Debug)]
pub struct Identity {
    /// Its container.
    pub container_id: String,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// True when it has a terminal.
    pub tty: bool,
}

/// All processes of this daemon; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Processes(Arc<Mutex<BTreeMap<String, Arc<RunningProcess>>>>);

impl Processes {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Arc<RunningProcess>>> {
        // Inserts and removals of whole entries: a panic in between leaves a valid map.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over a session just begun: from now on its output is read and kept.
    pub fn adopt(
        &self,
        engine: &Engine,
        identity: Identity,
        session: Session,
        control: Control,
    ) -> Arc<RunningProcess> {
        let Session { reader, writer, .. } = session;
        let process = RunningProcess::begin(engine, identity, reader, Some(writer), control);
        self.all().insert(process.id().to_owned(), Arc::clone(&process));
        let (all, ended) = (self.clone(), Arc::clone(&process));
        tokio::spawn(async move {
            ended.ended().await;
            all.forget_oldest_ended();
        });
        process
    }

    /// The process of this id.
    ///
    /// # Errors
    /// `notResumable`: ids are never given twice, so one that is not known was another daemon's or is long forgotten.
    pub fn get(&self, process_id: &str) -> Result<Arc<RunningProcess>, ErrorData> {
        self.all().get(process_id).cloned().ok_or_else(|| {
            ErrorData::new(ErrorKind::NotResumable, format!("the process {process_id} is not known to this daemon"))
                .hint("a process started through the engine's exec can only be attached to while the daemon that started it lives")
        })
    }

    /// All processes as they are, oldest first; only those of one container when it is named.
    pub fn list(&self, container_id: Option<&str>) -> Vec<Process> {
        let mut list: Vec<Process> = self
            .all()
            .values()
            .filter(|process| container_id.is_none_or(|id| process.container_id() == id))
            .map(|process| process.describe())
            .collect();
        list.sort_by_key(|process| process.started_at);
        list
    }

    /// Closes a process: hangs up its terminal's session, and after 2 s kills what is left of it.
    ///
    /// # Errors
    /// `notResumable`; `unsupported` when signals cannot reach it.
    pub async fn close(&self, process_id: &str) -> Result<ProcessCloseResult, ErrorData> {
        self.get(process_id)?.close().await
    }

    /// How many have not ended.
    pub fn running(&self) -> usize {
        self.all().values().filter(|process| process.describe().exit.is_none()).count()
    }

    fn forget_oldest_ended(&self) {
        let mut all = self.all();
        let mut ended: Vec<Arc<RunningProcess>> =
            all.values().filter(|process| process.ended_at().is_some()).cloned().collect();
        ended.sort_by_key(|process| std::cmp::Reverse(process.ended_at()));
        let mut kept = 0;
        for (index, process) in ended.iter().enumerate() {
            kept += process.output_held();
            if index >= MOST_ENDED {
                all.remove(process.id());
            } else if kept > MOST_ENDED_OUTPUT && !process.has_clients() {
                process.forget_output();
            }
        }
    }
}
