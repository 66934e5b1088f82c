//! The desktop client's habits: parts as binary messages of indented JSON, 500 characters each,
//! one part too many announced, everything right behind `authenticate` without waiting.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::client::{Client, decode, streamer_login, viewer_login};
use crate::server::Server;

/// Lengths of which some make base64 of a multiple of 500 characters.
const LENGTHS: [usize; 15] = [
    0, 1, 374, 375, 376, 749, 750, 751, 1_123, 1_124, 1_125, 1_126, 37_498, 37_499, 37_500,
];

fn content(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| u8::try_from(index * 7 % 251).expect("small"))
        .collect()
}

/// What the desktop client sends for a file.
fn parts(name: &str, content: &[u8]) -> Vec<Value> {
    let text = STANDARD.encode(content);
    let count = text.len() / 500 + 1;
    let mut pieces: Vec<_> = text.as_bytes().chunks(500).collect();
    if pieces.is_empty() {
        pieces.push(b"");
    }
    let part = |(index, piece): (usize, &[u8])| {
        json!({"type": "file", "subtype": "post", "data": {
            "name": name, "content": String::from_utf8_lossy(piece),
            "part": index + 1, "maxPart": count,
        }})
    };
    pieces.into_iter().enumerate().map(part).collect()
}

fn server() -> Server {
    Server::start(&["--store", "memory"])
}

#[tokio::test]
async fn every_length_arrives_when_all_is_pipelined_behind_authenticate() {
    let server = server();
    let mut desktop = Client::connect(&server.url).await;
    desktop.feed(&streamer_login()).await;
    for length in LENGTHS {
        for part in parts(&format!("/f{length}"), &content(length)) {
            desktop.feed_binary(&part).await;
        }
    }
    desktop.flush().await;
    assert_eq!(desktop.next().await["type"], "fileAuth");
    assert_eq!(desktop.next().await["type"], "authentication");
    let mut stored = Vec::new();
    for _ in LENGTHS {
        let reply = desktop.next().await;
        assert_eq!(reply["type"], "filePost", "{reply}");
        stored.push(reply["data"]["file"].as_str().expect("a name").to_owned());
    }
    let mut names: Vec<_> = LENGTHS.iter().map(|length| format!("/f{length}")).collect();
    names.sort();
    stored.sort();
    assert_eq!(stored, names);
    for length in LENGTHS {
        let got = desktop.content(&format!("/f{length}")).await;
        assert!(
            got == content(length),
            "the content of length {length} has changed"
        );
    }
}

#[tokio::test]
async fn a_file_that_lacks_its_last_part_is_whole_after_a_second_of_silence() {
    let server = server();
    let mut desktop = Client::logged_in(&server.url, streamer_login()).await;
    for part in parts("a", &content(375)) {
        desktop.feed_binary(&part).await;
    }
    desktop.flush().await;
    assert_eq!(desktop.next().await["data"]["file"], "a");
}

#[tokio::test]
async fn a_file_that_lacks_its_last_part_is_whole_when_the_client_closes() {
    let server = server();
    let mut viewer = Client::connect(&server.url).await;
    let mut desktop = Client::logged_in(&server.url, streamer_login()).await;
    viewer.send(&viewer_login("bob")).await;
    viewer
        .until(|message| message["type"] == "authentication")
        .await;
    for part in parts("a", &content(750)) {
        desktop.feed_binary(&part).await;
    }
    desktop.0.close(None).await.expect("closed");
    let update = viewer.next().await;
    assert_eq!(update["data"]["name"], "/a");
    assert!(decode([update].iter()) == content(750));
}

#[tokio::test]
async fn a_last_part_that_comes_after_all_completes_the_file_again() {
    let server = server();
    let mut slow = Client::logged_in(&server.url, streamer_login()).await;
    let whole = content(1_000);
    let pieces = parts("a", &whole);
    let (last, first) = pieces.split_last().expect("several parts");
    for part in first {
        slow.feed_binary(part).await;
    }
    slow.feed(&json!({"type": "file", "subtype": "status", "data": {
        "username": "ana", "project": "demo",
    }}))
    .await;
    slow.feed_binary(last).await;
    slow.flush().await;
    let replies = [slow.next().await, slow.next().await, slow.next().await];
    let kinds: Vec<_> = replies.iter().map(|reply| reply["type"].as_str()).collect();
    assert_eq!(
        kinds,
        [Some("filePost"), Some("fileStatus"), Some("filePost")]
    );
    assert!(slow.content("/a").await == whole);
}

#[tokio::test]
async fn the_same_holds_inside_a_draft() {
    let server = server();
    let mut streamer = Client::logged_in(&server.url, streamer_login()).await;
    let mut viewer = Client::logged_in(&server.url, viewer_login("bob")).await;
    viewer
        .feed(
            &json!({"type": "pullrequest", "subtype": "creation", "data": {
                "title": "t", "description": "",
            }}),
        )
        .await;
    for part in parts("a", &content(375)) {
        viewer.feed_binary(&part).await;
    }
    viewer
        .feed(&json!({"type": "pullrequest", "subtype": "finish"}))
        .await;
    viewer.flush().await;
    for kind in ["pullRequestCreation", "filePost", "pullRequestFinish"] {
        let reply = viewer.next().await;
        assert_eq!(reply["type"], kind, "{reply}");
    }
    let notice = streamer.next().await;
    assert_eq!(notice["data"]["files"], json!(["/a"]));
}
