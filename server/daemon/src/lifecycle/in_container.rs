//! Hooks in the container: as the remote user, in the workspace folder, with the remote environment, without a
//! terminal. What a hook leaves in the background lives on.

use std::collections::BTreeMap;
use std::sync::Arc;

use gangplank_devcontainer::hooks::{LifecycleCommand, LifecycleHook};
use gangplank_engine::Engine;
use gangplank_engine::container::ContainerDetails;
use gangplank_engine::exec::ExecSpec;
use gangplank_protocol::process::ProcessExit;
use gangplank_protocol::{ErrorData, ErrorKind};

use super::lines::Lines;
use super::markers::Marker;
use super::{Ended, all, failure};
use crate::operation::ActiveStep;
use crate::process::{Announce, Client, Host, Launch, ProcessHandle, Processes, StreamItem};

/// Where commands of hooks run.
#[derive(Debug, Clone)]
pub struct Place {
    /// The engine.
    pub engine: Engine,
    /// Starts them.
    pub processes: Processes,
    /// The container.
    pub container: ContainerDetails,
    /// The remote user.
    pub user: String,
    /// The remote environment, `NAME=value` each.
    pub environment: Vec<String>,
    /// Names that the command must not have, though the container has them.
    pub unset: Vec<String>,
    /// The directory to run in.
    pub folder: String,
}

/// Is told a command's place in its hook, and its process's id.
pub type Note = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// What lets a hook go on that another daemon began: its commands by their place in it, as `0.1` for the second one of
/// the first object.
pub struct Joining<'a> {
    /// Processes of commands begun before, that are known still.
    pub before: &'a BTreeMap<String, String>,
    /// Keeps the process of a command that is to be begun.
    pub note: Note,
}

impl Place {
    /// Runs one hook: its commands in order, those of an object side by side. The marker is written before the first
    /// one runs, as the reference does, in the same process. A command that another daemon began is joined.
    ///
    /// # Errors
    /// `lifecycleFailed` with the last lines of the command that failed; the engine's.
    pub async fn run_hook(
        &self,
        hook: LifecycleHook,
        commands: &[LifecycleCommand],
        marker: Option<&Marker>,
        joining: &Joining<'_>,
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
                    self.run(format!("{number}.{index}"), name, argv, joining, step)
                })
                .await?
            };
            if let Some(ended) = &ended {
                step.exit_code(ended.exit_code);
            }
            if let Some(error) = failure(hook, ended.as_ref(), Some(&self.container.id)) {
                return Err(error);
            }
        }
        Ok(0)
    }

    /// Those of `processes` that an agent knows still. One that was cut off is begun anew, and `only_running` leaves out
    /// those that have ended too.
    ///
    /// # Errors
    /// `busy` when an agent that may know one does not answer.
    pub async fn still_known(
        &self,
        processes: BTreeMap<String, String>,
        only_running: bool,
    ) -> Result<BTreeMap<String, String>, ErrorData> {
        if processes.is_empty() {
            return Ok(processes);
        }
        self.processes.agents().recover(&self.engine).await;
        let mut known = BTreeMap::new();
        for (place, id) in processes {
            let process = match self.processes.get(&id).await {
                Ok(process) => process.describe().await,
                Err(error) if error.kind == ErrorKind::NotResumable => continue,
                // Begun anew, it might run twice.
                Err(error) => return Err(error),
            };
            if process.exit.is_none_or(|exit| exit.reason.is_none() && !only_running) {
                known.insert(place, id);
            }
        }
        Ok(known)
    }

    async fn run(
        &self,
        place: String,
        name: Option<String>,
        argv: Vec<String>,
        joining: &Joining<'_>,
        step: &ActiveStep,
    ) -> Result<Ended, ErrorData> {
        let (process, client) = match joining.before.get(&place) {
            Some(id) => {
                let process = self.processes.get(id).await?;
                let client = process.attach(None).await?;
                (EndOnDrop(Some(process)), client)
            }
            None => {
                let note = Arc::clone(&joining.note);
                self.start(argv, Box::new(move |id| note(&place, id))).await?
            }
        };
        let beyond_reach = BeyondReach::told_on(step, name.as_deref(), &process, &self.engine);
        let outcome = follow(client, name.clone(), step).await;
        beyond_reach.over();
        if outcome.is_ok() {
            process.ended();
        }
        outcome
    }

    /// Starts a command. In a task of its own, so that a start that was asked for is known to the end also when nobody
    /// waits for it any more: then the command is ended as soon as it runs.
    async fn start(&self, argv: Vec<String>, announce: Announce) -> Result<(EndOnDrop, Client), ErrorData> {
        let place = self.clone();
        let starting = tokio::spawn(async move {
            let launch = Launch {
                engine: &place.engine,
                container: &place.container,
                spec: ExecSpec {
                    argv: without(&place.unset, argv),
                    env: place.environment.clone(),
                    working_dir: Some(place.folder.clone()),
                    user: Some(place.user.clone()),
                    ..ExecSpec::default()
                },
                host: Host::Agent,
                purpose: "hook",
                name: None,
                attach: true,
                announce: Some(announce),
                idle_seconds: None,
            };
            let (process, client) = place.processes.start(launch).await?;
            let guard = EndOnDrop(Some(process));
            let client = client.ok_or_else(|| ErrorData::new(ErrorKind::Internal, "a hook has no output"))?;
            Ok((guard, client))
        });
        starting.await.map_err(|panic| {
            ErrorData::new(ErrorKind::Internal, "a defect ended the start of a hook").caused_by(&panic)
        })?
    }
}

async fn follow(mut client: Client, name: Option<String>, step: &ActiveStep) -> Result<Ended, ErrorData> {
    let mut lines = Lines::default();
    let exit = loop {
        match client.next().await {
            StreamItem::Output { bytes, .. } => {
                client.acknowledge(client.position());
                if let Some(text) = lines.push(&bytes) {
                    step.output(name.as_deref(), text);
                }
            }
            // Of one that was joined late; it has no terminal, and so no screen.
            StreamItem::Gap(_) | StreamItem::Screen { .. } => {}
            StreamItem::Exited(exit) => break exit,
        }
    };
    // What the runtime said of a command that cannot be run is all the output there is.
    let words = exit.message.clone().filter(|_| exit.code.is_some() && exit.reason.is_none());
    let words = words.and_then(|words| lines.push(format!("{words}\n").as_bytes()));
    for text in words.into_iter().chain(lines.finish()) {
        step.output(name.as_deref(), text);
    }
    // One that was closed has a code too, which is not its own.
    match exit.code.filter(|_| exit.reason.as_deref() != Some("closed")) {
        Some(exit_code) => Ok(Ended { name, exit_code, last_output: lines.last() }),
        None => Err(cut_off(exit)),
    }
}

fn cut_off(exit: ProcessExit) -> ErrorData {
    let kind = match exit.reason.as_deref() {
        Some("engineUnavailable") => ErrorKind::EngineUnavailable,
        _ => ErrorKind::ContainerState,
    };
    ErrorData::new(kind, exit.message.unwrap_or_else(|| "nobody could learn how the command ended".into()))
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

/// Ends a process, and what it started in its session, when it is dropped before its end: its host alone would let it
/// run on. Not when the daemon itself ends: then the next one joins it.
struct EndOnDrop(Option<ProcessHandle>);

impl EndOnDrop {
    fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        if let Some(process) = self.0.take() {
            tokio::spawn(async move {
                if let Err(error) = process.end().await {
                    tracing::warn!(%error, "a hook that was cut off may still run in its container");
                }
            });
        }
    }
}

/// Says, when it is dropped before a command's end, that the command cannot be ended, because its engine hosts it and is
/// on another machine.
struct BeyondReach<'a> {
    step: &'a ActiveStep,
    command: Option<&'a str>,
    applies: bool,
}

impl<'a> BeyondReach<'a> {
    fn told_on(step: &'a ActiveStep, command: Option<&'a str>, process: &EndOnDrop, engine: &Engine) -> Self {
        let of_engine = matches!(process.0, Some(ProcessHandle::Engine(_)));
        Self { step, command, applies: of_engine && !engine.is_local() }
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
