//! An engine on another machine, reached as Docker's own client does: `ssh … docker system dial-stdio`.
//!
//! `ssh` itself is used, not a library, because keys, agents, jump hosts and known hosts are the user's own set-up. It
//! gets the client's environment and nothing of ours, and it never asks (`BatchMode`): nobody would see the question.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use super::Connections;

/// Bytes kept of what `ssh` says on standard error.
const COMPLAINT_LIMIT: usize = 1024;

/// The arguments of `ssh`.
pub(crate) fn arguments(
    user: Option<&str>,
    host: &str,
    port: Option<u16>,
    socket: Option<&str>,
) -> Vec<String> {
    let mut arguments: Vec<String> =
        ["-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-T"].map(str::to_owned).into();
    if let Some(user) = user {
        arguments.extend(["-l".to_owned(), user.to_owned()]);
    }
    if let Some(port) = port {
        arguments.extend(["-p".to_owned(), port.to_string()]);
    }
    arguments.extend(["--".to_owned(), host.to_owned(), "docker".to_owned()]);
    if let Some(socket) = socket {
        arguments.extend(["--host".to_owned(), format!("unix://{socket}")]);
    }
    arguments.extend(["system".to_owned(), "dial-stdio".to_owned()]);
    arguments
}

pub(crate) fn open(
    arguments: &[String],
    environment: &BTreeMap<String, String>,
    connections: &Arc<Connections>,
) -> io::Result<SshStream> {
    let mut child = Command::new("ssh")
        .args(arguments)
        .env_clear()
        .envs(environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let missing = || io::Error::other("ssh was started without its pipes");
    let stdin = child.stdin.take().ok_or_else(missing)?;
    let stdout = child.stdout.take().ok_or_else(missing)?;
    connections.complain(String::new());
    let stderr = child.stderr.take().ok_or_else(missing)?;
    connections.listened_to_by(tokio::spawn(listen(stderr, Arc::clone(connections))));
    Ok(SshStream { stdin: Some(stdin), stdout, _child: child })
}

/// Keeps the last of what `ssh` says, for the error that follows.
async fn listen(mut stderr: ChildStderr, connections: Arc<Connections>) {
    let mut words = Vec::new();
    let mut chunk = [0; COMPLAINT_LIMIT];
    while let Ok(count) = stderr.read(&mut chunk).await {
        if count == 0 {
            break;
        }
        words.extend_from_slice(&chunk[..count]);
        let surplus = words.len().saturating_sub(COMPLAINT_LIMIT);
        words.drain(..surplus);
        connections.complain(crate::text::escaped(&String::from_utf8_lossy(&words)));
    }
}

/// The stdio of one `ssh` as a byte stream. Shutting it down closes the program's input, which half-closes the
/// connection at the other end.
pub(crate) struct SshStream {
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    _child: Child,
}

impl AsyncRead for SshStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdout).poll_read(cx, buf)
    }
}

impl AsyncWrite for SshStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.stdin {
            Some(stdin) => Pin::new(stdin).poll_write(cx, bytes),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stdin {
            Some(stdin) => Pin::new(stdin).poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stdin = None;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::arguments;

    #[test]
    fn arguments_are_those_of_dockers_client() {
        assert_eq!(
            arguments(Some("me"), "host", Some(22), Some("/run/x.sock")).join(" "),
            "-o BatchMode=yes -o ConnectTimeout=5 -T -l me -p 22 -- host docker --host unix:///run/x.sock system dial-stdio"
        );
        assert_eq!(
            arguments(None, "host", None, None).join(" "),
            "-o BatchMode=yes -o ConnectTimeout=5 -T -- host docker system dial-stdio"
        );
    }
}
