//! A server that puts characters which steer terminals into every text that it may choose.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::support::command;

/// Controls of both kinds, an override, an isolate, a separator, and invisible characters.
const MARK: &str =
    "\u{1b}]0;owned\u{7}\u{9b}2J\r\u{202e}\u{2066}\u{2028}\u{200b}\u{e0041}\u{feff}\u{200f}";
/// After this long, a command that keeps trying has printed everything that it will.
const PATIENCE: Duration = Duration::from_secs(5);

/// How the server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Grants everything.
    Grants,
    /// Refuses everything, with this code.
    Refuses(u64),
    /// Lets everybody in, and refuses the rest.
    RefusesLater(u64),
    /// Closes the connection with a reason.
    Closes,
    /// Breaks the contract in the envelope.
    Babbles,
    /// Breaks the contract in the data.
    Garbles,
    /// Is not a WebSocket server.
    SpeaksHttp,
}

async fn start(manner: Manner) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, manner));
        }
    });
    format!("ws://{address}")
}

async fn serve(mut stream: TcpStream, manner: Manner) {
    let mut beginning = [0; 12];
    while stream
        .peek(&mut beginning)
        .await
        .is_ok_and(|read| read < 12 && read > 0)
    {
        tokio::task::yield_now().await;
    }
    if manner == Manner::SpeaksHttp || &beginning == b"GET /healthz" {
        let body = json!({"status": "ok", "version": MARK}).to_string();
        let status = if manner == Manner::SpeaksHttp {
            500
        } else {
            200
        };
        let reason = MARK.replace('\r', "");
        let answer = format!("HTTP/1.1 {status} {reason}\r\nserver: {reason}\r\n\r\n{body}");
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
        let mut rest = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
        return;
    }
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
        return;
    };
    while let Some(Ok(message)) = socket.next().await {
        if !message.is_text() {
            continue;
        }
        let request: Value = serde_json::from_slice(&message.into_data()).unwrap();
        if manner == Manner::Closes {
            let reason = MARK.into();
            let _ = socket
                .close(Some(CloseFrame {
                    code: 1008.into(),
                    reason,
                }))
                .await;
            return;
        }
        for reply in answer(manner, &request) {
            if socket.send(Message::text(reply.to_string())).await.is_err() {
                return;
            }
        }
    }
}

fn answer(manner: Manner, request: &Value) -> Vec<Value> {
    let kind = request["type"].as_str().unwrap_or_default();
    let verb = request["subtype"].as_str().unwrap_or_default();
    let reference = &request["ref"];
    let lets_in = kind == "authenticate" || verb == "auth";
    let error =
        |code| json!({"code": code, "type": MARK, "message": MARK, "file": MARK, "ref": reference});
    match manner {
        Manner::Refuses(code) => return vec![error(code)],
        Manner::RefusesLater(code) if !lets_in => return vec![error(code)],
        Manner::Babbles => return vec![json!({"code": MARK, "type": MARK, "ref": reference})],
        Manner::Garbles if !lets_in => {
            let kinds = [
                "fileGet",
                "fileList",
                "pullRequestList",
                "chatHistory",
                "fileStatus",
                "pullRequestCreated",
            ];
            let garbled = |kind| json!({"code": 200, "type": kind, "data": {MARK: MARK, "files": MARK, "name": MARK, "id": MARK}, "ref": reference});
            return kinds.into_iter().map(garbled).collect();
        }
        _ => {}
    }
    let told = |kind: &str, data: Value| json!({"code": 200, "type": kind, "data": data, "last": true, "message": MARK, "ref": reference});
    let name = format!("/a{MARK}b");
    // A name that follows the rules, but deceives the reader.
    let seen = "/c\u{202e}txt.exe";
    let pull = json!({"id": format!("7d{MARK}"), "owner": MARK, "title": MARK, "description": format!("{MARK}\n{MARK}"),
        "files": [seen, name], "deleted": [name, seen], "date": 1, "bases": {(seen): MARK}});
    let part = |name: &str| {
        told(
            "fileGet",
            json!({"name": name, "content": STANDARD.encode(format!("{MARK}\n")), "part": 1, "maxPart": 1}),
        )
    };
    match (kind, verb) {
        ("chat", "auth") => vec![told("chatAuth", json!(MARK))],
        _ if lets_in => {
            let push = json!({"code": 200, "type": "pullRequestCreated", "data": pull});
            let section = request["data"]
                .as_object()
                .and_then(|data| data.keys().find(|key| *key != "token").cloned());
            let section = match section.as_deref() {
                Some("chat") => "chatAuth",
                Some("pullrequest") => "pullRequestAuth",
                _ => "fileAuth",
            };
            vec![
                told(section, json!(MARK)),
                told(
                    "authentication",
                    json!({"message": MARK, "opts": {"sep": "/"}}),
                ),
                push,
            ]
        }
        ("file", "status") => vec![told(
            "fileStatus",
            json!({"streamer": true, "viewers": 1, "files": 1, "bytes": 1, "maxBytes": 2, "note": MARK}),
        )],
        ("file", "watch") => vec![told("fileWatch", json!(MARK))],
        ("file", "list") => {
            let unread = json!({"code": 409, "type": "failReadFileError", "message": MARK, "file": name, "ref": reference});
            let listed =
                |name: &str| json!({"name": name, "size": 1, "sha256": MARK, "modified": 1});
            vec![
                unread,
                told(
                    "fileList",
                    json!({"files": [listed(seen), listed(&name)], "last": true}),
                ),
            ]
        }
        ("file", "get") => {
            let asked = request["data"]["name"].as_str().unwrap_or(seen);
            vec![
                part(asked),
                part(&name),
                told("fileGetDone", json!({"name": MARK})),
            ]
        }
        ("file", "post" | "delete") => vec![error(409)],
        ("pullrequest", "list") => vec![told("pullRequestList", json!([pull]))],
        ("pullrequest", "get") => {
            vec![part(seen), part(&name), told("pullRequestGet", json!(MARK))]
        }
        ("pullrequest", "creation") => vec![told("pullRequestCreation", json!(MARK))],
        ("pullrequest", "finish") => vec![told("pullRequestFinish", json!(MARK))],
        ("pullrequest", "delete") => vec![told("pullRequestDelete", json!(MARK))],
        ("chat", "history") => vec![told(
            "chatHistory",
            json!([{"message": MARK, "username": MARK, "room": MARK, "id": 1, "date": 1}]),
        )],
        ("chat", "members") => {
            let push = json!({"code": 200, "type": "chatMessage", "data": {"message": MARK, "username": MARK, "room": MARK, "id": 2, "date": 2}});
            vec![told("chatMembers", json!([MARK, "bob"])), push, error(500)]
        }
        _ => vec![told(MARK, json!(MARK))],
    }
}

/// Runs a command until it ends, prints `until`, or has printed enough; returns all that it
/// printed.
async fn printed(words: &[&str], until: Option<&str>) -> String {
    let mut child = command(words).spawn().unwrap();
    let mut err = child.stderr.take().unwrap();
    let reading = tokio::spawn(async move {
        let mut bytes = Vec::new();
        err.read_to_end(&mut bytes).await.map(|_| bytes)
    });
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut bytes = Vec::new();
    let told = async {
        while out.read_until(b'\n', &mut bytes).await.unwrap() > 0 {
            let text = String::from_utf8_lossy(&bytes);
            if until.is_some_and(|until| text.contains(until)) {
                return;
            }
        }
    };
    let _ = timeout(PATIENCE, told).await;
    let _ = child.kill().await;
    bytes.extend(reading.await.unwrap().unwrap());
    String::from_utf8(bytes).unwrap_or_else(|_| panic!("{words:?} prints what is no text"))
}

/// The characters in a text that a terminal would obey, or not show.
fn steering(text: &str) -> String {
    let is_mark = |c: &char| MARK.contains(*c) && !c.is_ascii();
    text.chars()
        .filter(|c| is_mark(c) || (c.is_control() && *c != '\n'))
        .collect()
}

/// Runs one command with every behaviour of the server.
async fn walk(words: &[&str], until: Option<&str>) {
    let manners = [
        Manner::Grants,
        Manner::Refuses(400),
        Manner::Refuses(401),
        Manner::Refuses(409),
        Manner::RefusesLater(401),
        Manner::RefusesLater(413),
        Manner::Closes,
        Manner::Babbles,
        Manner::Garbles,
        Manner::SpeaksHttp,
    ];
    for manner in manners {
        let is_live = manner == Manner::Grants && until.is_some();
        if until.is_some() && !is_live {
            continue;
        }
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("mine"), "1").unwrap();
        let folder = dir.path().join("sub");
        let url = start(manner).await;
        let who = [
            "--url",
            &url,
            "--user",
            "ana",
            "--streamer",
            "ana",
            "--project",
            "demo",
            "--key",
            "secret",
        ];
        let words: Vec<&str> = words
            .iter()
            .map(|word| match *word {
                "DIR" => dir.path().to_str().unwrap(),
                "NEW" => folder.to_str().unwrap(),
                word => word,
            })
            .chain(who)
            .collect();
        let said = printed(&words, until).await;
        assert!(
            !said.is_empty(),
            "{words:?} says nothing to a server that {manner:?}"
        );
        assert_eq!(
            steering(&said),
            "",
            "{words:?} prints of a server that {manner:?}: {said:?}"
        );
    }
}

#[tokio::test]
async fn no_text_of_a_server_steers_the_terminal_in_status_and_chat() {
    walk(&["status"], None).await;
    walk(&["status", "--json"], None).await;
    walk(&["chat"], None).await;
}

#[tokio::test]
async fn no_text_of_a_server_steers_the_terminal_in_pulls() {
    walk(&["proposals"], None).await;
    walk(&["pulls", "list"], None).await;
    walk(&["pulls", "list", "--json"], None).await;
    walk(&["pulls", "show", "7d", "--dir", "DIR"], None).await;
    walk(&["pulls", "apply", "7d", "--dir", "DIR"], None).await;
    walk(&["pulls", "close", "7d", "--dir", "DIR"], None).await;
}

#[tokio::test]
async fn no_text_of_a_server_steers_the_terminal_in_what_moves_files() {
    walk(&["clone", "NEW"], None).await;
    walk(&["mirror", "NEW", "--once"], None).await;
    walk(&["share", "DIR"], Some("proposes")).await;
    walk(&["share", "DIR", "--json"], Some("pullRequest")).await;
}
