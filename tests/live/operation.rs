//! What an operator sees: starts that are refused, folders that are no projects, HTTP, stopping.

use std::process::Command;

use futures_util::StreamExt as _;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, get, post, streamer_login};
use crate::server::Server;

fn program(args: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_file-ws-server"))
        .args(args)
        .output();
    let output = output.expect("the server runs");
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code().expect("it ends by itself"),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn a_start_with_a_bad_configuration_names_key_and_fault() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let base = place.path().join("not made");
    let base = base.to_str().expect("a plain path");
    for (args, said) in [
        (
            &["--base-dir", base, "--part-bytes", "4"][..],
            "partBytes is 4",
        ),
        (&["--base-dir", base, "--nonsense", "4"], "--nonsense"),
        (&["--base-dir", base, "--host", "0.0.0.0"], "host is"),
        (&["--base-dir", base, "--config", "/nowhere"], "/nowhere"),
    ] {
        let (code, text) = program(args);
        assert!(code != 0 && text.contains(said), "{args:?}: {code} {text}");
    }
    assert!(!std::path::Path::new(base).exists(), "nothing was made");
    let (code, text) = program(&["--check-config", "--port", "4000"]);
    assert!(code == 0 && text.contains("valid"), "{text}");
    assert_eq!(
        program(&["--version"]),
        (0, format!("file-ws-server {}\n", env!("CARGO_PKG_VERSION")))
    );
}

#[test]
fn a_second_server_on_the_same_folder_does_not_start() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let base = place.path().to_str().expect("a plain path");
    let _first = Server::start(&["--base-dir", base]);
    let (code, text) = program(&["--port", "0", "--base-dir", base]);
    assert!(code != 0 && text.contains("another"), "{text}");
}

#[tokio::test]
async fn a_folder_that_the_server_did_not_make_is_no_project_until_it_is_adopted() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let base = place.path().to_str().expect("a plain path");
    std::fs::create_dir_all(place.path().join("ana/demo")).expect("a folder");
    std::fs::write(place.path().join("ana/demo/private"), "x").expect("a file");
    let server = Server::start(&["--base-dir", base]);
    let mut client = Client::connect(&server.url).await;
    assert_eq!(client.ask(&get("/")).await["type"], "failReadPathError");
    let refused = client.ask(&streamer_login()).await;
    assert_eq!(refused["code"], 400);
    assert!(
        refused["message"]
            .as_str()
            .is_some_and(|text| text.contains("adopt")),
        "{refused}"
    );
    server.stop();
    let (code, text) = program(&["adopt", "ana/demo", "--base-dir", base]);
    assert_eq!(code, 0, "{text}");
    assert_ne!(program(&["adopt", "ana/nothing", "--base-dir", base]).0, 0);
    let server = Server::start(&["--base-dir", base]);
    let mut client = Client::logged_in(&server.url, streamer_login()).await;
    assert_eq!(client.content("/private").await, b"x");
}

#[tokio::test]
async fn a_token_of_the_command_is_good() {
    let server = Server::start(&["--store", "memory"]);
    let (code, token) = program(&["token", "--username", "ana", "--project", "demo"]);
    assert_eq!(code, 0);
    let login = json!({"type": "authenticate", "data": {
        "token": token.trim(), "file": {"username": "ana", "project": "demo"},
    }});
    let mut client = Client::logged_in(&server.url, login).await;
    assert_eq!(client.ask(&post("a", b"x")).await["code"], 200);
}

async fn http(server: &Server, request: &str) -> String {
    let address = server.url.trim_start_matches("ws://");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("{request}\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

#[tokio::test]
async fn plain_http_is_answered_on_the_same_port() {
    let server = Server::start(&["--store", "memory"]);
    for (request, status) in [
        ("GET /healthz HTTP/1.1", "200"),
        ("GET /readyz HTTP/1.1", "200"),
        ("GET / HTTP/1.1", "200"),
        ("GET /ws HTTP/1.1", "426"),
        ("GET /other HTTP/1.1", "404"),
        ("POST / HTTP/1.1\r\nContent-Length: 0", "405"),
    ] {
        let answer = http(&server, request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{request}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_stopping_server_finishes_its_work_and_says_goodbye() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(&["--base-dir", place.path().to_str().expect("a plain path")]);
    let mut client = Client::logged_in(&server.url, streamer_login()).await;
    for number in 0..200 {
        client.send(&post(&format!("f{number}"), b"x")).await;
    }
    let stopping = tokio::task::spawn_blocking(move || server.stop());
    let mut acknowledged = 0;
    loop {
        match client
            .0
            .next()
            .await
            .expect("a message")
            .expect("a message")
        {
            Message::Text(_) => acknowledged += 1,
            Message::Close(close) => {
                assert_eq!(close.map(|close| u16::from(close.code)), Some(1001));
                break;
            }
            _ => {}
        }
    }
    stopping.await.expect("it ends well");
    let stored = std::fs::read_dir(place.path().join("ana/demo"))
        .expect("the project")
        .count();
    assert!(
        stored >= acknowledged,
        "{stored} stored, {acknowledged} acknowledged"
    );
}

#[tokio::test]
async fn an_abandoned_project_loses_its_files_where_the_operator_wants_it() {
    let server = Server::start(&[
        "--store",
        "memory",
        "--on-streamer-disconnect",
        "delete",
        "--streamer-grace-seconds",
        "0",
    ]);
    let mut watcher = Client::connect(&server.url).await;
    let of = json!({"username": "ana", "project": "demo"});
    watcher
        .ask(&json!({"type": "file", "subtype": "watch", "data": of}))
        .await;
    let mut streamer = Client::logged_in(&server.url, streamer_login()).await;
    streamer.ask(&post("a", b"x")).await;
    drop(streamer);
    for kind in [
        "streamerConnected",
        "fileGet",
        "streamerDisconnected",
        "fileDeleted",
    ] {
        assert_eq!(watcher.next().await["type"], kind);
    }
}
