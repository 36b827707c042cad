//! One process: tasks that read its output and feed its input, the clients attached, its end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt as _;
use gangplank_agent_protocol::output::{Log, Next, Source, may_read};
use gangplank_engine::{Engine, EngineError, InputWriter, OutputStream};
use gangplank_protocol::engine::EngineId;
use gangplank_protocol::process::{Process, ProcessCloseResult, ProcessExit, TerminalSize};
use gangplank_protocol::stream::{CREDIT, MAX_PAYLOAD};
use gangplank_protocol::{ErrorData, ErrorKind};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::control::CLOSE_GRACE;
use super::{Control, Identity, StreamItem};
use crate::clock::now;

/// Pieces of input waiting to be written.
const INPUT_QUEUE: usize = 8;

/// A process and its output.
#[derive(Debug)]
pub struct RunningProcess {
    id: String,
    engine: EngineId,
    identity: Identity,
    started_at: u64,
    control: Control,
    state: Mutex<State>,
    changed: Notify,
    input: mpsc::Sender<Input>,
    /// Cancelled when the last client of a log has gone.
    deserted: CancellationToken,
    ended: CancellationToken,
}

#[derive(Debug, Default)]
struct State {
    log: Log,
    /// Output acknowledged, by client.
    clients: BTreeMap<u64, u64>,
    next_client: u64,
    /// The process id of the program that asked for a stream last.
    client_pid: Option<u32>,
    closing: bool,
    /// Why it could not be run, in the runtime's words.
    refusal: Option<String>,
    exit: Option<(u64, ProcessExit)>,
}

#[derive(Debug)]
enum Input {
    Bytes(Bytes),
    End,
}

impl RunningProcess {
    /// Reads `reader` from now on; `writer` is what it reads itself. What begins here is in no table: see
    /// [`super::Processes::adopt`].
    pub fn begin(
        engine: &Engine,
        identity: Identity,
        reader: OutputStream,
        writer: Option<InputWriter>,
        control: Control,
    ) -> Arc<Self> {
        let (input, queue) = mpsc::channel(INPUT_QUEUE);
        let process = Arc::new(Self {
            id: crate::identifier::random("p-"),
            engine: crate::engines::wire_id(engine),
            identity,
            started_at: now(),
            control,
            state: Mutex::default(),
            changed: Notify::new(),
            input,
            deserted: CancellationToken::new(),
            ended: CancellationToken::new(),
        });
        tokio::spawn(write_input(queue, writer, process.ended.clone()));
        tokio::spawn(Arc::clone(&process).read_output(reader));
        process
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change below leaves a whole state before it can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read_output(self: Arc<Self>, mut reader: OutputStream) {
        let broken = tokio::select! {
            broken = self.read_all(&mut reader) => broken,
            () = self.deserted.cancelled() => None,
        };
        // The engine's connection ends with it, and need not wait for what follows.
        drop(reader);
        let mut exit = self.control.exit(broken.as_ref()).await;
        let mut state = self.state();
        if state.closing && exit.reason.is_none() {
            exit.reason = Some("closed".into());
        }
        if exit.message.is_none() {
            exit.message = state.refusal.take();
        }
        state.exit = Some((now(), exit));
        drop(state);
        self.ended.cancel();
        self.changed.notify_waiters();
    }

    /// Reads to the end; why it came early.
    async fn read_all(&self, reader: &mut OutputStream) -> Option<EngineError> {
        let mut is_first = true;
        loop {
            self.may_read().await;
            match reader.next().await {
                Some(Ok(output)) if is_first && self.control.is_refusal(&output.bytes).await => {
                    let words = String::from_utf8_lossy(&output.bytes).trim_end().to_owned();
                    self.state().refusal = Some(words);
                }
                Some(Ok(output)) => {
                    is_first = false;
                    self.state().log.push(source_of(output.source), output.bytes);
                    self.changed.notify_waiters();
                }
                Some(Err(error)) => return Some(error),
                None => return None,
            }
        }
    }

    async fn may_read(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let state = self.state();
                if may_read(self.identity.tty, state.clients.values().map(|taken| state.log.beyond(*taken))) {
                    return;
                }
            }
            changed.await;
        }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its container.
    pub fn container_id(&self) -> &str {
        &self.identity.container_id
    }

    /// The process as it is now.
    pub fn describe(&self) -> Process {
        let state = self.state();
        Process {
            process_id: self.id.clone(),
            engine: self.engine.clone(),
            container_id: self.identity.container_id.clone(),
            argv: self.identity.argv.clone(),
            tty: self.identity.tty,
            started_at: self.started_at,
            clients: u32::try_from(state.clients.len()).unwrap_or(u32::MAX),
            client_pid: state.client_pid,
            output_bytes: state.log.end(),
            resumable: false,
            name: self.identity.name.clone(),
            title: None,
            cwd: None,
            foreground: None,
            commands: Vec::new(),
            exit: state.exit.as_ref().map(|(_, exit)| exit.clone()),
        }
    }

    /// Waits until it has ended and its last byte was read.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// How it ended; waits for it.
    pub async fn exit(&self) -> ProcessExit {
        self.ended().await;
        self.describe().exit.unwrap_or_default()
    }

    pub(super) fn ended_at(&self) -> Option<u64> {
        self.state().exit.as_ref().map(|(at, _)| *at)
    }

    pub(super) fn output_held(&self) -> usize {
        let state = self.state();
        usize::try_from(state.log.beyond(state.log.start())).unwrap_or(usize::MAX)
    }

    pub(super) fn has_clients(&self) -> bool {
        !self.state().clients.is_empty()
    }

    pub(super) fn forget_output(&self) {
        self.state().log.forget();
    }

    /// Notes which program has it now.
    pub fn taken_by(&self, pid: Option<u32>) {
        self.state().client_pid = pid;
    }

    /// Attaches a client at `offset` of the output, or at the oldest byte still held. From now on the flow of output
    /// heeds it, until the client is dropped.
    pub fn attach(self: &Arc<Self>, offset: Option<u64>) -> RunningClient {
        let mut state = self.state();
        let position = offset.unwrap_or(state.log.start()).min(state.log.end());
        let number = state.next_client;
        state.next_client += 1;
        state.clients.insert(number, position);
        drop(state);
        RunningClient { process: Arc::clone(self), number, position }
    }

    /// Gives it bytes of input; waits while it does not take them.
    pub async fn input(&self, bytes: Bytes) {
        // The queue is closed once it has ended; its input is nobody's then.
        let _ = self.input.send(Input::Bytes(bytes)).await;
    }

    /// Ends its input.
    pub async fn end_input(&self) {
        let _ = self.input.send(Input::End).await;
    }

    /// Resizes its terminal.
    pub async fn resize(&self, size: TerminalSize) {
        if self.identity.tty {
            self.control.resize(size).await;
        }
    }

    /// Sends it a signal, by its POSIX name without `SIG`.
    ///
    /// # Errors
    /// `unsupported` when signals cannot reach it; `conflict` when it has ended.
    pub async fn signal(&self, name: &str) -> Result<(), ErrorData> {
        if self.ended.is_cancelled() {
            return Err(ErrorData::new(ErrorKind::Conflict, format!("the process {} has ended", self.id)));
        }
        self.control.signal(name).await
    }

    pub(super) async fn end(&self) -> Result<(), ErrorData> {
        self.state().closing = true;
        self.control.end_session().await
    }

    pub(super) async fn close(&self) -> Result<ProcessCloseResult, ErrorData> {
        if self.ended.is_cancelled() {
            return Ok(ProcessCloseResult { closed: false, remaining: Vec::new() });
        }
        self.state().closing = true;
        let session = self.control.hang_up().await?;
        if tokio::time::timeout(CLOSE_GRACE, self.ended()).await.is_err() {
            self.control.kill_session(&session).await;
            self.ended().await;
        }
        Ok(ProcessCloseResult { closed: true, remaining: session.others })
    }
}

fn source_of(source: gangplank_engine::Source) -> Source {
    match source {
        gangplank_engine::Source::Stdout => Source::Stdout,
        gangplank_engine::Source::Stderr => Source::Stderr,
    }
}

async fn write_input(
    mut queue: mpsc::Receiver<Input>,
    writer: Option<InputWriter>,
    ended: CancellationToken,
) {
    let Some(mut writer) = writer else { return };
    loop {
        let input = tokio::select! {
            input = queue.recv() => input,
            () = ended.cancelled() => None,
        };
        let written = match input {
            Some(Input::Bytes(bytes)) => writer.write_all(&bytes).await,
            Some(Input::End) => writer.shutdown().await,
            None => return,
        };
        if written.is_err() {
            // The process no longer reads: what is sent to it is taken and dropped, as a closed pipe would.
            while queue.recv().await.is_some() {}
            return;
        }
    }
}

/// An attached client.
#[derive(Debug)]
pub struct RunningClient {
    process: Arc<RunningProcess>,
    number: u64,
    position: u64,
}

impl RunningClient {
    /// The process it is attached to.
    pub fn process(&self) -> &Arc<RunningProcess> {
        &self.process
    }

    /// The offset of the next byte it gets.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Notes that everything before `offset` was taken.
    pub fn acknowledge(&self, offset: u64) {
        let mut state = self.process.state();
        let end = state.log.end();
        if let Some(taken) = state.clients.get_mut(&self.number) {
            *taken = (*taken).max(offset.min(end));
        }
        drop(state);
        self.process.changed.notify_waiters();
    }

    /// What its stream carries next; waits for output and for credit.
    pub async fn next(&mut self) -> StreamItem {
        loop {
            let changed = self.process.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut state = self.process.state();
                let taken = state.clients.get(&self.number).copied().unwrap_or(self.position);
                let credit = CREDIT.saturating_sub(self.position.saturating_sub(taken));
                let most = usize::try_from(credit).unwrap_or(usize::MAX).min(MAX_PAYLOAD);
                match state.log.read(self.position, most.max(1)) {
                    Next::Gap(start) => {
                        self.position = start;
                        // What is gone needs no acknowledgement.
                        state.clients.insert(self.number, start);
                        return StreamItem::Gap(start);
                    }
                    Next::Bytes { offset, source, bytes } if credit > 0 => {
                        self.position = offset + bytes.len() as u64;
                        return StreamItem::Output { offset, source, bytes };
                    }
                    Next::Nothing => {
                        if let Some((_, exit)) = &state.exit {
                            return StreamItem::Exited(exit.clone());
                        }
                    }
                    Next::Bytes { .. } => {}
                }
            }
            changed.await;
        }
    }
}

impl Drop for RunningClient {
    fn drop(&mut self) {
        let last = {
            let mut state = self.process.state();
            state.clients.remove(&self.number);
            state.clients.is_empty()
        };
        // A process goes on without clients; a log is read for them alone.
        if last && matches!(self.process.control, Control::Logs) {
            self.process.deserted.cancel();
        }
        self.process.changed.notify_waiters();
    }
}
