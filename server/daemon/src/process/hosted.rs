//! A process that an agent in its container hosts: it and its output outlive this daemon. Here is only who is attached.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use gangplank_agent_protocol::message::{
    Answer, Close, Exit, Process as Report, Refusal, Refused, Request, Resize, Signal, Size,
};
use gangplank_devcontainer::effects::escape;
use gangplank_engine::Engine;
use gangplank_protocol::process::{Process, ProcessCloseResult, ProcessCommand, ProcessExit, TerminalSize};
use gangplank_protocol::{ErrorData, ErrorKind};
use tokio_util::sync::CancellationToken;

use super::StreamItem;
use super::control::out_of_memory;
use crate::agent::{AgentThere, Attending, Channel, Item};

/// How long an agent has to say what it hosts.
const LIST_PATIENCE: Duration = Duration::from_secs(2);
/// Most characters of a title, a directory or a command line that are passed on.
const LONGEST_WORDS: usize = 4096;

/// What does not change of it.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) engine: Engine,
    pub(super) container_id: String,
    pub(super) argv: Vec<String>,
    pub(super) tty: bool,
    pub(super) started_at: u64,
    pub(super) name: Option<String>,
    /// The agent's number for it.
    pub(super) number: u64,
}

/// A process in an agent.
#[derive(Debug)]
pub struct HostedProcess {
    about: About,
    channel: Channel,
    state: Mutex<State>,
    ended: CancellationToken,
}

#[derive(Debug, Default)]
struct State {
    clients: u32,
    /// The process id of the program that asked for a stream last.
    client_pid: Option<u32>,
    /// The end of output, as far as it was seen here.
    output: u64,
    exit: Option<ProcessExit>,
}

/// The id of the process that agent `agent_id` calls `number`.
pub(super) fn id_of(agent_id: &str, number: u64) -> String {
    format!("p-{agent_id}-{number:016x}")
}

/// The agent's id and its number for the process of this id, if an agent hosts it.
pub(super) fn parts_of(process_id: &str) -> Option<(&str, u64)> {
    let (agent_id, number) = process_id.strip_prefix("p-")?.split_once('-')?;
    Some((agent_id, u64::from_str_radix(number, 16).ok()?))
}

impl HostedProcess {
    pub(super) fn new(about: About, channel: Channel) -> Arc<Self> {
        Arc::new(Self { about, channel, state: Mutex::default(), ended: CancellationToken::new() })
    }

    /// One that could not be run, which is how it ended.
    pub(super) fn stillborn(about: About, channel: Channel, exit: ProcessExit) -> Arc<Self> {
        let process = Self::new(about, channel);
        process.note_exit(exit);
        process
    }

    /// One of an agent that is there, as it reports it.
    pub(super) fn of_report(there: &AgentThere, report: &Report) -> Arc<Self> {
        let about = About {
            engine: there.engine.clone(),
            container_id: there.container_id.clone(),
            argv: report.argv.iter().map(|argument| escape(argument)).collect(),
            tty: report.tty.is_some(),
            started_at: report.started_at,
            name: shown(report.name.as_deref()),
            number: report.process,
        };
        Self::new(about, there.channel.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change below leaves a whole state before it can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its id.
    pub fn id(&self) -> String {
        id_of(self.channel.agent_id(), self.about.number)
    }

    /// Its container.
    pub fn container_id(&self) -> &str {
        &self.about.container_id
    }

    pub(super) fn has_clients(&self) -> bool {
        self.state().clients > 0
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_cancelled()
    }

    fn note_exit(&self, exit: ProcessExit) {
        self.state().exit.get_or_insert(exit);
        self.ended.cancel();
        self.channel.forget_input(self.about.number);
    }

    /// Notes which program has it now.
    pub(super) fn taken_by(&self, pid: Option<u32>) {
        self.state().client_pid = pid;
    }

    /// The process with what its agent reports of it.
    pub(super) fn describe(&self, report: Option<&Report>) -> Process {
        let state = self.state();
        let exit = state.exit.clone().or_else(|| report?.exit.as_ref().map(plain_exit));
        Process {
            process_id: self.id(),
            engine: crate::engines::wire_id(&self.about.engine),
            container_id: self.about.container_id.clone(),
            argv: self.about.argv.clone(),
            tty: self.about.tty,
            started_at: self.about.started_at,
            clients: state.clients,
            client_pid: state.client_pid,
            output_bytes: report.map_or(state.output, |report| report.output_end),
            resumable: true,
            name: self.about.name.clone(),
            title: report.and_then(|report| shown(report.title.as_deref())),
            cwd: report.and_then(|report| shown(report.cwd.as_deref())),
            foreground: report.and_then(|report| shown(report.foreground.as_deref())),
            commands: report.map(commands).unwrap_or_default(),
            exit,
        }
    }

    /// What its agent reports of it now; none when that is gone.
    pub(super) async fn report(&self) -> Option<Report> {
        let reports = reports(&self.channel).await?;
        reports.into_iter().find(|report| report.process == self.about.number)
    }

    /// Attaches a client at `offset` of the output, or at the oldest byte still held.
    ///
    /// # Errors
    /// `notResumable` when its agent is gone or does not know it any more.
    pub(super) async fn attach(self: &Arc<Self>, offset: Option<u64>) -> Result<HostedClient, ErrorData> {
        if self.has_ended() && self.channel.lost().is_some() {
            return Ok(self.client(None, offset.unwrap_or_default()));
        }
        match self.channel.attach(self.about.number, offset).await {
            Ok((attached, attending)) => {
                let mut client = self.client(Some(attending), attached.offset);
                client.input = Some(attached.input);
                Ok(client)
            }
            // What could not be run was never the agent's.
            Err(_) if self.has_ended() => Ok(self.client(None, 0)),
            Err(error) if error.kind == ErrorKind::ContainerState => Err(ErrorData::new(
                ErrorKind::NotResumable,
                format!("the process {} ended with its agent: {}", self.id(), error.message),
            )),
            Err(error) => Err(error),
        }
    }

    pub(super) fn client(self: &Arc<Self>, attending: Option<Attending>, position: u64) -> HostedClient {
        self.state().clients += 1;
        HostedClient { process: Arc::clone(self), attending, position, input: None, ending: None }
    }

    pub(super) async fn input(&self, bytes: Bytes) {
        if self.has_ended() {
            return;
        }
        self.channel.input(self.about.number, bytes).await;
    }

    /// A terminal's input has no end: one whose client's own terminal is gone waits for the next client.
    pub(super) fn end_input(&self) {
        if self.about.tty {
            return;
        }
        self.channel.end_input(self.about.number);
    }

    pub(super) async fn resize(&self, size: TerminalSize) {
        if !self.about.tty {
            return;
        }
        let size = Size { columns: size.columns.max(1), rows: size.rows.max(1) };
        let request = Request::Resize(Resize { process: self.about.number, size });
        if let Err(error) = self.channel.ask(request).await {
            tracing::debug!(%error, "a terminal was not resized");
        }
    }

    pub(super) async fn signal(&self, name: &str) -> Result<(), ErrorData> {
        let signal = Signal { process: self.about.number, name: name.to_owned() };
        match self.channel.ask(Request::Signal(signal)).await? {
            Answer::Refused(Refused { refusal: Refusal::Ended | Refusal::Unknown, .. }) => {
                Err(ErrorData::new(ErrorKind::Conflict, format!("the process {} has ended", self.id())))
            }
            Answer::Refused(refused) => Err(ErrorData::new(ErrorKind::Unsupported, escape(&refused.message))),
            _ => Ok(()),
        }
    }

    /// Closes it, and waits for its end.
    pub(super) async fn close(self: &Arc<Self>) -> Result<ProcessCloseResult, ErrorData> {
        if self.has_ended() {
            return Ok(ProcessCloseResult { closed: false, remaining: Vec::new() });
        }
        match self.channel.ask(Request::Close(Close { process: self.about.number })).await? {
            Answer::Closed(closed) => {
                if closed.closed {
                    self.until_ended().await?;
                }
                let remaining = closed.remaining.iter().map(|name| escape(name)).collect();
                Ok(ProcessCloseResult { closed: closed.closed, remaining })
            }
            Answer::Refused(refused) => Err(ErrorData::new(ErrorKind::Conflict, escape(&refused.message))),
            _ => Err(ErrorData::new(ErrorKind::Internal, "the agent gave another answer than to a close")),
        }
    }

    async fn until_ended(self: &Arc<Self>) -> Result<(), ErrorData> {
        let mut watching = self.attach(Some(u64::MAX)).await?;
        while !matches!(watching.next().await, StreamItem::Exited(_)) {
            watching.acknowledge(watching.position());
        }
        Ok(())
    }

    async fn exit_of(&self, exit: &Exit) -> ProcessExit {
        let plain = plain_exit(exit);
        let explained = match plain.code {
            Some(code) if exit.reason.is_none() => {
                out_of_memory(&self.about.engine, &self.about.container_id, i64::from(code)).await
            }
            _ => ProcessExit::default(),
        };
        ProcessExit {
            code: plain.code,
            reason: explained.reason.or(plain.reason),
            message: explained.message,
        }
    }
}

/// What an agent reports of all its processes; none when it is gone or does not answer, as in a paused container.
pub(super) async fn reports(channel: &Channel) -> Option<Vec<Report>> {
    match tokio::time::timeout(LIST_PATIENCE, channel.ask(Request::List)).await {
        Ok(Ok(Answer::Processes(list))) => Some(list.processes),
        _ => None,
    }
}

/// Words of a container, which may say anything, as they may be shown.
pub(super) fn shown(text: Option<&str>) -> Option<String> {
    text.map(|text| escape(&text.chars().take(LONGEST_WORDS).collect::<String>()))
}

fn plain_exit(exit: &Exit) -> ProcessExit {
    ProcessExit {
        code: exit.code.or_else(|| exit.signal.map(|signal| 128 + signal)),
        reason: exit.reason.clone(),
        message: None,
    }
}

fn commands(report: &Report) -> Vec<ProcessCommand> {
    let commands = report.commands.iter().map(|command| ProcessCommand {
        line: shown(command.line.as_deref()),
        started_at: command.started_at,
        duration_ms: command.duration_ms,
        exit_code: command.exit_code,
        output_offset: command.output,
    });
    commands.collect()
}

/// An attached client.
#[derive(Debug)]
pub struct HostedClient {
    process: Arc<HostedProcess>,
    /// None when the end is all there is.
    attending: Option<Attending>,
    position: u64,
    /// Bytes of input that the process had taken when this was attached.
    input: Option<u64>,
    /// Taken from the agent, and not given to the client yet.
    ending: Option<Exit>,
}

impl HostedClient {
    pub(super) fn process(&self) -> &Arc<HostedProcess> {
        &self.process
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn input(&self) -> Option<u64> {
        self.input
    }

    pub(super) fn acknowledge(&self, offset: u64) {
        if let Some(attending) = &self.attending {
            attending.acknowledge(offset.min(self.position));
        }
    }

    /// What its stream carries next. Nothing is lost when this is dropped before it is done.
    pub(super) async fn next(&mut self) -> StreamItem {
        loop {
            if let Some(exit) = &self.ending {
                let exit = self.process.exit_of(exit).await;
                self.process.note_exit(exit.clone());
                self.ending = None;
                self.attending = None;
                return StreamItem::Exited(exit);
            }
            let Some(attending) = &self.attending else {
                let exit = self.process.state().exit.clone();
                return StreamItem::Exited(exit.unwrap_or_default());
            };
            match attending.next().await {
                Item::Output { source, offset, bytes } => {
                    self.position = offset + bytes.len() as u64;
                    let mut state = self.process.state();
                    state.output = state.output.max(self.position);
                    drop(state);
                    return StreamItem::Output { offset, source, bytes };
                }
                Item::Gap(offset) => {
                    self.position = offset;
                    return StreamItem::Gap(offset);
                }
                Item::Screen { offset, last, bytes } => {
                    if last {
                        self.position = offset;
                    }
                    return StreamItem::Screen { offset, bytes };
                }
                Item::Ended(exit) => self.ending = Some(exit),
                Item::Lost(exit) => {
                    self.process.note_exit(exit.clone());
                    self.attending = None;
                    return StreamItem::Exited(exit);
                }
            }
        }
    }
}

impl Drop for HostedClient {
    fn drop(&mut self) {
        self.process.state().clients -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_the_agent_and_its_number() {
        assert_eq!(parts_of(&id_of("0123abcd", 7)), Some(("0123abcd", 7)));
        assert_eq!(parts_of(&id_of("0123abcd", u64::MAX)), Some(("0123abcd", u64::MAX)));
        assert_eq!(parts_of(&crate::identifier::random("p-")), None);
    }
}
