use serde_json::json;

use super::*;
use crate::adapters::outbound::contract_tests::world::{demo, pull_request};
use crate::application::ports::MockEventPublisher;
use crate::domain::Timestamp;

#[test]
fn what_servers_of_another_age_have_ended_is_not_open_here_though_nobody_is_told() {
    let later = json!({"owner": "bob", "outcome": "something new", "by": "1/1"});
    for ended in [None, Some(later)] {
        let reviews = Reviews {
            tombstones: Arc::default(),
            open: Arc::default(),
            finishing: Mutex::default(),
            deleting: Mutex::default(),
            // It panics if it is called.
            events: Arc::new(MockEventPublisher::new()),
            loaded: 0,
        };
        let open = pull_request(1, 10, &[], &["a"]);
        reviews.open.insert(&open);
        let mut closed = json!({
            "kind": "closed",
            "format": FORMAT,
            "streamer": "ana",
            "project": "demo",
            "id": open.id.to_string(),
        });
        if let Some(ended) = ended {
            closed["ended"] = ended;
        }
        reviews.follow(&Logged {
            subject: String::new(),
            sequence: 1,
            at: Timestamp::default(),
            payload: closed.to_string().into(),
        });
        assert_eq!(reviews.open.open(&demo(), None), []);
    }
}
