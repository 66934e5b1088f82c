//! `pulls apply` with a server that does not answer as it should.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

use super::world::World;
use crate::support::{Said, files, sha256, tree, twicecast, write};

/// What becomes of somebody who asks for a file of the project.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// It is not there any more.
    Gone,
    /// The connection ends.
    CutOff,
}

/// A server with one pull request of `/a` and `/b`, both made from `base`, whose parts are `parts`.
async fn server(asked: Asked, parts: Vec<Value>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let base = sha256(b"base\n");
    let stored = |name| json!({"name": name, "size": 5, "modified": 1, "sha256": base});
    let stored = json!({"files": [stored("/a"), stored("/b")], "last": true});
    let pull = json!([{"id": "7d3f", "owner": "bob", "title": "t", "date": 2, "files": ["/a", "/b"], "bases": {"/a": base, "/b": base}}]);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        while let Some(Ok(message)) = socket.next().await {
            let Ok(request) = serde_json::from_slice::<Value>(&message.into_data()) else {
                continue;
            };
            let of = |name: &str| request[name].as_str().unwrap_or_default();
            let answers = match (of("type"), of("subtype")) {
                ("authenticate", _) => vec![json!({"type": "authentication", "data": {}})],
                ("pullrequest", "list") => vec![json!({"type": "pullRequestList", "data": pull})],
                ("pullrequest", "get") => {
                    let parts = parts.iter().cloned();
                    let parts = parts.map(|data| json!({"type": "fileGet", "data": data}));
                    let end = json!({"type": "pullRequestGet", "data": "OK"});
                    parts.chain([end]).collect()
                }
                ("pullrequest", _) => vec![json!({"type": "pullRequestDelete", "data": "OK"})],
                ("file", "list") => vec![json!({"type": "fileList", "data": stored})],
                _ if asked == Asked::CutOff => return,
                _ => vec![json!({"code": 409, "type": "failReadFileError", "message": "gone"})],
            };
            for mut answer in answers {
                answer["ref"] = request["ref"].clone();
                if answer["code"].is_null() {
                    answer["code"] = json!(200);
                }
                let answer = Message::text(answer.to_string());
                socket.send(answer).await.unwrap();
            }
        }
    });
    url
}

fn part(name: &str, part: u64, max_part: u64, content: &str) -> Value {
    json!({"name": name, "part": part, "maxPart": max_part, "content": content})
}

/// `/a` and `/b` as `theirs`, one with its padding and one without.
fn both() -> Vec<Value> {
    let whole = part("/a", 1, 1, "dGhlaXJzCg==");
    vec![whole, part("/b", 1, 2, "dGhl"), part("/b", 2, 2, "aXJzCg")]
}

/// `/a` is as its author got it, `/b` has changed.
async fn apply(asked: Asked, parts: Vec<Value>) -> (TempDir, Said) {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &files(&[("/a", b"base\n"), ("/b", b"ours\n")]));
    let url = server(asked, parts).await;
    let path = dir.path().to_str().unwrap();
    let words = ["pulls", "apply", "7d3f", "--dir", path, "--url", &url];
    let who = ["--user", "ana", "--project", "broken", "--key", "secret"];
    let said = twicecast(&[&words[..], &who].concat()).await;
    (dir, said)
}

#[tokio::test]
async fn a_base_that_the_server_has_not_any_more_is_none() {
    let (dir, said) = apply(Asked::Gone, both()).await;
    assert_eq!(said.code, 1, "{said:?}");
    let conflict = b"<<<<<<< ours\nours\n=======\ntheirs\n>>>>>>> theirs\n";
    let after = files(&[("/a", b"theirs\n"), ("/b", conflict)]);
    assert_eq!(tree(dir.path()), after);
}

#[tokio::test]
async fn what_was_replaced_before_the_connection_broke_is_kept_and_it_is_said_where() {
    let (dir, said) = apply(Asked::CutOff, both()).await;
    assert_eq!(said.code, 3, "{said:?}");
    assert_eq!(World::kept(&said), files(&[("/a", b"base\n")]));
    let after = files(&[("/a", b"theirs\n"), ("/b", b"ours\n")]);
    assert_eq!(tree(dir.path()), after);
}

#[tokio::test]
async fn parts_out_of_turn_change_nothing() {
    let mut parts = both();
    parts.swap(1, 2);
    let (dir, said) = apply(Asked::Gone, parts).await;
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("in the wrong order"), "{said:?}");
    let before = files(&[("/a", b"base\n"), ("/b", b"ours\n")]);
    assert_eq!(tree(dir.path()), before);
}
