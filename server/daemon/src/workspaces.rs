//! The workspaces known: a handle for each, made when it is first asked for, and what requests about them come to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use gangplank_devcontainer::configuration::Configuration;
use gangplank_devcontainer::identity::{CONFIG_FILE_LABEL, LOCAL_FOLDER_LABEL};
use gangplank_engine::container::{ContainerDetails, ContainerSummary, LogOptions};
use gangplank_engine::exec::{ExecSpec, TerminalSize};
use gangplank_engine::{Engine, EngineId};
use gangplank_protocol::process::{ProcessStartParams, ProcessTarget};
use gangplank_protocol::workspace::{Trust, Workspace, WorkspaceDetails, WorkspaceSelector};
use gangplank_protocol::{ErrorData, ErrorKind};

use crate::agent::Status;
use crate::failure::from_engine;
use crate::lifecycle::in_container::without;
use crate::workspace::{self, Parts, Remote, RemoteRequest, WorkspaceHandle};

/// Handles kept at most, beyond those in use.
const MOST_HANDLES: usize = 1024;
/// Last lines of a container's log shown with an error.
const LAST_LINES: u64 = 10;

/// The handles; cheap to clone.
#[derive(Debug, Clone)]
pub struct Workspaces {
    parts: Parts,
    handles: Arc<Mutex<BTreeMap<(EngineId, String), WorkspaceHandle>>>,
}

impl Workspaces {
    /// No workspace yet.
    pub fn new(parts: Parts) -> Self {
        Self { parts, handles: Arc::default() }
    }

    /// The handle of the workspace of this folder (or these labels, or this container) on this engine.
    pub fn handle(&self, engine: &Engine, selector: &WorkspaceSelector) -> WorkspaceHandle {
        let name = match (&selector.workspace_folder, selector.id_labels.as_slice()) {
            (Some(folder), []) => folder.trim_end_matches('/').to_owned(),
            (_, [_, ..]) => selector.id_labels.join("\n"),
            (None, []) => selector.container_id.clone().unwrap_or_default(),
        };
        // Inserts of whole entries: a panic in between leaves a valid map.
        let mut handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        if handles.len() >= MOST_HANDLES {
            // Those nobody holds have nothing under way; what they knew is asked anew.
            handles.retain(|_, handle| handle.is_held());
        }
        handles
            .entry((engine.id(), name))
            .or_insert_with(|| WorkspaceHandle::start(self.parts.clone()))
            .clone()
    }

    /// Every workspace that has a container on the engine.
    ///
    /// # Errors
    /// The engine's.
    pub async fn list(&self, engine: &Engine) -> Result<Vec<Workspace>, ErrorData> {
        let mut all = workspace::all(engine).await?;
        for workspace in &mut all {
            workspace.operation_id = self.operation_on(engine, &workspace.workspace_folder).await?;
        }
        Ok(all)
    }

    async fn operation_on(&self, engine: &Engine, folder: &str) -> Result<Option<String>, ErrorData> {
        let known = self
            .handles
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&(engine.id(), folder.to_owned()))
            .cloned();
        match known {
            Some(handle) => handle.current().await,
            None => Ok(None),
        }
    }

    /// Cancels the operation that works on the workspace, if one does: stopping or removing goes first.
    ///
    /// # Errors
    /// `internal` when the actor is gone.
    pub async fn cancel_operation(
        &self,
        engine: &Engine,
        selector: &WorkspaceSelector,
    ) -> Result<(), ErrorData> {
        if let Some(id) = self.handle(engine, selector).current().await? {
            self.parts.operations.cancel(&id).await?;
        }
        Ok(())
    }

    /// How the workspace stands.
    ///
    /// # Errors
    /// `notFound` when it has no container, the engine's.
    pub async fn inspect(
        &self,
        engine: &Engine,
        selector: &WorkspaceSelector,
    ) -> Result<WorkspaceDetails, ErrorData> {
        let found = first(workspace::containers_of(engine, selector).await?)?;
        let details = engine.inspect_container(&found.id).await.map_err(from_engine)?;
        let configuration = workspace::configuration_of(&details, selector, &BTreeMap::new()).await;
        let remote = Remote::of(&details, configuration.as_ref(), &RemoteRequest::default())?;
        let folder = found.labels.get(LOCAL_FOLDER_LABEL).cloned().unwrap_or_default();
        let operation_id = self.operation_on(engine, &folder).await?;
        let phase = match (&operation_id, details.state.running) {
            (Some(_), _) => "working",
            (None, true) => "running",
            (None, false) => "stopped",
        };
        let (process_host, process_host_reason) = self.process_host(engine, &details, &remote.user);
        Ok(WorkspaceDetails {
            workspace: Workspace {
                workspace_folder: folder,
                configuration: found.labels.get(CONFIG_FILE_LABEL).cloned(),
                container: workspace::describe(engine, &found),
                operation_id,
            },
            phase: phase.into(),
            remote_user: remote.user,
            remote_workspace_folder: remote.folder.unwrap_or(details.working_dir),
            hooks: workspace::hook_records(&self.parts.store, &details.id),
            process_host: process_host.into(),
            process_host_reason,
        })
    }

    /// Who hosts the processes of a container's user, and why it is not an agent.
    fn process_host(
        &self,
        engine: &Engine,
        container: &ContainerDetails,
        user: &str,
    ) -> (&'static str, Option<String>) {
        match self.parts.processes.agents().status(engine, container, user) {
            Some(Status::There(_)) => ("agent", None),
            Some(Status::Cannot(why)) => ("exec", Some(why.to_string())),
            Some(Status::Coming) => ("exec", Some("the agent is being started".into())),
            Some(Status::Gone) | None if container.state.running => {
                ("exec", Some("no agent was needed yet: the next terminal starts one".into()))
            }
            Some(Status::Gone) | None => ("exec", Some("the container does not run".into())),
        }
    }

    /// Removes a workspace's container, and what is remembered of it.
    ///
    /// # Errors
    /// The engine's; one that is gone already is none.
    pub async fn remove_container(&self, engine: &Engine, container_id: &str) -> Result<(), ErrorData> {
        workspace::remove_container(engine, &self.parts, container_id).await
    }

    /// Forgets what was remembered of a container that was removed.
    pub fn forget_container(&self, container_id: &str) {
        workspace::forget_container(&self.parts, container_id);
    }

    /// The container a process is to run in, and the process as the engine starts it.
    ///
    /// # Errors
    /// `notFound`, `containerState` when it does not run, `configurationInvalid`, `untrusted` for variables of the
    /// client's environment that were not allowed for the container, the engine's.
    pub async fn process(
        &self,
        engine: &Engine,
        params: &ProcessStartParams,
    ) -> Result<(ContainerDetails, ExecSpec), ErrorData> {
        let selector = match &params.target {
            ProcessTarget::Workspace { workspace } => workspace.clone(),
            ProcessTarget::Container { container } => {
                WorkspaceSelector { container_id: Some(container.clone()), ..WorkspaceSelector::default() }
            }
        };
        let id = match &selector.container_id {
            Some(name) => name.clone(),
            None => first(workspace::containers_of(engine, &selector).await?)?.id,
        };
        let container = engine.inspect_container(&id).await.map_err(from_engine)?;
        if !container.state.running {
            return Err(ErrorData::new(
                ErrorKind::ContainerState,
                format!("the container {} does not run", container.name),
            )
            .hint("`gangplank up` starts the workspace's container, `gangplank start NAME` any other"));
        }
        if container.state.paused {
            return Err(ErrorData::new(
                ErrorKind::ContainerState,
                format!("the container {} is paused", container.name),
            )
            .hint(format!("`docker unpause {}` lets it go on", container.name)));
        }
        let spec = if is_dev_container(&container) {
            self.in_dev_container(engine, &selector, &container, params).await?
        } else {
            in_plain_container(params)
        };
        Ok((container, spec))
    }

    async fn in_dev_container(
        &self,
        engine: &Engine,
        selector: &WorkspaceSelector,
        container: &ContainerDetails,
        params: &ProcessStartParams,
    ) -> Result<ExecSpec, ErrorData> {
        let configuration: Option<Configuration> =
            workspace::configuration_of(container, selector, &params.client_environment).await;
        workspace::refuse_replaced(engine, container, configuration.as_ref())?;
        let request = RemoteRequest {
            client_environment: params.client_environment.clone(),
            ..RemoteRequest::default()
        };
        let mut remote = Remote::of(container, configuration.as_ref(), &request)?;
        if params.trust != Trust::Grant {
            workspace::refuse_variables(&self.parts.trust, &container.id, &remote)?;
        }
        if let Some(user) = &params.user {
            remote.user.clone_from(user);
        }
        let workspace = self.handle(engine, selector);
        let shell = remote.shell(engine, &workspace, container).await.map_err(|error| {
            let asked_for = params.user.is_some() && error.kind == ErrorKind::ConfigurationInvalid;
            if asked_for { no_such_user(&remote.user, error) } else { error }
        })?;
        let (env, unset) = remote.environment(&shell, &params.environment);
        let argv = if params.argv.is_empty() {
            vec![shell.path.unwrap_or_else(|| "/bin/sh".into())]
        } else {
            params.argv.clone()
        };
        let cwd = params.cwd.clone().or_else(|| match &params.host_directory {
            Some(directory) => remote.directory_for(directory),
            None => remote.folder.clone(),
        });
        Ok(ExecSpec {
            argv: without(&unset, argv),
            tty: params.tty,
            env: [env, terminal(params)].concat(),
            working_dir: cwd,
            user: Some(remote.user),
            privileged: false,
            attach_stdin: params.interactive,
            size: size(params),
        })
    }
}

/// The error for a user of the request's own.
fn no_such_user(user: &str, error: ErrorData) -> ErrorData {
    let causes = error.causes;
    ErrorData {
        causes,
        ..ErrorData::new(ErrorKind::InvalidParams, format!("the container has no user {user:?}"))
    }
}

pub(crate) fn is_dev_container(container: &ContainerDetails) -> bool {
    container.labels.keys().any(|label| label.starts_with("devcontainer."))
}

fn in_plain_container(params: &ProcessStartParams) -> ExecSpec {
    let env = params.environment.iter().map(|(name, value)| format!("{name}={value}"));
    ExecSpec {
        argv: if params.argv.is_empty() { vec!["/bin/sh".into()] } else { params.argv.clone() },
        tty: params.tty,
        env: env.chain(terminal(params)).collect(),
        working_dir: params.cwd.clone(),
        user: params.user.clone(),
        privileged: false,
        attach_stdin: params.interactive,
        size: size(params),
    }
}

/// What a program on a terminal asks its environment for, unless the request says otherwise.
fn terminal(params: &ProcessStartParams) -> Vec<String> {
    if params.tty && !params.environment.contains_key("TERM") {
        let term = params.client_environment.get("TERM").filter(|term| !term.is_empty());
        vec![format!("TERM={}", term.map_or("xterm-256color", String::as_str))]
    } else {
        Vec::new()
    }
}

fn size(params: &ProcessStartParams) -> Option<TerminalSize> {
    params.size.map(|size| TerminalSize { columns: size.columns.max(1), rows: size.rows.max(1) })
}

fn first(found: Vec<ContainerSummary>) -> Result<ContainerSummary, ErrorData> {
    found.into_iter().next().ok_or_else(|| ErrorData::new(ErrorKind::NotFound, "the container is gone"))
}

/// The last lines a container wrote, for an error about it; none when they cannot be had.
pub async fn last_lines(engine: &Engine, container_id: &str, tty: bool) -> Vec<String> {
    let options = LogOptions {
        tty,
        follow: false,
        stdout: true,
        stderr: true,
        tail: Some(LAST_LINES),
        since: None,
        until: None,
        timestamps: false,
    };
    let Ok(mut logs) = engine.container_logs(container_id, &options).await else { return Vec::new() };
    let mut lines = crate::lifecycle::lines::Lines::default();
    while let Some(Ok(output)) = logs.next().await {
        lines.push(&output.bytes);
    }
    lines.finish();
    lines.last()
}
