//! The core: holds all processes, and serves bridges.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::fd::RawFd;
use std::os::unix::net::UnixListener as BlockingListener;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use gangplank_agent_protocol::message::{Refusal, Refused, Seed};
use gangplank_agent_protocol::output::Source;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, LocalSet, spawn_local};
use tokio::time::{Instant, sleep, timeout};

use crate::bridge::{address, protect, standard_input};
use crate::budget::Budget;
use crate::connection::serve;
use crate::launch::READY;
use crate::outbox::Outbox;
use crate::process::Process;
use crate::signals;
use crate::spawn::refused;
use crate::{FAILED, Failure};

/// Descriptors that may have been inherited.
const INHERITED: std::ops::Range<RawFd> = 3..1024;
/// Bytes read from a process at once.
pub(crate) const SCRATCH: usize = 64 * 1024;
/// Bridges at once; a further one replaces the oldest.
const BRIDGES: usize = 16;
/// Connections at once that have not proven the key; a further one replaces the oldest.
const UNPROVEN: usize = 64;
/// Ended processes that are kept, and bytes of their output.
const ENDED: usize = 256;
const ENDED_BYTES: u64 = 32 * 1024 * 1024;
/// How long an agent that hands over waits for the daemon to forget what has ended.
const HANDOVER: Duration = Duration::from_secs(60 * 60);

/// What all tasks share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) seed: Seed,
    pub(crate) processes: RefCell<BTreeMap<u64, Rc<Process>>>,
    pub(crate) budget: Budget,
    /// What is read goes through here, so that no process costs a buffer of its own.
    pub(crate) scratch: RefCell<Box<[u8]>>,
    connections: RefCell<Connections>,
    handing_over: Cell<bool>,
    /// A process ended or was forgotten, or the agent is to hand over.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Connections {
    unproven: BTreeMap<u64, AbortHandle>,
    bridges: BTreeMap<u64, (Rc<Outbox>, Rc<Notify>)>,
    next: u64,
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Runs the core of this name until there is nothing left to do.
pub(crate) fn run(name: &str) -> Result<(), Failure> {
    protect()?;
    for inherited in INHERITED {
        // Nothing was opened yet: what is there beside the standard streams was left open by who started this.
        let _ = nix::unistd::close(inherited);
    }
    rustix::process::setsid().map_err(Failure::of("no session can be made"))?;
    std::env::set_current_dir("/").map_err(Failure::of("/ cannot be entered"))?;
    let seed = read_seed()?;
    let listener = BlockingListener::bind_addr(&address(name)?)
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .map_err(Failure::of(&format!("the name {name} cannot be listened on")))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::of("the run time cannot be set up"))?;
    runtime.block_on(LocalSet::new().run_until(async {
        let unusable = "signals cannot be caught";
        let mut terminated = signals::settle().map_err(Failure::of(unusable))?;
        let listener = UnixListener::from_std(listener).map_err(Failure::of("the socket cannot be used"))?;
        detach()?;
        let core = Rc::new(Core::new(seed));
        tokio::select! {
            () = accept(&core, &listener) => {}
            () = handed_over(&core) => {}
            _ = terminated.recv() => {}
        }
        Ok(())
    }))
}

fn read_seed() -> Result<Seed, Failure> {
    let mut bytes = Vec::new();
    standard_input()?.read_to_end(&mut bytes).map_err(Failure::of("the seed cannot be read"))?;
    let seed = bytes.get(4..).map(serde_json::from_slice::<Seed>);
    // The reason might quote the key.
    let seed = seed.and_then(Result::ok);
    bytes.fill(0);
    seed.ok_or_else(|| Failure { code: FAILED, message: "what was handed over is not a seed".into() })
}

/// Says that the core listens, and lets go of what it was started with.
fn detach() -> Result<(), Failure> {
    let failed = "the core cannot let go of its standard streams";
    let null =
        std::fs::File::options().read(true).write(true).open("/dev/null").map_err(Failure::of(failed))?;
    std::io::stdout().write_all(READY).map_err(Failure::of(failed))?;
    std::io::stdout().flush().map_err(Failure::of(failed))?;
    rustix::stdio::dup2_stdin(&null).map_err(Failure::of(failed))?;
    rustix::stdio::dup2_stderr(&null).map_err(Failure::of(failed))?;
    // Its end tells `start` that all is said.
    rustix::stdio::dup2_stdout(&null).map_err(Failure::of(failed))
}

async fn accept(core: &Rc<Core>, listener: &UnixListener) {
    let own = rustix::process::getuid().as_raw();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors: some may be free again soon.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        if stream.peer_cred().is_ok_and(|peer| peer.uid() == own || peer.uid() == 0) {
            core.admit(stream);
        }
    }
}

/// Waits until the agent has handed over all.
async fn handed_over(core: &Core) {
    loop {
        if core.handing_over.get() {
            core.forget_older_than(HANDOVER);
            if core.processes.borrow().is_empty() {
                break;
            }
        }
        let _ = timeout(Duration::from_secs(60), core.changed.notified()).await;
    }
    let outboxes: Vec<_> =
        core.connections.borrow().bridges.values().map(|(outbox, _)| Rc::clone(outbox)).collect();
    for outbox in outboxes {
        let _ = timeout(Duration::from_secs(1), outbox.flushed()).await;
    }
}

impl Core {
    fn new(seed: Seed) -> Self {
        Self {
            seed,
            processes: RefCell::default(),
            budget: Budget::default(),
            scratch: RefCell::new(vec![0; SCRATCH].into_boxed_slice()),
            connections: RefCell::default(),
            handing_over: Cell::new(false),
            changed: Notify::new(),
        }
    }

    fn admit(self: &Rc<Self>, stream: UnixStream) {
        let mut connections = self.connections.borrow_mut();
        let bridge = connections.next;
        connections.next += 1;
        if connections.unproven.len() >= UNPROVEN
            && let Some((_, oldest)) = connections.unproven.pop_first()
        {
            oldest.abort();
        }
        let core = Rc::clone(self);
        let proven = move |outbox| core.proven(bridge, outbox);
        let core = Rc::clone(self);
        let task = spawn_local(async move {
            serve(Rc::clone(&core), stream, bridge, proven).await;
            core.connections.borrow_mut().unproven.remove(&bridge);
        });
        connections.unproven.insert(bridge, task.abort_handle());
    }

    /// A connection has proven the key: a daemon's. What is returned says when another replaces it.
    fn proven(&self, bridge: u64, outbox: Rc<Outbox>) -> impl Future<Output = ()> + use<> {
        let replaced = Rc::new(Notify::new());
        let mut connections = self.connections.borrow_mut();
        connections.unproven.remove(&bridge);
        if connections.bridges.len() >= BRIDGES
            && let Some((_, (_, oldest))) = connections.bridges.pop_first()
        {
            oldest.notify_one();
        }
        connections.bridges.insert(bridge, (outbox, Rc::clone(&replaced)));
        async move { replaced.notified().await }
    }

    /// A bridge is gone.
    pub(crate) fn left(&self, bridge: u64) {
        self.connections.borrow_mut().bridges.remove(&bridge);
        let processes = self.processes.borrow();
        for process in processes.values() {
            process.left(bridge);
        }
    }

    /// The process of this number.
    pub(crate) fn process(&self, number: u64) -> Result<Rc<Process>, Refused> {
        let process = self.processes.borrow().get(&number).cloned();
        process.ok_or_else(|| refused(Refusal::Unknown, format!("there is no process {number}")))
    }

    /// Waits until more of the output of `process` may be read.
    pub(crate) async fn may_read(&self, process: &Process) {
        loop {
            let changed = process.flow.notified();
            if process.may_read(self.budget.is_tight()) {
                return;
            }
            changed.await;
        }
    }

    /// Keeps output of a process, and sends it.
    pub(crate) fn keep(&self, process: &Rc<Process>, source: Source, bytes: &[u8]) {
        if process.is_terminal() {
            let offset = process.output.borrow().log.end();
            process.marks.borrow_mut().read(bytes, offset, now());
        }
        let (stamp, room) = (self.budget.stamp(), self.budget.has_room_for_screen());
        self.budget.account(process, |output| output.add(stamp, source, bytes, room));
        self.make_room();
        process.tell();
    }

    fn make_room(&self) {
        let processes = self.processes.borrow();
        if self.budget.make_room(&processes) {
            processes.values().for_each(|process| process.flow.notify_waiters());
        }
    }

    /// Lets processes go on that there was no room for, where something was acknowledged.
    pub(crate) fn relieve(&self) {
        if self.budget.is_tight() {
            self.make_room();
        }
    }

    /// Takes input of a process; without one it is dropped.
    pub(crate) fn input(&self, outbox: &Rc<Outbox>, number: u64, offset: u64, bytes: &[u8]) {
        let Ok(process) = self.process(number) else { return };
        *process.input_from.borrow_mut() = Some(Rc::clone(outbox));
        let before = process.input.borrow().taken();
        let accepted = process.input.borrow_mut().offer(offset, bytes);
        let taken = process.input.borrow().taken();
        process.input_came.notify_one();
        // What was dropped is confirmed, and so is what the sender may not know to be taken.
        if !accepted || taken > before || offset < taken {
            process.confirm_input();
        }
    }

    /// A process has ended: those that ended long ago are forgotten.
    pub(crate) fn ended(&self) {
        let mut ended: Vec<(Instant, Rc<Process>)> = self
            .processes
            .borrow()
            .values()
            .filter_map(|process| Some((process.life.borrow().end.as_ref()?.1, Rc::clone(process))))
            .collect();
        ended.sort_by_key(|(at, _)| *at);
        let cost = |process: &Process| process.output.borrow().cost();
        let mut count = ended.len();
        let mut bytes: u64 = ended.iter().map(|(_, process)| cost(process)).sum();
        for (_, process) in ended {
            if count <= ENDED && bytes <= ENDED_BYTES {
                break;
            }
            if process.attached.borrow().is_empty() {
                count -= 1;
                bytes -= cost(&process);
                self.forget(process.number);
            }
        }
        self.changed.notify_one();
    }

    /// Forgets a process that has ended. Who is attached is told no more of it.
    pub(crate) fn forget(&self, number: u64) {
        if let Some(process) = self.processes.borrow_mut().remove(&number) {
            let attached: Vec<_> = process
                .attached
                .borrow()
                .iter()
                .map(|(handle, attached)| (handle.attachment, Rc::clone(&attached.outbox)))
                .collect();
            for (attachment, outbox) in attached {
                outbox.detach(attachment);
            }
            self.budget.account(&process, |output| output.forget());
        }
        self.relieve();
        self.changed.notify_one();
    }

    fn forget_older_than(&self, age: Duration) {
        let is_old =
            |process: &Process| process.life.borrow().end.as_ref().is_some_and(|(_, at)| at.elapsed() >= age);
        let old: Vec<u64> = self
            .processes
            .borrow()
            .values()
            .filter(|process| is_old(process))
            .map(|process| process.number)
            .collect();
        old.into_iter().for_each(|number| self.forget(number));
    }

    /// Starts nothing more, and ends when nothing is left.
    pub(crate) fn hand_over(&self) {
        self.handing_over.set(true);
        self.changed.notify_one();
    }

    /// Whether nothing more is started.
    pub(crate) fn is_handing_over(&self) -> bool {
        self.handing_over.get()
    }
}
