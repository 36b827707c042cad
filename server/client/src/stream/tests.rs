//! Streams against a WebSocket server that plays the daemon.

mod resumption;

use bytes::Bytes;
use futures_util::SinkExt;
use gangplank_protocol::process::ProcessExit;
use gangplank_protocol::stream::CREDIT;
use tokio_tungstenite::accept_async;

use super::*;

type Server = WebSocketStream<UnixStream>;

async fn pair() -> (ProcessStream, Server) {
    let (opened, server) = connection("e").await;
    (ProcessStream::over(opened, 0, Some(0)), server)
}

async fn connection(epoch: &str) -> (Opened, Server) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (client, server) =
        tokio::join!(client_async("ws://localhost/stream/s-1", ours), accept_async(theirs));
    (Opened { socket: client.unwrap().0, epoch: epoch.to_owned() }, server.unwrap())
}

async fn received(server: &mut Server) -> Frame {
    Frame::decode(&server.next().await.unwrap().unwrap().into_data()).unwrap()
}

#[tokio::test]
async fn input_waits_for_credit_and_keeps_its_offsets() {
    let (mut stream, mut server) = pair().await;
    let (writer, marker) = (stream.writer.clone(), stream.writer.clone());
    let total = 3 * usize::try_from(CREDIT).unwrap() + 1;
    let feeding = tokio::spawn(async move {
        writer.input(Bytes::from(vec![7; total])).await.unwrap();
        writer.end_of_input().await.unwrap();
    });
    let reading = tokio::spawn(async move { stream.reader.next().await.map(|frame| (frame, stream.writer)) });
    let (mut got, mut acknowledged) = (0_u64, 0_u64);
    loop {
        match received(&mut server).await {
            Frame::Stdin { offset, bytes } => {
                assert_eq!(offset, got);
                got += bytes.len() as u64;
                assert!(got - acknowledged <= CREDIT, "{got} sent with {acknowledged} taken");
                if got - acknowledged == CREDIT {
                    // nothing is queued beyond the credit: what is sent now comes next
                    marker.send(Frame::Signal("USR1".into())).await.unwrap();
                    assert_eq!(received(&mut server).await, Frame::Signal("USR1".into()));
                    acknowledged = got;
                    server.send(Message::Binary(Frame::Acknowledge { offset: got }.encode())).await.unwrap();
                }
            }
            Frame::EndOfInput => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(got, total as u64);
    feeding.await.unwrap();
    let exited = Frame::Exited(ProcessExit { code: Some(0), reason: None, message: None });
    server.send(Message::Binary(exited.encode())).await.unwrap();
    assert_eq!(reading.await.unwrap().unwrap().0, exited);
}

#[tokio::test]
async fn a_stream_that_ends_before_the_process_is_an_error() {
    let (mut stream, server) = pair().await;
    drop(server);
    assert!(matches!(stream.reader.next().await, Err(ClientError::StreamEnded)));
}

#[tokio::test]
async fn what_is_no_frame_is_an_error() {
    let (mut stream, mut server) = pair().await;
    server.send(Message::Binary(Bytes::from_static(&[0xee]))).await.unwrap();
    assert!(matches!(stream.reader.next().await, Err(ClientError::Frame(_))));
}

#[tokio::test]
async fn dropping_every_writer_closes_the_stream() {
    let (stream, mut server) = pair().await;
    drop(stream.writer);
    assert!(matches!(server.next().await, Some(Ok(Message::Close(_)))));
}
