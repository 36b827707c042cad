//! Whether an engine is there: noticed within 2 s when it goes, and within 5 s when it comes back.
//!
//! While it is there, an open stream of events tells at once when the connection ends, and pings find an engine that
//! shuts down (Docker keeps that stream open for 5 s more, but takes no new connections) or hangs. While it is away it is pinged with growing, jittered pauses. What happened in between is for
//! the caller to find by listing and inspecting.

use std::time::{Duration, SystemTime};

use futures_util::StreamExt as _;
use tokio::sync::watch;

use crate::version::ApiVersion;
use crate::{Engine, EngineError};

/// The first pause between two pings of an engine that is away.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest: with it and a ping, "within 5 s" holds.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// How often an engine that is there is pinged.
const PING_EVERY: Duration = Duration::from_millis(1500);

/// Whether an engine is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// It answers.
    Available {
        /// Since when. It differs after each absence, however short.
        since: SystemTime,
        /// The API version spoken with it.
        version: ApiVersion,
    },
    /// It does not.
    Unavailable {
        /// Why, in words.
        why: String,
    },
}

impl Engine {
    /// Watches whether the engine is there, until all receivers are gone. The first state is found before this returns.
    pub async fn watch_availability(&self) -> watch::Receiver<Availability> {
        let first = self.look().await;
        let (sender, receiver) = watch::channel(first);
        tokio::spawn(watch_engine(self.clone(), sender));
        receiver
    }

    async fn look(&self) -> Availability {
        match self.wire.ping().await {
            Ok(greeting) => Availability::Available { since: SystemTime::now(), version: greeting.version },
            Err(error) => Availability::Unavailable { why: why(&error) },
        }
    }
}

fn why(error: &EngineError) -> String {
    match error {
        EngineError::Unavailable { tried } => {
            tried.iter().map(|attempt| attempt.why.as_str()).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

async fn watch_engine(engine: Engine, sender: watch::Sender<Availability>) {
    let watching = async {
        loop {
            if matches!(&*sender.borrow(), Availability::Available { .. }) {
                let why = until_lost(&engine).await;
                tracing::info!(engine = %engine.id(), why, "the engine is gone");
                sender.send_replace(Availability::Unavailable { why });
            }
            sender.send_replace(until_back(&engine).await);
            tracing::info!(engine = %engine.id(), "the engine is there");
        }
    };
    tokio::select! {
        () = sender.closed() => {}
        () = watching => {}
    }
}

/// Returns when the engine is lost, with the reason.
async fn until_lost(engine: &Engine) -> String {
    let mut events = match engine.container_events(&[]).await {
        Ok(events) => events,
        Err(error) => return why(&error),
    };
    let ended = async {
        loop {
            match events.next().await {
                None => return "the connection ended".to_owned(),
                Some(Err(error @ EngineError::Unavailable { .. })) => return why(&error),
                Some(Ok(_) | Err(_)) => {}
            }
        }
    };
    let silent = async {
        loop {
            tokio::time::sleep(PING_EVERY).await;
            if let Err(error) = engine.wire.ping().await {
                return why(&error);
            }
        }
    };
    tokio::select! {
        why = ended => why,
        why = silent => why,
    }
}

/// Returns when the engine answers again.
async fn until_back(engine: &Engine) -> Availability {
    let mut pause = FIRST_PAUSE;
    loop {
        tokio::time::sleep(jittered(pause)).await;
        if let available @ Availability::Available { .. } = engine.look().await {
            return available;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Three to four quarters of a pause, so that many clients do not come at once.
fn jittered(pause: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or_default();
    pause * 3 / 4 + (pause / 4).mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_in_their_bounds() {
        for _ in 0..1000 {
            let pause = jittered(Duration::from_secs(4));
            assert!((Duration::from_secs(3)..=Duration::from_secs(4)).contains(&pause), "{pause:?}");
        }
    }
}
