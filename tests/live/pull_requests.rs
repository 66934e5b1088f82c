//! The whole life of a pull request (section 6).

use crate::support::*;
use serde_json::{Value, json};

fn by_id(subtype: &str, id: &Value) -> Value {
    pull_request(subtype, json!({"id": id}))
}

/// Bob proposes this file; returns the pull request's id, as ana is told it.
async fn proposed(bob: &mut Client, ana: &mut Client, name: &str) -> Value {
    bob.ok(creation()).await;
    bob.ok(post(name, name)).await;
    bob.ok(finish()).await;
    ana.expect("pullRequestCreated").await["id"].take()
}

fn is_random_uuid(id: &Value) -> bool {
    let id = id.as_str().expect("a text");
    let groups: Vec<_> = id.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12]
        && id.as_bytes()[14] == b'4'
        && b"89ab".contains(&id.as_bytes()[19])
        && id == id.to_lowercase()
}

async fn unknown(client: &mut Client, request: Value) {
    let answer = client.refused(400, request).await;
    assert_eq!(answer["message"], "Pullrequest ID does not exist");
}

#[tokio::test]
async fn a_pull_request_goes_from_its_creation_to_its_end() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    ana.ok(post("old", "old")).await;
    ana.ok(post("d/e", "e")).await;
    let mut second = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    let mut eve = server.viewer("eve").await;

    let titled = json!({"title": "T", "description": "D"});
    let answer = bob.ask(pull_request("creation", titled)).await;
    let expected = json!({"code": 200, "type": "pullRequestCreation", "data": "OK"});
    assert_eq!(answer, expected);
    bob.ok(post("new", "new")).await;
    bob.ok(post("dropped", "x")).await;
    let answer = bob.ask(delete("dropped")).await;
    assert_eq!(answer["data"], json!({"message": "OK", "file": "dropped"}));
    bob.ok(delete("old")).await;
    bob.ok(delete("d")).await;
    bob.refused(409, delete("nothing")).await;
    bob.refused(409, get("new")).await;
    assert_eq!(
        bob.ok(get("old")).await["content"],
        base64("old"),
        "get means the project"
    );
    let before = now() * 1_000;
    let answer = bob.ask(with_ref(finish(), 1)).await;
    let expected = json!({"code": 200, "type": "pullRequestFinish", "data": "OK", "ref": 1});
    assert_eq!(answer, expected);

    let created = ana.next().await;
    let (id, date) = (
        created["data"]["id"].clone(),
        created["data"]["date"].clone(),
    );
    assert!(is_random_uuid(&id), "{id}");
    let millis = date.as_u64().expect("a number");
    assert!((before..before + 60_000).contains(&millis));
    let about = json!({"id": id, "owner": "bob", "title": "T", "description": "D",
        "date": date, "data": date, "files": ["/new"], "deleted": ["/d/e", "/old"]});
    let expected = json!({"code": 200, "type": "pullRequestCreated", "data": about});
    assert_eq!(created, expected);
    assert_eq!(second.next().await, expected);

    for client in [&mut ana, &mut bob] {
        client.send(with_ref(by_id("get", &id), "g")).await;
        let expected = json!({"code": 200, "type": "fileGet", "data": {"name": "/new",
            "content": base64("new"), "part": 1, "maxPart": 1}, "ref": "g"});
        assert_eq!(client.next().await, expected);
        let expected = json!({"code": 200, "type": "pullRequestGet", "data": "OK", "ref": "g"});
        assert_eq!(client.next().await, expected);
        let expected =
            json!({"code": 200, "type": "pullRequestList", "data": [about], "last": true});
        assert_eq!(client.ask(pull_request("list", json!({}))).await, expected);
    }
    let merged = pull_request("delete", json!({"id": id, "outcome": "merged"}));
    let expected = json!({"code": 200, "type": "pullRequestDelete", "data": "OK"});
    assert_eq!(ana.ask(merged).await, expected);
    let expected = json!({"code": 200, "type": "pullRequestClosed",
        "data": {"id": id, "outcome": "merged"}});
    assert_eq!(bob.next().await, expected);
    unknown(&mut ana, by_id("get", &id)).await;
    unknown(&mut ana, by_id("delete", &id)).await;
    unknown(&mut bob, by_id("get", &id)).await;
    assert_eq!(
        ana.ok(list_all()).await["files"].as_array().map(Vec::len),
        Some(2)
    );
    for client in [&mut ana, &mut second, &mut bob, &mut eve] {
        client.quiet().await;
    }
}

#[tokio::test]
async fn an_owner_withdraws_a_pull_request_and_the_streamer_is_told() {
    let server = Server::alone();
    let mut ana = server.streamer().await;
    let mut second = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    let mut bobs_other = server.viewer("bob").await;
    let mut eve = server.viewer("eve").await;
    let id = proposed(&mut bob, &mut ana, "a").await;
    second.expect("pullRequestCreated").await;
    let strange = pull_request("delete", json!({"id": id, "outcome": "withdrawn"}));
    bob.refused(400, strange).await;
    let ignored = pull_request("delete", json!({"id": id, "outcome": "merged"}));
    assert_eq!(bob.ok(ignored).await, "OK");
    for client in [&mut ana, &mut second, &mut bobs_other] {
        let expected = json!({"id": id, "outcome": "withdrawn"});
        assert_eq!(client.expect("pullRequestClosed").await, expected);
        unknown(client, by_id("delete", &id)).await;
    }
    unknown(&mut bob, by_id("get", &id)).await;

    // If two connections end it at once, one of them succeeds.
    for round in 0..20 {
        let id = proposed(&mut bob, &mut ana, &format!("{round}")).await;
        second.expect("pullRequestCreated").await;
        let (first, other) = tokio::join!(
            ana.ask(with_ref(by_id("delete", &id), 1)),
            second.ask(with_ref(by_id("delete", &id), 1))
        );
        let mut codes = [first["code"].as_u64(), other["code"].as_u64()];
        codes.sort_unstable();
        assert_eq!(codes, [Some(200), Some(400)], "{first} {other}");
        bob.expect("pullRequestClosed").await;
        bobs_other.expect("pullRequestClosed").await;
    }

    // A streamer who comes back is not told of one that was withdrawn while they were away.
    let gone = proposed(&mut bob, &mut ana, "gone").await;
    second.expect("pullRequestCreated").await;
    drop((ana, second));
    bob.until("streamerDisconnected").await;
    bob.ok(by_id("delete", &gone)).await;
    let mut ana = server.streamer().await;
    bobs_other.rest().await;
    bob.rest().await;
    eve.rest().await;
    for client in [&mut ana, &mut bob, &mut bobs_other, &mut eve] {
        client.quiet().await;
    }
}

#[tokio::test]
async fn the_parameters_of_pull_requests_are_checked() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    for data in [
        json!({}),
        json!({"title": "T", "description": 5}),
        json!({"title": "", "description": ""}),
        json!({"title": 5, "description": ""}),
        json!({"description": ""}),
        json!(null),
        json!([]),
    ] {
        bob.refused(400, pull_request("creation", data)).await;
    }
    for id in [
        "",
        ".",
        "..",
        "/",
        "src",
        "00000000-0000-4000-8000-000000000000",
    ] {
        unknown(&mut ana, by_id("get", &json!(id))).await;
        unknown(&mut ana, by_id("delete", &json!(id))).await;
    }
    ana.refused(400, pull_request("get", json!({}))).await;
    ana.refused(400, by_id("delete", &json!(5))).await;
    let id = proposed(&mut bob, &mut ana, "a").await;
    let other = pull_request("delete", json!({"id": id, "outcome": "eaten"}));
    ana.refused(400, other).await;
    ana.ok(by_id("get", &id)).await;
}

#[tokio::test]
async fn a_description_may_be_left_out() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    for data in [
        json!({"title": "T"}),
        json!({"title": "T", "description": null}),
    ] {
        bob.ok(pull_request("creation", data)).await;
        bob.ok(post("a", "x")).await;
        bob.ok(finish()).await;
        let created = ana.expect("pullRequestCreated").await;
        assert_eq!(created["description"], "");
    }
}

#[tokio::test]
async fn the_streamers_own_draft_takes_their_posts_until_it_is_finished() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    ana.ok(creation()).await;
    ana.ok(post("a", "x")).await;
    ana.refused(409, get("a")).await;
    ana.send(finish()).await;
    let mut kinds = [ana.next().await, ana.next().await].map(|mut message| message["type"].take());
    kinds.sort_unstable_by_key(Value::to_string);
    assert_eq!(
        kinds,
        [json!("pullRequestCreated"), json!("pullRequestFinish")]
    );
    bob.quiet().await;
    ana.ok(post("a", "y")).await;
    bob.expect("fileGet").await;
}

#[tokio::test]
async fn pull_requests_survive_a_restart_and_wait_for_an_absent_streamer() {
    let mut server = Server::start();
    let mut ana = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    let first = proposed(&mut bob, &mut ana, "first").await;
    drop(ana);
    bob.expect("streamerDisconnected").await;
    for name in ["second", "third"] {
        bob.ok(creation()).await;
        bob.ok(post(name, name)).await;
        bob.ok(finish()).await;
    }
    server.restart();
    let mut ana = server.connect().await;
    ana.send(authenticate(streamer("ana", "demo"))).await;
    ana.expect("fileAuth").await;
    ana.expect("authentication").await;
    let waiting = ana.expect_all("pullRequestCreated", 3).await;
    let files: Vec<_> = waiting
        .iter()
        .map(|data| data["files"][0].clone())
        .collect();
    assert_eq!(
        files,
        [json!("/first"), json!("/second"), json!("/third")],
        "oldest first"
    );
    assert_eq!(waiting[0]["id"], first);
    ana.authenticate(streamer("ana", "demo")).await;
    ana.quiet().await;
    let mut bob = server.viewer("bob").await;
    let own = bob.ok(pull_request("list", json!({}))).await;
    assert_eq!(own.as_array(), Some(&waiting));
    ana.send(by_id("get", &first)).await;
    assert_eq!(ana.expect("fileGet").await["content"], base64("first"));
    ana.expect("pullRequestGet").await;
}

#[tokio::test]
async fn a_streamer_who_was_somebody_else_for_a_while_is_told_of_nothing_twice() {
    let server = Server::alone();
    let mut ana = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    proposed(&mut bob, &mut ana, "known").await;
    let bobs = || token(json!({"username": "bob", "streamername": "ana", "streamname": "demo"}));
    let chatter = json!({"username": "bob", "room": "ana/demo", "token": bobs()});
    let absences = [
        chat("auth", chatter),
        authenticate(json!({"token": bobs()})),
        authenticate(viewer("bob", "ana", "demo")),
        authenticate(json!({"token": "forged"})),
        authenticate(streamer("ana", "side")),
    ];
    for (absence, name) in absences.into_iter().zip(["a", "b", "c", "d", "e"]) {
        let shown = absence.to_string();
        ana.send(absence).await;
        ana.rest().await;
        bob.rest().await;
        bob.ok(creation()).await;
        bob.ok(post(name, name)).await;
        bob.ok(finish()).await;
        ana.authenticate(streamer("ana", "demo")).await;
        let told = ana.expect("pullRequestCreated").await;
        assert_eq!(told["files"], json!([format!("/{name}")]), "{shown}");
        ana.authenticate(streamer("ana", "demo")).await;
        ana.quiet().await;
        bob.rest().await;
    }
}

#[tokio::test]
async fn the_streamer_alone_finds_the_files_below_the_id() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    let mut eve = server.viewer("eve").await;
    let id = proposed(&mut bob, &mut ana, "d/fix").await;
    let id = id.as_str().expect("a text");
    let below = format!("/{id}/d/fix");
    let folder = format!("/{id}/");
    let data = ana.ok(get(&below)).await;
    assert_eq!(
        (&data["name"], &data["content"]),
        (&json!("/d/fix"), &json!(base64("d/fix")))
    );
    let all = json!({"username": "ana", "project": "demo", "name": folder, "recursively": true});
    assert_eq!(ana.ok(file("get", all.clone())).await["name"], "/d/fix");
    assert_eq!(
        ana.ok(file("list", all)).await["files"][0]["name"],
        "/d/fix"
    );
    for client in [&mut bob, &mut eve] {
        client.refused(409, get(&below)).await;
        client.refused(409, get(&folder)).await;
    }
    ana.refused(409, delete(&below)).await;
    ana.ok(post(&below, "an ordinary name")).await;
    assert_eq!(bob.expect("fileGet").await["name"], json!(below));
    assert_eq!(
        bob.ok(get(&below)).await["content"],
        base64("an ordinary name")
    );
}

#[tokio::test]
async fn nobody_else_sees_a_pull_request() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    let mut eve = server.viewer("eve").await;
    let mut anyone = server.connect().await;
    let mut mal = server.connect().await;
    mal.authenticate(streamer("mal", "demo")).await;
    let id = proposed(&mut bob, &mut ana, "secret").await;
    for client in [&mut eve, &mut mal] {
        unknown(client, by_id("get", &id)).await;
        assert_eq!(client.ok(pull_request("list", json!({}))).await, json!([]));
    }
    for client in [&mut eve, &mut mal] {
        unknown(client, by_id("delete", &id)).await;
    }
    for subtype in ["get", "delete"] {
        anyone.refused(401, by_id(subtype, &id)).await;
    }
    anyone.refused(401, pull_request("list", json!({}))).await;
    anyone.refused(401, creation()).await;
    eve.ok(creation()).await;
    let name = format!("../{}/secret", id.as_str().expect("a text"));
    eve.refused(400, post(&name, "evil")).await;
    for client in [&mut eve, &mut anyone, &mut mal] {
        assert_eq!(client.ok(list_all()).await["files"], json!([]));
        client.quiet().await;
    }
    bob.send(by_id("get", &id)).await;
    assert_eq!(bob.expect("fileGet").await["content"], base64("secret"));
}
