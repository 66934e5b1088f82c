use std::sync::Mutex;

use serde_json::json;

use super::*;
use crate::adapters::outbound::contract_tests::nats_server::settings;
use crate::adapters::outbound::nats::publish::Outgoing;
use crate::adapters::outbound::nats::setup;
use crate::application::locks::lock;

/// Notes what it is told.
#[derive(Default)]
struct Told {
    all: Mutex<Vec<Option<u64>>>,
}

impl Follows for Told {
    fn follow(&self, message: &Logged) {
        lock(&self.all).push(Some(message.sequence));
    }

    fn begin_again(self: Arc<Self>) {
        lock(&self.all).push(None);
    }
}

async fn engine() -> Arc<Engine> {
    let connected = setup::connect(&settings(), Arc::default()).await;
    connected.expect("connects")
}

async fn keep_one(engine: &Engine) {
    let message = Outgoing {
        subject: engine.subjects.guest_key(),
        payload: json!({}).to_string().into(),
    };
    engine.publish(message, None).await.expect("is kept");
}

fn ago(time: Duration) -> Timestamp {
    let millis = u64::try_from(time.as_millis()).expect("is short");
    Timestamp::from_millis(SystemClock.now().as_millis() - millis)
}

#[tokio::test]
async fn only_who_has_not_heard_everything_for_half_an_hour_begins_again_and_once() {
    for (missing, expected) in [
        (REMEMBERED / 2, vec![Some(1), Some(2)]),
        (REMEMBERED * 2, vec![None, Some(1), Some(2)]),
    ] {
        let engine = engine().await;
        let log = engine.subjects.log();
        let (mut start, _) = Start::from_beginning(&engine, log).await.expect("starts");
        let told = Arc::<Told>::default();
        let who = Arc::downgrade(&told);
        start.complete_at = ago(missing);
        for sequence in [1, 2] {
            keep_one(&engine).await;
            start.catch_up(&who, sequence).await;
        }
        assert_eq!(*lock(&told.all), expected);
    }
}

#[tokio::test]
async fn a_log_that_says_nothing_new_for_half_an_hour_is_heard_in_full() {
    let engine = engine().await;
    let log = engine.subjects.log();
    let (mut start, _) = Start::from_beginning(&engine, log).await.expect("starts");
    let told = Arc::<Told>::default();
    let who = Arc::downgrade(&told);
    let long_ago = ago(2 * REMEMBERED);
    (start.complete_at, start.looked_at) = (long_ago, long_ago);
    start.compare(&who, 0, SystemClock.now()).await;
    assert_eq!(
        start.complete_at, long_ago,
        "what was kept just now may come"
    );
    start.compare(&who, 0, SystemClock.now()).await;
    assert!(start.complete_at > long_ago);
    assert!(lock(&told.all).is_empty());
}

#[tokio::test]
async fn a_follower_for_whom_nothing_is_left_of_what_it_missed_goes_on() {
    let engine = engine().await;
    let log = engine.subjects.log();
    keep_one(&engine).await;
    let subject = engine.subjects.guest_key();
    let purged = engine.purge(&log.name, &subject, None).await;
    purged.expect("is forgotten");
    let (start, position) = Start::from_beginning(&engine, log).await.expect("starts");
    let told = Arc::<Told>::default();
    tokio::spawn(start.follow(Arc::downgrade(&told)));
    position.reaches(1).await.expect("is followed");
    assert!(lock(&told.all).is_empty());
}
