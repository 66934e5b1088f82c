//! Pull requests before they are finished (section 6).

use crate::support::*;
use serde_json::{Value, json};

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

#[tokio::test]
async fn a_proposal_says_which_files_are_to_be_executable_and_of_the_others_nothing() {
    let with_bit = |mut request: Value, executable: Value| {
        request["data"]["executable"] = executable;
        request
    };
    let mut server = Server::start();
    let mut ana = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    bob.ok(creation()).await;
    for (name, says) in [
        ("set", json!(true)),
        ("cleared", json!(false)),
        ("unsaid", Value::Null),
        ("said-once", json!(true)),
        ("said-once", Value::Null),
    ] {
        bob.ok(with_bit(post(name, "x"), says)).await;
    }
    bob.ok(finish()).await;
    let id = ana.expect("pullRequestCreated").await["id"].clone();
    server.restart();
    let mut ana = server.streamer().await;
    ana.expect("pullRequestCreated").await;
    let expected = [
        ("/cleared", json!(false)),
        ("/said-once", Value::Null),
        ("/set", json!(true)),
        ("/unsaid", Value::Null),
    ];
    ana.send(pull_request("get", json!({"id": id}))).await;
    for (name, executable) in &expected {
        let data = ana.expect("fileGet").await;
        assert_eq!(
            (&data["name"], &data["executable"]),
            (&json!(name), executable)
        );
    }
    ana.expect("pullRequestGet").await;
    let id = id.as_str().expect("a text");
    let listed = ana
        .ok(file(
            "list",
            json!({"username": "ana", "project": "demo", "name": format!("/{id}/")}),
        ))
        .await;
    for ((name, executable), listed) in expected
        .iter()
        .zip(listed["files"].as_array().expect("a list"))
    {
        assert_eq!(
            (&listed["name"], &listed["executable"]),
            (&json!(name), executable)
        );
    }
}
