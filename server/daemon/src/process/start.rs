//! Starting a process: in an agent where there is one or it is worth waiting for, else by the engine's exec.

use std::sync::Arc;

use gangplank_agent_protocol::message::{Answer, Refusal, Size, Start};
use gangplank_engine::container::ContainerDetails;
use gangplank_engine::exec::ExecSpec;
use gangplank_engine::{Engine, EngineError};
use gangplank_protocol::process::ProcessExit;
use gangplank_protocol::{ErrorData, ErrorKind};

use super::hosted::{About, HostedProcess, id_of, shown};
use super::{Client, Control, Identity, ProcessHandle, Processes};
use crate::agent::{Channel, Status};
use crate::clock::now;
use crate::failure;

/// After how long an unattended terminal in which nothing runs is closed, in seconds.
const IDLE_TERMINAL: u64 = 24 * 60 * 60;

/// Which host a process is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// An agent, waited for if it is not there yet; the engine where there cannot be one.
    Agent,
    /// An agent if it is there already; else the engine, and the agent is brought beside for those to come.
    Soonest,
    /// An agent only if it is there already; none is brought.
    Engine,
}

/// Is told a process's id.
pub type Announce = Box<dyn FnOnce(&str) + Send + Sync>;

/// A process to be started.
pub struct Launch<'a> {
    /// The engine.
    pub engine: &'a Engine,
    /// The running container.
    pub container: &'a ContainerDetails,
    /// What, as the engine would start it.
    pub spec: ExecSpec,
    /// Who is to host it.
    pub host: Host,
    /// What it is for, in lists of the agent.
    pub purpose: &'static str,
    /// A name to find it by.
    pub name: Option<String>,
    /// Attach to it from its first byte on.
    pub attach: bool,
    /// Told its id before an agent starts it, so that it is found again whatever happens then.
    pub announce: Option<Announce>,
    /// Close it after so many idle seconds; never with 0.
    pub idle_seconds: Option<u64>,
}

impl Processes {
    /// Starts a process. One that an agent cannot run ends at once with 126 or 127, as a shell would say it, when it is
    /// attached to.
    ///
    /// # Errors
    /// The engine's; `commandNotExecutable` when nobody is attached to be told.
    pub async fn start(&self, launch: Launch<'_>) -> Result<(ProcessHandle, Option<Client>), ErrorData> {
        match self.agent_for(&launch).await {
            Some(channel) => self.start_in_agent(&channel, launch).await,
            None => self.start_by_engine(launch).await,
        }
    }

    async fn agent_for(&self, launch: &Launch<'_>) -> Option<Channel> {
        let Launch { engine, container, spec, host, .. } = launch;
        let user = spec.user.as_deref().unwrap_or_default();
        match (host, self.agents.status(engine, container, user)) {
            (_, Some(Status::There(channel))) => channel.starts().then_some(channel),
            (_, Some(Status::Cannot(_))) | (Host::Engine, _) => None,
            (Host::Soonest, _) => {
                self.agents.want(engine, container, user);
                None
            }
            (Host::Agent, _) => {
                let channel = self.agents.channel(engine, container, user).await.ok();
                channel.filter(Channel::starts)
            }
        }
    }

    async fn start_by_engine(
        &self,
        launch: Launch<'_>,
    ) -> Result<(ProcessHandle, Option<Client>), ErrorData> {
        let Launch { engine, container, spec, name, attach, .. } = launch;
        let session = engine.exec(&container.id, &spec).await.map_err(failure::from_engine)?;
        if !attach {
            // Nobody will read what the runtime says of a command that cannot be run.
            engine.exec_started(&container.id, &session.id).await.map_err(failure::from_engine)?;
        }
        let control = Control::Exec {
            engine: engine.clone(),
            container_id: container.id.clone(),
            exec_id: session.id.clone(),
        };
        let identity = Identity { container_id: container.id.clone(), argv: spec.argv, tty: spec.tty, name };
        let process = self.adopt(engine, identity, session, control);
        let client = attach.then(|| Client::Engine(process.attach(Some(0))));
        Ok((ProcessHandle::Engine(process), client))
    }

    async fn start_in_agent(
        &self,
        channel: &Channel,
        launch: Launch<'_>,
    ) -> Result<(ProcessHandle, Option<Client>), ErrorData> {
        let Launch { engine, container, spec, purpose, name, attach, idle_seconds, announce, .. } = launch;
        let about = About {
            engine: engine.clone(),
            container_id: container.id.clone(),
            argv: spec.argv.clone(),
            tty: spec.tty,
            started_at: now(),
            name: name.clone(),
            number: random_number(),
        };
        let size = spec
            .size
            .map_or(Size { columns: 80, rows: 24 }, |size| Size { columns: size.columns, rows: size.rows });
        let idle = idle_seconds.unwrap_or(IDLE_TERMINAL);
        if let Some(announce) = announce {
            announce(&id_of(channel.agent_id(), about.number));
        }
        let start = Start {
            process: about.number,
            argv: spec.argv,
            tty: spec.tty.then_some(size),
            interactive: spec.attach_stdin,
            cwd: spec
                .working_dir
                .or_else(|| Some(container.working_dir.clone()).filter(|dir| !dir.is_empty())),
            environment: spec.env,
            purpose: purpose.to_owned(),
            name,
            idle_seconds: (spec.tty && idle > 0).then_some(idle),
            ..Start::default()
        };
        let (outcome, attending) = channel.start(start, attach).await?;
        let process = match outcome {
            Ok(_) => HostedProcess::new(about, channel.clone()),
            Err(answer) => {
                let exit = refused(&about, &answer, attach)?;
                HostedProcess::stillborn(about, channel.clone(), exit)
            }
        };
        let process = self.known_as(process);
        let client = attach.then(|| Client::Agent(process.client(attending, 0)));
        Ok((ProcessHandle::Agent(Arc::clone(&process)), client))
    }
}

/// How a process that was not started ends for those attached.
///
/// # Errors
/// When it is not the program's fault, or nobody is attached.
fn refused(about: &About, answer: &Answer, attached: bool) -> Result<ProcessExit, ErrorData> {
    let Answer::Refused(refused) = answer else {
        return Err(ErrorData::new(ErrorKind::Internal, "the agent gave another answer than to a start"));
    };
    let words = shown(Some(&refused.message)).unwrap_or_default();
    let (code, what) = match refused.refusal {
        Refusal::ProgramNotFound => (127, "there is no such command"),
        Refusal::ProgramNotRunnable => (126, "the command cannot be executed"),
        Refusal::Exhausted => return Err(ErrorData::new(ErrorKind::Busy, words)),
        _ => return Err(ErrorData::new(ErrorKind::EngineFailed, words)),
    };
    let message = format!("{what}: {words}");
    if attached {
        return Ok(ProcessExit { code: Some(i32::from(code)), reason: None, message: Some(message) });
    }
    Err(failure::from_engine(EngineError::CommandNotRunnable {
        what: format!("start a process in container {}", about.container_id),
        message,
        exit_code: code,
    }))
}

fn random_number() -> u64 {
    let bytes = crate::identifier::nonce();
    bytes.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}
