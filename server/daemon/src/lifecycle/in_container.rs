//! Hooks in the container: as the remote user, in the workspace folder, with the remote environment, without a
//! terminal. What a hook leaves in the background lives on.

use futures_util::StreamExt as _;
use gangplank_devcontainer::hooks::{LifecycleCommand, LifecycleHook};
use gangplank_engine::exec::ExecSpec;
use gangplank_engine::{Engine, Session};
use gangplank_protocol::{ErrorData, ErrorKind};

use super::lines::Lines;
use super::markers::Marker;
use super::{Ended, all, failure};
use crate::failure::from_engine;
use crate::operation::ActiveStep;
use crate::process::Control;

/// Where commands of hooks run.
#[derive(Debug, Clone)]
pub struct Place {
    /// The engine.
    pub engine: Engine,
    /// The container.
    pub container_id: String,
    /// The remote user.
    pub user: String,
    /// The remote environment, `NAME=value` each.
    pub environment: Vec<String>,
    /// Names that the command must not have, though the container has them.
    pub unset: Vec<String>,
    /// The directory to run in.
    pub folder: String,
}

impl Place {
    /// Runs one hook: its commands in order, those of an object side by side. The marker is written before the first
    /// one runs, as the reference does, in the same exec.
    ///
    /// # Errors
    /// `lifecycleFailed` with the last lines of the command that failed; the engine's.
    pub async fn run_hook(
        &self,
        hook: LifecycleHook,
        commands: &[LifecycleCommand],
        marker: Option<&Marker>,
        step: &mut ActiveStep,
    ) -> Result<i32, ErrorData> {
        for (number, command) in commands.iter().enumerate() {
            let ended = {
                let step = &*step;
                all(command, |index, name, argv| {
                    let first = number == 0 && index == 0;
                    let argv = match marker.filter(|_| first) {
                        Some(marker) => marker.written_before(argv),
                        None => argv,
                    };
                    self.run(name, argv, step)
                })
                .await?
            };
            if let Some(ended) = &ended {
                step.exit_code(ended.exit_code);
            }
            if let Some(error) = failure(hook, ended.as_ref(), Some(&self.container_id)) {
                return Err(error);
            }
        }
        Ok(0)
    }

    async fn run(
        &self,
        name: Option<String>,
        argv: Vec<String>,
        step: &ActiveStep,
    ) -> Result<Ended, ErrorData> {
        let spec = ExecSpec {
            argv: without(&self.unset, argv),
            env: self.environment.clone(),
            working_dir: Some(self.folder.clone()),
            user: Some(self.user.clone()),
            ..ExecSpec::default()
        };
        let beyond_reach = BeyondReach::told_on(step, name.as_deref(), &self.engine);
        let outcome = self.follow(spec, name.clone(), step).await;
        beyond_reach.over();
        outcome
    }

    async fn follow(
        &self,
        spec: ExecSpec,
        name: Option<String>,
        step: &ActiveStep,
    ) -> Result<Ended, ErrorData> {
        let (guard, mut session) = self.start(spec).await?;
        let mut lines = Lines::default();
        while let Some(output) = session.reader.next().await {
            let output = output.map_err(from_engine)?;
            if let Some(text) = lines.push(&output.bytes) {
                step.output(name.as_deref(), text);
            }
        }
        if let Some(text) = lines.finish() {
            step.output(name.as_deref(), text);
        }
        let code = self.engine.exec_exit_code(&session.id).await.map_err(from_engine)?;
        guard.ended();
        Ok(Ended { name, exit_code: i32::try_from(code).unwrap_or(-1), last_output: lines.last() })
    }

    /// Starts a command. In a task of its own, so that a start that was asked for is known to the end also when nobody
    /// waits for it any more: then the command is ended as soon as it runs.
    async fn start(&self, spec: ExecSpec) -> Result<(EndOnDrop, Session), ErrorData> {
        let (engine, container_id) = (self.engine.clone(), self.container_id.clone());
        let starting = tokio::spawn(async move {
            let session = engine.exec(&container_id, &spec).await.map_err(from_engine)?;
            let exec_id = session.id.clone();
            Ok((EndOnDrop(Some(Control::Exec { engine, container_id, exec_id })), session))
        });
        starting.await.map_err(|panic| {
            ErrorData::new(ErrorKind::Internal, "a defect ended the start of a hook").caused_by(&panic)
        })?
    }
}

/// `argv` without some variables that the container has: the engine can only add to them.
pub fn without(unset: &[String], argv: Vec<String>) -> Vec<String> {
    if unset.is_empty() {
        return argv;
    }
    let mut whole = vec!["env".to_owned()];
    whole.extend(unset.iter().flat_map(|name| ["-u".to_owned(), name.clone()]));
    whole.extend(argv);
    whole
}

/// Ends an exec's process, and what it started in its session, when it is dropped before its end: the engine alone would
/// let it run on.
struct EndOnDrop(Option<Control>);

impl EndOnDrop {
    fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        if let Some(control) = self.0.take() {
            tokio::spawn(async move {
                if let Err(error) = control.end_session().await {
                    tracing::warn!(%error, "a hook that was cut off may still run in its container");
                }
            });
        }
    }
}

/// Says, when it is dropped before a command's end, that the command cannot be ended, because its engine is on another
/// machine.
struct BeyondReach<'a> {
    step: &'a ActiveStep,
    command: Option<&'a str>,
    applies: bool,
}

impl<'a> BeyondReach<'a> {
    fn told_on(step: &'a ActiveStep, command: Option<&'a str>, engine: &Engine) -> Self {
        Self { step, command, applies: !engine.is_local() }
    }

    fn over(mut self) {
        self.applies = false;
    }
}

impl Drop for BeyondReach<'_> {
    fn drop(&mut self) {
        if self.applies {
            let command = self.command.map(|name| format!(" ({name})")).unwrap_or_default();
            self.step.warn(&format!(
                "{}{command} was cut off and may still run in the container: its engine is on another machine, where \
                 processes cannot be signalled",
                self.step.name()
            ));
        }
    }
}
