//! Coming back to a process whose stream was lost: its daemon was killed, restarted or stopped, and an agent hosts the
//! process.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use gangplank_client::{Client, ClientError, Reattached};
use gangplank_protocol::ErrorKind;
use gangplank_protocol::catalogue::ProcessList;
use gangplank_protocol::process::ProcessListParams;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// After how long it is told that the stream is gone: a daemon that is started anew is mostly back by then.
const TOLD_AFTER: Duration = Duration::from_secs(2);

/// How long is waited after the first attempt that fails, and at most between two.
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);

/// A stream that was lost again so soon is looked for with the pauses of before.
const STEADY: Duration = Duration::from_secs(10);

/// How long one attempt may take; starting a daemon and its finding the agent again are in it.
const ATTEMPT: Duration = Duration::from_secs(30);

/// How long a program without a terminal waits in all: nobody sees there that it waits.
const UNSEEN: Duration = Duration::from_secs(5 * 60);

/// After how long a session asks who hosts its process; a short one never does.
const ASKED_AFTER: Duration = Duration::from_millis(300);

/// How a stream was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// The daemon is gone, or the connection to it: one is started.
    Broken,
    /// Somebody stopped the daemon, so none is started: the stream goes on when somebody else has one started.
    Stopped,
}

/// Whether a process outlives its daemon; unknown at first.
#[derive(Debug, Clone)]
pub(super) struct Hosting(Arc<OnceLock<bool>>);

impl Hosting {
    /// What is known, or will be in a moment: once the daemon has stopped nobody can be asked.
    pub(super) fn of(client: &Client, process_id: Option<&str>, known: Option<bool>) -> Hosting {
        let hosting = Hosting(Arc::new(known.map_or_else(OnceLock::new, OnceLock::from)));
        if let (Some(process_id), None) = (process_id, known) {
            tokio::spawn(hosting.clone().ask(client.without_starting(), process_id.to_owned()));
        }
        hosting
    }

    async fn ask(self, client: Client, process_id: String) {
        tokio::time::sleep(ASKED_AFTER).await;
        let Ok(listed) = client.call::<ProcessList>(&ProcessListParams::default()).await else { return };
        if let Some(process) = listed.processes.iter().find(|process| process.process_id == process_id) {
            let _ = self.0.set(process.resumable);
        }
    }

    fn note(&self, resumable: bool) {
        let _ = self.0.set(resumable);
    }

    fn known(&self) -> Option<bool> {
        self.0.get().copied()
    }
}

/// The losses of a session's stream, and the search for its process after each.
#[derive(Debug)]
pub(super) struct Reconnection {
    client: Client,
    process_id: Option<String>,
    hosting: Hosting,
    /// True where a person sees what is told.
    seen: bool,
    search: Option<Search>,
    /// When the last search ended, and the pause that it had come to.
    last: Option<(Instant, Duration)>,
}

#[derive(Debug)]
struct Search {
    loss: Loss,
    /// What the stream ended with.
    error: ClientError,
    since: Instant,
    told: bool,
    task: JoinHandle<(Duration, Result<Reattached, ClientError>)>,
}

impl Drop for Search {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a search comes to.
#[derive(Debug)]
pub(super) enum Found {
    /// The process, to be gone on with.
    Back {
        /// The connection to it.
        reattached: Box<Reattached>,
        /// True when it was told that it was lost.
        told: bool,
    },
    /// It takes long, which is to be told.
    TakesLong(Loss),
    /// There is no way back.
    Lost(ClientError),
}

impl Reconnection {
    pub(super) fn new(
        client: &Client,
        process_id: Option<&str>,
        resumable: Option<bool>,
        seen: bool,
    ) -> Reconnection {
        Reconnection {
            client: client.clone(),
            process_id: process_id.map(str::to_owned),
            hosting: Hosting::of(client, process_id, resumable),
            seen,
            search: None,
            last: None,
        }
    }

    /// True while the process is looked for.
    pub(super) fn is_searching(&self) -> bool {
        self.search.is_some()
    }

    /// Begins to look for the process after its stream ended with `error`, all output before `position` being there.
    ///
    /// # Errors
    /// The same, where there is no process to come back to.
    pub(super) fn begin(&mut self, error: ClientError, position: u64) -> Result<(), ClientError> {
        let loss = match (&error, self.hosting.known()) {
            (ClientError::DaemonStopped, Some(true)) => Loss::Stopped,
            // nobody can be asked any more; a person can leave
            (ClientError::DaemonStopped, None) if self.seen => Loss::Stopped,
            (ClientError::StreamEnded | ClientError::Transport(_), None | Some(true)) => Loss::Broken,
            _ => return Err(error),
        };
        let Some(process_id) = self.process_id.clone() else { return Err(error) };
        let since = Instant::now();
        let pause = match self.last {
            Some((ended, pause)) if ended.elapsed() < STEADY => longer(pause),
            _ => Duration::ZERO,
        };
        let until = (!self.seen).then(|| since + UNSEEN);
        let client = match loss {
            Loss::Broken => self.client.clone(),
            Loss::Stopped => self.client.without_starting(),
        };
        let task = tokio::spawn(search(client, process_id, position, pause, until));
        self.search = Some(Search { loss, error, since, told: false, task });
        Ok(())
    }

    /// What the search comes to; waits for it, for ever where there is none.
    pub(super) async fn found(&mut self) -> Found {
        let Some(search) = self.search.as_mut() else { return std::future::pending().await };
        let (pause, found) = tokio::select! {
            biased;
            ended = &mut search.task => match ended {
                Ok(found) => found,
                Err(_) => (Duration::ZERO, Err(ClientError::StreamEnded)),
            },
            () = tokio::time::sleep_until(search.since + TOLD_AFTER), if !search.told => {
                search.told = true;
                return Found::TakesLong(search.loss);
            }
        };
        let told = search.told;
        self.last = Some((Instant::now(), pause));
        match (found, self.search.take()) {
            (Ok(reattached), _) => {
                self.hosting.note(reattached.process.resumable);
                Found::Back { reattached: Box::new(reattached), told }
            }
            // it ended with its daemon, as is to be expected of what the engine hosts
            (Err(why), Some(mut search)) if is_gone(&why) && self.hosting.known().is_none() => {
                Found::Lost(std::mem::replace(&mut search.error, ClientError::StreamEnded))
            }
            (Err(why), _) => Found::Lost(why),
        }
    }
}

fn longer(pause: Duration) -> Duration {
    (pause * 2).clamp(SHORTEST, LONGEST)
}

async fn search(
    client: Client,
    process_id: String,
    position: u64,
    mut pause: Duration,
    until: Option<Instant>,
) -> (Duration, Result<Reattached, ClientError>) {
    loop {
        tokio::time::sleep(pause).await;
        let attempt = client.reattach(&process_id, position);
        let tried = tokio::time::timeout(ATTEMPT, attempt).await.unwrap_or(Err(ClientError::ConnectionLost));
        let late = until.is_some_and(|until| Instant::now() >= until);
        match tried {
            Err(error) if may_pass(&error) && !late => pause = longer(pause),
            other => return (pause, other),
        }
    }
}

/// True when the next attempt may do better.
fn may_pass(error: &ClientError) -> bool {
    match error {
        ClientError::Rpc(data) => {
            matches!(data.kind, ErrorKind::EngineUnavailable | ErrorKind::Busy | ErrorKind::Timeout)
        }
        ClientError::NotRunning
        | ClientError::DaemonUnavailable { .. }
        | ClientError::ConnectionLost
        | ClientError::Transport(_)
        | ClientError::Timeout { .. }
        | ClientError::StreamEnded
        | ClientError::DaemonStopped
        | ClientError::Lagged => true,
        ClientError::NoPlace
        | ClientError::Record { .. }
        | ClientError::Place(_)
        | ClientError::ProtocolVersion { .. }
        | ClientError::Malformed { .. }
        | ClientError::StreamRefused(_)
        | ClientError::Frame(_) => false,
    }
}

fn is_gone(error: &ClientError) -> bool {
    matches!(error.kind(), Some(ErrorKind::NotResumable | ErrorKind::NotFound))
}
