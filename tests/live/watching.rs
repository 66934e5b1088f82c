//! `watch`, `unwatch`, `status` and `publicRead` (sections 3 and 4).

use crate::support::*;
use serde_json::json;

#[tokio::test]
async fn the_status_counts_the_others_and_the_files() {
    let server = Server::alone_with(&["--max-project-bytes", "1000"]);
    let mut client = server.streamer().await;
    client.ok(post("a", "12345")).await;
    client.ok(post("d/b", "")).await;
    let _bob = server.viewer("bob").await;
    let mut anyone = server.connect().await;
    anyone.ok(file("watch", project())).await;
    let expected = json!({
        "streamer": true, "viewers": 2, "files": 2, "bytes": 5, "maxBytes": 1000, "folders": 1,
        "guests": "off", "slow": 0,
        "you": {"name": null, "read": true, "listen": false, "chat": false, "propose": false,
            "stream": false, "apply": false, "moderate": false},
    });
    assert_eq!(anyone.ok(file("status", project())).await, expected);
    let you = client.ok(file("status", project())).await["you"].take();
    let expected = json!({"name": "ana", "read": true, "listen": false, "chat": true,
        "propose": true, "stream": true, "apply": false, "moderate": true});
    assert_eq!(you, expected);
    let missing = file("status", json!({"username": "ana", "project": "none"}));
    anyone.refused(409, missing).await;
}

#[tokio::test]
async fn a_watcher_gets_the_updates_of_projects_that_may_be_made_later() {
    let server = Server::with(&["--max-watches", "2"]);
    let mut anyone = server.connect().await;
    let expected = json!({"code": 200, "type": "fileWatch", "data": "OK", "ref": 1});
    assert_eq!(
        anyone.ask(with_ref(file("watch", project()), 1)).await,
        expected
    );
    anyone.ok(file("watch", project())).await;
    let other = |n: u64| json!({"username": "x", "project": format!("p{n}")});
    anyone.ok(file("watch", other(1))).await;
    let answer = anyone.refused(413, file("watch", other(2))).await;
    assert_eq!(
        answer["message"],
        "the limit maxWatches of 2 would be exceeded"
    );
    let mut client = server.streamer().await;
    anyone.expect("streamerConnected").await;
    client.ok(post("a", "x")).await;
    let expected = json!({"code": 200, "type": "fileGet", "data": {"name": "/a",
        "content": "eA==", "part": 1, "maxPart": 1, "username": "ana", "project": "demo"}});
    assert_eq!(anyone.next().await, expected);
    client.ok(delete("a")).await;
    let expected = json!({"code": 200, "type": "fileDeleted", "data": {"message": "OK",
        "file": "/a", "username": "ana", "project": "demo"}});
    assert_eq!(anyone.next().await, expected);
    assert_eq!(
        anyone.ask(file("unwatch", project())).await["type"],
        "fileUnwatch"
    );
    anyone.ok(file("unwatch", project())).await;
    client.ok(post("b", "x")).await;
    anyone.ok(file("watch", other(2))).await;
    anyone.quiet().await;
    client.quiet().await;
}

#[tokio::test]
async fn a_change_comes_once_whatever_roles_and_watches_one_holds() {
    let server = Server::start();
    let mut client = server.streamer().await;
    let mut both = server.streamer().await;
    both.ok(file("watch", project())).await;
    let section = pull_request_section("ana", "ana", "demo");
    both.ok(pull_request("auth", section)).await;
    client.ok(post("a", "x")).await;
    both.expect("fileGet").await;
    both.ok(file("unwatch", project())).await;
    client.ok(post("a", "y")).await;
    both.expect("fileGet").await;
    both.quiet().await;
}

#[tokio::test]
async fn without_public_reading_a_token_that_names_the_project_is_needed() {
    let server = Server::with(&["--public-read", "false"]);
    let mut client = server.streamer().await;
    client.ok(post("a", "x")).await;
    let reading = || {
        [
            get_all(),
            list_all(),
            file("watch", project()),
            file("status", project()),
        ]
    };
    let mut anyone = server.connect().await;
    let mut outsider = server.connect().await;
    outsider.authenticate(streamer("x", "y")).await;
    let mut bob = server.viewer("bob").await;
    for request in reading() {
        anyone.refused(401, request.clone()).await;
        outsider.refused(401, request.clone()).await;
        bob.ok(request).await;
    }
    anyone
        .refused(401, file("get", json!({"username": ".."})))
        .await;
    client.ok(post("b", "x")).await;
    bob.expect("fileGet").await;
    anyone.quiet().await;
    outsider.quiet().await;
}
