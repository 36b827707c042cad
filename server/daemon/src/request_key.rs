//! Mutating calls that may be sent twice: the same key again gives the first answer, whether the first call still runs,
//! succeeded or failed. A key names one attempt; a new attempt takes a new key.
//!
//! Work that changes something runs as a task of its own, because the RPC server drops a handler whose connection
//! closes.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use gangplank_protocol::{ErrorData, ErrorKind, Method};
use serde_json::Value;
use tokio::sync::watch;

/// Answers remembered; the oldest finished one goes first.
const MOST_ANSWERS: usize = 1024;

type Answer = Option<Result<Value, ErrorData>>;

#[derive(Debug)]
struct Remembered {
    order: u64,
    fingerprint: blake3::Hash,
    answer: watch::Receiver<Answer>,
}

/// The keys seen; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct RequestKeys(Arc<Mutex<BTreeMap<(&'static str, String), Remembered>>>);

impl RequestKeys {
    /// Does `work`, or gives the answer of the first call of this method with `key`. `fingerprint` is a hash of the
    /// parameters.
    ///
    /// # Errors
    /// What `work` fails with; `requestKeyConflict` when the key came with other parameters; `internal` when `work`
    /// panics.
    pub async fn once<M: Method>(
        &self,
        key: Option<String>,
        fingerprint: blake3::Hash,
        work: impl Future<Output = Result<M::Result, ErrorData>> + Send + 'static,
    ) -> Result<M::Result, ErrorData> {
        let Some(key) = key else {
            return tokio::spawn(work).await.unwrap_or_else(|failure| Err(defect(&failure)));
        };
        let mut answer = self.answer::<M>(key, fingerprint, work)?;
        let answered = answer.wait_for(Option::is_some).await.map(|answer| answer.clone());
        match answered {
            Ok(Some(Ok(value))) => serde_json::from_value(value).map_err(|e| {
                ErrorData::new(ErrorKind::Internal, "the first answer cannot be told again").caused_by(&e)
            }),
            Ok(Some(Err(error))) => Err(error),
            // The task that answers always does, even when `work` panics.
            Ok(None) | Err(_) => {
                Err(ErrorData::new(ErrorKind::Interrupted, "the first call ended without an answer"))
            }
        }
    }

    fn answer<M: Method>(
        &self,
        key: String,
        fingerprint: blake3::Hash,
        work: impl Future<Output = Result<M::Result, ErrorData>> + Send + 'static,
    ) -> Result<watch::Receiver<Answer>, ErrorData> {
        // Inserts and removals of whole entries: a panic in between leaves a valid map.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = all.get(&(M::NAME, key.clone())) {
            if first.fingerprint != fingerprint {
                return Err(ErrorData::new(
                    ErrorKind::RequestKeyConflict,
                    format!("the request key {key:?} was used for {} with other parameters", M::NAME),
                )
                .hint("take a new key for every new request"));
            }
            return Ok(first.answer.clone());
        }
        if all.len() >= MOST_ANSWERS {
            let oldest = all
                .iter()
                .filter(|(_, remembered)| remembered.answer.borrow().is_some())
                .min_by_key(|(_, remembered)| remembered.order)
                .map(|(name, _)| name.clone());
            match oldest {
                Some(name) => drop(all.remove(&name)),
                None => return Err(ErrorData::new(ErrorKind::Busy, "too many keyed requests are running")),
            }
        }
        let (sender, answer) = watch::channel(None);
        let order = all.values().map(|remembered| remembered.order + 1).max().unwrap_or(0);
        all.insert((M::NAME, key), Remembered { order, fingerprint, answer: answer.clone() });
        drop(all);
        tokio::spawn(async move {
            let outcome = tokio::spawn(work).await.unwrap_or_else(|failure| Err(defect(&failure)));
            let outcome = outcome.and_then(|result| {
                serde_json::to_value(result).map_err(|e| {
                    ErrorData::new(ErrorKind::Internal, "the answer cannot be told").caused_by(&e)
                })
            });
            // Nobody may be waiting any more; the answer stays for a later call.
            sender.send_replace(Some(outcome));
        });
        Ok(answer)
    }
}

fn defect(failure: &tokio::task::JoinError) -> ErrorData {
    tracing::error!(error = %failure, "a defect ended a request");
    ErrorData::new(ErrorKind::Internal, "a defect ended the request")
        .caused_by(failure)
        .hint("please report it with the daemon's log (`gangplank daemon logs`)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use gangplank_protocol::catalogue::DaemonShutdown;
    use gangplank_protocol::daemon::Empty;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn the_same_key_does_the_work_once_and_other_parameters_are_refused() {
        let keys = RequestKeys::default();
        let count = Arc::new(AtomicU32::new(0));
        let work = |fail: bool| {
            let count = Arc::clone(&count);
            async move {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                if fail { Err(ErrorData::new(ErrorKind::Conflict, "no")) } else { Ok(Empty {}) }
            }
        };
        let hash = blake3::hash(b"parameters");
        let call = |fail| keys.once::<DaemonShutdown>(Some("key".into()), hash, work(fail));
        let (first, second) = tokio::join!(call(true), call(false));
        assert_eq!(first.unwrap_err().kind, ErrorKind::Conflict);
        assert_eq!(second.unwrap_err().kind, ErrorKind::Conflict);
        assert_eq!(count.load(Ordering::SeqCst), 1);

        let other =
            keys.once::<DaemonShutdown>(Some("key".into()), blake3::hash(b"others"), work(false)).await;
        assert_eq!(other.unwrap_err().kind, ErrorKind::RequestKeyConflict);
        keys.once::<DaemonShutdown>(None, hash, work(false)).await.unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        let keys = RequestKeys::default();
        let work = async { panic!("seen only in this test's output") };
        let answer = keys.once::<DaemonShutdown>(Some("key".into()), blake3::hash(b""), work).await;
        assert_eq!(answer.unwrap_err().kind, ErrorKind::Internal);
    }
}
