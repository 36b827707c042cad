//! An engine that goes, hangs, breaks off and comes back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;

use crate::Engine;
use crate::availability::Availability;
use crate::container::ContainerFilter;
use crate::fake::{Asked, FakeEngine, Reply, json};

/// Events that never come and never end.
fn silent_events(asked: &Asked) -> Reply {
    if asked.line.starts_with("GET /events") {
        Reply::Chunks(Box::pin(futures_util::stream::pending()))
    } else {
        json(json!([]))
    }
}

fn is_available(state: &Availability) -> bool {
    matches!(state, Availability::Available { .. })
}

/// Waits for a state; the deadline only keeps a broken watcher from hanging the tests.
async fn until(
    availability: &mut watch::Receiver<Availability>,
    wanted: impl FnMut(&Availability) -> bool,
) -> Availability {
    let state = tokio::time::timeout(Duration::from_secs(60), availability.wait_for(wanted)).await;
    state.expect("the state must come").unwrap().clone()
}

#[tokio::test]
async fn going_and_coming_back_is_told() {
    let fake = FakeEngine::start("1.51", silent_events);
    let mut availability = fake.connect().await.watch_availability().await;
    let first = availability.borrow_and_update().clone();
    assert!(is_available(&first));
    // Until the watcher listens there is no connection whose end it could see.
    while !fake.asked().iter().any(|asked| asked.line.starts_with("GET /events")) {
        tokio::task::yield_now().await;
    }
    fake.stop();
    until(&mut availability, |state| !is_available(state)).await;
    fake.start_again("1.44");
    let back = until(&mut availability, is_available).await;
    let Availability::Available { version, .. } = back else { unreachable!("waited for") };
    assert_eq!(version.to_string(), "1.44");
    assert_ne!(back, first);
}

#[tokio::test]
async fn events_that_end_are_an_absence_even_if_pings_are_answered() {
    let first_time = AtomicBool::new(true);
    let fake = FakeEngine::start("1.51", move |asked| {
        if first_time.swap(false, Ordering::Relaxed) {
            crate::fake::chunks(&[])
        } else {
            silent_events(asked)
        }
    });
    let mut availability = fake.connect().await.watch_availability().await;
    let first = availability.borrow_and_update().clone();
    until(&mut availability, |state| is_available(state) && *state != first).await;
}

#[tokio::test]
async fn one_that_is_not_there_yet_is_unavailable_at_first() {
    let fake = FakeEngine::start("1.51", silent_events);
    fake.stop();
    let engine = Engine::new(fake.endpoint()).unwrap();
    let mut availability = engine.watch_availability().await;
    assert!(!is_available(&availability.borrow_and_update()));
    fake.start_again("1.51");
    until(&mut availability, is_available).await;
    engine.list_containers(&ContainerFilter::default()).await.unwrap();
}

#[tokio::test]
async fn a_call_whose_connection_breaks_is_unavailable() {
    let fake = FakeEngine::start("1.51", |_| Reply::Drop);
    let engine = fake.connect().await;
    let error = engine.list_containers(&ContainerFilter::default()).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    let error = engine.container_events(&[]).await.err().unwrap();
    assert!(error.is_unavailable(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_ends() {
    let fake = FakeEngine::start("1.51", |_| Reply::Hang);
    let engine = fake.connect().await;
    let error = engine.list_images().await.unwrap_err();
    assert_eq!(error.to_string(), "list the images of the engine: no answer from the engine within 60 s");
}
