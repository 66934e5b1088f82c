use std::sync::Mutex;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::Notify;

use super::*;
use crate::adapters::outbound::contract_tests::nats_server::settings;
use crate::adapters::outbound::nats::publish::Outgoing;
use crate::adapters::outbound::nats::setup;
use crate::application::locks::lock;

/// Notes what it is told.
#[derive(Default)]
struct Told {
    all: Mutex<Vec<Option<u64>>>,
    begins_again: Notify,
}

impl Follows for Told {
    fn follow(&self, message: &Logged) {
        lock(&self.all).push(Some(message.sequence));
    }

    fn begin_again(self: Arc<Self>) {
        lock(&self.all).push(None);
        self.begins_again.notify_one();
    }
}

async fn engine() -> Arc<Engine> {
    let connected = setup::connect(&settings(), Arc::default()).await;
    connected.expect("connects")
}

#[tokio::test]
async fn a_gap_in_which_the_log_may_have_forgotten_something_is_told_of_and_no_other() {
    let engine = engine().await;
    let log = engine.subjects.log();
    let (mut start, _) = Start::from_beginning(&engine, log).await.expect("starts");
    let told = Arc::<Told>::default();
    let who = Arc::downgrade(&told);
    let half_an_hour = REMEMBERED.as_secs();
    for (sequence, second) in [
        (4, 0),
        (6, half_an_hour),
        (7, 2 * half_an_hour + 1),
        (9, 3 * half_an_hour + 2),
    ] {
        let message = Logged {
            subject: "s".to_owned(),
            sequence,
            at: Timestamp::from_secs(second),
            payload: Bytes::new(),
        };
        start.tell(&who, &message);
    }
    // Before 4 nothing was known; 6 is early enough; before 7 there is no gap.
    let expected = [Some(4), Some(6), Some(7), None, Some(9)];
    assert_eq!(*lock(&told.all), expected);
}

#[tokio::test]
async fn a_follower_for_whom_nothing_is_left_of_what_it_missed_begins_again() {
    let engine = engine().await;
    let log = engine.subjects.log();
    let subject = engine.subjects.guest_key();
    let payload = json!({}).to_string().into();
    let message = Outgoing {
        subject: subject.clone(),
        payload,
    };
    engine.publish(message, None).await.expect("is kept");
    let purged = engine.purge(&log.name, &subject, None).await;
    purged.expect("is forgotten");
    let (start, position) = Start::from_beginning(&engine, log).await.expect("starts");
    let told = Arc::<Told>::default();
    tokio::spawn(start.follow(Arc::downgrade(&told)));
    told.begins_again.notified().await;
    position.reaches(1).await.expect("is followed");
    assert_eq!(*lock(&told.all), [None]);
}
