//! Pull requests before they are finished (section 6).

use crate::support::*;
use serde_json::json;

#[tokio::test]
async fn a_draft_that_cannot_be_finished_stays() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    ana.ok(post("there", "x")).await;
    let mut bob = server.viewer("bob").await;
    bob.refused(400, finish()).await;
    bob.ok(creation()).await;
    bob.refused(400, finish()).await;
    bob.ok(delete("there")).await;
    bob.ok(post("there", "again")).await;
    bob.send(post_part("half", "1", 1, 2)).await;
    let answer = bob.refused(400, finish()).await;
    assert!(
        answer["message"]
            .as_str()
            .expect("a message")
            .contains("half"),
        "{answer}"
    );
    bob.ok(post_part("half", "2", 2, 2)).await;
    bob.ok(finish()).await;
    bob.refused(400, finish()).await;
    bob.refused(401, post("late", "x")).await;
    let created = ana.expect("pullRequestCreated").await;
    assert_eq!(
        (&created["files"], &created["deleted"]),
        (&json!(["/half", "/there"]), &json!([]))
    );
}

#[tokio::test]
async fn another_creation_or_the_end_of_the_connection_discards_the_draft() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    bob.ok(creation()).await;
    bob.ok(post("first", "x")).await;
    bob.ok(creation()).await;
    bob.refused(400, finish()).await;
    bob.ok(post("second", "x")).await;
    drop(bob);
    let mut bob = server.viewer("bob").await;
    bob.refused(400, finish()).await;
    bob.refused(401, post("third", "x")).await;
    ana.quiet().await;
}
