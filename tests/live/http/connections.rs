//! How many plain connections there may be, and how long they live.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::plain::{Plain, get};
use crate::support::*;

fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

#[tokio::test]
async fn plain_connections_count_as_connections_and_health_does_not() {
    let server = Server::with(&["--max-connections", "2"]);
    let mut page = Plain::send(&server, &request("/ana/demo")).await;
    page.head().await;
    let _ana = server.streamer().await;
    let over = get(&server, "/", "").await;
    assert_eq!(over.status, 503);
    assert_eq!(over.header("connection"), Some("close"));
    assert_eq!(get(&server, "/healthz", "").await.status, 200);
    drop(page);
    while get(&server, "/", "").await.status == 503 {}
}

#[tokio::test]
async fn a_page_is_loaded_over_one_connection() {
    let server = Server::start();
    let mut page = Plain::send(&server, "").await;
    for _ in 0..20 {
        let request = request("/-/viewer/index.html");
        let sending = tokio::io::AsyncWriteExt::write_all(&mut page.stream, request.as_bytes());
        sending.await.expect("sent");
        page.received.clear();
        page.head().await;
        let head = String::from_utf8_lossy(&page.received).into_owned();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let (head, body) = head.split_once("\r\n\r\n").expect("a head");
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.expect("a length").parse().expect("a number");
        let mut got = body.len();
        while got < length {
            got += page.more().await;
        }
    }
}

#[tokio::test]
async fn a_download_lives_as_long_as_its_reader_takes_it() {
    let flags = [
        "--message-timeout-seconds",
        "1",
        "--handshake-timeout-seconds",
        "1",
    ];
    let server = Server::with(&flags);
    let mut ana = server.streamer().await;
    for part in 1..=20 {
        ana.send(post_part("a", noise(700_000), part, 20)).await;
    }
    ana.expect("filePost").await;
    let mut slow = Plain::narrow(&server, &request("/-/raw/ana/demo/a")).await;
    let mut stuck = Plain::narrow(&server, &request("/-/raw/ana/demo/a")).await;
    slow.head().await;
    stuck.head().await;
    let started = Instant::now();
    // Much longer than the time that a reader can save up.
    while started.elapsed() < Duration::from_secs(9) {
        assert!(slow.more().await > 0, "the slow reader was cut off");
        slow.received.clear();
        sleep(Duration::from_millis(100)).await;
    }
    // The reader that took nothing was cut off meanwhile: it gets only what the system still holds
    // for it.
    let answer = stuck.answer(false).await;
    assert!(!answer.is_whole);
    assert!(answer.body.len() < 8_000_000, "{}", answer.body.len());
}

#[tokio::test]
async fn a_download_does_not_keep_the_server_from_stopping() {
    let mut server = Server::start();
    let mut ana = server.streamer().await;
    for part in 1..=20 {
        ana.send(post_part("a", noise(700_000), part, 20)).await;
    }
    ana.expect("filePost").await;
    drop(ana);
    let mut reader = Plain::narrow(&server, &request("/-/raw/ana/demo/a")).await;
    reader.head().await;
    let started = Instant::now();
    assert!(server.stop());
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(!reader.answer(false).await.is_whole);
}

#[tokio::test]
async fn stalled_downloads_keep_nobody_from_reading_and_make_way() {
    let memory = (64 << 20).to_string();
    let server = Server::with(&[
        "--max-memory-bytes",
        &memory,
        "--max-message-bytes",
        "1048576",
        "--max-queue-bytes",
        "1048576",
    ]);
    let mut ana = server.streamer().await;
    for part in 1..=20 {
        ana.send(post_part("a", noise(700_000), part, 20)).await;
    }
    ana.expect("filePost").await;
    let mut stalled = Vec::new();
    loop {
        let mut reader = Plain::narrow(&server, &request("/-/zip/ana/demo")).await;
        reader.head().await;
        let is_refused = reader.received.starts_with(b"HTTP/1.1 503");
        stalled.push(reader);
        if is_refused {
            break;
        }
        assert!(stalled.len() < 1_000, "there is no end of downloads");
    }
    let refused = get(&server, "/-/raw/ana/demo/a", "").await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (503, Some("1"))
    );
    let mut anyone = server.connect().await;
    anyone.ok(list_all()).await;
    let begun = Instant::now();
    while get(&server, "/-/raw/ana/demo/a", "").await.status == 503 {
        assert!(
            begun.elapsed() < Duration::from_secs(15),
            "nobody makes way"
        );
    }
}
