//! Keeps a bridge to an agent: sends what waits, hands out what comes, and opens another one when it breaks, until the
//! agent is gone for good.

use std::sync::Arc;
use std::time::Duration;

use gangplank_agent_protocol::frame::{ToAgent, ToDaemon};
use gangplank_agent_protocol::message::{Answer, Attach, Request, Start};
use gangplank_agent_protocol::{DEAD_AFTER_SECONDS, HEARTBEAT_SECONDS};
use gangplank_engine::Engine;
use gangplank_protocol::process::ProcessExit;
use tokio::time::{Instant, MissedTickBehavior};

use super::super::bridge::{self, Bridge, BridgeError, Errand, FrameReader, FrameWriter};
use super::super::known::Known;
use super::{AnswerTo, Channel, Item, Waiting};
use crate::process::ended_with_container;

const HEARTBEAT: Duration = Duration::from_secs(HEARTBEAT_SECONDS);
const DEAD_AFTER: Duration = Duration::from_secs(DEAD_AFTER_SECONDS);
/// Pauses between attempts at a new bridge.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A bridge that lived so long was a good one.
const STEADY: Duration = Duration::from_secs(5);

/// Is there for as long as the agent is.
pub(super) async fn drive(channel: Channel, mut bridge: Bridge, engine: Engine, known: Known) {
    let mut pause = FIRST_PAUSE;
    let lost = loop {
        let opened = Instant::now();
        let broken = carry(&channel, bridge, &engine, &known).await;
        tracing::debug!(error = %broken, container = known.container_id, "a bridge to an agent ended");
        if let Some(wrong) = misbehaved(&broken) {
            tracing::warn!(error = %broken, container = known.container_id, "an agent is not trusted any more");
            channel.count_violation();
            break wrong;
        }
        if opened.elapsed() < STEADY {
            // One that opens and breaks at once is not asked for without end.
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        } else {
            pause = FIRST_PAUSE;
        }
        match again(&engine, &known).await {
            Ok(next) => bridge = next,
            Err(lost) => break lost,
        }
        channel.begin_again();
    };
    channel.lose(&lost);
}

/// Carries frames both ways until the bridge breaks; why it did.
async fn carry(channel: &Channel, bridge: Bridge, engine: &Engine, known: &Known) -> BridgeError {
    let Bridge { reader, writer, .. } = bridge;
    tokio::select! {
        broken = receive(channel, reader, engine, known) => broken,
        broken = send(channel, writer) => broken,
    }
}

async fn receive(channel: &Channel, mut reader: FrameReader, engine: &Engine, known: &Known) -> BridgeError {
    loop {
        let next = reader.next();
        tokio::pin!(next);
        let frame = loop {
            match tokio::time::timeout(DEAD_AFTER, &mut next).await {
                Ok(frame) => break frame,
                // A paused container cannot answer, and nothing in it is lost.
                Err(_) if is_paused(engine, known).await => {}
                Err(_) => return BridgeError::Unexpected("has not answered for too long"),
            }
        };
        let taken = match frame {
            Ok(Some(frame)) => channel.take(frame),
            Ok(None) => return std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into(),
            Err(error) => return error,
        };
        if let Err(wrong) = taken {
            return BridgeError::Violation(wrong);
        }
    }
}

async fn is_paused(engine: &Engine, known: &Known) -> bool {
    engine.inspect_container(&known.container_id).await.is_ok_and(|container| container.state.paused)
}

async fn send(channel: &Channel, mut writer: FrameWriter) -> BridgeError {
    let mut heartbeat = tokio::time::interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pings = 0;
    loop {
        let changed = channel.0.to_send.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let frames = channel.to_send();
        if !frames.is_empty() {
            if let Err(broken) = writer.send(frames).await {
                return broken;
            }
            continue;
        }
        tokio::select! {
            () = changed => {}
            _ = heartbeat.tick() => {
                pings += 1;
                if let Err(broken) = writer.send(vec![ToAgent::Ping { number: pings }]).await {
                    return broken;
                }
            }
        }
    }
}

/// Another bridge to the same agent; how its processes ended when it is proven to be gone. What only fails is tried
/// again: nothing is lost meanwhile, and a key that is let go of leaves terminals that nobody comes back to.
async fn again(engine: &Engine, known: &Known) -> Result<Bridge, ProcessExit> {
    let mut pause = FIRST_PAUSE;
    loop {
        match engine.inspect_container(&known.container_id).await {
            Ok(container) if container.state.running && container.state.started_at == known.started_at => {
                if !container.state.paused {
                    match bridge::open(engine, known, Errand::Connect).await {
                        Ok(bridge) => return Ok(bridge),
                        Err(error) if error.is_proof_of_absence() => {
                            return Err(how_it_ended(engine, known).await);
                        }
                        Err(error) => tracing::debug!(%error, "no bridge yet"),
                    }
                }
            }
            Ok(_) => return Err(how_it_ended(engine, known).await),
            Err(error) if error.is_not_found() => return Err(how_it_ended(engine, known).await),
            // Its processes may live on under an engine that is started again.
            Err(error) => tracing::debug!(%error, "a container could not be looked at"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn how_it_ended(engine: &Engine, known: &Known) -> ProcessExit {
    ended_with_container(engine, &known.container_id, &known.started_at)
        .await
        .unwrap_or_else(|| exit("agentEnded", "the agent in its container was ended"))
}

fn misbehaved(broken: &BridgeError) -> Option<ProcessExit> {
    match broken {
        BridgeError::Frame(_) | BridgeError::Violation(_) => Some(exit("agentEnded", &broken.to_string())),
        _ => None,
    }
}

fn exit(reason: &str, message: &str) -> ProcessExit {
    ProcessExit { code: None, reason: Some(reason.into()), message: Some(message.into()) }
}

impl Channel {
    /// Everything that may be sent now.
    fn to_send(&self) -> Vec<ToAgent> {
        let mut state = self.state();
        let super::State { requests, outgoing, next_request, .. } = &mut *state;
        let mut frames: Vec<ToAgent> = Vec::new();
        for (number, waiting) in requests.iter_mut().filter(|(_, waiting)| !waiting.sent) {
            waiting.sent = true;
            frames.push(ToAgent::Request { number: *number, request: waiting.request.clone() });
        }
        outgoing.take(&mut frames, |request| {
            let number = *next_request;
            *next_request += 1;
            requests.insert(
                number,
                Waiting { request: request.clone(), sent: true, answer_to: AnswerTo::Nobody },
            );
            ToAgent::Request { number, request }
        });
        frames
    }

    /// Hands out what came.
    ///
    /// # Errors
    /// What no agent of ours sends.
    fn take(&self, frame: ToDaemon) -> Result<(), &'static str> {
        let (attachment, item) = match frame {
            ToDaemon::Output { attachment, source, offset, bytes } => {
                self.received(bytes.len());
                (attachment, Item::Output { source, offset, bytes })
            }
            ToDaemon::Snapshot { attachment, offset, last, bytes } => {
                self.received(bytes.len());
                (attachment, Item::Screen { offset, last, bytes })
            }
            ToDaemon::Gap { attachment, offset } => (attachment, Item::Gap(offset)),
            ToDaemon::Ended(ended) => (ended.attachment, Item::Ended(ended.exit)),
            ToDaemon::Answer { number, answer } => return self.answer(number, answer),
            ToDaemon::InputTaken { process, offset } => {
                if self.state().outgoing.input_taken(process, offset) {
                    self.0.room.notify_waiters();
                    self.0.to_send.notify_one();
                }
                return Ok(());
            }
            ToDaemon::Pong { .. } => return Ok(()),
            ToDaemon::Welcome(_) => return Err("said welcome twice"),
        };
        let inbox = {
            let mut state = self.state();
            // One just detached from may still be sent for.
            let Some(known) = state.attachments.get(&attachment) else { return Ok(()) };
            let (inbox, process) = (Arc::clone(&known.inbox), known.process);
            if matches!(item, Item::Ended(_)) {
                state.outgoing.forget_input(process);
            }
            inbox
        };
        if matches!(item, Item::Ended(_)) {
            self.0.room.notify_waiters();
        }
        inbox.put(item)
    }

    fn received(&self, bytes: usize) {
        self.state().outgoing.received(bytes);
        self.0.to_send.notify_one();
    }

    fn answer(&self, number: u64, answer: Answer) -> Result<(), &'static str> {
        let mut state = self.state();
        let waiting = state.requests.remove(&number).ok_or("answered what was not asked")?;
        state.confirm(&waiting.request, &answer);
        match waiting.answer_to {
            // Who has gone wants no answer.
            AnswerTo::Caller(caller) => drop(caller.send(answer)),
            AnswerTo::Nobody => {}
            AnswerTo::Attachment(attachment) => {
                let inbox = state.attachments.get(&attachment).map(|known| Arc::clone(&known.inbox));
                drop(state);
                if let (Some(inbox), false) = (inbox, matches!(answer, Answer::Attached(_))) {
                    let lost = exit("agentEnded", "the agent in its container does not know it any more");
                    return inbox.put(Item::Lost(lost));
                }
            }
        }
        Ok(())
    }

    /// On a new bridge everything unanswered is asked again, and attachments go on where they lack output.
    fn begin_again(&self) {
        let mut state = self.state();
        let super::State { requests, outgoing, attachments, next_request, .. } = &mut *state;
        outgoing.begin_again();
        // They are made anew from what is still wanted.
        requests.retain(|_, waiting| match &waiting.answer_to {
            // Who waits no longer wants nothing done, and a signal that may have been delivered is not sent twice.
            AnswerTo::Caller(caller) => {
                let is_delivered = waiting.sent && matches!(waiting.request, Request::Signal(_));
                !caller.is_closed() && !is_delivered
            }
            AnswerTo::Attachment(_) | AnswerTo::Nobody => false,
        });
        for waiting in requests.values_mut() {
            waiting.sent = false;
        }
        for (number, attachment) in attachments.iter() {
            if attachment.confirmed && !attachment.inbox.has_ended() {
                let attach = Attach {
                    process: attachment.process,
                    attachment: *number,
                    offset: Some(attachment.inbox.lacks_from()),
                };
                requests.insert(
                    *next_request,
                    Waiting {
                        request: Request::Attach(attach),
                        sent: false,
                        answer_to: AnswerTo::Attachment(*number),
                    },
                );
                *next_request += 1;
            }
        }
        drop(state);
        self.0.to_send.notify_one();
    }

    /// The agent is gone for good.
    fn lose(&self, exit: &ProcessExit) {
        self.0.lost.send_replace(Some(exit.clone()));
        let inboxes: Vec<_> = {
            let mut state = self.state();
            state.requests.clear();
            state.attachments.values().map(|attachment| Arc::clone(&attachment.inbox)).collect()
        };
        for inbox in inboxes {
            // An end is always taken.
            let _ = inbox.put(Item::Lost(exit.clone()));
        }
        self.0.room.notify_waiters();
    }
}

impl super::State {
    /// An attachment stands from its answer on: output follows at once.
    fn confirm(&mut self, request: &Request, answer: &Answer) {
        let (number, attached) = match (request, answer) {
            (Request::Start(Start { attachment: Some(number), .. }), Answer::Started(_)) => (number, None),
            (Request::Attach(attach), Answer::Attached(attached)) => {
                (&attach.attachment, Some((attach, attached)))
            }
            _ => return,
        };
        let Some(attachment) = self.attachments.get_mut(number) else { return };
        attachment.confirmed = true;
        if let Some((attach, attached)) = attached {
            let begins = attach.offset.map_or(attached.offset, |asked| asked.min(attached.offset));
            attachment.inbox.begins_at(begins);
            self.outgoing.know_input(attach.process, attached.input);
        }
    }
}
