//! Speaking with one agent: requests and answers, attachments, input. Bridges come and go beneath it: what was on its way
//! when one broke goes again on the next, and the agent knows by numbers and offsets what it has had.

mod driver;
mod inbox;
mod outgoing;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use gangplank_agent_protocol::frame::{MAX_TO_AGENT, ToAgent};
use gangplank_agent_protocol::message::{Answer, Attach, Attached, Detach, Request, Start, Started};
use gangplank_engine::Engine;
use gangplank_protocol::process::ProcessExit;
use gangplank_protocol::{ErrorData, ErrorKind};
use tokio::sync::{Notify, oneshot, watch};

use super::bridge::Bridge;
use super::known::Known;
use inbox::Inbox;
pub(crate) use inbox::Item;
use outgoing::Outgoing;

/// How long an answer may take. A new bridge is made in less, unless something stands still.
const PATIENCE: Duration = Duration::from_secs(30);
/// Requests that may wait for answers.
const MOST_WAITING: usize = 1024;

/// An agent to speak with; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Channel(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    agent_id: String,
    /// Whether it does more than the frozen core.
    starts: bool,
    /// Counts agents that sent what none of ours sends.
    violations: Arc<AtomicU64>,
    state: Mutex<State>,
    /// Something waits to be sent.
    to_send: Notify,
    /// Input was taken, or the agent is gone.
    room: Notify,
    /// How its processes ended, once the agent is gone for good.
    lost: watch::Sender<Option<ProcessExit>>,
}

#[derive(Debug, Default)]
struct State {
    next_request: u64,
    next_attachment: u32,
    requests: BTreeMap<u64, Waiting>,
    attachments: BTreeMap<u32, Attachment>,
    outgoing: Outgoing,
}

#[derive(Debug)]
struct Waiting {
    request: Request,
    sent: bool,
    answer_to: AnswerTo,
}

#[derive(Debug)]
enum AnswerTo {
    /// Who asked.
    Caller(oneshot::Sender<Answer>),
    /// An attachment made again on a new bridge.
    Attachment(u32),
    /// Nobody: it needs only to be done, and on another bridge is not needed or made anew.
    Nobody,
}

#[derive(Debug)]
struct Attachment {
    process: u64,
    inbox: Arc<Inbox>,
    /// Whether the agent has confirmed it; one that has not is asked for again with its request.
    confirmed: bool,
}

/// What a client of a process gets of its output. Dropping it detaches.
#[derive(Debug)]
pub(crate) struct Attending {
    channel: Channel,
    number: u32,
    inbox: Arc<Inbox>,
}

impl Channel {
    /// Speaks over `bridge`, and over others when it breaks.
    pub(super) fn over(bridge: Bridge, engine: Engine, known: Known, violations: Arc<AtomicU64>) -> Self {
        let channel = Self(Arc::new(Shared {
            agent_id: known.id.clone(),
            starts: bridge.welcome.version.is_some(),
            violations,
            state: Mutex::default(),
            to_send: Notify::new(),
            room: Notify::new(),
            lost: watch::Sender::new(None),
        }));
        tokio::spawn(driver::drive(channel.clone(), bridge, engine, known));
        channel
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change below leaves a whole state before it can panic.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The agent's id.
    pub(crate) fn agent_id(&self) -> &str {
        &self.0.agent_id
    }

    /// Whether it starts processes for this daemon; one of another age may only keep those it has.
    pub(crate) fn starts(&self) -> bool {
        self.0.starts
    }

    fn count_violation(&self) {
        self.0.violations.fetch_add(1, Ordering::Relaxed);
    }

    /// How its processes ended, once it is gone.
    pub(crate) fn lost(&self) -> Option<ProcessExit> {
        self.0.lost.borrow().clone()
    }

    /// Waits until the agent is gone for good.
    pub(crate) async fn until_lost(&self) -> ProcessExit {
        let mut lost = self.0.lost.subscribe();
        match lost.wait_for(Option::is_some).await {
            Ok(exit) => exit.clone().unwrap_or_default(),
            Err(_) => ProcessExit::default(),
        }
    }

    /// Asks and waits for the answer, over as many bridges as that takes.
    ///
    /// # Errors
    /// `containerState` when the agent is gone, `busy` when too much waits already, `timeout` and `interrupted`: what was
    /// asked may still be done.
    pub(crate) async fn ask(&self, request: Request) -> Result<Answer, ErrorData> {
        let (answer_to, answer) = oneshot::channel();
        self.post(request, AnswerTo::Caller(answer_to))?;
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(answer) => answer.map_err(|_| self.gone()),
            Err(_) => {
                let what =
                    format!("the agent in the container did not answer within {} s", PATIENCE.as_secs());
                Err(ErrorData::new(ErrorKind::Timeout, what)
                    .hint("is the container paused, or its engine away?"))
            }
        }
    }

    fn post(&self, request: Request, answer_to: AnswerTo) -> Result<(), ErrorData> {
        if self.lost().is_some() {
            return Err(self.gone());
        }
        {
            let mut state = self.state();
            if state.requests.len() >= MOST_WAITING {
                return Err(ErrorData::new(
                    ErrorKind::Busy,
                    "too many requests wait for the agent in the container",
                )
                .hint("try again when some were answered"));
            }
            let number = state.next_request;
            state.next_request += 1;
            state.requests.insert(number, Waiting { request, sent: false, answer_to });
        }
        self.0.to_send.notify_one();
        Ok(())
    }

    fn gone(&self) -> ErrorData {
        let Some(exit) = self.lost() else {
            let what = "the connection to the agent in the container broke before its answer came";
            return ErrorData::new(ErrorKind::Interrupted, what)
                .hint("look whether it was done, then try again");
        };
        let message = exit.message.unwrap_or_else(|| "the agent in the container is gone".into());
        ErrorData::new(ErrorKind::ContainerState, message)
    }

    /// Starts a process; attached to from its first byte on, if wanted.
    ///
    /// # Errors
    /// As [`Channel::ask`]. A process that was not started is an answer.
    pub(crate) async fn start(
        &self,
        start: Start,
        attach: bool,
    ) -> Result<(Result<Started, Answer>, Option<Attending>), ErrorData> {
        let attending = attach.then(|| self.attend(start.process));
        let attachment = attending.as_ref().map(|attending| attending.number);
        let request = Request::Start(Start { attachment, ..start });
        let length = ToAgent::Request { number: 0, request: request.clone() }.encode().len();
        if length > MAX_TO_AGENT {
            let what = format!("arguments and environment have {length} bytes, more than {MAX_TO_AGENT}");
            return Err(ErrorData::new(ErrorKind::InvalidParams, what)
                .hint("leave out variables, or pass the data by a file or the standard input"));
        }
        let answer = self.ask(request).await?;
        match answer {
            Answer::Started(started) => Ok((Ok(started), attending)),
            other => Ok((Err(other), None)),
        }
    }

    /// Attaches to a process at `offset`, or at its oldest output.
    ///
    /// # Errors
    /// As [`Channel::ask`]; `notResumable` when the agent does not know the process.
    pub(crate) async fn attach(
        &self,
        process: u64,
        offset: Option<u64>,
    ) -> Result<(Attached, Attending), ErrorData> {
        let attending = self.attend(process);
        let attach = Attach { process, attachment: attending.number, offset };
        match self.ask(Request::Attach(attach)).await? {
            Answer::Attached(attached) => {
                let input = self.state().outgoing.input_end(process).unwrap_or(attached.input);
                Ok((Attached { input, ..attached }, attending))
            }
            other => Err(not_known(&other)),
        }
    }

    fn attend(&self, process: u64) -> Attending {
        let inbox = Arc::new(Inbox::default());
        let mut state = self.state();
        let number = state.next_attachment;
        state.next_attachment = number.wrapping_add(1);
        state.attachments.insert(number, Attachment { process, inbox: Arc::clone(&inbox), confirmed: false });
        Attending { channel: self.clone(), number, inbox }
    }

    /// Sends input; waits while the process does not take it. What an agent that is gone would get is dropped.
    pub(crate) async fn input(&self, process: u64, mut bytes: Bytes) {
        while !bytes.is_empty() {
            let room = self.0.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            if self.lost().is_some() {
                return;
            }
            if self.state().outgoing.put_input(process, &mut bytes) {
                self.0.to_send.notify_one();
            } else {
                room.await;
            }
        }
    }

    /// Ends a process's input.
    pub(crate) fn end_input(&self, process: u64) {
        self.state().outgoing.end_input(process);
        self.0.to_send.notify_one();
    }

    /// Drops what waits for a process that has ended.
    pub(crate) fn forget_input(&self, process: u64) {
        self.state().outgoing.forget_input(process);
        self.0.room.notify_waiters();
    }

    fn detach(&self, number: u32) {
        let known = {
            let mut state = self.state();
            state.outgoing.forget_attachment(number);
            state.attachments.remove(&number)
        };
        if known.is_some_and(|attachment| !attachment.inbox.has_ended()) {
            // One that is gone needs no word, and one too busy to take it is bounded by its credit.
            let _ = self.post(Request::Detach(Detach { attachment: number }), AnswerTo::Nobody);
        }
    }
}

fn not_known(answer: &Answer) -> ErrorData {
    let why = match answer {
        Answer::Refused(refused) => refused.message.clone(),
        _ => "it gave another answer".to_owned(),
    };
    ErrorData::new(ErrorKind::NotResumable, format!("the agent in the container did not attach: {why}"))
}

impl Attending {
    /// What comes next; waits for it.
    pub(crate) async fn next(&self) -> Item {
        self.inbox.next().await
    }

    /// Notes that everything before `offset` was taken.
    pub(crate) fn acknowledge(&self, offset: u64) {
        self.channel.state().outgoing.acknowledge(self.number, offset);
        self.channel.0.to_send.notify_one();
    }
}

impl Drop for Attending {
    fn drop(&mut self) {
        self.channel.detach(self.number);
    }
}
