//! The list of a project's files.

use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use super::plain::{Answer, get};
use crate::support::*;

const LIST: &str = "/-/files/ana/demo";

fn files(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.head);
    assert!(answer.is_whole);
    let list: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(list["name"], "/");
    list["files"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn it_is_that_of_the_websocket_without_hashes() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    assert_eq!(files(&get(&server, LIST, "").await), [] as [Value; 0]);
    for name in ["b", "d/b-x", "d/b/c", "é \"x\"\u{202e}", "a/1"] {
        ana.ok(post(name, name)).await;
    }
    ana.ok(file(
        "post",
        json!({"name": "run", "content": "", "executable": true}),
    ))
    .await;
    ana.send(list_all()).await;
    let listed = ana.expect("fileList").await;
    let mut expected = listed["files"].as_array().expect("a list").clone();
    for entry in &mut expected {
        entry.as_object_mut().expect("an object").remove("sha256");
    }
    let answer = get(&server, LIST, "").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(files(&answer), expected);
    assert_eq!(expected.len(), 6);
}

#[tokio::test]
async fn it_comes_in_gzip_to_whoever_accepts_it_however_long_it_is() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    let names: Vec<_> = (0..3_000)
        .map(|n| format!("folder/of/many/{n:04}.rs"))
        .collect();
    ana.send_all(names.iter().map(|name| post(name, "x"))).await;
    ana.expect_all("filePost", names.len()).await;
    let plain = get(&server, LIST, "").await;
    let gzipped = get(&server, LIST, "Accept-Encoding: br, gzip\r\n").await;
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(gzipped.header("content-encoding"), Some("gzip"));
    assert_eq!(gzipped.header("vary"), Some("accept-encoding"));
    let mut text = Vec::new();
    let mut gzip = GzDecoder::new(&gzipped.body[..]);
    gzip.read_to_end(&mut text).expect("gzip");
    assert!(text == plain.body);
    assert!(gzipped.body.len() * 5 < plain.body.len());
    let listed = files(&plain);
    let listed: Vec<_> = listed.iter().map(|file| &file["name"]).collect();
    let expected: Vec<_> = names.iter().map(|name| json!(format!("/{name}"))).collect();
    assert_eq!(listed, expected.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn who_has_it_is_told_so_until_something_changes() {
    let mut server = Server::start();
    let mut ana = server.streamer().await;
    ana.ok(post("a", "1")).await;
    let mut tag = String::new();
    let mut is_new = async |server: &Server| {
        let condition = format!("If-None-Match: {tag}\r\n");
        let answer = get(server, LIST, &condition).await;
        let found = answer.header("etag").expect("a tag").to_owned();
        let is_new = answer.status == 200;
        assert_eq!(is_new, found != tag, "{}", answer.head);
        assert_eq!(is_new, !answer.body.is_empty());
        tag = found;
        is_new
    };
    assert!(is_new(&server).await);
    assert!(!is_new(&server).await);
    ana.ok(get_one("a")).await;
    assert!(!is_new(&server).await);
    for change in [
        post("a", "1"),
        post("b", "2"),
        file(
            "post",
            json!({"name": "b", "content": "", "executable": true}),
        ),
        delete("a"),
    ] {
        ana.ok(change.clone()).await;
        assert!(is_new(&server).await, "{change}");
        assert!(!is_new(&server).await);
    }
    drop(ana);
    server.restart();
    assert!(is_new(&server).await, "the project is loaded anew");
}

fn get_one(name: &str) -> Value {
    crate::support::get(name)
}
