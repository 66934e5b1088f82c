//! Pull requests and chat (protocol, sections 6 and 7).

use serde_json::{Value, json};

use crate::client::{Client, decode, delete, post, signed, streamer_login, viewer_login};
use crate::server::Server;

fn pull(subtype: &str, data: &Value) -> Value {
    json!({"type": "pullrequest", "subtype": subtype, "data": data})
}

fn creation() -> Value {
    pull(
        "creation",
        &json!({"title": "Better", "description": "text"}),
    )
}

#[tokio::test]
async fn a_pull_request_lives_from_its_creation_to_its_end() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let flags = ["--base-dir", place.path().to_str().expect("a plain path")];
    let server = Server::start(&flags);
    let mut streamer = Client::logged_in(&server.url, streamer_login()).await;
    streamer.ask(&post("old", b"x")).await;
    drop(streamer);

    // Made while the streamer is away.
    let mut author = Client::logged_in(&server.url, viewer_login("bob")).await;
    assert_eq!(
        author.ask(&pull("finish", &json!(null))).await["code"],
        400,
        "no draft"
    );
    assert_eq!(author.ask(&creation()).await["type"], "pullRequestCreation");
    assert_eq!(
        author.ask(&pull("finish", &json!(null))).await["code"],
        400,
        "an empty one"
    );
    for (request, kind) in [
        (post("new/a", b"content"), "filePost"),
        (post("gone", b"content"), "filePost"),
        (delete("gone"), "fileDelete"),
        (delete("old"), "fileDelete"),
        (delete("nowhere"), "failReadFileError"),
        (pull("finish", &json!(null)), "pullRequestFinish"),
    ] {
        assert_eq!(author.ask(&request).await["type"], kind, "{request}");
    }
    assert_eq!(author.ask(&post("late", b"x")).await["code"], 401);
    drop(author);
    server.stop();

    let server = Server::start(&flags);
    let mut streamer = Client::logged_in(&server.url, streamer_login()).await;
    let notice = streamer.next().await;
    assert_eq!(
        notice["type"], "pullRequestCreated",
        "it has waited for the streamer"
    );
    assert_eq!(notice["data"]["files"], json!(["/new/a"]));
    assert_eq!(notice["data"]["deleted"], json!(["/old"]));
    let id = notice["data"]["id"].as_str().expect("an id").to_owned();
    let get = pull("get", &json!({"id": id}));
    let in_files = |name: &str| {
        json!({"type": "file", "subtype": "get", "ref": "r", "data": {
            "username": "ana", "project": "demo", "name": format!("/{id}/{name}"), "recursively": true,
        }})
    };

    let mut author = Client::logged_in(&server.url, viewer_login("bob")).await;
    let mut stranger = Client::logged_in(&server.url, viewer_login("eve")).await;
    for reader in [&mut streamer, &mut author] {
        reader.send(&get).await;
        let messages = reader
            .until(|message| message["type"] == "pullRequestGet")
            .await;
        assert_eq!(messages[0]["data"]["name"], "/new/a");
        assert!(decode(messages.iter()) == b"content");
    }
    streamer.send(&in_files("")).await;
    let messages = streamer
        .until(|message| message["type"] == "fileGetDone")
        .await;
    assert_eq!(messages[0]["data"]["name"], "/new/a", "without the id");

    let unknown = "Pullrequest ID does not exist";
    assert_eq!(stranger.ask(&get).await["message"], unknown);
    assert_eq!(
        stranger.ask(&in_files("")).await["type"],
        "failReadPathError"
    );
    assert_eq!(author.ask(&in_files("")).await["type"], "failReadPathError");
    assert_eq!(
        stranger.ask(&pull("list", &json!(null))).await["data"],
        json!([])
    );
    let listed = author.ask(&pull("list", &json!(null))).await;
    assert_eq!(
        (listed["data"][0]["id"].as_str(), &listed["last"]),
        (Some(id.as_str()), &json!(true))
    );
    let end = pull("delete", &json!({"id": id, "outcome": "merged"}));
    assert_eq!(author.ask(&end).await["code"], 401, "the owner's own");
    assert_eq!(stranger.ask(&end).await["code"], 401);
    assert_eq!(streamer.ask(&end).await["type"], "pullRequestDelete");
    assert_eq!(
        author.next().await["data"],
        json!({"id": id, "outcome": "merged"})
    );
    assert_eq!(streamer.ask(&end).await["message"], unknown);
    assert_eq!(
        streamer.content("/old").await,
        b"x",
        "the project is as it was"
    );
}

#[tokio::test]
async fn open_pull_requests_and_unfinished_uploads_are_counted() {
    let server = Server::start(&["--store", "memory", "--max-open-pull-requests", "1"]);
    let _streamer = Client::logged_in(&server.url, streamer_login()).await;
    let mut author = Client::logged_in(&server.url, viewer_login("bob")).await;
    author.ask(&creation()).await;
    author
        .send(&json!({"type": "file", "subtype": "post", "data": {
            "name": "half", "content": "", "part": 1, "maxPart": 2,
        }}))
        .await;
    let refused = author.ask(&pull("finish", &json!(null))).await;
    assert!(
        refused["message"]
            .as_str()
            .is_some_and(|text| text.contains("/half")),
        "{refused}"
    );
    author.ask(&post("a", b"x")).await;
    author
        .send(&json!({"type": "file", "subtype": "post", "data": {
            "name": "half", "content": "", "part": 2, "maxPart": 2,
        }}))
        .await;
    author.next().await;
    assert_eq!(author.ask(&pull("finish", &json!(null))).await["code"], 200);
    let refused = author.ask(&creation()).await;
    assert!(
        refused["message"]
            .as_str()
            .is_some_and(|text| text.contains("maxOpenPullRequests of 1"))
    );
}

fn chat_login(user: &str, claims: &Value) -> Value {
    let mut all =
        json!({"username": user, "streamername": "ana", "streamname": "demo", "exp": 4e9});
    for (name, value) in claims.as_object().expect("claims") {
        all[name] = value.clone();
    }
    let room = all["room"].as_str().unwrap_or("ana/demo").to_owned();
    json!({"type": "authenticate", "data": {
        "token": signed(&all), "chat": {"username": user, "room": room},
    }})
}

fn say(text: &str) -> Value {
    json!({"type": "chat", "subtype": "message", "data": {"message": text, "username": "admin"}})
}

#[tokio::test]
async fn what_is_said_reaches_the_room_in_order_and_nobody_else() {
    let server = Server::start(&["--store", "memory", "--chat-history", "2"]);
    let url = &server.url;
    let mut bob = Client::logged_in(url, chat_login("bob", &json!({}))).await;
    let mut bob_too = Client::logged_in(url, chat_login("bob", &json!({"room": 0}))).await;
    let mut eve = Client::logged_in(url, chat_login("eve", &json!({}))).await;
    let mut away = Client::logged_in(url, chat_login("kim", &json!({"room": "other"}))).await;
    for text in ["<b>one</b>", "two", "three"] {
        assert_eq!(
            bob.ask(&say(text)).await,
            json!({"code": 200, "type": "chatMessage", "data": "OK"})
        );
    }
    for member in [&mut bob_too, &mut eve] {
        for (index, text) in ["<b>one</b>", "two", "three"].iter().enumerate() {
            let heard = member.next().await;
            let data = heard["data"].as_object().expect("data");
            assert_eq!(data.len(), 5);
            assert_eq!(
                (
                    &data["message"],
                    &data["username"],
                    &data["room"],
                    &data["id"]
                ),
                (
                    &json!(text),
                    &json!("bob"),
                    &json!("ana/demo"),
                    &json!(index + 1)
                )
            );
        }
    }
    let ask =
        |subtype: &str, data: Value| json!({"type": "chat", "subtype": subtype, "data": data});
    let history = eve.ask(&ask("history", json!({"limit": 99}))).await;
    let texts: Vec<_> = history["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|m| &m["message"])
        .collect();
    assert_eq!(texts, [&json!("two"), &json!("three")]);
    assert_eq!(
        eve.ask(&ask("members", json!(null))).await["data"],
        json!(["bob", "eve"])
    );
    assert_eq!(
        away.ask(&ask("members", json!(null))).await["data"],
        json!(["kim"])
    );
    assert_eq!(
        eve.ask(&ask("leave", json!(null))).await["type"],
        "chatLeave"
    );
    for request in [
        say("x"),
        ask("history", json!(null)),
        ask("members", json!(null)),
        ask("leave", json!(null)),
    ] {
        assert_eq!(eve.ask(&request).await["code"], 401, "{request}");
    }
}

#[tokio::test]
async fn who_is_muted_banned_or_too_loud_is_told_so() {
    let server = Server::start(&[
        "--store",
        "memory",
        "--chat-burst",
        "2",
        "--max-chat-bytes",
        "10",
    ]);
    let url = &server.url;
    let mut muted = Client::logged_in(url, chat_login("bob", &json!({"mutedUntil": 3e9}))).await;
    let refused = muted.ask(&say("hi")).await;
    assert_eq!(
        (&refused["code"], &refused["until"]),
        (&json!(401), &json!(3_000_000_000_u64))
    );
    let mut banned = Client::connect(url).await;
    assert_eq!(
        banned
            .ask(&chat_login("eve", &json!({"bannedUntil": 3e9})))
            .await["code"],
        401
    );
    let mut loud = Client::logged_in(url, chat_login("kim", &json!({}))).await;
    assert_eq!(loud.ask(&say("")).await["code"], 400);
    assert_eq!(loud.ask(&say("eleven long")).await["code"], 413);
    for _ in 0..2 {
        assert_eq!(loud.ask(&say("ten chars.")).await["code"], 200);
    }
    let refused = loud.ask(&say("x")).await;
    assert_eq!(
        (&refused["type"], &refused["retryAfter"]),
        (&json!("rateLimitedError"), &json!(1))
    );
}

#[tokio::test]
async fn a_member_who_reads_nothing_is_closed_once_his_queue_is_full_and_the_others_hear_all() {
    use futures_util::StreamExt as _;
    use tokio_tungstenite::tungstenite::Message;

    let server = Server::start(&[
        "--store",
        "memory",
        "--chat-messages-per-second",
        "0",
        "--max-queue-bytes",
        "131072",
    ]);
    let url = &server.url;
    let mut speaker = Client::logged_in(url, chat_login("bob", &json!({}))).await;
    let mut deaf = Client::logged_in(url, chat_login("eve", &json!({}))).await;
    let mut listener = Client::logged_in(url, chat_login("kim", &json!({}))).await;
    let text = "x".repeat(4_000);
    // Far more than the sockets between them hold.
    for _ in 0..5_000 {
        assert_eq!(speaker.ask(&say(&text)).await["code"], 200);
        assert_eq!(listener.next().await["data"]["message"], json!(text));
    }
    // By now it has been given up: what still lies in the socket may end in the close, or where
    // that did not fit, in a reset.
    while let Some(Ok(message)) = deaf.0.next().await {
        if let Message::Close(close) = message {
            assert_eq!(close.map(|close| u16::from(close.code)), Some(1013));
            break;
        }
    }
    let members = json!({"type": "chat", "subtype": "members"});
    assert_eq!(listener.ask(&members).await["data"], json!(["bob", "kim"]));
}
