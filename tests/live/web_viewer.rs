//! The web viewer's habits: everything without waiting, and the base64 of a file's parts put
//! together before it is decoded.

use serde_json::json;

use crate::client::{Client, decode, get, post, streamer_login, viewer_login};
use crate::server::Server;

#[tokio::test]
async fn a_viewer_who_waits_for_nothing_reads_the_project_and_sends_a_pull_request() {
    let server = Server::start(&["--store", "memory", "--part-bytes", "3000"]);
    let mut streamer = Client::logged_in(&server.url, streamer_login()).await;
    let big: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    for (name, content) in [("/src/big", &big[..]), ("/empty", b""), ("/a", b"one")] {
        assert_eq!(streamer.ask(&post(name, content)).await["type"], "filePost");
    }

    let mut viewer = Client::connect(&server.url).await;
    viewer.feed(&viewer_login("bob")).await;
    viewer.feed(&get("/")).await;
    viewer
        .feed(
            &json!({"type": "pullrequest", "subtype": "creation", "data": {
                "title": "Better", "description": "than before",
            }}),
        )
        .await;
    viewer.feed(&post("/a", b"two")).await;
    viewer.feed(&post("/new/b", b"three")).await;
    viewer
        .feed(&json!({"type": "pullrequest", "subtype": "finish"}))
        .await;
    viewer.flush().await;

    assert_eq!(viewer.next().await["type"], "pullRequestAuth");
    assert_eq!(viewer.next().await["type"], "authentication");
    let files = viewer
        .until(|message| message["type"] == "fileGetDone")
        .await;
    let (done, parts) = files.split_last().expect("some files");
    assert_eq!(done["data"], json!({"name": "/", "files": 3}));
    let order: Vec<_> = parts
        .iter()
        .map(|part| part["data"]["name"].as_str().expect("a name"))
        .collect();
    assert!(order.is_sorted() && order.len() == 2 + 34, "{order:?}");
    let of = |name: &str| decode(parts.iter().filter(|part| part["data"]["name"] == name));
    assert!(of("/src/big") == big && of("/empty").is_empty() && of("/a") == b"one");
    assert_eq!(parts[1]["data"]["maxPart"], 1, "an empty file is one part");
    for kind in [
        "pullRequestCreation",
        "filePost",
        "filePost",
        "pullRequestFinish",
    ] {
        assert_eq!(viewer.next().await["type"], kind);
    }

    let notice = streamer.next().await;
    assert_eq!(notice["type"], "pullRequestCreated");
    let data = &notice["data"];
    assert_eq!(
        (&data["owner"], &data["title"]),
        (&json!("bob"), &json!("Better"))
    );
    assert_eq!(data["files"], json!(["/a", "/new/b"]));
    assert_eq!(data["date"], data["data"]);
    assert!(
        streamer.content("/a").await == b"one",
        "the project is as it was"
    );
}
