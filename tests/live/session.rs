//! Tokens that expire during the session, and presence (sections 3 and 4).

use std::time::Duration;

use crate::support::*;
use serde_json::{Value, json};

fn claims(name: &str, exp: u64) -> Value {
    json!({"username": name, "streamername": "ana", "streamname": "demo", "room": "r", "exp": exp})
}

#[tokio::test]
async fn a_token_that_expires_suspends_its_bearer_until_they_show_a_fresh_one() {
    let server = Server::alone();
    let mut bob = server.connect().await;
    let mut client = server.connect().await;
    let all = |token: String| {
        json!({"token": token, "file": file_section("ana", "demo"),
            "chat": chat_section("ana", "r")})
    };
    client
        .authenticate(all(token(claims("ana", now() + 3))))
        .await;
    bob.authenticate(viewer("bob", "ana", "demo")).await;
    let mut carl = server.member("carl", "r").await;
    client.ok(post("before", "x")).await;
    bob.expect("fileGet").await;
    client.send(post_part("half", "1", 1, 2)).await;

    let told = client.next().await;
    assert_eq!(
        (&told["code"], &told["type"]),
        (&json!(401), &json!("badAuthError"))
    );
    assert_eq!(told["ref"], Value::Null);
    client.refused(401, post("after", "x")).await;
    client.refused(401, post_part("half", "2", 2, 2)).await;
    client.refused(401, delete("before")).await;
    client.refused(401, say("hello")).await;
    client.refused(401, creation()).await;
    client
        .refused(401, chat("auth", chat_section("ana", "r")))
        .await;
    assert_eq!(carl.ok(chat("members", json!({}))).await, json!(["carl"]));
    carl.ok(say("they do not hear this")).await;
    let status = bob.ok(file("status", project())).await;
    assert_eq!(
        status["streamer"], true,
        "the streamer still counts as present"
    );
    bob.ok(creation()).await;
    bob.ok(post("fix", "x")).await;
    bob.ok(finish()).await;
    client.quiet().await;

    client
        .authenticate(json!({"token": token(claims("ana", now() + 1_000)),
        "file": file_section("ana", "demo")}))
        .await;
    assert_eq!(client.expect("pullRequestCreated").await["owner"], "bob");
    client.ok(post_part("half", "2", 2, 2)).await;
    assert_eq!(
        unbase64(bob.expect("fileGet").await["content"].as_str().unwrap()),
        b"12"
    );
    client.ok(say("back")).await;
    bob.quiet().await;
}

#[tokio::test]
async fn without_public_reading_an_expired_viewer_gets_no_updates() {
    let server = Server::with(&["--public-read", "false"]);
    let mut client = server.streamer().await;
    let mut bob = server.connect().await;
    let auth = |exp: u64| {
        json!({"token": token(claims("bob", exp)),
            "pullrequest": pull_request_section("bob", "ana", "demo")})
    };
    bob.authenticate(auth(now() + 2)).await;
    bob.expect("badAuthError").await;
    client.ok(post("a", "x")).await;
    bob.refused(401, get_all()).await;
    bob.quiet().await;
    bob.authenticate(auth(now() + 1_000)).await;
    client.ok(post("b", "x")).await;
    assert_eq!(bob.expect("fileGet").await["name"], "/b");
}

#[tokio::test]
async fn presence_is_told_once_when_the_first_comes_and_the_last_goes() {
    let server = Server::start();
    let mut watcher = server.connect().await;
    watcher.ok(file("watch", project())).await;
    let mut first = server.streamer().await;
    let expected = json!({"code": 200, "type": "streamerConnected", "data": project()});
    assert_eq!(watcher.next().await, expected);
    let mut second = server.streamer().await;
    first.send_close().await;
    assert_eq!(first.closed().await, 1_005);
    watcher.quiet().await;
    second.send_close().await;
    let expected = json!({"code": 200, "type": "streamerDisconnected", "data": project()});
    assert_eq!(watcher.next().await, expected);
    let _third = server.streamer().await;
    watcher.expect("streamerConnected").await;
    watcher.quiet().await;
}

#[tokio::test]
async fn files_are_kept_when_the_streamer_goes() {
    let server = Server::start();
    let mut client = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    client.ok(post("a", "x")).await;
    bob.expect("fileGet").await;
    drop(client);
    bob.expect("streamerDisconnected").await;
    assert_eq!(bob.ok(get("a")).await["content"], base64("x"));
}

#[tokio::test]
async fn files_are_deleted_once_the_streamer_stays_away_where_the_operator_wants_that() {
    for grace in ["0", "1"] {
        let server = Server::alone_with(&[
            "--on-streamer-disconnect",
            "delete",
            "--streamer-grace-seconds",
            grace,
        ]);
        let mut client = server.streamer().await;
        let mut other = server.connect().await;
        other.authenticate(streamer("ana", "other")).await;
        other.ok(post("kept", "x")).await;
        let mut bob = server.viewer("bob").await;
        client.send_all([post("a", "x"), post("d/b", "y")]).await;
        client.expect_all("filePost", 2).await;
        bob.expect_all("fileGet", 2).await;
        bob.ok(creation()).await;
        bob.ok(post("fix", "x")).await;
        bob.ok(finish()).await;
        drop(client);
        bob.expect("streamerDisconnected").await;
        let gone = bob.expect_all("fileDeleted", 2).await;
        let mut names: Vec<_> = gone
            .iter()
            .map(|data| data["file"].as_str().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["/a", "/d/b"]);
        bob.quiet().await;
        let listed = bob.ok(list_all()).await;
        assert_eq!(listed["files"], json!([]));
        assert_eq!(
            bob.ok(pull_request("list", json!({}))).await[0]["files"],
            json!(["/fix"])
        );
        assert!(server.base().join("ana/other/kept").exists());
    }
}

#[tokio::test]
async fn a_streamer_who_returns_in_time_keeps_their_files() {
    let server = Server::alone_with(&[
        "--on-streamer-disconnect",
        "delete",
        "--streamer-grace-seconds",
        "1",
    ]);
    let mut client = server.streamer().await;
    client.ok(post("a", "x")).await;
    let mut bob = server.viewer("bob").await;
    drop(client);
    bob.expect("streamerDisconnected").await;
    let _returned = server.streamer().await;
    bob.expect("streamerConnected").await;
    let heard = bob.next_within(Duration::from_millis(1_500)).await;
    assert_eq!(heard, None, "nothing is deleted");
    assert!(server.project().join("a").exists());
}
