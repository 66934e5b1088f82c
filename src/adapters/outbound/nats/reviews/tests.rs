use serde_json::json;

use super::*;
use crate::adapters::outbound::contract_tests::world::{demo, pull_request};
use crate::application::ports::MockEventPublisher;
use crate::domain::Timestamp;

/// Nobody may be told of anything.
fn reviews() -> Reviews {
    Reviews {
        tombstones: Arc::default(),
        open: Arc::default(),
        finishing: Mutex::default(),
        deleting: Mutex::default(),
        // It panics if it is called.
        events: Arc::new(MockEventPublisher::new()),
        loaded: 0,
    }
}

fn closed(id: PullRequestId) -> serde_json::Value {
    json!({
        "kind": "closed",
        "format": FORMAT,
        "streamer": "ana",
        "project": "demo",
        "id": id.to_string(),
    })
}

fn tell(reviews: &Reviews, payload: &serde_json::Value) {
    reviews.follow(&Logged {
        subject: String::new(),
        sequence: 1,
        at: Timestamp::default(),
        payload: payload.to_string().into(),
    });
}

#[test]
fn what_servers_of_another_age_have_ended_is_not_open_here_though_nobody_is_told() {
    let later = json!({"owner": "bob", "outcome": "something new", "by": "1/1"});
    for ended in [None, Some(later)] {
        let reviews = reviews();
        let open = pull_request(1, 10, &[], &["a"]);
        reviews.open.insert(&open);
        let mut closed = closed(open.id);
        if let Some(ended) = ended {
            closed["ended"] = ended;
        }
        tell(&reviews, &closed);
        assert_eq!(reviews.open.open(&demo(), None), []);
    }
}

#[tokio::test]
async fn a_pull_request_that_was_closed_before_its_opening_was_told_is_not_opened_again() {
    let (reviews, open) = (reviews(), pull_request(1, 10, &[], &["a"]));
    let finishing = reviews.open.begin(demo()).await;
    let nobody = Box::new(|_: &PullRequest| panic!("it is over"));
    lock(&reviews.finishing).insert(open.id, (finishing, nobody));
    tell(&reviews, &closed(open.id));
    assert!(lock(&reviews.finishing).is_empty());
    assert_eq!(reviews.open.open(&demo(), None), []);
}
