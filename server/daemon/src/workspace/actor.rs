//! The actor of one workspace. It answers in moments: work that takes long runs as an operation, and what it learns
//! comes back through the same handle.

use std::collections::BTreeMap;
use std::sync::Arc;

use gangplank_engine::Engine;
use gangplank_protocol::operation::{OperationKind, OperationStarted};
use gangplank_protocol::workspace::{Trust, WorkspaceUpParams};
use gangplank_protocol::{ErrorData, ErrorKind};
use tokio::sync::{OnceCell, mpsc, oneshot};

use super::probe::Shell;
use super::up::Up;
use crate::operation::Operations;
use crate::process::Processes;
use crate::store::Store;
use crate::trust::TrustStore;

/// Requests waiting for one actor.
const QUEUE: usize = 64;
/// Shells remembered for one workspace.
const MOST_SHELLS: usize = 16;

/// What actors use of the daemon; cheap to clone.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Long work.
    pub operations: Operations,
    /// What the user trusted.
    pub trust: Arc<TrustStore>,
    /// State on disk.
    pub store: Store,
    /// What runs in containers.
    pub processes: Processes,
}

/// Which user's shell, in which start of which container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ShellKey {
    pub container_id: String,
    pub started_at: String,
    pub user: String,
    pub flags: Option<&'static str>,
}

enum Request {
    Begin { begin: Box<Begin>, answer: oneshot::Sender<Result<OperationStarted, ErrorData>> },
    Current { answer: oneshot::Sender<Option<String>> },
    Shell { key: ShellKey, answer: oneshot::Sender<Arc<OnceCell<Shell>>> },
}

struct Begin {
    kind: OperationKind,
    engine: Engine,
    params: WorkspaceUpParams,
    environment: BTreeMap<String, String>,
}

/// Reaches the actor; cheap to clone. The actor ends with the last handle.
#[derive(Debug, Clone)]
pub struct WorkspaceHandle(mpsc::Sender<Request>);

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Request")
    }
}

impl WorkspaceHandle {
    /// Starts the actor of one workspace.
    pub fn start(parts: Parts) -> Self {
        let (sender, requests) = mpsc::channel(QUEUE);
        let handle = Self(sender);
        let actor = Actor { parts, handle: handle.0.downgrade(), current: None, shells: BTreeMap::new() };
        tokio::spawn(actor.run(requests));
        handle
    }

    /// Whether somebody else holds it, as an operation at work does.
    pub fn is_held(&self) -> bool {
        self.0.strong_count() > 1
    }

    /// Begins `workspace/up` or `workspace/rebuild`, or joins the one that runs. `environment` is what the client's hello
    /// carried.
    ///
    /// # Errors
    /// `conflict` when other work is under way.
    pub async fn begin(
        &self,
        kind: OperationKind,
        engine: Engine,
        params: WorkspaceUpParams,
        environment: BTreeMap<String, String>,
    ) -> Result<OperationStarted, ErrorData> {
        let begin = Box::new(Begin { kind, engine, params, environment });
        self.ask(|answer| Request::Begin { begin, answer }).await?
    }

    /// The operation that works on the workspace now.
    ///
    /// # Errors
    /// `internal` when the actor is gone.
    pub async fn current(&self) -> Result<Option<String>, ErrorData> {
        self.ask(|answer| Request::Current { answer }).await
    }

    /// The place where the user's shell in this start of the container is remembered; whoever comes first fills it.
    pub(super) async fn shell(&self, key: ShellKey) -> Result<Arc<OnceCell<Shell>>, ErrorData> {
        self.ask(|answer| Request::Shell { key, answer }).await
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, ErrorData> {
        let gone = || ErrorData::new(ErrorKind::Internal, "the workspace's actor is gone");
        let (sender, answer) = oneshot::channel();
        self.0.send(request(sender)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())
    }
}

struct Current {
    operation_id: String,
    same: blake3::Hash,
    trust: Trust,
}

struct Actor {
    parts: Parts,
    handle: mpsc::WeakSender<Request>,
    current: Option<Current>,
    shells: BTreeMap<ShellKey, Arc<OnceCell<Shell>>>,
}

impl Actor {
    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(request) = requests.recv().await {
            self.forget_ended();
            // An asker that went away needs no answer.
            match request {
                Request::Begin { begin, answer } => drop(answer.send(self.begin(*begin))),
                Request::Current { answer } => {
                    drop(answer.send(self.current.as_ref().map(|current| current.operation_id.clone())));
                }
                Request::Shell { key, answer } => drop(answer.send(self.shell(key))),
            }
        }
    }

    fn forget_ended(&mut self) {
        let operations = &self.parts.operations;
        self.current.take_if(|current| {
            operations.get(&current.operation_id).is_ok_and(|operation| operation.state.is_final())
        });
    }

    fn begin(&mut self, begin: Begin) -> Result<OperationStarted, ErrorData> {
        let same = fingerprint(begin.kind, &begin.params);
        if let Some(current) = &self.current {
            if current.same == same && allows(current.trust) >= allows(begin.params.trust) {
                return Ok(OperationStarted { operation_id: current.operation_id.clone(), joined: true });
            }
            let what = if current.same == same {
                "the same operation works on this workspace, and may do less to the host than is allowed here"
            } else {
                "another operation works on this workspace"
            };
            return Err(ErrorData::new(ErrorKind::Conflict, what)
                .hint(format!("wait for {} or cancel it", current.operation_id)));
        }
        let handle = self.handle.upgrade().map(WorkspaceHandle);
        let Some(handle) = handle else {
            return Err(ErrorData::new(ErrorKind::Internal, "the workspace's actor is gone"));
        };
        let selector = &begin.params.workspace;
        let subject =
            selector.workspace_folder.clone().or_else(|| selector.container_id.clone()).unwrap_or_default();
        let (parts, trust) = (self.parts.clone(), begin.params.trust);
        let started = self.parts.operations.begin(begin.kind, subject, move |reporter| {
            let up = Up {
                engine: begin.engine,
                parts,
                handle,
                reporter,
                params: begin.params,
                environment: begin.environment,
                rebuild: begin.kind == OperationKind::WorkspaceRebuild,
            };
            up.run()
        });
        self.current = Some(Current { operation_id: started.operation_id.clone(), same, trust });
        Ok(started)
    }

    fn shell(&mut self, key: ShellKey) -> Arc<OnceCell<Shell>> {
        if self.shells.len() >= MOST_SHELLS && !self.shells.contains_key(&key) {
            // Of containers that were started anew; a shell that is still wanted is simply asked again.
            self.shells.clear();
        }
        Arc::clone(self.shells.entry(key).or_default())
    }
}

/// How much a request may come to do to the host. One joins only what may do as much: what it allows is for itself, and
/// what runs shall not be stopped by a refusal or a question that this one has already answered.
fn allows(trust: Trust) -> u8 {
    match trust {
        Trust::Refuse => 0,
        Trust::Ask => 1,
        Trust::Grant => 2,
    }
}

/// What two requests must have in common to be the same work: all but who asks and how.
fn fingerprint(kind: OperationKind, params: &WorkspaceUpParams) -> blake3::Hash {
    let same = WorkspaceUpParams {
        client_environment: BTreeMap::new(),
        request_key: None,
        interactive: false,
        trust: Trust::Refuse,
        include_configuration: false,
        ..params.clone()
    };
    // These are plain structs, which always serialize; an empty text would only join less.
    let text = serde_json::to_vec(&(kind, same)).unwrap_or_default();
    blake3::hash(&text)
}
