//! Processes in running containers by the engine's exec, and streams to a container's own first process (`attach`).
//!
//! An exec cannot be attached to again once its connection is gone, cannot be killed through the engine, and lives on
//! when the connection closes. Its streams are our own upgrade (see the crate's page).
//!
//! Engines watch a terminal's input for a detach sequence and hold back a byte that could begin one. The sequence
//! asked for here begins with Ctrl-^ and is never typed or pasted; a lone Ctrl-^ waits for the next key. For `attach`
//! the sequence is of bytes that no UTF-8 text contains, so nothing waits.

use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt as _;
use http::{Method, Request};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt as _;

use crate::error::{Action, refusal};
use crate::hijack::{Session, upgrade};
use crate::wire::{post_json, request};
use crate::{Engine, EngineError, ObjectKind, Source, reference};

/// Detach keys for an exec: twelve control characters in an order that no program is sent.
const EXEC_DETACH_KEYS: &str =
    "ctrl-^,ctrl-_,ctrl-^,ctrl-^,ctrl-_,ctrl-_,ctrl-^,ctrl-_,ctrl-^,ctrl-_,ctrl-_,ctrl-^";
/// Detach keys for attach, already in a query's form: single bytes that UTF-8 never has.
const ATTACH_DETACH_KEYS: &str = "%FF,%FE,%FF,%FF,%FE,%FE,%FF,%FE";

/// The exit code of a process that the engine's runtime did not start.
const RUNTIME_REFUSED: i64 = 126;

/// The size of a terminal, in cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalSize {
    /// Columns.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

/// A process to start in a running container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecSpec {
    /// Program and arguments; no shell is involved.
    pub argv: Vec<String>,
    /// Whether it gets a terminal. Without one standard output and error stay apart.
    pub tty: bool,
    /// `NAME=value`, beside the container's own.
    pub env: Vec<String>,
    /// The working directory; the container's when absent. It must exist.
    pub working_dir: Option<String>,
    /// `user`, `user:group`, `uid` or `uid:gid`; the container's when absent.
    pub user: Option<String>,
    /// Whether it gets all capabilities.
    pub privileged: bool,
    /// Whether it gets what the session's writer is given; otherwise it reads an empty input.
    pub attach_stdin: bool,
    /// The terminal's size.
    pub size: Option<TerminalSize>,
}

/// The state of an exec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecState {
    /// Whether its process runs.
    pub running: bool,
    /// Its exit code, once it has ended: 128 + number when a signal ended it.
    pub exit_code: Option<i64>,
    /// Its process id on the engine's host; 0 before it started.
    pub pid: i64,
}

/// What a short process wrote, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecOutput {
    /// Standard output, up to the limit.
    pub stdout: Vec<u8>,
    /// Standard error, up to the limit.
    pub stderr: Vec<u8>,
    /// Whether the limit cut something off.
    pub truncated: bool,
    /// The exit code.
    pub exit_code: i64,
}

/// What attaching to a container asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttachSpec {
    /// Whether the container has a terminal: its output is then unframed.
    pub tty: bool,
    /// Whether the session's writer reaches its standard input.
    pub stdin: bool,
    /// Whether its standard output comes.
    pub stdout: bool,
    /// Whether its standard error comes.
    pub stderr: bool,
}

/// The body of `POST /containers/{id}/exec`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CreateBody<'a> {
    attach_stdin: bool,
    attach_stdout: bool,
    attach_stderr: bool,
    tty: bool,
    detach_keys: &'a str,
    env: &'a [String],
    cmd: &'a [String],
    privileged: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    working_dir: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    console_size: Option<[u16; 2]>,
}

/// The body of `POST /exec/{id}/start`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StartBody {
    detach: bool,
    tty: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    console_size: Option<[u16; 2]>,
}

fn create_body(spec: &ExecSpec, console_size: Option<[u16; 2]>) -> CreateBody<'_> {
    CreateBody {
        attach_stdin: spec.attach_stdin,
        attach_stdout: true,
        attach_stderr: true,
        tty: spec.tty,
        detach_keys: EXEC_DETACH_KEYS,
        env: &spec.env,
        cmd: &spec.argv,
        privileged: spec.privileged,
        user: spec.user.as_deref(),
        working_dir: spec.working_dir.as_deref(),
        console_size,
    }
}

impl Engine {
    /// Starts a process in a running container and connects to its streams.
    ///
    /// A program that cannot be run is not an error here: most engines have answered by then. The runtime's
    /// words are in the output and the exit code is 126 or 127.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::NotRunning`], [`EngineError::Conflict`] (paused),
    /// [`EngineError::CommandNotRunnable`] from engines that answer late enough, [`EngineError::Unavailable`].
    pub async fn exec(&self, container: &str, spec: &ExecSpec) -> Result<Session, EngineError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Created {
            id: String,
        }
        let action = Action::new("start a process in", ObjectKind::Container, container);
        reference::check_name(&action)?;
        let native = self.wire.greeting().await?.takes_console_size();
        let size = spec.size.filter(|_| spec.tty);
        let console_size = size.filter(|_| native).map(|size| [size.rows, size.columns]);

        let create = post_json(&format!("/containers/{container}/exec"), &create_body(spec, console_size))?;
        let id = self.wire.json::<Created>(&action, create).await?.id;

        let start_action = Action::new("start", ObjectKind::Exec, &id);
        reference::check_name(&start_action)?;
        let start = StartBody { detach: false, tty: spec.tty, console_size };
        let start = post_json(&format!("/exec/{id}/start"), &start)?;
        let mut session = upgrade(&self.wire, &action, start, spec.tty).await?;
        session.id = id;
        if let Some(size) = size.filter(|_| !native) {
            self.resize_started_exec(&session.id, size).await;
        }
        Ok(session)
    }

    /// Sets the size just after the start, for engines that take no initial one. The process may not be there yet
    /// when the engine has answered, and may already have ended: neither is worth failing the start.
    async fn resize_started_exec(&self, id: &str, size: TerminalSize) {
        for pause in [0, 5, 20, 80, 200] {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            match self.exec_resize(id, size).await {
                Err(error) if !error.is_unavailable() => {
                    tracing::debug!(%error, "no initial terminal size yet");
                }
                _ => return,
            }
        }
    }

    /// The state of an exec.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] when its container was removed, [`EngineError::Unavailable`].
    pub async fn exec_inspect(&self, id: &str) -> Result<ExecState, EngineError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Inspected {
            running: bool,
            exit_code: Option<i64>,
            #[serde(default)]
            pid: i64,
        }
        let action = Action::new("inspect", ObjectKind::Exec, id);
        reference::check_name(&action)?;
        let state: Inspected =
            self.wire.json(&action, request(Method::GET, &format!("/exec/{id}/json"), &[])?).await?;
        let exit_code = state.exit_code.filter(|_| !state.running);
        Ok(ExecState { running: state.running, exit_code, pid: state.pid })
    }

    /// Resizes an exec's terminal.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Conflict`] or [`EngineError::Other`] when it does not run.
    pub async fn exec_resize(&self, id: &str, size: TerminalSize) -> Result<(), EngineError> {
        let action = Action::new("resize", ObjectKind::Exec, id);
        reference::check_name(&action)?;
        let options =
            bollard::query_parameters::ResizeExecOptions { h: size.rows.into(), w: size.columns.into() };
        self.call(&action, |docker| async move { docker.resize_exec(id, options).await }).await
    }

    /// Runs a short process to its end, keeping at most `limit` bytes of each of its streams; `input` is its input.
    ///
    /// # Errors
    /// As [`Engine::exec`]; also when the connection breaks. [`EngineError::InvalidParameter`] for a user that the
    /// container does not have, on every engine.
    pub async fn exec_output(
        &self,
        container: &str,
        spec: &ExecSpec,
        input: &[u8],
        limit: usize,
    ) -> Result<ExecOutput, EngineError> {
        let spec = ExecSpec { attach_stdin: !input.is_empty(), ..spec.clone() };
        let Session { id, mut reader, mut writer } = self.exec(container, &spec).await?;
        let feed = async {
            // A process that does not want its input closes it; that is no failure.
            if writer.write_all(input).await.is_ok() {
                let _closed_already = writer.shutdown().await;
            }
        };
        let collect = async {
            let (mut stdout, mut stderr, mut truncated) = (BytesMut::new(), BytesMut::new(), false);
            while let Some(output) = reader.next().await.transpose()? {
                let kept = match output.source {
                    Source::Stdout => &mut stdout,
                    Source::Stderr => &mut stderr,
                };
                let room = limit.saturating_sub(kept.len()).min(output.bytes.len());
                truncated |= room < output.bytes.len();
                kept.extend_from_slice(&output.bytes[..room]);
            }
            Ok::<_, EngineError>((stdout.to_vec(), stderr.to_vec(), truncated))
        };
        // A process that ends, or never was, leaves input that nobody takes.
        let mut collect = std::pin::pin!(collect);
        let collected = tokio::select! {
            collected = &mut collect => collected,
            () = feed => collect.await,
        };
        let (stdout, stderr, truncated) = collected?;
        let exit_code = self.exec_exit_code(&id).await?;
        if exit_code == RUNTIME_REFUSED {
            // Docker 20.10 leaves looking the user up to its runtime, whose words are in the output.
            let words = [stdout.as_slice(), stderr.as_slice()].concat();
            let action = Action::new("start a process in", ObjectKind::Container, container);
            let refused = refusal(&action, 500, &String::from_utf8_lossy(&words));
            if let EngineError::InvalidParameter { .. } = refused {
                return Err(refused);
            }
        }
        Ok(ExecOutput { stdout, stderr, truncated, exit_code })
    }

    /// The exit code of an exec whose output has ended. The engine may take a moment to record it, and a process may
    /// close its output long before it ends: this waits, asking ever less often.
    ///
    /// # Errors
    /// As [`Engine::exec_inspect`].
    pub async fn exec_exit_code(&self, id: &str) -> Result<i64, EngineError> {
        let mut pause = Duration::from_millis(1);
        loop {
            if let ExecState { exit_code: Some(code), .. } = self.exec_inspect(id).await? {
                return Ok(code);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// Waits until the process of an exec runs, or has run: the engine has answered its start before.
    ///
    /// # Errors
    /// [`EngineError::CommandNotRunnable`] when there never was one; as [`Engine::exec_inspect`].
    pub async fn exec_started(&self, container: &str, id: &str) -> Result<(), EngineError> {
        let mut pause = Duration::from_millis(1);
        loop {
            match self.exec_inspect(id).await? {
                ExecState { pid: 0, exit_code: Some(code @ (126 | 127)), .. } => {
                    return Err(EngineError::CommandNotRunnable {
                        what: Action::new("start a process in", ObjectKind::Container, container).to_string(),
                        message: match code {
                            127 => "there is no such command".to_owned(),
                            _ => "the command cannot be executed".to_owned(),
                        },
                        exit_code: if code == 127 { 127 } else { 126 },
                    });
                }
                ExecState { running: false, exit_code: None, .. }
                | ExecState { running: true, pid: 0, .. } => {}
                _ => return Ok(()),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }

    /// Connects to the streams of a container's first process, from now on. Attach before starting the container to
    /// miss nothing.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Unavailable`].
    pub async fn attach(&self, container: &str, spec: AttachSpec) -> Result<Session, EngineError> {
        let action = Action::new("attach to", ObjectKind::Container, container);
        reference::check_name(&action)?;
        upgrade(&self.wire, &action, attach_request(container, spec)?, spec.tty).await
    }
}

fn attach_request(container: &str, spec: AttachSpec) -> Result<Request<crate::wire::Body>, EngineError> {
    let AttachSpec { stdin, stdout, stderr, .. } = spec;
    let path = format!(
        "/containers/{container}/attach?stream=true&logs=false&stdin={stdin}&stdout={stdout}&stderr={stderr}\
         &detachKeys={ATTACH_DETACH_KEYS}"
    );
    request(Method::POST, &path, &[])
}
