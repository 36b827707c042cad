//! What runs in containers: its bytes, who is attached, how it ended.
//!
//! A process belongs to its host, not to the client that started it: clients come and go by stream tickets, and the
//! newest output is kept for them. Its host is an agent in the container, with which it outlives this daemon, or the
//! engine (its exec, or a container's own first process): then both it and its output are lost with the daemon's
//! connection, which is why another daemon answers `notResumable`.

mod client;
mod control;
mod handle;
mod host_view;
mod hosted;
mod running;
mod start;
mod ticket;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;
use gangplank_engine::{Engine, Session};
use gangplank_protocol::process::{Process, ProcessCloseResult};
use gangplank_protocol::{ErrorData, ErrorKind};

use crate::agent::Agents;
use crate::store::Store;
pub use client::{Client, StreamItem};
pub use control::Control;
pub(crate) use control::ended_with_container;
pub use handle::ProcessHandle;
pub use host_view::host_pid;
use hosted::HostedProcess;
pub use running::RunningProcess;
pub use start::{Announce, Host, Launch};
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
    /// The name it was given.
    pub name: Option<String>,
}

/// All processes of this daemon; cheap to clone.
#[derive(Debug, Clone)]
pub struct Processes {
    agents: Agents,
    running: Arc<Mutex<BTreeMap<String, Arc<RunningProcess>>>>,
    /// Those in agents that somebody here has started or attached to.
    hosted: Arc<Mutex<BTreeMap<String, Arc<HostedProcess>>>>,
}

impl Processes {
    /// None yet.
    pub fn new(store: Store) -> Self {
        Self { agents: Agents::new(store), running: Arc::default(), hosted: Arc::default() }
    }

    /// The agents that host processes.
    pub(crate) fn agents(&self) -> &Agents {
        &self.agents
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Arc<RunningProcess>>> {
        // Inserts and removals of whole entries: a panic in between leaves a valid map.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hosted(&self) -> MutexGuard<'_, BTreeMap<String, Arc<HostedProcess>>> {
        // As above.
        self.hosted.lock().unwrap_or_else(PoisonError::into_inner)
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
    pub async fn get(&self, process_id: &str) -> Result<ProcessHandle, ErrorData> {
        if let Some(process) = self.all().get(process_id).cloned() {
            return Ok(ProcessHandle::Engine(process));
        }
        if let Some(process) = self.hosted().get(process_id).cloned() {
            return Ok(ProcessHandle::Agent(process));
        }
        let Some((agent_id, number)) = hosted::parts_of(process_id) else {
            return Err(not_known(process_id).hint(
                "a process started through the engine's exec can only be attached to while the daemon that started it lives",
            ));
        };
        let there = self.agents.channels().into_iter().find(|there| there.channel.agent_id() == agent_id);
        let reports = match &there {
            Some(there) => hosted::reports(&there.channel).await,
            None => None,
        };
        match (there, reports) {
            (Some(there), Some(reports)) => {
                let report = reports.into_iter().find(|report| report.process == number);
                let hosted = report.map(|report| self.known_as(HostedProcess::of_report(&there, &report)));
                hosted
                    .map(ProcessHandle::Agent)
                    .ok_or_else(|| not_known(process_id).hint("its agent has forgotten it"))
            }
            // It may live: whoever asks later is told.
            _ if self.agents.engine_of(agent_id).is_some() => Err(ErrorData::new(
                ErrorKind::Busy,
                format!("the agent of the process {process_id} does not answer yet"),
            )
            .hint("its container is paused or busy, or its engine is away; try again")),
            _ => Err(not_known(process_id).hint("its container was stopped, restarted or removed")),
        }
    }

    /// The engine that the agent behind this process id is on, when that agent is not connected to yet.
    pub(crate) fn engine_to_recover(&self, process_id: &str) -> Option<String> {
        let (agent_id, _) = hosted::parts_of(process_id)?;
        let is_there = self.agents.channels().iter().any(|there| there.channel.agent_id() == agent_id);
        (!is_there).then(|| self.agents.engine_of(agent_id)).flatten()
    }

    /// The process in the table: the one that is there already, if somebody was faster.
    fn known_as(&self, process: Arc<HostedProcess>) -> Arc<HostedProcess> {
        let mut hosted = self.hosted();
        // Its agent remembers what nobody here is attached to.
        hosted.retain(|_, known| known.has_clients() || !known.has_ended());
        Arc::clone(hosted.entry(process.id()).or_insert(process))
    }

    /// All processes as they are, oldest first; only those of one container when it is named.
    pub async fn list(&self, container_id: Option<&str>) -> Vec<Process> {
        let is_wanted = |id: &str| container_id.is_none_or(|wanted| wanted == id);
        let mut list: Vec<Process> = self
            .all()
            .values()
            .filter(|process| is_wanted(process.container_id()))
            .map(|process| process.describe())
            .collect();
        let there: Vec<_> =
            self.agents.channels().into_iter().filter(|there| is_wanted(&there.container_id)).collect();
        let reports = join_all(there.iter().map(|there| hosted::reports(&there.channel))).await;
        for (there, reports) in there.iter().zip(reports) {
            list.extend(reports.iter().flatten().map(|report| {
                let process = HostedProcess::of_report(there, report);
                let known = self.hosted().get(&process.id()).cloned();
                known.unwrap_or(process).describe(Some(report))
            }));
        }
        list.sort_by_key(|process| process.started_at);
        list
    }

    /// Closes a process: hangs up its terminal's session, and after 2 s kills what is left of it.
    ///
    /// # Errors
    /// `notResumable`; `unsupported` when signals cannot reach it.
    pub async fn close(&self, process_id: &str) -> Result<ProcessCloseResult, ErrorData> {
        self.get(process_id).await?.close().await
    }

    /// How many keep the daemon: those of engines that have not ended, and those in agents that somebody is attached to.
    pub fn running(&self) -> usize {
        let of_engines = self.all().values().filter(|process| process.describe().exit.is_none()).count();
        of_engines + self.hosted().values().filter(|process| process.has_clients()).count()
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

fn not_known(process_id: &str) -> ErrorData {
    ErrorData::new(ErrorKind::NotResumable, format!("the process {process_id} is not known to this daemon"))
}
