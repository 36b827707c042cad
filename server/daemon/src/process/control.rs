//! What can be done to a process beside its bytes: resized, signalled, asked how it ended. One variant for each kind of
//! host that processes have.

use std::time::Duration;

use gangplank_engine::container::ContainerDetails;
use gangplank_engine::exec::{ExecSpec, ExecState, TerminalSize as EngineSize};
use gangplank_engine::{Engine, EngineError};
use gangplank_protocol::process::{ProcessExit, TerminalSize};
use gangplank_protocol::{ErrorData, ErrorKind};
use tokio::time::Instant;

use super::host_view::{self, Located, Session};

/// How Docker's runtime begins what it says of a command that cannot be run.
const REFUSAL: &[u8] = b"OCI runtime exec failed: ";

/// How long a closed process has before it is killed.
pub(super) const CLOSE_GRACE: Duration = Duration::from_secs(2);

/// How long an engine that has accepted a process's start may take to show it: one that is busy takes seconds.
const START_GRACE: Duration = Duration::from_secs(10);

/// How a process is reached.
#[derive(Debug)]
pub enum Control {
    /// A process started by the engine's exec.
    Exec {
        /// The engine.
        engine: Engine,
        /// The container.
        container_id: String,
        /// The exec's id.
        exec_id: String,
    },
    /// A container's first process.
    Main {
        /// The engine.
        engine: Engine,
        /// The container.
        container_id: String,
        /// Gives the exit code; waited for since before the start, so that it is seen even when the container is
        /// removed at its end.
        waited: tokio::sync::watch::Receiver<Option<Result<i64, EngineError>>>,
    },
    /// What a container has written: read only, and nothing runs.
    Logs,
}

/// A terminal's session that is being closed.
#[derive(Debug, Default)]
pub(super) struct ClosingSession {
    /// What can be killed of it later.
    session: Option<Session>,
    /// Descendants that made sessions of their own, by name.
    pub(super) others: Vec<String>,
}

impl Control {
    /// How the process ended, once its output has; `broken` is why its output ended early.
    pub async fn exit(&self, broken: Option<&EngineError>) -> ProcessExit {
        match self {
            Self::Logs => ProcessExit {
                code: Some(0),
                reason: broken.map(|_| "engineUnavailable".into()),
                message: broken.map(ToString::to_string),
            },
            Self::Exec { engine, container_id, exec_id } => {
                let code = engine.exec_exit_code(exec_id).await;
                explain(engine, container_id, code).await
            }
            Self::Main { engine, container_id, waited } => {
                let mut waited = waited.clone();
                let code = match waited.wait_for(Option::is_some).await {
                    Ok(outcome) => outcome.clone(),
                    Err(_) => None,
                };
                match code {
                    Some(Ok(code)) => ProcessExit {
                        code: exit_code(code),
                        ..out_of_memory(engine, container_id, code).await
                    },
                    Some(Err(error)) => unreachable_engine(&error),
                    None => ProcessExit::default(),
                }
            }
        }
    }

    /// Whether this, the first output, is not the command's but what the runtime says of one that cannot be run: engines
    /// write that where the command would have written.
    pub(super) async fn is_refusal(&self, output: &[u8]) -> bool {
        let Self::Exec { engine, container_id, exec_id } = self else { return false };
        output.starts_with(REFUSAL)
            && matches!(
                engine.exec_started(container_id, exec_id).await,
                Err(EngineError::CommandNotRunnable { .. })
            )
    }

    pub(super) async fn resize(&self, size: TerminalSize) {
        let cells = EngineSize { columns: size.columns.max(1), rows: size.rows.max(1) };
        let resized = match self {
            Self::Exec { engine, exec_id, .. } => engine.exec_resize(exec_id, cells).await,
            Self::Main { engine, container_id, .. } => engine.resize_container(container_id, cells).await,
            Self::Logs => return,
        };
        if let Err(error) = resized {
            // It may not have started yet, or have ended already; the next resize sets it right.
            tracing::debug!(%error, "a terminal was not resized");
        }
    }

    /// Sends a signal, by its POSIX name without `SIG`.
    ///
    /// # Errors
    /// `unsupported` when it cannot reach the process, `conflict` when that has ended, the engine's.
    pub async fn signal(&self, name: &str) -> Result<(), ErrorData> {
        match self {
            Self::Main { engine, container_id, .. } => engine
                .kill_container(container_id, &format!("SIG{name}"))
                .await
                .map_err(crate::failure::from_engine),
            Self::Exec { .. } => {
                let process = self.locate().await?;
                self.send(name, std::slice::from_ref(&process), &process).await
            }
            Self::Logs => Err(unreachable("what was asked for is a log, in which nothing runs")),
        }
    }

    /// Hangs up the process's session, as a closed terminal does.
    pub(super) async fn hang_up(&self) -> Result<ClosingSession, ErrorData> {
        match self {
            Self::Exec { container_id, .. } => {
                let Some(leader) = self.locate_once_it_runs().await? else {
                    return Ok(ClosingSession::default());
                };
                let session = Session::of(leader, container_id);
                let others = session.others();
                self.hang_up_members(&session).await?;
                Ok(ClosingSession { session: Some(session), others })
            }
            Self::Main { .. } => self.signal("HUP").await.map(|()| ClosingSession::default()),
            Self::Logs => Ok(ClosingSession::default()),
        }
    }

    /// Kills what is left of a session that was hung up.
    pub(super) async fn kill_session(&self, closing: &ClosingSession) {
        let killed = match (self, &closing.session) {
            (Self::Exec { .. }, Some(session)) => self.kill_members(session).await,
            (Self::Main { .. }, _) => self.signal("KILL").await,
            (Self::Exec { .. }, None) | (Self::Logs, _) => Ok(()),
        };
        if let Err(error) = killed {
            tracing::debug!(%error, "a session's end was not needed any more");
        }
    }

    /// Ends an exec's process with its session, as a terminal that is closed: what a hang-up does not end is killed, what
    /// begins meanwhile too. One that is only about to start is ended as soon as it runs.
    ///
    /// # Errors
    /// `unsupported` when it cannot be reached, `conflict` when something of it lives on, the engine's.
    pub async fn end_session(&self) -> Result<(), ErrorData> {
        let Self::Exec { container_id, .. } = self else { return Err(unreachable("it is not an exec")) };
        let Some(leader) = self.locate_once_it_runs().await? else { return Ok(()) };
        let session = Session::of(leader, container_id);
        self.hang_up_members(&session).await?;
        let patience = Instant::now() + CLOSE_GRACE;
        while !session.members().is_empty() && Instant::now() < patience {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        self.kill_members(&session).await
    }

    async fn hang_up_members(&self, session: &Session) -> Result<(), ErrorData> {
        let members = session.members();
        self.send("HUP", &members, session.leader()).await?;
        self.send("CONT", &members, session.leader()).await
    }

    async fn kill_members(&self, session: &Session) -> Result<(), ErrorData> {
        let patience = Instant::now() + CLOSE_GRACE;
        loop {
            let left = session.members();
            if left.is_empty() {
                return Ok(());
            }
            if Instant::now() >= patience {
                let what = format!("{} processes of a session live on although they were killed", left.len());
                return Err(ErrorData::new(ErrorKind::Conflict, what));
            }
            self.send("KILL", &left, session.leader()).await?;
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// The process, which the engine was asked to start; none when it has ended or never ran.
    async fn locate_once_it_runs(&self) -> Result<Option<Located>, ErrorData> {
        self.is_within_reach()?;
        let patience = Instant::now() + START_GRACE;
        loop {
            let late = Instant::now() >= patience;
            match self.inspect().await? {
                // Podman says 0 of what has not started.
                ExecState { running: false, pid: 0, exit_code: None | Some(0) }
                | ExecState { running: true, pid: 0, .. } => {
                    if late {
                        return Ok(None);
                    }
                }
                ExecState { running: false, .. } => return Ok(None),
                // It may have ended since the engine looked.
                ExecState { pid, .. } => match self.locate_as(pid) {
                    Err(_) if !late => {}
                    located => return located.map(Some),
                },
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    async fn inspect(&self) -> Result<ExecState, ErrorData> {
        let Self::Exec { engine, exec_id, .. } = self else { return Err(unreachable("it is not an exec")) };
        engine.exec_inspect(exec_id).await.map_err(crate::failure::from_engine)
    }

    async fn locate(&self) -> Result<Located, ErrorData> {
        let located = self.locate_once_it_runs().await?;
        located.ok_or_else(|| ErrorData::new(ErrorKind::Conflict, "the process has ended"))
    }

    fn is_within_reach(&self) -> Result<(), ErrorData> {
        match self {
            Self::Exec { engine, .. } if !engine.is_local() => {
                Err(unreachable("its engine is on another machine"))
            }
            _ => Ok(()),
        }
    }

    /// The exec's process, by the number that the engine has for it.
    fn locate_as(&self, engine_pid: i64) -> Result<Located, ErrorData> {
        let Self::Exec { container_id, .. } = self else { return Err(unreachable("it is not an exec")) };
        host_view::locate(engine_pid, container_id)
            .ok_or_else(|| unreachable("its engine does not show it in this machine's /proc"))
    }

    /// Sends a signal to processes: directly where the kernel lets us, else by the container's own `kill`, which knows
    /// them by the numbers of the namespace that `beside`, started by the engine, is in.
    async fn send(&self, signal: &str, to: &[Located], beside: &Located) -> Result<(), ErrorData> {
        let Self::Exec { engine, container_id, .. } = self else { return Ok(()) };
        let refused: Vec<i32> = to
            .iter()
            .filter(|process| !process.signal(signal))
            .filter_map(|process| process.number_beside(beside))
            .collect();
        if refused.is_empty() {
            return Ok(());
        }
        let mut argv = vec![
            "/bin/sh".to_owned(),
            "-c".into(),
            r#"s=$1; shift; kill -s "$s" "$@""#.into(),
            "sh".into(),
            signal.to_owned(),
        ];
        argv.extend(refused.iter().map(i32::to_string));
        let spec = ExecSpec { argv, user: Some("0".into()), ..ExecSpec::default() };
        let output =
            engine.exec_output(container_id, &spec, b"", 4096).await.map_err(crate::failure::from_engine)?;
        // `kill` also fails when one of them has ended meanwhile, which is what was wanted.
        if output.exit_code == 126 || output.exit_code == 127 {
            return Err(unreachable("this user may not signal it, and the image has no shell to do it"));
        }
        Ok(())
    }
}

fn unreachable(why: &str) -> ErrorData {
    ErrorData::new(ErrorKind::Unsupported, format!("a signal cannot reach the process: {why}"))
}

fn exit_code(code: i64) -> Option<i32> {
    i32::try_from(code).ok()
}

fn unreachable_engine(error: &EngineError) -> ProcessExit {
    ProcessExit { code: None, reason: Some("engineUnavailable".into()), message: Some(error.to_string()) }
}

/// How often, and with what pause, an engine is asked again that still shows a container as running: longer where its
/// first process can be seen to be gone, so that only a busy engine's record is waited for.
const MOST_LOOKS: u32 = 40;
const MOST_LOOKS_HERE: u32 = 100;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// The container, once the engine knows about its end. A container's processes are killed before the engine's record of
/// it changes; where its first process can be seen to live on, there is nothing to wait for.
async fn settled(engine: &Engine, container_id: &str, killed: bool) -> Result<ContainerDetails, EngineError> {
    let most = if engine.is_local() { MOST_LOOKS_HERE } else { MOST_LOOKS };
    for _ in 1..most {
        let container = engine.inspect_container(container_id).await?;
        let lives = || engine.is_local() && host_view::lives(container.state.pid, container_id);
        if !killed || !container.state.running || lives() {
            return Ok(container);
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    engine.inspect_container(container_id).await
}

/// An exec that ended by a signal may have ended with its container: says so.
async fn explain(engine: &Engine, container_id: &str, code: Result<i64, EngineError>) -> ProcessExit {
    let code = match code {
        Ok(code) if code < 128 => return ProcessExit { code: exit_code(code), ..ProcessExit::default() },
        Ok(code) => Some(code),
        Err(error) if error.is_unavailable() => return unreachable_engine(&error),
        Err(_) => None,
    };
    let code_number = code.and_then(exit_code);
    match settled(engine, container_id, code == Some(137)).await {
        // The engine remembers that something in the container was killed for memory, also while it goes on.
        Ok(container) if container.state.running && !(container.state.oom_killed && code == Some(137)) => {
            ProcessExit { code: code_number, ..ProcessExit::default() }
        }
        Ok(container) => {
            let (reason, message) = if container.state.oom_killed {
                ("outOfMemory", "its container ran out of memory".to_owned())
            } else {
                (
                    "containerStopped",
                    format!("its container ended with exit code {}", container.state.exit_code),
                )
            };
            ProcessExit { code: code_number, reason: Some(reason.into()), message: Some(message) }
        }
        Err(error) if error.is_unavailable() => unreachable_engine(&error),
        Err(_) => ProcessExit {
            code: code_number,
            reason: Some("containerStopped".into()),
            message: Some("its container was removed".into()),
        },
    }
}

/// How what ran in this start of a container ended, when that has ended; none while it goes on.
pub(crate) async fn ended_with_container(
    engine: &Engine,
    container_id: &str,
    started_at: &str,
) -> Option<ProcessExit> {
    let stopped = |reason: &str, message: String| {
        Some(ProcessExit { code: None, reason: Some(reason.into()), message: Some(message) })
    };
    match settled(engine, container_id, true).await {
        Ok(container) if container.state.oom_killed && !container.state.running => {
            stopped("outOfMemory", "its container ran out of memory".into())
        }
        Ok(container) if !container.state.running => {
            let code = container.state.exit_code;
            stopped("containerStopped", format!("its container ended with exit code {code}"))
        }
        Ok(container) if container.state.started_at != started_at => {
            stopped("containerStopped", "its container was restarted".into())
        }
        Ok(_) => None,
        Err(error) if error.is_unavailable() => Some(unreachable_engine(&error)),
        Err(_) => stopped("containerStopped", "its container was removed".into()),
    }
}

pub(super) async fn out_of_memory(engine: &Engine, container_id: &str, code: i64) -> ProcessExit {
    let killed = code == 137
        && engine.inspect_container(container_id).await.is_ok_and(|container| container.state.oom_killed);
    if killed {
        ProcessExit {
            code: None,
            reason: Some("outOfMemory".into()),
            message: Some("the container ran out of memory".into()),
        }
    } else {
        ProcessExit::default()
    }
}
