//! A project in a zip.

use std::io::{Cursor, Read as _};

use serde_json::json;
use zip::ZipArchive;

use super::plain::{Answer, Plain, get};
use crate::support::*;

const ZIP: &str = "/-/zip/ana/demo";

/// The files in an archive: name, content, mode.
fn files(answer: &Answer) -> Vec<(String, Vec<u8>, u32)> {
    assert_eq!(answer.status, 200, "{}", answer.head);
    assert!(answer.is_whole);
    let mut archive = ZipArchive::new(Cursor::new(&answer.body)).expect("an archive");
    let count = archive.len();
    let read = |index| {
        let mut file = archive.by_index(index).expect("a file");
        let mut content = Vec::new();
        // Reading to the end checks the checksum.
        file.read_to_end(&mut content).expect("content");
        let mode = file.unix_mode().expect("a mode");
        let name = file.name().expect("a text").into_owned();
        (name, content, mode)
    };
    (0..count).map(read).collect()
}

#[tokio::test]
async fn it_is_the_project_byte_for_byte() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    assert_eq!(files(&get(&server, ZIP, "").await), []);
    let contents = [
        ("a", noise(0)),
        ("d-x", noise(1)),
        ("d.txt", noise(65_536)),
        ("d/b", noise(65_537)),
        ("d/e/é \u{1f600}", noise(300_000)),
        ("z", noise(1_000_000)),
    ];
    for (name, content) in &contents {
        ana.ok(post(name, content)).await;
    }
    ana.ok(file(
        "post",
        json!({"name": "run", "content": base64("#!"), "executable": true}),
    ))
    .await;
    let answer = get(&server, ZIP, "").await;
    assert_eq!(answer.header("content-type"), Some("application/zip"));
    let disposition = "attachment; filename*=UTF-8''demo.zip";
    assert_eq!(answer.header("content-disposition"), Some(disposition));
    let mut expected: Vec<_> = contents
        .into_iter()
        .map(|(name, content)| (name.to_owned(), content, 0o100_644))
        .collect();
    expected.insert(5, ("run".to_owned(), b"#!".to_vec(), 0o100_755));
    let found = files(&answer);
    let names = |files: &[(String, Vec<u8>, u32)]| {
        let names = files.iter().map(|(name, _, mode)| (name.clone(), *mode));
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(&found), names(&expected));
    assert!(found == expected);
}

#[tokio::test]
async fn files_that_come_and_go_meanwhile_are_there_as_they_were_or_not_at_all() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    let (first, old) = (noise(4_000_000), noise(400_000));
    for (name, content) in [("a", &first), ("b", &old), ("c", &old)] {
        ana.ok(post(name, content)).await;
    }
    let request = format!("GET {ZIP} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut reader = Plain::narrow(&server, &request).await;
    reader.begun().await;
    ana.ok(post("a", "later")).await;
    ana.ok(post("b", "new")).await;
    ana.ok(delete("c")).await;
    ana.ok(post("d", "added")).await;
    let found = files(&reader.answer(false).await);
    let found: Vec<_> = found
        .into_iter()
        .map(|(name, content, _)| (name, content))
        .collect();
    let expected = [
        ("a".to_owned(), first),
        ("b".to_owned(), b"new".to_vec()),
        ("d".to_owned(), b"added".to_vec()),
    ];
    assert!(found == expected);
}

#[tokio::test]
async fn no_archive_is_silently_wrong_where_another_program_writes_into_a_file() {
    let server = Server::alone();
    let mut ana = server.streamer().await;
    ana.ok(post("a", noise(4_000_000))).await;
    let request = format!("GET {ZIP} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    for cut in [false, true] {
        let mut reader = Plain::narrow(&server, &request).await;
        reader.begun().await;
        let path = server.project().join("a");
        let file = std::fs::File::options().write(true).open(path);
        let mut file = file.expect("the file");
        if cut {
            file.set_len(100).expect("cut");
        } else {
            std::io::Write::write_all(&mut file, b"other").expect("written");
        }
        drop(file);
        let answer = reader.answer(false).await;
        assert_eq!(answer.status, 200);
        assert!(!answer.is_whole, "cut: {cut}");
        assert!(ZipArchive::new(Cursor::new(&answer.body)).is_err());
    }
}

#[tokio::test]
async fn a_project_of_many_files_takes_little_memory() {
    let server = Server::with(&["--max-project-bytes", "1000000000"]);
    let mut ana = server.streamer().await;
    let content = noise(500_000);
    let names: Vec<_> = (0..200).map(|n| format!("d/{n:04}")).collect();
    for names in names.chunks(20) {
        ana.send_all(names.iter().map(|name| post(name, &content)))
            .await;
        ana.expect_all("filePost", names.len()).await;
    }
    drop(ana);
    get(&server, "/-/files/ana/demo", "").await;
    let before = server.own_memory();
    let request = format!("GET {ZIP} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut reader = Plain::send(&server, &request).await;
    let (mut bytes, mut most) = (0, 0);
    loop {
        let read = reader.more().await;
        if read == 0 {
            break;
        }
        bytes += read;
        reader.received.clear();
        if bytes % 10 == 0 {
            most = most.max(server.own_memory());
        }
    }
    assert!(bytes > 100_000_000, "{bytes}");
    let grown = most.saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes more");
}
