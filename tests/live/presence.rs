//! What a `watch` may say, `focus`, and lists without hashes (section 4).

use crate::support::*;
use serde_json::{Value, json};

/// A watch of `ana/demo` with these additional members.
fn watch(members: Value) -> Value {
    file("watch", with(project(), members))
}

/// `data` with the members of `more`.
fn with(mut data: Value, more: Value) -> Value {
    let (Value::Object(data_members), Value::Object(more)) = (&mut data, more) else {
        panic!("two objects");
    };
    data_members.extend(more);
    data
}

/// Waits until the client is told that the project has this many viewers.
async fn told_of(client: &mut Client, viewers: u64) {
    while client.expect("viewersChanged").await["viewers"] != viewers {}
}

#[tokio::test]
async fn a_list_without_hashes_is_the_same_but_for_them() {
    let server = Server::start();
    let mut client = server.streamer().await;
    client.ok(post("a", "x")).await;
    client.ok(post("d/b", "yy")).await;
    let mut anyone = server.connect().await;
    let full = anyone.ok(list_all()).await;
    let mut expected = full.clone();
    for entry in expected["files"].as_array_mut().expect("a list") {
        let removed = entry.as_object_mut().expect("an entry").remove("sha256");
        assert!(removed.is_some());
    }
    let brief = file("list", with(project(), json!({"hashes": false})));
    assert_eq!(anyone.ok(brief).await, expected);
    let same = file("list", with(project(), json!({"hashes": true})));
    assert_eq!(anyone.ok(same).await, full);
    let wrong = file("list", with(project(), json!({"hashes": "no"})));
    anyone.refused(400, wrong).await;
}

#[tokio::test]
async fn a_watch_leaves_contents_out_and_a_later_one_brings_them_back() {
    let server = Server::alone();
    let mut client = server.streamer().await;
    let mut anyone = server.connect().await;
    anyone.ok(watch(json!({"content": ["a"]}))).await;
    for name in ["a", "b"] {
        client.ok(post(name, "xyz")).await;
    }
    let push = anyone.next().await;
    assert_eq!(
        (&push["type"], &push["data"]["name"]),
        (&json!("fileGet"), &json!("/a"))
    );
    let mut push = anyone.next().await;
    let modified = push["data"]["modified"].take();
    assert!(modified.as_u64().expect("a time") > 1_600_000_000_000);
    let expected = json!({"code": 200, "type": "fileChanged", "data": {
        "name": "/b", "size": 3, "modified": null, "username": "ana", "project": "demo"}});
    assert_eq!(push, expected);
    client.ok(delete("b")).await;
    assert_eq!(anyone.next().await["type"], "fileDeleted");
    anyone.ok(watch(json!({"content": false}))).await;
    let executable = with(
        json!({"name": "a", "content": "eA=="}),
        json!({"executable": true}),
    );
    client.ok(file("post", executable)).await;
    assert_eq!(anyone.expect("fileChanged").await["executable"], true);
    anyone.ok(watch(json!({}))).await;
    client.ok(post("a", "zz")).await;
    assert_eq!(anyone.expect("fileGet").await["content"], "eno=");
    for wrong in [
        json!("a"),
        json!(["a/"]),
        json!(["/"]),
        json!([1]),
        json!(vec!["a"; 257]),
    ] {
        anyone.refused(400, watch(json!({"content": wrong}))).await;
    }
    client.ok(post("a", "z")).await;
    anyone.expect("fileGet").await;
    anyone.quiet().await;
}

#[tokio::test]
async fn a_watch_narrows_what_a_role_brings_and_unwatch_ends_that() {
    let server = Server::start();
    let mut client = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    bob.ok(watch(json!({"content": false}))).await;
    client.ok(post("a", "x")).await;
    bob.expect("fileChanged").await;
    bob.ok(file("unwatch", project())).await;
    client.ok(post("a", "y")).await;
    bob.expect("fileGet").await;
    bob.quiet().await;
}

#[tokio::test]
async fn whoever_asks_is_told_how_many_view_and_where_the_streamer_is_looking() {
    let server = Server::alone();
    let mut client = server.streamer().await;
    let mut anyone = server.connect().await;
    let mut silent = server.connect().await;
    silent.ok(watch(json!({}))).await;
    anyone.ok(watch(json!({"presence": true}))).await;
    let expected = json!({"code": 200, "type": "viewersChanged",
        "data": {"username": "ana", "project": "demo", "viewers": 2}});
    assert_eq!(anyone.next().await, expected);
    let third = server.viewer("bob").await;
    told_of(&mut anyone, 3).await;
    drop(third);
    told_of(&mut anyone, 2).await;
    let answer = client
        .ask(file("focus", json!({"name": "src//a.rs", "line": 12})))
        .await;
    assert_eq!(
        answer,
        json!({"code": 200, "type": "fileFocus", "data": "OK"})
    );
    let expected = json!({"code": 200, "type": "focusChanged", "data": {
        "username": "ana", "project": "demo", "name": "/src/a.rs", "line": 12}});
    assert_eq!(anyone.next().await, expected);
    client.ok(file("focus", json!({"name": "new"}))).await;
    let push = anyone.expect("focusChanged").await;
    assert_eq!(push["name"], "/new");
    assert_eq!(push.get("line"), None);
    for wrong in [
        json!({"name": "/"}),
        json!({"name": "a", "line": 0}),
        json!({"line": 1}),
    ] {
        client.refused(400, file("focus", wrong)).await;
    }
    anyone
        .refused(401, file("focus", json!({"name": "a"})))
        .await;
    anyone.ok(watch(json!({}))).await;
    client.ok(file("focus", json!({"name": "a"}))).await;
    anyone.quiet().await;
    silent.quiet().await;
    client.quiet().await;
}
