//! What goes out on one bridge: answers and the like at once, output as far as the daemon has room for it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;

use bytes::{BufMut as _, Bytes, BytesMut};
use gangplank_agent_protocol::frame::{MAX_PAYLOAD, ToDaemon};
use gangplank_agent_protocol::message::Ended;
use gangplank_agent_protocol::output::Next;
use gangplank_agent_protocol::{BRIDGE_WINDOW, CREDIT};
use tokio::sync::Notify;

use crate::process::{Handle, Process};
use crate::scheduler::Scheduler;

/// Bytes of answers that may wait before no more requests are read.
const MUCH: usize = 1024 * 1024;
/// Bytes that are written at once.
const BATCH: usize = 64 * 1024;
/// Most attachments of one bridge.
const ATTACHMENTS: usize = 8192;

/// Everything that waits for one bridge.
#[derive(Debug)]
pub(crate) struct Outbox {
    bridge: u64,
    state: RefCell<State>,
    /// There is something to send.
    filled: Notify,
    /// Much of what waited was sent.
    drained: Notify,
    /// All was written that was taken out.
    is_written: Cell<bool>,
}

#[derive(Debug, Default)]
struct State {
    control: VecDeque<Bytes>,
    control_bytes: usize,
    /// Input taken, by process: only the last counts.
    input_taken: BTreeMap<u64, u64>,
    attachments: HashMap<u32, Attachment>,
    scheduler: Scheduler,
    /// Attachments whose process is over: they need no room on the bridge when nothing is left.
    over: Vec<u32>,
    /// Bytes of output sent and confirmed.
    sent: u64,
    confirmed: u64,
}

#[derive(Debug)]
struct Attachment {
    process: Rc<Process>,
    /// Offset of the next byte to send.
    position: u64,
    /// What is left of a screen that is being sent, with where output goes on after it.
    snapshot: Option<(u64, Bytes)>,
}

impl Attachment {
    fn pending(&self) -> u64 {
        let output = self.process.output.borrow();
        if self.snapshot.is_some() || self.position < output.log.start() {
            return u64::MAX;
        }
        output.log.end() - self.position
    }
}

impl Outbox {
    pub(crate) fn new(bridge: u64) -> Self {
        Self {
            bridge,
            state: RefCell::default(),
            filled: Notify::new(),
            drained: Notify::new(),
            is_written: Cell::new(true),
        }
    }

    /// The bridge's number.
    pub(crate) fn bridge(&self) -> u64 {
        self.bridge
    }

    fn handle(&self, attachment: u32) -> Handle {
        Handle { bridge: self.bridge, attachment }
    }

    /// Sends a frame before all output.
    pub(crate) fn send(&self, frame: &ToDaemon) {
        let mut state = self.state.borrow_mut();
        let frame = frame.encode();
        state.control_bytes += frame.len();
        state.control.push_back(frame);
        self.filled.notify_one();
    }

    /// Confirms input.
    pub(crate) fn input_taken(&self, process: u64, offset: u64) {
        self.state.borrow_mut().input_taken.insert(process, offset);
        self.filled.notify_one();
    }

    /// Waits while so much waits that nothing may be read that is answered.
    pub(crate) async fn has_room(&self) {
        while self.state.borrow().control_bytes > MUCH {
            self.drained.notified().await;
        }
    }

    /// Whether an attachment of this number can be added.
    pub(crate) fn can_attach(&self, attachment: u32) -> Result<(), &'static str> {
        let state = self.state.borrow();
        if state.attachments.contains_key(&attachment) {
            Err("the attachment's number is in use on this bridge")
        } else if state.attachments.len() >= ATTACHMENTS {
            Err("there are too many attachments on this bridge")
        } else {
            Ok(())
        }
    }

    /// Sends the output of `process` from `offset` on from now on. Where it goes on is returned.
    pub(crate) fn attach(self: &Rc<Self>, attachment: u32, process: &Rc<Process>, offset: u64) -> u64 {
        let (start, end) = {
            let output = process.output.borrow();
            (output.log.start(), output.log.end())
        };
        let position = offset.min(end);
        process.attach(self.handle(attachment), Rc::clone(self), position.max(start));
        let added = Attachment { process: Rc::clone(process), position, snapshot: None };
        let mut state = self.state.borrow_mut();
        state.attachments.insert(attachment, added);
        if process.is_over() {
            state.over.push(attachment);
        }
        drop(state);
        self.offer(attachment);
        position.max(start)
    }

    /// Sends nothing more of it; false when there is none.
    pub(crate) fn detach(&self, attachment: u32) -> bool {
        let mut state = self.state.borrow_mut();
        state.scheduler.forget(attachment);
        state.over.retain(|over| *over != attachment);
        let gone = state.attachments.remove(&attachment);
        drop(state);
        gone.inspect(|gone| gone.process.detach(self.handle(attachment))).is_some()
    }

    /// The bridge is gone.
    pub(crate) fn close(&self) {
        let state = self.state.take();
        for (attachment, gone) in state.attachments {
            gone.process.detach(self.handle(attachment));
        }
        self.drained.notify_one();
    }

    /// There may be something to send of it.
    pub(crate) fn offer(&self, attachment: u32) {
        self.state.borrow_mut().scheduler.offer(attachment);
        self.filled.notify_one();
    }

    /// Its process is over.
    pub(crate) fn over(&self, attachment: u32) {
        self.state.borrow_mut().over.push(attachment);
        self.filled.notify_one();
    }

    /// The client has everything before `offset`.
    pub(crate) fn acknowledge(&self, attachment: u32, offset: u64) {
        if let Some(to) = self.state.borrow().attachments.get(&attachment) {
            to.process.acknowledge(self.handle(attachment), offset.min(to.position));
        }
        self.offer(attachment);
    }

    /// The daemon has received so many bytes of output.
    pub(crate) fn received(&self, bytes: u64) {
        let mut state = self.state.borrow_mut();
        state.confirmed = state.confirmed.max(bytes.min(state.sent));
        self.filled.notify_one();
    }

    /// Waits until there is something to send, and takes it out.
    pub(crate) async fn next(&self, batch: &mut BytesMut) {
        loop {
            self.fill(batch);
            self.is_written.set(batch.is_empty());
            if !batch.is_empty() {
                return;
            }
            self.drained.notify_one();
            self.filled.notified().await;
        }
    }

    /// Waits until all answers were written.
    pub(crate) async fn flushed(&self) {
        while !self.is_written.get() || !self.state.borrow().control.is_empty() {
            self.drained.notified().await;
        }
    }

    fn fill(&self, batch: &mut BytesMut) {
        let state = &mut *self.state.borrow_mut();
        while let Some(frame) = state.control.pop_front() {
            append(batch, &frame);
        }
        if std::mem::take(&mut state.control_bytes) > MUCH {
            self.drained.notify_one();
        }
        for (process, offset) in std::mem::take(&mut state.input_taken) {
            append(batch, &ToDaemon::InputTaken { process, offset }.encode());
        }
        for attachment in std::mem::take(&mut state.over) {
            self.end(state, attachment, batch);
        }
        while batch.len() < BATCH {
            let window = BRIDGE_WINDOW - (state.sent - state.confirmed);
            if window == 0 {
                break;
            }
            let attachments = &state.attachments;
            let pending = |attachment| attachments.get(&attachment).map_or(0, Attachment::pending);
            let Some(attachment) = state.scheduler.next(pending) else { break };
            self.send_some(state, attachment, window, batch);
        }
    }

    /// Sends one frame of an attachment.
    fn send_some(&self, state: &mut State, attachment: u32, window: u64, batch: &mut BytesMut) {
        let Some(to) = state.attachments.get_mut(&attachment) else { return };
        let handle = self.handle(attachment);
        let process = Rc::clone(&to.process);
        let mut output = process.output.borrow_mut();
        let acknowledged = process.acknowledged(handle).unwrap_or(to.position);
        let credit = CREDIT.saturating_sub(to.position.saturating_sub(acknowledged));
        if to.snapshot.is_none() && credit == 0 {
            // Offered again when it acknowledges something. Until then it gets no screen either: that would be no end.
            return;
        }
        if to.snapshot.is_none() && to.position < output.log.start() {
            let start = output.log.start();
            to.position = start;
            process.acknowledge(handle, start);
            match output.snapshot() {
                Some(snapshot) => to.snapshot = Some((start, snapshot)),
                None => append(batch, &ToDaemon::Gap { attachment, offset: start }.encode()),
            }
        }
        if let Some((offset, rest)) = &mut to.snapshot {
            let most = MAX_PAYLOAD.min(usize::try_from(window).unwrap_or(MAX_PAYLOAD));
            let bytes = rest.split_to(rest.len().min(most));
            state.sent += bytes.len() as u64;
            let last = rest.is_empty();
            append(batch, &ToDaemon::Snapshot { attachment, offset: *offset, last, bytes }.encode());
            if last {
                to.snapshot = None;
                state.scheduler.offer(attachment);
            } else {
                state.scheduler.go_on(attachment);
            }
            return;
        }
        let acknowledged = process.acknowledged(handle).unwrap_or(to.position);
        let credit = CREDIT.saturating_sub(to.position - acknowledged);
        let most = usize::try_from(credit.min(window)).unwrap_or(MAX_PAYLOAD).min(MAX_PAYLOAD);
        match output.log.read(to.position, most) {
            Next::Bytes { offset, source, bytes } => {
                to.position = offset + bytes.len() as u64;
                state.sent += bytes.len() as u64;
                append(batch, &ToDaemon::Output { attachment, source, offset, bytes }.encode());
                state.scheduler.offer(attachment);
                drop(output);
                self.end(state, attachment, batch);
            }
            Next::Gap(_) => state.scheduler.offer(attachment),
            Next::Nothing => {
                drop(output);
                self.end(state, attachment, batch);
            }
        }
    }

    /// Ends an attachment whose process is over and of which nothing is left to send.
    fn end(&self, state: &mut State, attachment: u32, batch: &mut BytesMut) {
        let Some(to) = state.attachments.get(&attachment).filter(|to| to.pending() == 0) else { return };
        let Some((exit, _)) = to.process.life.borrow().end.clone() else { return };
        append(batch, &ToDaemon::Ended(Ended { attachment, exit }).encode());
        state.scheduler.forget(attachment);
        if let Some(gone) = state.attachments.remove(&attachment) {
            gone.process.detach(self.handle(attachment));
        }
    }
}

/// A frame after its length.
fn append(batch: &mut BytesMut, frame: &[u8]) {
    // No frame is longer than a list.
    batch.put_u32(u32::try_from(frame.len()).unwrap_or(u32::MAX));
    batch.put_slice(frame);
}
