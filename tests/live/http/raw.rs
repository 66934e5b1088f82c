//! Single files.

use super::plain::{Plain, get};
use crate::support::*;

const FILE: &str = "/-/raw/ana/demo/d/f%20%C3%A9";

async fn with_file(server: &Server, content: &[u8]) -> Client {
    let mut ana = server.streamer().await;
    let parts: Vec<_> = content.chunks(512 * 1_024).collect();
    let count = parts.len().max(1) as u64;
    for (number, part) in (1..).zip(&parts) {
        ana.send(post_part("d/f é", part, number, count)).await;
    }
    if parts.is_empty() {
        ana.send(post("d/f é", "")).await;
    }
    ana.expect("filePost").await;
    ana
}

#[tokio::test]
async fn bytes_come_as_they_are() {
    let server = Server::start();
    for length in [0, 1, 65_535, 65_536, 65_537, 3_000_000] {
        let content = noise(length);
        with_file(&server, &content).await;
        let answer = get(&server, FILE, "Accept-Encoding: gzip\r\n").await;
        assert_eq!(answer.status, 200);
        assert!(answer.body == content && answer.is_whole, "{length}");
        assert_eq!(answer.header("content-length"), Some(&*length.to_string()));
        assert_eq!(answer.header("content-encoding"), None);
        assert_eq!(answer.header("accept-ranges"), Some("bytes"));
        assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    }
}

#[tokio::test]
async fn parts_are_those_that_are_asked_for() {
    let server = Server::start();
    let content = noise(200_000);
    let mut ana = with_file(&server, &content).await;
    for (range, first, last) in [
        ("0-0", 0, 0),
        ("65530-65540", 65_530, 65_540),
        ("199999-", 199_999, 199_999),
        ("100-999999", 100, 199_999),
        ("-5", 199_995, 199_999),
    ] {
        let answer = get(&server, FILE, &format!("Range: bytes={range}\r\n")).await;
        assert_eq!(answer.status, 206, "{range}");
        assert!(answer.body == content[first..=last], "{range}");
        let told = format!("bytes {first}-{last}/200000");
        assert_eq!(answer.header("content-range"), Some(&*told));
    }
    let behind = get(&server, FILE, "Range: bytes=200000-\r\n").await;
    assert_eq!(behind.status, 416);
    assert_eq!(behind.header("content-range"), Some("bytes */200000"));
    assert_eq!(behind.header("cache-control"), Some("no-store"));
    for ignored in ["bytes=0-1,5-6", "lines=1-2", "bytes=9-1"] {
        let answer = get(&server, FILE, &format!("Range: {ignored}\r\n")).await;
        assert_eq!(
            (answer.status, answer.body.len()),
            (200, 200_000),
            "{ignored}"
        );
    }
    let tag = get(&server, FILE, "").await;
    let tag = tag.header("etag").expect("a tag").to_owned();
    let resumed = format!("Range: bytes=5-\r\nIf-Range: {tag}\r\n");
    assert_eq!(get(&server, FILE, &resumed).await.status, 206);
    ana.ok(post("d/f é", "another content")).await;
    let answer = get(&server, FILE, &resumed).await;
    assert_eq!((answer.status, answer.text()), (200, "another content"));
}

#[tokio::test]
async fn who_has_a_version_is_told_so_until_there_is_another() {
    let server = Server::start();
    let mut ana = with_file(&server, b"one").await;
    let first = get(&server, FILE, "").await;
    let known = format!(
        "If-None-Match: {}\r\n",
        first.header("etag").expect("a tag")
    );
    let again = get(&server, FILE, &known).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(again.header("etag"), first.header("etag"));
    // The same content, posted again, is another version, because it has another time.
    ana.ok(post("d/f é", "one")).await;
    assert_eq!(get(&server, FILE, &known).await.status, 200);
}

#[tokio::test]
async fn an_answer_that_has_begun_ends_with_the_version_that_it_began_with() {
    let server = Server::start();
    let old = noise(4_000_000);
    let mut ana = with_file(&server, &old).await;
    let request = format!("GET {FILE} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut reader = Plain::narrow(&server, &request).await;
    reader.head().await;
    ana.ok(post("d/f é", "new")).await;
    assert_eq!(get(&server, FILE, "").await.text(), "new");
    let answer = reader.answer(false).await;
    assert!(answer.body == old && answer.is_whole);
    // The same holds if the file is deleted.
    let mut ana = with_file(&server, &old).await;
    let mut reader = Plain::narrow(&server, &request).await;
    reader.head().await;
    ana.ok(delete("d/f é")).await;
    let answer = reader.answer(false).await;
    assert!(answer.body == old && answer.is_whole);
    assert_eq!(get(&server, FILE, "").await.status, 404);
}

#[tokio::test]
async fn an_answer_breaks_off_where_another_program_writes_into_the_file() {
    let server = Server::alone();
    with_file(&server, &noise(4_000_000)).await;
    let request = format!("GET {FILE} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut reader = Plain::narrow(&server, &request).await;
    reader.head().await;
    let path = server.project().join("d/f é");
    let mut file = std::fs::File::options()
        .write(true)
        .open(path)
        .expect("the file");
    std::io::Write::write_all(&mut file, b"other").expect("written");
    drop(file);
    let answer = reader.answer(false).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.is_whole, "it is silently mixed");
}
