//! The page and its parts.

use std::io::Read as _;

use flate2::read::GzDecoder;

use super::plain::{ask, get};
use crate::support::*;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/viewer/page/");

/// The files that the page consists of, below its folder.
fn parts() -> Vec<String> {
    let mut parts = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(format!("{PAGE}{folder}")).expect("a folder");
        for entry in entries {
            let entry = entry.expect("an entry");
            let name = format!("{folder}{}", entry.file_name().display());
            if entry.file_type().expect("a type").is_dir() {
                folders.push(format!("{name}/"));
            } else {
                parts.push(name);
            }
        }
    }
    parts
}

#[tokio::test]
async fn the_page_and_each_of_its_parts_come_with_type_tag_and_policy() {
    let server = Server::start();
    let index = std::fs::read(format!("{PAGE}index.html")).expect("the page");
    for path in ["/", "/ana/demo", "/ana/a%2Fb"] {
        let page = get(&server, path, "").await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.body == index, "{path}");
    }
    let parts = parts();
    assert!(parts.contains(&"index.html".to_owned()));
    for part in parts {
        let path = format!("/-/viewer/{part}");
        let answer = get(&server, &path, "").await;
        assert_eq!(answer.status, 200, "{part}");
        let content = std::fs::read(format!("{PAGE}{part}")).expect("the part");
        assert!(answer.body == content, "{part}");
        let kind = answer.header("content-type").expect("a type");
        assert_ne!(kind, "application/octet-stream", "{part}");
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
        let tag = answer.header("etag").expect("a tag");
        let again = get(&server, &path, &format!("If-None-Match: {tag}\r\n")).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{part}");
        assert_eq!(again.header("etag"), Some(tag));
        let gzipped = get(&server, &path, "Accept-Encoding: gzip\r\n").await;
        if gzipped.header("content-encoding") == Some("gzip") {
            let mut plain = Vec::new();
            let mut gzip = GzDecoder::new(&gzipped.body[..]);
            gzip.read_to_end(&mut plain).expect("gzip");
            assert!(plain == content, "{part}");
            assert_ne!(gzipped.header("etag"), Some(tag), "{part}");
        } else {
            assert!(!kind.starts_with("text/"), "{part}");
            assert!(gzipped.body == content, "{part}");
        }
    }
}

#[tokio::test]
async fn the_licences_of_what_the_page_uses_are_told() {
    let server = Server::start();
    let notices = std::fs::read(format!("{PAGE}vendor/NOTICES.txt")).expect("the notices");
    let answer = get(&server, "/-/licenses", "").await;
    assert_eq!(answer.status, 200);
    assert!(answer.body == notices);
    let lock = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/clients/viewer/vendor/package-lock.json"
    );
    let lock = std::fs::read(lock).expect("the list of packages");
    let lock: serde_json::Value = serde_json::from_slice(&lock).expect("JSON");
    let root = &lock["packages"][""]["dependencies"];
    for package in root.as_object().expect("packages").keys() {
        assert!(
            answer.text().contains(package),
            "{package} is not in the notices"
        );
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    ana.ok(post("a.txt", "0123456789")).await;
    for (path, headers) in [
        ("/", ""),
        ("/", "Accept-Encoding: gzip\r\n"),
        ("/ana/demo", ""),
        ("/ana/demo/", ""),
        ("/-/viewer/index.html", ""),
        ("/-/files/ana/demo", ""),
        ("/-/files/ana/demo", "Accept-Encoding: gzip\r\n"),
        ("/-/raw/ana/demo/a.txt", ""),
        ("/-/raw/ana/demo/a.txt", "Range: bytes=2-4\r\n"),
        ("/-/raw/ana/demo/a.txt", "Range: bytes=99-\r\n"),
        ("/-/zip/ana/demo", ""),
        ("/-/raw/ana/demo/none", ""),
        ("/-/none", ""),
        ("/healthz", ""),
        ("/readyz", ""),
    ] {
        let full = get(&server, path, headers).await;
        let head = ask(&server, "HEAD", path, headers).await;
        assert_eq!(head.status, full.status, "{path}");
        assert!(head.body.is_empty(), "{path}");
        let lines = |text: &str| {
            let varies = ["date: ", "transfer-encoding: "];
            let lines = text
                .lines()
                .filter(|line| !varies.iter().any(|it| line.starts_with(it)));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(lines(&head.head), lines(&full.head), "{path} {headers}");
    }
}

#[tokio::test]
async fn a_slash_too_many_leads_to_the_page_and_other_addresses_to_nothing() {
    let server = Server::start();
    let moved = get(&server, "/ana/a%2Fb/", "").await;
    assert_eq!(moved.status, 308);
    assert_eq!(moved.header("location"), Some("/ana/a%2Fb"));
    for path in [
        "/ana",
        "/ana/",
        "/-/demo",
        "/ana/demo/x",
        "//evil.example/",
        "/.ana/x",
    ] {
        let answer = get(&server, path, "").await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
}

#[tokio::test]
async fn every_answer_but_health_binds_what_is_shown() {
    let server = Server::start();
    server
        .streamer()
        .await
        .ok(post("a.html", "<script>1</script>"))
        .await;
    for (path, status) in [
        ("/", 200),
        ("/ana/demo", 200),
        ("/ana/demo/", 308),
        ("/-/viewer/index.html", 200),
        ("/-/viewer/none.js", 404),
        ("/-/files/ana/demo", 200),
        ("/-/files/ana/none", 404),
        ("/-/raw/ana/demo/a.html", 200),
        ("/-/raw/ana/demo/none", 404),
        ("/-/zip/ana/demo", 200),
        ("/nothing", 404),
    ] {
        let answer = get(&server, path, "").await;
        assert_eq!(answer.status, status, "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        let permissions = answer.header("permissions-policy").expect("a policy");
        assert!(permissions.split(", ").all(|one| one.ends_with("=()")));
        let policy = answer.header("content-security-policy").expect("a policy");
        let is_content = path.starts_with("/-/raw") || path.starts_with("/-/zip");
        if is_content && status == 200 {
            assert_eq!(policy, "sandbox; default-src 'none'");
            let shown = answer.header("content-disposition").expect("a disposition");
            assert!(shown.starts_with("attachment"), "{shown}");
            let kind = answer.header("content-type").expect("a type");
            assert!(kind.starts_with("application/"), "{kind}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}
