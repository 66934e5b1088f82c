//! `authenticate` and the separate forms (section 3).

use crate::support::*;
use serde_json::{Value, json};

/// The types of the next messages, until the one that ends `authenticate`.
async fn answered(client: &mut Client, data: Value) -> Vec<String> {
    client.send(authenticate(data)).await;
    let mut kinds = Vec::new();
    loop {
        let message = client.next().await;
        let kind = message["type"].as_str().expect("a type").to_owned();
        kinds.push(kind);
        if message["type"] == "authentication" || message["code"] != 200 {
            return kinds;
        }
    }
}

fn ana(room: &str) -> String {
    token(json!({"username": "ana", "streamername": "ana", "streamname": "demo", "room": room}))
}

#[tokio::test]
async fn an_authenticate_with_a_member_twice_or_ill_made_values_fails_closed_as_any_other() {
    let server = Server::start();
    for data in [
        r#"{"token":"x","token":"y"}"#,
        r#"{"token":1e400}"#,
        r#"{"token":"\ud800"}"#,
    ] {
        let mut client = server.streamer().await;
        client
            .send_text(&format!(r#"{{"data":{data},"type":"authenticate"}}"#))
            .await;
        assert_eq!(client.next().await["code"], 400, "{data}");
        client.refused(401, post("a", "x")).await;
    }
}

#[tokio::test]
async fn every_section_is_answered_in_its_order_and_then_the_whole() {
    let server = Server::start();
    let mut client = server.connect().await;
    let data = json!({
        "pullrequest": pull_request_section("ana", "ana", "demo"),
        "chat": chat_section("ana", "r"),
        "file": file_section("ana", "demo"),
        "token": ana("r"),
    });
    let mut request = authenticate(data);
    request["ref"] = json!("one");
    client.send(request).await;
    for kind in ["fileAuth", "chatAuth", "pullRequestAuth"] {
        let expected = json!({"code": 200, "type": kind, "data": "OK", "ref": "one"});
        assert_eq!(client.next().await, expected);
    }
    let last = json!({"code": 200, "type": "authentication",
        "data": {"message": "OK", "opts": {"sep": "/"}}, "ref": "one"});
    assert_eq!(client.next().await, last);
    client.quiet().await;
}

#[tokio::test]
async fn no_section_at_all_is_a_success_too() {
    let server = Server::start();
    let mut client = server.connect().await;
    let data = json!({"token": ana(""), "file": null, "chat": null});
    assert_eq!(answered(&mut client, data).await, ["authentication"]);
}

#[tokio::test]
async fn the_checks_of_authenticate_come_in_their_order() {
    let server = Server::start();
    let demo = file_section("ana", "demo");
    let wrong = json!({"username": "..", "project": "demo"});
    let absent = pull_request_section("bob", "ana", "demo");
    let bob = token(json!({"username": "bob", "streamername": "ana", "streamname": "demo"}));
    let cases = [
        (400, json!({"file": demo})),
        (400, json!({"token": null, "file": demo})),
        (400, json!({"token": 5, "file": demo})),
        (400, json!({"token": "", "file": wrong})),
        (400, json!({"token": "", "file": demo, "chat": []})),
        (
            400,
            json!({"token": "nonsense", "chat": {"username": "ana"}}),
        ),
        (401, json!({"token": "", "file": demo})),
        (401, json!({"token": "nonsense", "pullrequest": absent})),
        (
            401,
            json!({"token": bob, "file": demo, "pullrequest": absent}),
        ),
        (400, json!({"token": bob, "pullrequest": absent})),
    ];
    for (code, data) in cases {
        let mut client = server.connect().await;
        let answer = client.refused(code, authenticate(data.clone())).await;
        let kind = if code == 400 {
            "badParametersError"
        } else {
            "badAuthError"
        };
        assert_eq!(answer["type"], kind, "{answer} to {data}");
        client.quiet().await;
        if data["pullrequest"] == absent && code == 400 {
            let message = "The streamer is not connected or the project is wrong";
            assert_eq!(answer["message"], message);
        }
    }
    assert!(!server.base().join("ana").exists(), "nothing was made");
}

#[tokio::test]
async fn a_viewer_may_come_with_the_streamer_or_once_the_project_exists() {
    let mut server = Server::start();
    let ana_views = pull_request_section("ana", "ana", "demo");
    let mut ana_client = server.connect().await;
    let data = json!({"token": ana(""), "pullrequest": ana_views});
    ana_client.refused(400, authenticate(data)).await;
    let data =
        json!({"token": ana(""), "pullrequest": ana_views, "file": file_section("ana", "demo")});
    let kinds = answered(&mut ana_client, data).await;
    assert_eq!(kinds, ["fileAuth", "pullRequestAuth", "authentication"]);
    server.viewer("bob").await;
    server.restart();
    server.viewer("bob").await;
    let mut client = server.connect().await;
    client
        .refused(400, authenticate(viewer("bob", "ana", "other")))
        .await;
}

#[tokio::test]
async fn a_failed_authenticate_ends_roles_room_uploads_and_draft_but_no_watch() {
    let server = Server::start();
    let mut ana_client = server.connect().await;
    let all = json!({"token": ana("r"), "file": file_section("ana", "demo"),
        "chat": chat_section("ana", "r")});
    ana_client.authenticate(all.clone()).await;
    let mut bob = server.viewer("bob").await;
    ana_client.send(post_part("half", "x", 1, 2)).await;
    ana_client
        .ok(file("watch", json!({"username": "w", "project": "w"})))
        .await;
    ana_client
        .refused(400, authenticate(json!({"token": 5})))
        .await;
    bob.expect("streamerDisconnected").await;
    ana_client.refused(401, post("a", "x")).await;
    ana_client.refused(401, say("hello")).await;
    ana_client.refused(401, chat("members", json!({}))).await;

    ana_client.authenticate(all).await;
    bob.expect("streamerConnected").await;
    ana_client.send(post_part("half", "y", 2, 2)).await;
    ana_client.quiet().await;
    let mut other = server.connect().await;
    other.authenticate(streamer("w", "w")).await;
    assert_eq!(
        ana_client.expect("streamerConnected").await["username"],
        "w"
    );
}

#[tokio::test]
async fn renewing_a_token_keeps_roles_uploads_and_draft() {
    let server = Server::start();
    let mut ana_client = server.streamer().await;
    ana_client.send(post_part("f", "1", 1, 2)).await;
    let renewal = json!({"token": ana("")});
    assert_eq!(answered(&mut ana_client, renewal).await, ["authentication"]);
    ana_client.ok(post_part("f", "2", 2, 2)).await;

    let mut bob = server.viewer("bob").await;
    bob.ok(creation()).await;
    bob.ok(post("fix", "x")).await;
    bob.authenticate(viewer("bob", "ana", "demo")).await;
    bob.ok(finish()).await;
    ana_client.expect("pullRequestCreated").await;
}

#[tokio::test]
async fn a_token_of_another_user_or_project_ends_the_roles_of_the_one_before() {
    let server = Server::start();
    let mut client = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    client.authenticate(json!({"token": token(json!({"username": "ana", "streamername": "ana", "streamname": "other"}))})).await;
    bob.expect("streamerDisconnected").await;
    client.refused(401, post("a", "x")).await;
    assert!(!server.base().join("ana/other/a").exists());
}

#[tokio::test]
async fn the_separate_forms_need_a_token_and_change_nothing_when_they_fail() {
    let server = Server::start();
    let mut client = server.connect().await;
    client
        .refused(401, file("auth", file_section("ana", "demo")))
        .await;
    client
        .refused(401, file("auth", json!({"username": ".."})))
        .await;
    client
        .refused(401, chat("auth", chat_section("ana", "r")))
        .await;
    client
        .refused(
            401,
            pull_request("auth", pull_request_section("ana", "ana", "demo")),
        )
        .await;

    client.authenticate(json!({"token": ana("r")})).await;
    let answer = client.ask(file("auth", file_section("ana", "demo"))).await;
    assert_eq!(
        answer,
        json!({"code": 200, "type": "fileAuth", "data": "OK"})
    );
    client.ok(chat("auth", chat_section("ana", "r"))).await;
    let answer = client
        .ask(pull_request(
            "auth",
            pull_request_section("ana", "ana", "demo"),
        ))
        .await;
    assert_eq!(
        answer,
        json!({"code": 200, "type": "pullRequestAuth", "data": "OK"})
    );
    client
        .refused(401, chat("auth", chat_section("ana", "other")))
        .await;
    client
        .refused(
            400,
            file("auth", json!({"username": "ana", "project": ".."})),
        )
        .await;
    client.ok(say("still here")).await;
    client.ok(post("a", "x")).await;
    client.quiet().await;

    let mut with_token = server.connect().await;
    let mut section = pull_request_section("bob", "ana", "demo");
    section["token"] = viewer("bob", "ana", "demo")["token"].take();
    let answer = with_token.ask(pull_request("auth", section)).await;
    assert_eq!(answer["type"], "pullRequestAuth");
}

#[tokio::test]
async fn a_client_that_fails_too_often_is_closed_with_1008_and_a_success_resets_the_count() {
    let server = Server::with(&["--max-failed-authentications", "3"]);
    let wrong = || authenticate(json!({"token": "nonsense"}));
    let mut client = server.connect().await;
    client.refused(401, wrong()).await;
    client
        .refused(401, file("auth", file_section("ana", "demo")))
        .await;
    client.authenticate(json!({"token": ana("")})).await;
    client.refused(401, wrong()).await;
    client.refused(400, authenticate(json!({}))).await;
    client.refused(401, wrong()).await;
    client.send(wrong()).await;
    client.expect("badAuthError").await;
    assert_eq!(client.closed().await, 1_008);
}
