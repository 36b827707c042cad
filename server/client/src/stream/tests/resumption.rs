//! Streams whose connection is lost: nothing typed and nothing printed is lost or comes twice.

use gangplank_protocol::engine::EngineId;
use gangplank_protocol::stream::MAX_PAYLOAD;
use proptest::prelude::*;
use tokio::sync::{mpsc, oneshot};

use super::*;

fn process() -> Process {
    Process {
        process_id: "p-1".into(),
        engine: EngineId("unix:///e".into()),
        container_id: "c".into(),
        argv: vec!["sh".into()],
        tty: true,
        started_at: 0,
        clients: 1,
        client_pid: None,
        output_bytes: 0,
        resumable: true,
        name: None,
        title: None,
        cwd: None,
        foreground: None,
        commands: Vec::new(),
        exit: None,
    }
}

fn reattached(opened: Opened, input_bytes: Option<u64>) -> Reattached {
    Reattached { process: process(), input_bytes, opened }
}

async fn say(server: &mut Server, frame: Frame) {
    server.send(Message::Binary(frame.encode())).await.unwrap();
}

/// What one connection lives through before it is cut.
#[derive(Debug, Clone)]
struct Life {
    /// Each reads a frame, prints so many bytes, or gives the process so many of the bytes that the daemon holds.
    steps: Vec<(u8, usize)>,
    /// Whether the daemon ends with it, and what it holds for the process with that.
    daemon_dies: bool,
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    let steps = prop::collection::vec((0_u8..3, 1_usize..100_000), 0..24);
    let life = (steps, any::<bool>()).prop_map(|(steps, daemon_dies)| Life { steps, daemon_dies });
    prop::collection::vec(life, 0..6)
}

/// A client that lost its connection: the byte it goes on at, and where the new connection goes.
type Wanted = (u64, oneshot::Sender<Reattached>);

/// The process and the daemon before it.
struct Fake {
    output: Vec<u8>,
    /// What the process has read.
    read: Vec<u8>,
    /// What the daemon has acknowledged and the process has not read.
    held: Vec<u8>,
    ended: bool,
    epoch: u32,
}

impl Fake {
    /// Takes a frame if one comes.
    async fn take(&mut self, server: &mut Server, received: &mut u64) {
        let patience = async {
            for _ in 0..64 {
                tokio::task::yield_now().await;
            }
        };
        let message = tokio::select! {
            biased;
            message = server.next() => message.unwrap().unwrap(),
            () = patience => return,
        };
        match Frame::decode(&message.into_data()).unwrap() {
            Frame::Stdin { offset, bytes } => {
                assert_eq!(offset, *received, "offsets begin at 0 on every connection");
                assert!(!self.ended && bytes.len() <= MAX_PAYLOAD);
                *received += bytes.len() as u64;
                self.held.extend(&bytes);
                let surplus = self.held.len().saturating_sub(usize::try_from(CREDIT).unwrap());
                self.read.extend(self.held.drain(..surplus));
                say(server, Frame::Acknowledge { offset: *received }).await;
            }
            Frame::EndOfInput => self.ended = true,
            Frame::Acknowledge { .. } => {}
            other => panic!("{other:?}"),
        }
    }

    async fn print(&self, server: &mut Server, position: &mut usize, length: usize) {
        let end = (*position + length.min(MAX_PAYLOAD)).min(self.output.len());
        if end > *position {
            let bytes = Bytes::copy_from_slice(&self.output[*position..end]);
            say(server, Frame::Stdout { offset: *position as u64, bytes }).await;
            *position = end;
        }
    }

    async fn live(mut self, server: Server, lives: Vec<Life>, mut wanted: mpsc::Receiver<Wanted>) -> Fake {
        let (mut server, mut position) = (server, 0);
        for life in lives {
            let mut received = 0;
            for (step, amount) in life.steps {
                match step {
                    0 => self.take(&mut server, &mut received).await,
                    1 => self.print(&mut server, &mut position, amount).await,
                    _ => self.read.extend(self.held.drain(..amount.min(self.held.len()))),
                }
            }
            drop(server);
            self.ended = false;
            let (from, answer) = wanted.recv().await.unwrap();
            let taken = self.read.len() as u64;
            if life.daemon_dies {
                self.held.clear();
                self.epoch += 1;
            } else {
                self.read.append(&mut self.held);
            }
            let (opened, next) = connection(&self.epoch.to_string()).await;
            answer.send(reattached(opened, Some(taken))).unwrap();
            (server, position) = (next, usize::try_from(from).unwrap());
        }
        let mut received = 0;
        while !self.ended || position < self.output.len() {
            self.take(&mut server, &mut received).await;
            self.print(&mut server, &mut position, MAX_PAYLOAD).await;
        }
        self.read.append(&mut self.held);
        say(&mut server, Frame::Exited(ProcessExit::default())).await;
        // read on: what the client still sends is no error
        while server.next().await.is_some_and(|message| message.is_ok()) {}
        self
    }
}

fn numbered(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect()
}

/// Runs a client through such lives; gives what its process read and what was printed for it.
async fn run(input: Vec<u8>, chunk: usize, output: Vec<u8>, lives: Vec<Life>) -> (Vec<u8>, Vec<u8>) {
    let (opened, server) = connection("0").await;
    let ProcessStream { mut reader, writer } = ProcessStream::over(opened, 0, Some(0));
    let (want, wanted) = mpsc::channel::<Wanted>(1);
    let fake = Fake { output, read: Vec::new(), held: Vec::new(), ended: false, epoch: 0 };
    let fake = tokio::spawn(fake.live(server, lives, wanted));
    let typing = writer.clone();
    let typing = tokio::spawn(async move {
        for piece in input.chunks(chunk) {
            typing.input(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        typing.end_of_input().await.unwrap();
    });
    let mut printed = Vec::new();
    loop {
        match reader.next().await {
            Ok(Frame::Stdout { offset, bytes }) => {
                assert_eq!(offset, printed.len() as u64);
                printed.extend(&bytes);
                let _ = writer.acknowledge(printed.len() as u64).await;
            }
            Ok(Frame::Exited(_)) => break,
            Ok(other) => panic!("{other:?}"),
            Err(ClientError::StreamEnded) => {
                let (answer, reattached) = oneshot::channel();
                want.send((reader.position(), answer)).await.unwrap();
                reader.resume(reattached.await.unwrap());
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    typing.await.unwrap();
    drop((reader, writer));
    (fake.await.unwrap().read, printed)
}

proptest! {
    #[test]
    fn whatever_is_cut_every_byte_arrives_once_and_in_order(
        typed in 0_usize..900_000,
        chunk in 1_usize..90_000,
        printed in 0_usize..600_000,
        lives in lives(),
    ) {
        let chunk = chunk.max(typed / 2000 + 1);
        let (input, output) = (numbered(typed), numbered(printed));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (read, shown) = runtime.block_on(run(input.clone(), chunk, output.clone(), lives));
        prop_assert!(read == input, "read {} of {}", read.len(), input.len());
        prop_assert!(shown == output, "shown {} of {}", shown.len(), output.len());
    }
}

#[tokio::test]
async fn what_is_typed_without_a_connection_goes_over_the_next() {
    let (mut stream, server) = pair().await;
    drop(server);
    assert!(matches!(stream.reader.next().await, Err(ClientError::StreamEnded)));
    stream.writer.input(Bytes::from_static(b"ls\n")).await.unwrap();
    let (opened, mut server) = connection("later").await;
    stream.reader.resume(reattached(opened, Some(0)));
    assert_eq!(received(&mut server).await, Frame::Stdin { offset: 0, bytes: Bytes::from_static(b"ls\n") });
    stream.writer.send(Frame::Signal("INT".into())).await.unwrap();
    assert_eq!(received(&mut server).await, Frame::Signal("INT".into()));
}

/// Sends `abc` to a process that has read `before` bytes and, after the connection is lost, `after`; gives what goes again
/// together with an `x` typed then.
async fn again(before: Option<u64>, after: Option<u64>) -> Bytes {
    let (opened, mut server) = connection("e").await;
    let mut stream = ProcessStream::over(opened, 0, before);
    stream.writer.input(Bytes::from_static(b"abc")).await.unwrap();
    received(&mut server).await;
    drop(server);
    assert!(stream.reader.next().await.is_err());
    stream.writer.input(Bytes::from_static(b"x")).await.unwrap();
    let (opened, mut server) = connection("f").await;
    stream.reader.resume(reattached(opened, after));
    match received(&mut server).await {
        Frame::Stdin { offset: 0, bytes } => bytes,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_the_process_has_does_not_go_again_and_nothing_sent_does_when_others_typed() {
    for (before, after, sent) in [
        (Some(0), Some(0), "abcx"),
        (Some(0), Some(2), "cx"),
        (Some(7), Some(8), "bcx"),
        (Some(0), Some(3), "x"),
        // more than was ever sent from here, less than there was, or not counted
        (Some(0), Some(4), "x"),
        (Some(7), Some(6), "x"),
        (Some(7), None, "x"),
        (None, Some(9), "x"),
    ] {
        assert_eq!(again(before, after).await, sent.as_bytes(), "{before:?} {after:?}");
    }
}

#[tokio::test]
async fn output_that_came_before_is_not_given_again() {
    let (opened, mut server) = connection("e").await;
    let mut stream = ProcessStream::over(opened, 10, Some(0));
    say(&mut server, Frame::Stdout { offset: 10, bytes: Bytes::from_static(b"abc") }).await;
    assert!(matches!(stream.reader.next().await, Ok(Frame::Stdout { offset: 10, .. })));
    for (offset, bytes) in [(10, &b"abc"[..]), (11, b"bcde"), (15, b"f")] {
        say(&mut server, Frame::Stdout { offset, bytes: Bytes::from_static(bytes) }).await;
    }
    assert_eq!(
        stream.reader.next().await.unwrap(),
        Frame::Stdout { offset: 13, bytes: Bytes::from_static(b"de") }
    );
    assert_eq!(
        stream.reader.next().await.unwrap(),
        Frame::Stdout { offset: 15, bytes: Bytes::from_static(b"f") }
    );
}

#[tokio::test]
async fn a_screen_that_was_cut_comes_whole_again() {
    let (opened, mut server) = connection("e").await;
    let mut stream = ProcessStream::over(opened, 5, Some(0));
    say(&mut server, Frame::Snapshot { offset: 100, bytes: Bytes::from_static(b"half") }).await;
    drop(server);
    assert!(stream.reader.next().await.is_ok() && stream.reader.next().await.is_err());
    assert_eq!(stream.reader.position(), 5);
    let (opened, mut server) = connection("f").await;
    stream.reader.resume(reattached(opened, Some(0)));
    say(&mut server, Frame::Snapshot { offset: 120, bytes: Bytes::from_static(b"whole") }).await;
    say(&mut server, Frame::Stdout { offset: 120, bytes: Bytes::from_static(b"x") }).await;
    assert!(matches!(stream.reader.next().await, Ok(Frame::Snapshot { offset: 120, .. })));
    assert!(matches!(stream.reader.next().await, Ok(Frame::Stdout { offset: 120, .. })));
    assert_eq!(stream.reader.position(), 121);
}

#[tokio::test]
async fn a_daemon_that_stops_says_so() {
    let (mut stream, mut server) = pair().await;
    let close = tokio_tungstenite::tungstenite::protocol::CloseFrame {
        code: CloseCode::Away,
        reason: "the daemon stops".into(),
    };
    server.close(Some(close)).await.unwrap();
    assert!(matches!(stream.reader.next().await, Err(ClientError::DaemonStopped)));
}

#[tokio::test]
async fn input_ends_for_good_when_the_reader_is_gone() {
    let (stream, _server) = pair().await;
    let writer = stream.writer.clone();
    drop(stream.reader);
    let much = Bytes::from(vec![0; usize::try_from(CREDIT).unwrap() + 1]);
    assert!(matches!(writer.input(much).await, Err(ClientError::StreamEnded)));
}
