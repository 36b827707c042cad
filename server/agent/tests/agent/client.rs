//! An agent for one test, and a daemon's side of a bridge to it.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read as _, Write as _};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use gangplank_agent_protocol::frame::{ToAgent, ToDaemon};
use gangplank_agent_protocol::handshake::{
    ANSWER_LENGTH, Handshake, Hello, Identity, Key, OWN_VERSIONS, Versions, agent_answer,
};
use gangplank_agent_protocol::message::{
    Answer, Attach, Attached, Close, Closed, Exit, Process, Processes, Refusal, Request, Seed, Size, Start,
    Started, Welcome,
};
use gangplank_agent_protocol::output::Source;

/// The built program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_gangplank-agent");
/// Nothing takes so long; a test that waits for it fails instead of hanging.
const NEVER: Duration = Duration::from_secs(120);

/// The size of terminals here.
pub(crate) const SIZE: Size = Size { columns: 80, rows: 24 };

/// An agent; ended with its processes when dropped.
pub(crate) struct Agent {
    pub(crate) name: String,
    pub(crate) seed: Seed,
    pub(crate) pid: i32,
    pub(crate) first: Option<Bridge>,
}

impl Agent {
    /// Starts one.
    pub(crate) fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// Starts one with a changed environment.
    pub(crate) fn start_with(change: impl FnOnce(&mut Command)) -> Self {
        let mut key = [0; 32];
        std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut key).unwrap();
        let name = format!(
            "gangplank-test-{}",
            key[..16].iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        );
        let identity = Identity { container_id: "c".repeat(64), user: "1000".into() };
        let seed = Seed { key: Key::new(key), identity };
        let mut command = Command::new(PROGRAM);
        command.args(["start", &name]);
        change(&mut command);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // The seed and the hello in one piece: not one byte of what follows the seed is lost.
        let json = serde_json::to_vec(&seed).unwrap();
        let mut sent = u32::try_from(json.len()).unwrap().to_be_bytes().to_vec();
        sent.extend(json);
        let hello = Hello { versions: OWN_VERSIONS, nonce: [7; 32] };
        sent.extend(hello.encode());
        child.stdin.as_mut().unwrap().write_all(&sent).unwrap();
        let (first, welcome) = Bridge::after_hello(child, &seed, hello).unwrap();
        Self { name, seed, pid: welcome.pid, first: Some(first) }
    }

    /// The bridge that started it.
    pub(crate) fn bridge(&mut self) -> Bridge {
        self.first.take().unwrap()
    }

    /// One more bridge.
    pub(crate) fn another(&self) -> Bridge {
        self.connect(&self.seed, OWN_VERSIONS).unwrap().0
    }

    pub(crate) fn connect(&self, seed: &Seed, versions: Versions) -> Option<(Bridge, Welcome)> {
        let mut nonce = [0; 32];
        std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut nonce).unwrap();
        let mut child = Command::new(PROGRAM)
            .args(["bridge", &self.name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let hello = Hello { versions, nonce };
        child.stdin.as_mut().unwrap().write_all(&hello.encode()).unwrap();
        Bridge::after_hello(child, seed, hello)
    }

    /// A connection to the core itself, as any process beside it could make one.
    pub(crate) fn socket(&self) -> UnixStream {
        UnixStream::connect_addr(&SocketAddr::from_abstract_name(&self.name).unwrap()).unwrap()
    }

    /// Whether the core lives.
    pub(crate) fn lives(&self) -> bool {
        lives(self.pid)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Its children lead sessions; whoever made one of its own must be ended by the test that made it.
        let children =
            std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.pid)).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok()) {
            for pid in session(child) {
                kill(pid);
            }
        }
        kill(self.pid);
    }
}

/// Kills one process that the test started.
pub(crate) fn kill(pid: i32) {
    if let Some(pid) = rustix::process::Pid::from_raw(pid) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

/// Whether a process lives: one that waits to be reaped does not.
pub(crate) fn lives(pid: i32) -> bool {
    stat(pid).is_some_and(|stat| stat.lives)
}

pub(crate) fn stat(pid: i32) -> Option<gangplank_agent_protocol::session::Stat> {
    let line = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    gangplank_agent_protocol::session::Stat::parse(pid, &String::from_utf8_lossy(&line))
}

/// The living processes of a session.
pub(crate) fn session(leader: i32) -> Vec<i32> {
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| stat(entry.file_name().to_str()?.parse().ok()?))
        .filter(|stat| stat.session == leader && stat.lives)
        .map(|stat| stat.pid)
        .collect()
}

/// Waits for a state.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = SystemTime::now();
    while !is_so() {
        assert!(begun.elapsed().unwrap() < NEVER, "never came: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The daemon's side of a bridge.
pub(crate) struct Bridge {
    pub(crate) child: Child,
    input: Option<ChildStdin>,
    frames: Receiver<ToDaemon>,
    /// Frames that came while another was waited for.
    early: VecDeque<ToDaemon>,
    next: u64,
    received: u64,
    /// Whether what is received is confirmed, and what comes is acknowledged at once.
    pub(crate) confirms: bool,
    pub(crate) acknowledges: bool,
    offsets: BTreeMap<u64, u64>,
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pump(mut output: ChildStdout, frames: &Sender<ToDaemon>) {
    loop {
        let mut length = [0; 4];
        if output.read_exact(&mut length).is_err() {
            return;
        }
        let mut frame = vec![0; u32::from_be_bytes(length) as usize];
        assert!(frame.len() <= gangplank_agent_protocol::frame::MAX_TO_DAEMON);
        if output.read_exact(&mut frame).is_err() {
            return;
        }
        if frames.send(ToDaemon::decode(frame.into()).unwrap()).is_err() {
            return;
        }
    }
}

impl Bridge {
    /// Proves the key after `hello` was sent; none when the agent ends the connection or does not prove it.
    fn after_hello(mut child: Child, seed: &Seed, hello: Hello) -> Option<(Self, Welcome)> {
        let mut input = child.stdin.take().unwrap();
        let mut output = child.stdout.take().unwrap();
        let mut answer = [0; ANSWER_LENGTH];
        output.read_exact(&mut answer).unwrap();
        let (agent, proof) = agent_answer(&answer).unwrap();
        let handshake = Handshake { key: &seed.key, identity: &seed.identity, daemon: hello, agent };
        let _ = handshake.check_agent(proof);
        input.write_all(&handshake.daemon_proof()).unwrap();
        let (sender, frames) = channel();
        std::thread::spawn(move || pump(output, &sender));
        let mut bridge = Self {
            child,
            input: Some(input),
            frames,
            early: VecDeque::new(),
            next: 0,
            received: 0,
            confirms: true,
            acknowledges: true,
            offsets: BTreeMap::new(),
        };
        match bridge.frames.recv_timeout(NEVER) {
            Ok(ToDaemon::Welcome(welcome)) => Some((bridge, welcome)),
            Ok(other) => panic!("{other:?} before the welcome"),
            Err(_) => {
                bridge.child.wait().unwrap();
                None
            }
        }
    }

    /// Sends a frame; false when the bridge is gone.
    pub(crate) fn send(&mut self, frame: &ToAgent) -> bool {
        self.send_bytes(&frame.encode())
    }

    pub(crate) fn send_bytes(&mut self, frame: &[u8]) -> bool {
        let mut bytes = u32::try_from(frame.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend_from_slice(frame);
        self.send_raw(&bytes)
    }

    pub(crate) fn send_raw(&mut self, bytes: &[u8]) -> bool {
        self.input.as_mut().is_some_and(|input| input.write_all(bytes).is_ok())
    }

    /// Ends its standard input.
    pub(crate) fn hang_up(&mut self) {
        self.input = None;
    }

    fn heed(&mut self, frame: &ToDaemon) {
        let (bytes, taken) = match frame {
            ToDaemon::Output { attachment, offset, bytes, .. } => {
                (bytes.len() as u64, Some((*attachment, offset + bytes.len() as u64)))
            }
            ToDaemon::Snapshot { bytes, .. } => (bytes.len() as u64, None),
            _ => return,
        };
        self.received += bytes;
        if self.confirms {
            self.send(&ToAgent::Received { bytes: self.received });
        }
        if let Some((attachment, offset)) = taken.filter(|_| self.acknowledges) {
            self.send(&ToAgent::Acknowledge { attachment, offset });
        }
    }

    fn receive(&mut self) -> Option<ToDaemon> {
        let frame = self.frames.recv_timeout(NEVER).ok()?;
        self.heed(&frame);
        Some(frame)
    }

    /// The next frame, in order.
    pub(crate) fn frame(&mut self) -> Option<ToDaemon> {
        self.early.pop_front().or_else(|| self.receive())
    }

    /// The first frame that `wanted` takes; the others stay.
    pub(crate) fn wait<T>(&mut self, mut wanted: impl FnMut(&ToDaemon) -> Option<T>) -> T {
        for index in 0..self.early.len() {
            if let Some(found) = wanted(&self.early[index]) {
                self.early.remove(index);
                return found;
            }
        }
        loop {
            let frame = self.receive().expect("the bridge ended");
            if let Some(found) = wanted(&frame) {
                return found;
            }
            self.early.push_back(frame);
        }
    }

    /// Asks, and waits for the answer.
    pub(crate) fn ask(&mut self, request: Request) -> Answer {
        self.next += 1;
        let asked = self.next;
        assert!(self.send(&ToAgent::Request { number: asked, request }));
        self.wait(|frame| match frame {
            ToDaemon::Answer { number, answer } if *number == asked => Some(answer.clone()),
            _ => None,
        })
    }

    pub(crate) fn refusal(&mut self, request: Request) -> Refusal {
        match self.ask(request) {
            Answer::Refused(refused) => refused.refusal,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn done(&mut self, request: Request) {
        assert_eq!(self.ask(request), Answer::Done);
    }

    pub(crate) fn start(&mut self, start: Start) -> i32 {
        match self.ask(Request::Start(start)) {
            Answer::Started(Started { pid }) => pid,
            other => panic!("{other:?}"),
        }
    }

    /// Runs a script of a shell as process and attachment `number`.
    pub(crate) fn shell(&mut self, number: u32, script: &str) -> i32 {
        self.start(pipes(number, &["sh", "-c", script]))
    }

    /// The same in a terminal.
    pub(crate) fn terminal(&mut self, number: u32, script: &str) -> i32 {
        self.start(Start { tty: Some(SIZE), ..pipes(number, &["sh", "-c", script]) })
    }

    pub(crate) fn attach(&mut self, process: u32, attachment: u32, offset: Option<u64>) -> Attached {
        match self.ask(Request::Attach(Attach { process: process.into(), attachment, offset })) {
            Answer::Attached(attached) => attached,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn close(&mut self, process: u32) -> Closed {
        match self.ask(Request::Close(Close { process: process.into() })) {
            Answer::Closed(closed) => closed,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn list(&mut self) -> Vec<Process> {
        match self.ask(Request::List) {
            Answer::Processes(Processes { processes }) => processes,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn listed(&mut self, process: u32) -> Process {
        self.list().into_iter().find(|listed| listed.process == u64::from(process)).unwrap()
    }

    /// Sends text as input after what was sent before.
    pub(crate) fn input(&mut self, process: u32, text: &[u8]) {
        let offset = self.offsets.entry(process.into()).or_default();
        let at = *offset;
        *offset += text.len() as u64;
        let bytes = Bytes::copy_from_slice(text);
        assert!(self.send(&ToAgent::Input { process: process.into(), offset: at, bytes }));
    }

    /// What has come and was not waited for.
    pub(crate) fn come(&mut self) -> Vec<ToDaemon> {
        // Asked last, answered when all before it has come.
        self.list();
        self.early.drain(..).collect()
    }

    /// The end of an attachment with all output before it that was not yet taken.
    pub(crate) fn rest(&mut self, attachment: u32) -> (Collected, Exit) {
        let mut collected = Collected::default();
        let exit = self.wait(|frame| collected.take(frame, attachment));
        self.early.retain(|frame| !is_of(frame, attachment));
        (collected, exit)
    }

    /// Waits until the output of an attachment, from here on, has this text; the output up to then.
    pub(crate) fn output_until(&mut self, attachment: u32, text: &str) -> Collected {
        let (mut collected, mut looked_at) = (Collected::default(), 0_usize);
        loop {
            let frame = self.wait(|frame| is_of(frame, attachment).then(|| frame.clone()));
            if let Some(exit) = collected.take(&frame, attachment) {
                panic!("ended with {exit:?} before {text:?}: {:?}", collected.text());
            }
            // The frames before were looked through already.
            let from = looked_at.saturating_sub(text.len());
            if String::from_utf8_lossy(&collected.stdout[from..]).contains(text) {
                return collected;
            }
            looked_at = collected.stdout.len();
        }
    }
}

fn is_of(frame: &ToDaemon, wanted: u32) -> bool {
    match frame {
        ToDaemon::Output { attachment, .. }
        | ToDaemon::Gap { attachment, .. }
        | ToDaemon::Snapshot { attachment, .. } => *attachment == wanted,
        ToDaemon::Ended(ended) => ended.attachment == wanted,
        _ => false,
    }
}

/// A process with pipes, also attached to under its number.
pub(crate) fn pipes(number: u32, argv: &[&str]) -> Start {
    Start {
        process: number.into(),
        argv: argv.iter().map(|argument| (*argument).to_owned()).collect(),
        interactive: true,
        attachment: Some(number),
        ..Start::default()
    }
}

/// Output of one attachment.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) begin: Option<u64>,
    pub(crate) end: u64,
    pub(crate) gaps: Vec<u64>,
    pub(crate) snapshot: Vec<u8>,
    /// Output came that did not follow what came before.
    pub(crate) is_torn: bool,
}

impl Collected {
    fn take(&mut self, frame: &ToDaemon, wanted: u32) -> Option<Exit> {
        match frame {
            ToDaemon::Output { attachment, source, offset, bytes } if *attachment == wanted => {
                self.is_torn |= self.begin.is_some() && *offset != self.end;
                self.begin.get_or_insert(*offset);
                self.end = offset + bytes.len() as u64;
                match source {
                    Source::Stdout => &mut self.stdout,
                    Source::Stderr => &mut self.stderr,
                }
                .extend_from_slice(bytes);
            }
            ToDaemon::Gap { attachment, offset } if *attachment == wanted => {
                self.gaps.push(*offset);
                self.end = *offset;
                self.begin.get_or_insert(*offset);
            }
            ToDaemon::Snapshot { attachment, offset, bytes, .. } if *attachment == wanted => {
                self.snapshot.extend_from_slice(bytes);
                self.end = *offset;
                self.begin.get_or_insert(*offset);
            }
            ToDaemon::Ended(ended) if ended.attachment == wanted => return Some(ended.exit.clone()),
            _ => {}
        }
        None
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub(crate) fn errors(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}
