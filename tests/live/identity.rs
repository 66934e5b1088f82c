//! Tokens, roles, presence (protocol, section 3).

use serde_json::{Value, json};

use crate::client::{Client, get, post, signed, streamer_login, token, viewer_login};
use crate::server::Server;

fn server() -> Server {
    Server::start(&["--store", "memory"])
}

fn authenticate(token: &str, sections: &Value) -> Value {
    let mut data = json!({"token": token});
    for (name, section) in sections.as_object().expect("sections") {
        data[name] = section.clone();
    }
    json!({"type": "authenticate", "data": data})
}

#[tokio::test]
async fn every_failed_authentication_gives_one_error_of_its_kind() {
    let server = server();
    let mut client = Client::connect(&server.url).await;
    let file = json!({"username": "ana", "project": "demo"});
    let viewer = json!({"username": "bob", "streamer": "ana", "project": "demo"});
    let expired =
        signed(&json!({"username": "ana", "streamername": "ana", "streamname": "demo", "exp": 1}));
    let hostile = signed(
        &json!({"username": "ana", "streamername": "../x", "streamname": "demo", "exp": 4e9}),
    );
    let no_exp = signed(&json!({"username": "ana", "streamername": "ana", "streamname": "demo"}));
    for (request, code) in [
        (json!({"type": "authenticate"}), 400),
        (
            json!({"type": "authenticate", "data": {"token": null}}),
            400,
        ),
        (
            json!({"type": "authenticate", "data": {"token": ["x"]}}),
            400,
        ),
        (authenticate("nonsense", &json!({"file": "ana"})), 400),
        (
            authenticate(
                "nonsense",
                &json!({"file": {"username": "../x", "project": "demo"}}),
            ),
            400,
        ),
        (
            authenticate(
                "nonsense",
                &json!({"file": {"username": "ana", "project": 5}}),
            ),
            400,
        ),
        (
            authenticate(&token("bob"), &json!({"pullrequest": viewer})),
            400,
        ),
        (authenticate("", &json!({"file": file})), 401),
        (authenticate("nonsense", &json!({"file": file})), 401),
        (authenticate(&expired, &json!({"file": file})), 401),
        (authenticate(&hostile, &json!({"file": file})), 401),
        (authenticate(&no_exp, &json!({"file": file})), 401),
        (authenticate(&token("bob"), &json!({"file": file})), 401),
        (
            authenticate(
                &token("ana"),
                &json!({"file": {"username": "ana", "project": "other"}}),
            ),
            401,
        ),
        (
            authenticate(
                &token("ana"),
                &json!({"file": file, "chat": {"username": "ana", "room": "other"}}),
            ),
            401,
        ),
    ] {
        let reply = client.ask(&request).await;
        assert_eq!(reply["code"], code, "{request} {reply}");
        let refused = client.ask(&post("pwn", b"x")).await;
        assert_eq!(refused["code"], 401, "after {request}");
        if code == 401 {
            // Not to be thrown out: a success sets the count back.
            client.send(&authenticate(&token("bob"), &json!({}))).await;
            assert_eq!(client.next().await["type"], "authentication");
        }
    }
    assert_eq!(
        client.ask(&get("/")).await["type"],
        "failReadPathError",
        "nothing was made"
    );
}

#[tokio::test]
async fn a_viewer_without_a_draft_never_writes_and_his_token_never_makes_him_the_streamer() {
    let server = server();
    let mut streamer = Client::logged_in(&server.url, streamer_login()).await;
    streamer.ask(&post("a", b"hers")).await;
    let mut viewer = Client::logged_in(&server.url, viewer_login("bob")).await;
    for request in [
        post("a", b"his"),
        json!({"type": "file", "subtype": "delete", "data": {"name": "a"}}),
        json!({"type": "file", "subtype": "auth", "data": {"username": "ana", "project": "demo"}}),
        json!({"type": "file", "subtype": "auth", "data": {"username": "bob", "project": "demo"}}),
        post("a", b"his"),
    ] {
        let reply = viewer.ask(&request).await;
        assert_eq!(reply["type"], "badAuthError", "{request}");
    }
    assert_eq!(streamer.content("/a").await, b"hers");
}

#[tokio::test]
async fn a_connection_is_closed_after_too_many_failed_authentications() {
    use futures_util::StreamExt as _;
    use tokio_tungstenite::tungstenite::Message;

    let server = Server::start(&["--store", "memory", "--max-failed-authentications", "3"]);
    let mut client = Client::connect(&server.url).await;
    for _ in 0..3 {
        assert_eq!(
            client.ask(&authenticate("nonsense", &json!({}))).await["code"],
            401
        );
    }
    match client.0.next().await.expect("a close").expect("a close") {
        Message::Close(Some(close)) => assert_eq!(u16::from(close.code), 1008),
        other => panic!("not a close: {other:?}"),
    }
}

#[tokio::test]
async fn an_expired_token_withdraws_what_needs_it_and_a_fresh_one_restores_it() {
    let server = server();
    let mut streamer = Client::logged_in(&server.url, streamer_login()).await;
    let soon = std::time::UNIX_EPOCH
        .elapsed()
        .expect("after the epoch")
        .as_secs()
        + 2;
    let short = signed(&json!({
        "username": "bob", "streamername": "ana", "streamname": "demo", "exp": soon,
    }));
    let sections = json!({
        "pullrequest": {"username": "bob", "streamer": "ana", "project": "demo"},
        "chat": {"username": "bob", "room": "ana/demo"},
    });
    let mut viewer = Client::logged_in(&server.url, authenticate(&short, &sections)).await;
    let members = json!({"type": "chat", "subtype": "members"});
    assert_eq!(viewer.ask(&members).await["data"], json!(["bob"]));
    viewer.ask(&json!({"type": "pullrequest", "subtype": "creation", "data": {"title": "t", "description": ""}})).await;
    viewer.ask(&post("kept", b"draft")).await;

    let told = viewer.next().await;
    assert_eq!(
        (&told["code"], &told["type"]),
        (&json!(401), &json!("badAuthError"))
    );
    for request in [
        &members,
        &post("x", b"x"),
        &json!({"type": "pullrequest", "subtype": "finish"}),
    ] {
        assert_eq!(viewer.ask(request).await["code"], 401, "{request}");
    }
    streamer.ask(&post("live", b"1")).await;
    assert_eq!(
        viewer.next().await["data"]["name"],
        "/live",
        "reading is public"
    );

    viewer.send(&authenticate(&token("bob"), &json!({}))).await;
    assert_eq!(viewer.next().await["type"], "authentication");
    assert_eq!(viewer.ask(&members).await["data"], json!(["bob"]));
    let finish = json!({"type": "pullrequest", "subtype": "finish"});
    assert_eq!(
        viewer.ask(&finish).await["type"],
        "pullRequestFinish",
        "the draft was kept"
    );
    assert_eq!(streamer.next().await["data"]["files"], json!(["/kept"]));
}

#[tokio::test]
async fn presence_is_told_when_the_first_streamer_comes_and_the_last_goes() {
    let server = server();
    let mut watcher = Client::connect(&server.url).await;
    let watch =
        json!({"type": "file", "subtype": "watch", "data": {"username": "ana", "project": "demo"}});
    assert_eq!(watcher.ask(&watch).await["type"], "fileWatch");
    let mut first = Client::logged_in(&server.url, streamer_login()).await;
    let told = watcher.next().await;
    assert_eq!(
        told,
        json!({"code": 200, "type": "streamerConnected", "data": {"username": "ana", "project": "demo"}})
    );
    let mut second = Client::logged_in(&server.url, streamer_login()).await;
    first.0.close(None).await.expect("closed");
    second.ask(&post("a", b"x")).await;
    assert_eq!(
        watcher.next().await["type"],
        "fileGet",
        "nothing before it: one was still there"
    );
    drop(second);
    assert_eq!(watcher.next().await["type"], "streamerDisconnected");
    let status = json!({"type": "file", "subtype": "status", "data": {"username": "ana", "project": "demo"}});
    let status = watcher.ask(&status).await;
    let expected =
        json!({"streamer": false, "viewers": 1, "files": 1, "bytes": 1, "maxBytes": 1_u64 << 30});
    assert_eq!(status["data"], expected);
}

#[tokio::test]
async fn without_public_reading_only_a_token_of_the_project_reads() {
    let server = Server::start(&["--store", "memory", "--public-read", "false"]);
    let mut streamer = Client::logged_in(&server.url, streamer_login()).await;
    streamer.ask(&post("a", b"x")).await;
    let mut stranger = Client::connect(&server.url).await;
    let of = json!({"username": "ana", "project": "demo"});
    for subtype in ["get", "list", "watch", "status"] {
        let request = json!({"type": "file", "subtype": subtype, "data": of});
        assert_eq!(stranger.ask(&request).await["code"], 401, "{subtype}");
    }
    let other =
        signed(&json!({"username": "eve", "streamername": "mal", "streamname": "own", "exp": 4e9}));
    stranger.send(&authenticate(&other, &json!({}))).await;
    stranger.next().await;
    assert_eq!(stranger.ask(&get("/")).await["code"], 401);
    let mut viewer = Client::logged_in(&server.url, viewer_login("bob")).await;
    assert_eq!(viewer.content("/a").await, b"x");
}
