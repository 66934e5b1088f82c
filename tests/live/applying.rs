//! `apply`, `accept`, `applied`, and a streamer who is not present (sections 3 and 6).

use crate::support::*;
use serde_json::{Value, json};

/// The data with which ana authenticates, with these members in the section `file`.
fn streaming(members: &Value) -> Value {
    let mut data = streamer("ana", "demo");
    let section = data["file"].as_object_mut().expect("a section");
    section.extend(members.as_object().expect("members").clone());
    data
}

async fn connected(server: &Server, members: Value) -> Client {
    let mut client = server.connect().await;
    client.authenticate(streaming(&members)).await;
    client
}

/// Bob proposes `/new` and the deletion of `/old`; returns the pull request's id.
async fn proposed(server: &Server) -> Value {
    let mut bob = server.viewer("bob").await;
    bob.ok(creation()).await;
    bob.ok(post("new", "new")).await;
    bob.ok(delete("old")).await;
    bob.ok(finish()).await;
    bob.ok(pull_request("list", json!({}))).await[0]["id"].take()
}

#[tokio::test]
async fn a_page_has_the_streamers_command_apply_a_pull_request() {
    let server = Server::start();
    let mut command = connected(&server, json!({"applies": true})).await;
    command.ok(post("old", "x")).await;
    let id = proposed(&server).await;
    command.expect("pullRequestCreated").await;
    let mut page = connected(&server, json!({"present": false})).await;
    page.expect("pullRequestCreated").await;
    let you = page.ok(file("status", project())).await["you"].take();
    assert_eq!(you["apply"], true);
    let question = page
        .ask(pull_request("apply", json!({"id": id, "files": ["new"]})))
        .await;
    let number = question["data"]["request"].clone();
    let expected = json!({"code": 200, "type": "pullRequestApply", "data": {"request": number}});
    assert_eq!(question, expected);
    let asked = json!({"code": 200, "type": "pullRequestApplyAsked",
        "data": {"request": number, "id": id, "files": ["/new"]}});
    assert_eq!(command.next().await, asked);
    // One question at a time.
    let busy = page
        .refused(409, pull_request("apply", json!({"id": id})))
        .await;
    assert_eq!(busy["type"], "failApplyError");
    let request = json!({"request": number});
    let answer = command.ask(pull_request("accept", request)).await;
    assert_eq!(
        answer,
        json!({"code": 200, "type": "pullRequestAccept", "data": "OK"})
    );
    let done = json!({"request": number, "outcome": "applied", "conflicts": ["new"],
        "message": "one conflict"});
    let answer = command.ask(pull_request("applied", done.clone())).await;
    assert_eq!(
        answer,
        json!({"code": 200, "type": "pullRequestApplied", "data": "OK"})
    );
    let ended = json!({"code": 200, "type": "pullRequestApplyEnded", "data": {
        "request": number, "id": id, "outcome": "applied", "conflicts": ["/new"],
        "message": "one conflict"}});
    assert_eq!(page.next().await, ended);
    command.refused(409, pull_request("applied", done)).await;
    let unknown = json!({"id": "7"});
    page.refused(400, pull_request("apply", unknown)).await;
    page.refused(
        400,
        pull_request("apply", json!({"id": id, "files": ["other"]})),
    )
    .await;
}

#[tokio::test]
async fn whoever_leaves_before_the_end_is_missed_by_the_other() {
    let server = Server::start();
    let mut command = connected(&server, json!({"applies": true})).await;
    command.ok(post("old", "x")).await;
    let id = proposed(&server).await;
    command.expect("pullRequestCreated").await;
    let apply = pull_request("apply", json!({"id": id}));
    let mut page = connected(&server, json!({"present": false})).await;
    page.expect("pullRequestCreated").await;
    page.ok(apply.clone()).await;
    command.expect("pullRequestApplyAsked").await;
    drop(page);
    let withdrawn = command.expect("pullRequestApplyWithdrawn").await;
    command
        .refused(409, pull_request("accept", withdrawn))
        .await;
    let mut page = connected(&server, json!({"present": false})).await;
    page.expect("pullRequestCreated").await;
    page.ok(apply.clone()).await;
    command.expect("pullRequestApplyAsked").await;
    drop(command);
    // In either order, where the command was connected to another server.
    let mut told = [page.next().await, page.next().await];
    told.sort_by_key(|message| message["type"].to_string());
    let [failed, gone] = told;
    assert_eq!(failed["type"], "failApplyError");
    assert_eq!((&failed["code"], &failed["data"]["id"]), (&json!(409), &id));
    assert_eq!(gone["type"], "streamerDisconnected");
    let nobody = page.refused(409, apply.clone()).await;
    assert_eq!(nobody["type"], "failApplyError");
    let _command = connected(&server, json!({"applies": true})).await;
    page.expect("streamerConnected").await;
    page.ok(apply).await;
}

#[tokio::test]
async fn a_streamer_who_only_looks_is_not_live() {
    let server = Server::alone();
    let mut watcher = server.connect().await;
    watcher.ok(file("watch", project())).await;
    let mut page = connected(&server, json!({"present": false})).await;
    watcher.quiet().await;
    let status = page.ok(file("status", project())).await;
    assert_eq!(
        (&status["streamer"], &status["viewers"]),
        (&json!(false), &json!(2))
    );
    page.ok(post("a", "x")).await;
    watcher.expect("fileGet").await;
    page.authenticate(streaming(&json!({}))).await;
    watcher.expect("streamerConnected").await;
    page.authenticate(streaming(&json!({"present": false})))
        .await;
    watcher.expect("streamerDisconnected").await;
    for wrong in [json!({"present": 1}), json!({"applies": "yes"})] {
        let mut client = server.connect().await;
        client.refused(400, authenticate(streaming(&wrong))).await;
    }
}

#[tokio::test]
async fn whoever_may_read_listens_to_the_chat_where_that_is_public() {
    let server = Server::alone_with(&["--public-chat", "true"]);
    let mut ana = server.member("ana", "ana/demo").await;
    let mut anyone = server.connect().await;
    let room = json!({"room": "ana/demo"});
    let answer = anyone.ask(chat("listen", room.clone())).await;
    assert_eq!(
        answer,
        json!({"code": 200, "type": "chatListen", "data": "OK"})
    );
    ana.ok(say("hello")).await;
    assert_eq!(anyone.expect("chatMessage").await["message"], "hello");
    let history = anyone.ok(chat("history", json!({}))).await;
    assert_eq!(history[0]["message"], "hello");
    assert_eq!(anyone.ok(chat("members", json!({}))).await, json!(["ana"]));
    anyone.refused(401, say("hi")).await;
    for elsewhere in ["lounge", "ana"] {
        anyone
            .refused(401, chat("listen", json!({"room": elsewhere})))
            .await;
    }
    anyone.ok(chat("leave", json!({}))).await;
    ana.ok(say("gone")).await;
    anyone.quiet().await;
    let closed = Server::alone();
    closed
        .connect()
        .await
        .refused(401, chat("listen", room))
        .await;
}
