//! The end within 2 s also when whatever would end the daemon in order is held up: a thread and an event loop of their
//! own, since the others may all be waiting for something that does not answer.

use std::io;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long after it was told to stop the process ends at the latest.
const HARD: Duration = Duration::from_secs(2);
/// The exit code then: it was no end in order.
const EXIT_CODE: i32 = 1;

/// Ends the process [`HARD`] after a signal to stop, or after `stop`, unless the value returned is dropped before.
///
/// # Errors
/// Where the signals, an event loop or a thread are not to be had.
pub(super) fn watch(stop: CancellationToken) -> io::Result<DropGuard> {
    let ended = CancellationToken::new();
    let guard = ended.clone().drop_guard();
    let events = Builder::new_current_thread().enable_all().build()?;
    let context = events.enter();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    drop(context);
    std::thread::Builder::new().name("deadline".into()).spawn(move || {
        events.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                () = stop.cancelled() => {}
                () = ended.cancelled() => return,
            }
            if tokio::time::timeout(HARD, ended.cancelled()).await.is_err() {
                // What is left behind is what a violent end leaves behind: the next daemon takes it over.
                std::process::exit(EXIT_CODE);
            }
        });
    })?;
    Ok(guard)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    /// Set for the process that the test starts: this same program, with this same test.
    const CHILD: &str = "GANGPLANK_TEST_DEADLINE";

    #[test]
    fn sigterm_ends_a_process_whose_workers_are_all_held_up() {
        if std::env::var_os(CHILD).is_some() {
            return hold_everything_up();
        }
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("serve::deadline::tests::sigterm_ends_a_process_whose_workers_are_all_held_up")
            .env(CHILD, "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("held up")), "it did not come so far");
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        // Without a deadline it never ends, and neither does the test.
        assert_eq!(child.wait().unwrap().code(), Some(EXIT_CODE));
    }

    fn hold_everything_up() {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut terminate = signal(SignalKind::terminate()).unwrap();
            let _deadline = watch(CancellationToken::new()).unwrap();
            tokio::spawn(async {
                println!("held up");
                loop {
                    std::thread::park();
                }
            });
            // Whoever waits for events is held up with the worker that would have told it.
            std::thread::park();
            terminate.recv().await;
        });
    }
}
