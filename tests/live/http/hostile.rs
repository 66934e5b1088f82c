//! Addresses that try to leave the project, and names that try to do harm.

use std::os::unix::fs::symlink;

use super::plain::{Plain, ask, get};
use crate::support::*;

#[tokio::test]
async fn no_address_leads_out_of_a_project() {
    let server = Server::alone();
    server.streamer().await.ok(post("d/a", "own")).await;
    std::fs::write(server.base().join("outside"), "outside").expect("written");
    std::fs::write(server.folder().join("outside"), "outside").expect("written");
    symlink("/etc", server.project().join("etc")).expect("a link");
    symlink("../../outside", server.project().join("link")).expect("a link");
    std::fs::hard_link(server.base().join("outside"), server.project().join("hard"))
        .expect("a link");
    for path in [
        "../outside",
        "../../outside",
        "../../../outside",
        "..%2foutside",
        "..%2F..%2Foutside",
        "%2e%2e/%2e%2e/outside",
        "%2e%2e%2f%2e%2e%2foutside",
        "d/../../../outside",
        "d/..%5c..%5coutside",
        "..\\..\\outside",
        "%c0%ae%c0%ae/outside",
        "%252e%252e/outside",
        "d/a%00",
        "d/a%00.txt",
        "/etc/passwd",
        "//etc/passwd",
        "%2fetc%2fpasswd",
        "etc/passwd",
        "link",
        "hard",
        "d",
        "d/",
        "",
        ".",
        "%2e",
        "d/a/",
        "d/a%",
        "d/a%zz",
        "d/%61%2e%2e",
    ] {
        let answer = get(&server, &format!("/-/raw/ana/demo/{path}"), "").await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.text().contains("outside"), "{path}");
    }
    let answer = get(&server, "/-/raw/ana/demo/%64//./%61", "").await;
    assert_eq!(answer.text(), "own");
    for path in [
        "/-/raw/ana/../ana/demo/d/a",
        "/-/raw/./ana/demo/d/a",
        "/-/raw/.twicecast/projects/x",
        "/-/raw/ana/./demo/d/a",
        "/-/raw/..%2f..%2f/demo/d/a",
        "/-/files/..%2f/demo",
        "/-/zip/ana/..",
        "/-/zip/ana/%2e%2e",
        "/-/viewer/../../Cargo.toml",
        "/-/viewer/..%2f..%2fCargo.toml",
        "/-/viewer/%2e%2e/README.md",
        "/-/viewer//etc/passwd",
        "/-/viewer/",
        "/-/viewer/src",
    ] {
        assert_eq!(get(&server, path, "").await.status, 404, "{path}");
    }
    let list = get(&server, "/-/files/ana/demo", "").await;
    assert!(!list.text().contains("link") && !list.text().contains("hard"));
    let zip = get(&server, "/-/zip/ana/demo", "").await;
    let holds = |text: &[u8]| zip.body.windows(text.len()).any(|found| found == text);
    assert!(!holds(b"outside") && !holds(b"link") && !holds(b"passwd"));
}

#[tokio::test]
async fn names_of_all_kinds_are_told_and_found_and_break_no_header() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    let names = [
        ("a\"b;c", "a%22b;c"),
        ("<script>", "%3Cscript%3E"),
        ("\u{202e}txt.exe", "%E2%80%AEtxt.exe"),
        ("a?b#c&d", "a%3Fb%23c&d"),
        ("%2e%2e", "%252e%252e"),
        ("100%", "100%25"),
        ("a+b", "a+b"),
        ("...", "..."),
    ];
    for (name, address) in names {
        ana.ok(post(name, name)).await;
        let answer = get(&server, &format!("/-/raw/ana/demo/{address}"), "").await;
        assert_eq!((answer.status, answer.text()), (200, name));
    }
    let list = get(&server, "/-/files/ana/demo", "").await;
    let list: serde_json::Value = serde_json::from_slice(&list.body).expect("JSON");
    assert_eq!(list["files"].as_array().expect("a list").len(), names.len());
    // A project's name appears in a header.
    let name = "a/b\"; x=\u{202e}é";
    let mut other = server.connect().await;
    other.authenticate(streamer("ana", name)).await;
    other.ok(post("a", "x")).await;
    let address = "a%2Fb%22%3B%20x%3D%E2%80%AE%C3%A9";
    let zip = get(&server, &format!("/-/zip/ana/{address}"), "").await;
    assert_eq!(zip.status, 200);
    let expected = "attachment; filename*=UTF-8''a_b%22%3B%20x%3D_%C3%A9.zip";
    assert_eq!(zip.header("content-disposition"), Some(expected));
}

#[tokio::test]
async fn no_foreign_page_and_no_rebound_name_gets_a_projects_files() {
    let server = Server::start();
    server.streamer().await.ok(post("a", "x")).await;
    for path in [
        "/",
        "/ana/demo",
        "/ana/demo/",
        "/-/viewer/index.html",
        "/-/licenses",
        "/-/files/ana/demo",
        "/-/raw/ana/demo/a",
        "/-/zip/ana/demo",
    ] {
        for (host, origin) in [
            ("rebound.example", ""),
            ("localhost", "Origin: https://evil.example\r\n"),
            ("localhost", "Origin: null\r\n"),
        ] {
            let request =
                format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{origin}\r\n");
            let answer = Plain::send(&server, &request).await.answer(false).await;
            assert_eq!(answer.status, 403, "{path} {host} {origin}");
        }
    }
}

#[tokio::test]
async fn a_token_is_in_no_log() {
    let server = Server::with(&["--public-read", "false", "--log-level", "debug"]);
    server.streamer().await.ok(post("a", "x")).await;
    let secret = token(serde_json::json!({"username": "eve"}));
    let header = format!("Authorization: Bearer {secret}\r\n");
    for path in ["/-/files/ana/demo", "/-/raw/ana/demo/a", "/-/zip/ana/demo"] {
        assert_eq!(get(&server, path, &header).await.status, 401);
        let query = format!("{path}?token={secret}");
        assert_eq!(ask(&server, "GET", &query, "").await.status, 401);
    }
    let form = format!("token={secret}");
    super::plain::submit(&server, "/-/zip/ana/demo", &form).await;
    let log = std::fs::read_to_string(server.folder().join("server.log")).expect("a log");
    let signature = secret.rsplit('.').next().expect("a signature");
    assert!(!log.contains(signature), "{log}");
}

#[tokio::test]
async fn every_random_request_is_answered_and_never_with_500() {
    const PIECES: [&str; 24] = [
        "/",
        "/-/",
        "raw/",
        "files/",
        "zip/",
        "viewer/",
        "ana/",
        "demo/",
        "a",
        "..",
        "%2e",
        "%2F",
        "%00",
        "%",
        "%zz",
        "?",
        "token=x",
        "//",
        "\u{e9}",
        "~",
        "0123456789abcdef/",
        ";",
        "*",
        "-",
    ];
    const HEADERS: [&str; 12] = [
        "Range: bytes=0-",
        "Range: bytes=5-1,-",
        "If-Range: \"x\"",
        "If-None-Match: *, \"a\"",
        "Accept-Encoding: gzip;q=0.5, *",
        "Authorization: Bearer a.b.c",
        "Authorization: bearer",
        "Origin: null",
        "Sec-Fetch-Site: same-origin",
        "Expect: 100-continue",
        "X-Forwarded-For: \u{7f}, 1.2.3.4",
        "Cookie: a=b",
    ];
    const METHODS: [&str; 6] = ["GET", "GET", "HEAD", "POST", "OPTIONS", "NONSENSE"];
    let server = Server::start();
    server.streamer().await.ok(post("a", "content")).await;
    let mut random = Random::new(17, 0);
    for round in 0..400 {
        let mut path = String::from("/");
        for _ in 0..random.below(9) {
            path.push_str(pick(&mut random, &PIECES));
        }
        let method = pick(&mut random, &METHODS);
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
        for _ in 0..random.below(4) {
            request.push_str(pick(&mut random, &HEADERS));
            request.push_str("\r\n");
        }
        request.push_str("Content-Length: 0\r\nConnection: close\r\n\r\n");
        let answer = Plain::send(&server, &request).await;
        let answer = answer.answer(method == "HEAD").await;
        assert!(answer.is_whole, "{round}: {request}");
        assert!(answer.status < 500, "{round}: {request}{}", answer.head);
    }
}

fn pick<'t>(random: &mut Random, texts: &[&'t str]) -> &'t str {
    let index = random.below(texts.len() as u64);
    texts[usize::try_from(index).expect("fits")]
}
