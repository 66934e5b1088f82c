//! `twicecast status` with a server that speaks the contract.

use serde_json::{Value, json};

use crate::room::Room;
use crate::support::{Said, command, twicecast};

async fn open() -> Room {
    let room = Room::open().await;
    room.with(|inside| {
        inside.version = Some("7.8.9");
        inside.status = Some(json!({"streamer": true, "viewers": 3, "files": 12, "bytes": 2_048, "maxBytes": 1 << 30}));
        let one = json!({"id": "x", "owner": "bob", "title": "t", "date": 1});
        inside.pull_requests = vec![json!([one, one]), json!([one])];
    });
    room
}

async fn token(user: &str) -> String {
    let words = [
        "token",
        "--user",
        user,
        "--streamer",
        "ana",
        "--project",
        "demo",
        "--key",
        "k",
    ];
    twicecast(&words).await.out.trim().to_owned()
}

async fn status(room: &Room, flags: &[&str]) -> Said {
    twicecast(&[&["status", "--url", &room.url], flags].concat()).await
}

async fn object(room: &Room, flags: &[&str]) -> (i32, Value) {
    let said = status(room, &[flags, &["--json"]].concat()).await;
    (said.code, serde_json::from_str(&said.out).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_has_its_line() {
    let room = open().await;
    let said = status(&room, &["--token", &token("bob").await]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    let url = &room.url;
    assert_eq!(
        lines[0],
        format!("server         {url} answers; file-ws-server 7.8.9")
    );
    assert!(
        lines[1].starts_with("token          of bob, holds until 2"),
        "{said:?}"
    );
    assert!(lines[1].ends_with(": accepted"), "{said:?}");
    assert_eq!(
        lines[2..],
        [
            "project        ana/demo",
            "room           ana/demo",
            "streamer       online; 3 viewers",
            "size           12 files, 2.0 KiB of 1.0 GiB",
            "pull requests  3 of your own open",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_what_everybody_may_know_is_told() {
    let room = open().await;
    let (code, object) = object(&room, &["--streamer", "ana", "--project", "demo"]).await;
    assert_eq!(code, 0, "{object}");
    assert_eq!(object["ok"], true);
    assert_eq!(object["server"]["version"], "7.8.9");
    assert_eq!(object["token"]["from"], Value::Null);
    assert_eq!(object["project"]["files"], 12);
    assert_eq!(object["pullRequests"]["open"], Value::Null);
    assert_eq!(room.log(), ["file/status"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streamer_is_not_made_online_by_asking() {
    let room = open().await;
    let token = token("ana").await;
    let (_, told) = object(&room, &["--token", &token]).await;
    assert_eq!(
        told["pullRequests"],
        json!({"open": 3, "whose": "all", "error": null})
    );
    assert!(room.log().contains(&"file/auth".to_owned()));

    room.with(|inside| {
        inside.log.clear();
        inside.status.as_mut().unwrap()["streamer"] = json!(false);
    });
    let (code, told) = object(&room, &["--token", &token]).await;
    assert_eq!((code, &told["pullRequests"]["open"]), (0, &Value::Null));
    assert_eq!(room.log(), ["authenticate", "file/status"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_keeps_the_rest_from_nobody() {
    let room = open().await;
    room.with(|inside| inside.refuse_authentication = Some((401, "the token is wrong")));
    let (code, told) = object(&room, &["--token", &token("bob").await]).await;
    assert_eq!(code, 3, "{told}");
    assert_eq!(
        (&told["ok"], &told["token"]["accepted"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(told["project"]["files"], 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_leaves_what_the_token_says() {
    let words = [
        "status",
        "--url",
        "ws://127.0.0.1:1",
        "--token",
        &token("bob").await,
    ];
    let said = twicecast(&words).await;
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.out.contains("is the server running?"), "{said:?}");
    assert!(
        said.out.contains("token          of bob, holds until"),
        "{said:?}"
    );
    assert!(said.out.contains("room           ana/demo\n"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_and_a_version_that_are_not_there_are_told() {
    let room = Room::open().await;
    let said = status(&room, &["--streamer", "ana", "--project", "demo"]).await;
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.out.contains("the server has no ana/demo"), "{said:?}");
    assert!(
        said.out
            .contains("its version is not known: /healthz answers with 404"),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_project_the_server_is_looked_at() {
    let room = open().await;
    let output = command(&["status", "--url", &room.url])
        .env_remove("USER")
        .output()
        .await
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{out}");
    assert!(
        out.contains("project        not known; give --streamer and --project"),
        "{out}"
    );
}
