//! `daemon {status,stop,logs}`: none of them starts one.

use std::io::SeekFrom;
use std::time::Duration;

use gangplank_client::{ClientError, locate};
use gangplank_protocol::catalogue::{DaemonShutdown, DaemonStatusMethod};
use gangplank_protocol::daemon::{DaemonStatus, Empty};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::{DONE, Outcome};
use crate::args::daemon::DaemonVerb;
use crate::context::Context;
use crate::exit;
use crate::failure::Failure;
use crate::render::{escape, human};

/// How long a daemon may take to end: it promises 2 s.
const ENDING: Duration = Duration::from_secs(5);

pub(super) async fn run(context: &Context, verb: &DaemonVerb) -> Outcome {
    match verb {
        DaemonVerb::Status => status(context).await,
        DaemonVerb::Stop => stop(context).await,
        DaemonVerb::Logs { follow, tail } => logs(context, *follow, *tail).await,
    }
}

async fn status(context: &Context) -> Outcome {
    let client = match context.running_client().await {
        Err(Failure::Client(ClientError::NotRunning)) => {
            context.screen.note("no daemon is running; the next command that needs one starts it");
            return Ok(exit::NOT_FOUND);
        }
        other => other?,
    };
    let status = client.call::<DaemonStatusMethod>(&Empty {}).await?;
    context.screen.value(context.format(), &status, |status| status_text(status, human::now()))?;
    DONE
}

fn status_text(status: &DaemonStatus, now: u64) -> String {
    let activity = status.activity;
    let idle = match status.idle_timeout_seconds {
        0 => "never by itself".to_owned(),
        seconds => format!("after {} without anything running", human::duration(seconds * 1000)),
    };
    let mut rows = vec![
        ("daemon", format!("{} {}, process {}", status.daemon.name, status.daemon.version, status.pid)),
        ("started", human::ago(status.started_at, now)),
        ("socket", status.socket.clone()),
        ("log", status.log_path.clone()),
        (
            "activity",
            format!(
                "{} connections, {} operations, {} processes, {} streams, {} watches",
                activity.connections,
                activity.operations,
                activity.processes,
                activity.streams,
                activity.watches
            ),
        ),
        ("ends", idle),
    ];
    if let Some(tcp) = &status.tcp {
        rows.push(("tcp", tcp.clone()));
    }
    for engine in &status.engines {
        let state = match (&engine.reason, engine.available) {
            (_, true) => "answers".to_owned(),
            (Some(reason), false) => format!("does not answer: {reason}"),
            (None, false) => "does not answer".to_owned(),
        };
        rows.push(("engine", format!("{}, {state}", engine.engine)));
    }
    rows.extend(status.counters.iter().map(|(name, count)| ("counted", format!("{name} {count}"))));
    rows.iter().map(|(name, value)| format!("{name:10} {}\n", escape::line(value))).collect()
}

async fn stop(context: &Context) -> Outcome {
    let place = context.place()?;
    let Some(record) = locate::record(&place)? else {
        context.screen.note("no daemon is running");
        return DONE;
    };
    match context.running_client().await {
        Err(Failure::Client(ClientError::NotRunning)) => {
            context.screen.note("no daemon is running");
            return DONE;
        }
        // one that speaks another protocol still understands signals
        Err(Failure::Client(ClientError::ProtocolVersion { .. })) => terminate(record.pid)?,
        Err(failure) => return Err(failure),
        Ok(client) => match client.call::<DaemonShutdown>(&Empty {}).await {
            // one that ends may do so before its answer is read; whether it does shows below
            Ok(_) | Err(ClientError::ConnectionLost | ClientError::Transport(_)) => {}
            Err(error) => return Err(error.into()),
        },
    }
    let gone = async {
        while !matches!(locate::connect(&record).await, Ok(None)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    match tokio::time::timeout(ENDING, gone).await {
        Ok(()) => {}
        Err(_) => {
            context.screen.note(&format!(
                "process {} has not ended after {} s",
                record.pid,
                ENDING.as_secs()
            ));
            return Ok(exit::TIMEOUT);
        }
    }
    context.screen.note("the daemon has ended; containers go on");
    DONE
}

/// Asks the process whose socket answered just now to end.
fn terminate(pid: u32) -> Result<(), Failure> {
    let what = || Failure::io(format!("end process {pid}"));
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .ok_or_else(|| std::io::Error::other("this is no process id"))
        .map_err(what())?;
    rustix::process::kill_process(pid, rustix::process::Signal::TERM)
        .map_err(std::io::Error::from)
        .map_err(what())
}

async fn logs(context: &Context, follow: bool, tail: Option<usize>) -> Outcome {
    let path = context.place()?.log();
    let unreadable = || Failure::io(format!("read the daemon's log {}", path.display()));
    let mut log = tokio::fs::File::open(&path).await.map_err(unreadable())?;
    let mut content = Vec::new();
    log.read_to_end(&mut content).await.map_err(unreadable())?;
    print(context, last_lines(&content, tail))?;
    if !follow {
        return DONE;
    }
    let mut read = content.len() as u64;
    loop {
        // looked at now and then: a log is read by people, and a rotated one is only seen by its name
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(200)) => {}
            interrupted = tokio::signal::ctrl_c() => {
                interrupted.map_err(Failure::io("listen for signals"))?;
                return Ok(exit::INTERRUPTED);
            }
        }
        let Ok(mut log) = tokio::fs::File::open(&path).await else { continue };
        let length = log.metadata().await.map_err(unreadable())?.len();
        if length < read {
            read = 0;
        }
        log.seek(SeekFrom::Start(read)).await.map_err(unreadable())?;
        let mut more = Vec::new();
        read += log.read_to_end(&mut more).await.map_err(unreadable())? as u64;
        print(context, &more)?;
    }
}

fn print(context: &Context, bytes: &[u8]) -> Result<(), Failure> {
    context.screen.answer(&escape::output(&String::from_utf8_lossy(bytes), false))
}

fn last_lines(content: &[u8], count: Option<usize>) -> &[u8] {
    let Some(count) = count else { return content };
    let body = content.strip_suffix(b"\n").unwrap_or(content);
    let ends = body.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
    match count {
        0 => &[],
        count => ends.map(|(index, _)| index).nth(count - 1).map_or(content, |index| &content[index + 1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_counted_from_the_end() {
        let log = b"a\nb\nc\n";
        assert_eq!(last_lines(log, Some(2)), b"b\nc\n");
        assert_eq!(last_lines(log, Some(9)), log);
        assert_eq!(last_lines(log, Some(0)), b"");
        assert_eq!(last_lines(b"a\nb", Some(1)), b"b");
        assert_eq!(last_lines(log, None), log);
    }
}
