//! One process: its output, who is attached, its input, its end. What moves its bytes is in `run`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use gangplank_agent_protocol::CREDIT;
use gangplank_agent_protocol::message::{Exit, Size, Start};
use gangplank_agent_protocol::output::{MOST_PENDING, Oldest, may_read_below};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::input::{Queue, Step};
use crate::marks::{Marks, cut};
use crate::outbox::Outbox;
use crate::output::Output;
use crate::session::Leader;

/// Bytes of arguments that are kept for lists.
const ARGUMENTS: usize = 4 * 1024;
/// The same of what it is for and of its name.
const LABEL: usize = 1024;

/// A process that was started here.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) number: u64,
    pub(crate) leader: Leader,
    pub(crate) about: About,
    /// The terminal's size now.
    pub(crate) size: Cell<Option<Size>>,
    /// The terminal, for what is no reading or writing; gone once it has ended.
    pub(crate) terminal: RefCell<Option<OwnedFd>>,
    pub(crate) output: RefCell<Output>,
    pub(crate) marks: RefCell<Marks>,
    pub(crate) attached: RefCell<BTreeMap<Handle, Attached>>,
    pub(crate) input: RefCell<Queue>,
    /// The bridge that input came from last.
    pub(crate) input_from: RefCell<Option<Rc<Outbox>>>,
    /// There is input to write.
    pub(crate) input_came: Notify,
    /// Something was acknowledged, or somebody came or went.
    pub(crate) flow: Notify,
    pub(crate) life: RefCell<Life>,
    /// Since when nobody has been attached.
    pub(crate) deserted: Cell<Option<Instant>>,
}

/// What it was started as.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) argv: Vec<String>,
    pub(crate) purpose: String,
    pub(crate) name: Option<String>,
    /// Milliseconds since 1970.
    pub(crate) started_at: u64,
}

/// An attachment, on all bridges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Handle {
    pub(crate) bridge: u64,
    pub(crate) attachment: u32,
}

/// One that is attached.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) outbox: Rc<Outbox>,
    pub(crate) acknowledged: u64,
}

/// How far its life has come.
#[derive(Debug, Default)]
pub(crate) struct Life {
    /// It was waited for: its number may be another's.
    pub(crate) is_reaped: bool,
    /// Why it is being ended.
    pub(crate) reason: Option<&'static str>,
    /// How it ended, with when, once its last byte was read.
    pub(crate) end: Option<(Exit, Instant)>,
}

impl Process {
    pub(crate) fn new(start: Start, pid: i32, terminal: Option<OwnedFd>, started_at: u64) -> Self {
        let mut room = ARGUMENTS;
        let mut argv = Vec::new();
        for argument in start.argv {
            let argument = cut(argument, room);
            room -= argument.len();
            argv.push(argument);
            if room == 0 {
                break;
            }
        }
        let about = About {
            argv,
            purpose: cut(start.purpose, LABEL),
            name: start.name.map(|name| cut(name, LABEL)),
            started_at,
        };
        Self {
            number: start.process,
            leader: Leader::of(pid),
            about,
            size: Cell::new(start.tty),
            terminal: RefCell::new(terminal),
            output: RefCell::new(Output::new(start.tty)),
            marks: RefCell::default(),
            attached: RefCell::default(),
            input: RefCell::default(),
            input_from: RefCell::default(),
            input_came: Notify::new(),
            flow: Notify::new(),
            life: RefCell::default(),
            deserted: Cell::new(Some(Instant::now())),
        }
    }

    /// Whether it has a terminal.
    pub(crate) fn is_terminal(&self) -> bool {
        self.size.get().is_some()
    }

    /// Whether it has ended and its last byte was read.
    pub(crate) fn is_over(&self) -> bool {
        self.life.borrow().end.is_some()
    }

    /// Attaches a client that has everything before `acknowledged`.
    pub(crate) fn attach(&self, handle: Handle, outbox: Rc<Outbox>, acknowledged: u64) {
        self.attached.borrow_mut().insert(handle, Attached { outbox, acknowledged });
        self.deserted.set(None);
        self.flow.notify_waiters();
    }

    /// The client is gone.
    pub(crate) fn detach(&self, handle: Handle) {
        let mut attached = self.attached.borrow_mut();
        attached.remove(&handle);
        if attached.is_empty() {
            self.deserted.set(Some(Instant::now()));
        }
        self.flow.notify_waiters();
    }

    /// A client has everything before `offset`.
    pub(crate) fn acknowledge(&self, handle: Handle, offset: u64) {
        if let Some(attached) = self.attached.borrow_mut().get_mut(&handle) {
            attached.acknowledged = attached.acknowledged.max(offset);
        }
        self.flow.notify_waiters();
    }

    /// What a client has acknowledged.
    pub(crate) fn acknowledged(&self, handle: Handle) -> Option<u64> {
        self.attached.borrow().get(&handle).map(|attached| attached.acknowledged)
    }

    /// Tells all clients that there is something for them.
    pub(crate) fn tell(&self) {
        for (handle, attached) in self.attached.borrow().iter() {
            attached.outbox.offer(handle.attachment);
        }
    }

    /// Whether more of its output may be read; less of it when the agent has no room (`tight`).
    pub(crate) fn may_read(&self, tight: bool) -> bool {
        let output = self.output.borrow();
        let attached = self.attached.borrow();
        let pending = attached.values().map(|attached| output.log.beyond(attached.acknowledged));
        let most = if tight { CREDIT } else { MOST_PENDING };
        may_read_below(self.is_terminal(), most, pending)
    }

    /// The oldest output that may be let go of: without a terminal nothing that an attached client lacks, unless `all`.
    pub(crate) fn evictable(&self, all: bool) -> Option<Oldest> {
        let output = self.output.borrow();
        let oldest = output.oldest()?;
        if all {
            return Some(oldest);
        }
        let lacks = |attached: &Attached| attached.acknowledged < oldest.end;
        if !output.is_worth_evicting() || (!self.is_terminal() && self.attached.borrow().values().any(lacks))
        {
            return None;
        }
        Some(oldest)
    }

    /// The process group in its terminal's foreground.
    pub(crate) fn foreground(&self) -> Option<i32> {
        let terminal = self.terminal.borrow();
        Some(rustix::termios::tcgetpgrp(terminal.as_ref()?).ok()?.as_raw_nonzero().get())
    }

    /// Tells the bridge that input came from how much of it was taken.
    pub(crate) fn confirm_input(&self) {
        if let Some(outbox) = &*self.input_from.borrow() {
            outbox.input_taken(self.number, self.input.borrow().taken());
        }
    }

    /// A bridge is gone: input is confirmed to it no more.
    pub(crate) fn left(&self, bridge: u64) {
        self.input_from.borrow_mut().take_if(|outbox| outbox.bridge() == bridge);
    }

    /// Waits until it reads no more.
    pub(crate) async fn input_closed(&self) {
        while self.input.borrow().step() != Step::Over {
            self.input_came.notified().await;
        }
    }
}
