//! Who may read a project over plain HTTP.

use serde_json::{Value, json};

use super::plain::{Answer, Plain, ask, get, submit};
use crate::support::*;

fn claims(more: &Value) -> Value {
    let mut claims = json!({"username": "bob", "streamername": "ana", "streamname": "demo"});
    let more = more.as_object().expect("an object").clone();
    claims.as_object_mut().expect("an object").extend(more);
    claims
}

async fn bearing(server: &Server, path: &str, token: &str) -> Answer {
    get(server, path, &format!("Authorization: Bearer {token}\r\n")).await
}

#[tokio::test]
async fn where_reading_needs_a_token_so_does_every_address_of_a_project() {
    let server = Server::with(&["--public-read", "false"]);
    server.streamer().await.ok(post("a", "secret")).await;
    let valid = token(claims(&json!({})));
    let refused = [
        String::new(),
        "nonsense".to_owned(),
        token(claims(&json!({"exp": now() - 60}))),
        token(claims(&json!({"rights": ["chat"]}))),
        token(claims(&json!({"streamname": "other"}))),
        token(json!({"username": "ana"})),
        token_as_is(&claims(&json!({"exp": now() + 60})), b"another key"),
    ];
    for (there, path) in [
        (true, "/-/files/ana/demo"),
        (true, "/-/raw/ana/demo/a"),
        (true, "/-/zip/ana/demo"),
        (false, "/-/raw/ana/demo/none"),
    ] {
        let found = bearing(&server, path, &valid).await;
        assert_eq!(found.status, if there { 200 } else { 404 }, "{path}");
        for token in &refused {
            let answer = bearing(&server, path, token).await;
            assert_eq!(answer.status, 401, "{path} {token}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            assert!(!answer.text().contains("secret"));
        }
        assert_eq!(get(&server, path, "").await.status, 401, "{path}");
        let head = ask(&server, "HEAD", path, "").await;
        assert_eq!(head.status, 401, "{path}");
        let in_address = format!("{path}?token={valid}");
        assert_eq!(get(&server, &in_address, "").await.status, 401);
    }
    for path in ["/-/files/ana/none", "/-/raw/eve/demo/a", "/-/zip/ana/none"] {
        assert_eq!(bearing(&server, path, &valid).await.status, 401, "{path}");
    }
    assert_eq!(get(&server, "/ana/demo", "").await.status, 200, "the page");
}

#[tokio::test]
async fn where_reading_is_public_a_bad_token_does_no_harm() {
    let server = Server::start();
    server.streamer().await.ok(post("a", "public")).await;
    let expired = token(claims(&json!({"exp": now() - 60})));
    for token in ["", "nonsense", &expired] {
        let answer = bearing(&server, "/-/raw/ana/demo/a", token).await;
        assert_eq!((answer.status, answer.text()), (200, "public"));
    }
    for path in ["/-/files/ana/none", "/-/raw/ana/none/a", "/-/zip/eve/demo"] {
        assert_eq!(get(&server, path, "").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_form_brings_the_token_for_a_zip_and_for_nothing_else() {
    let server = Server::with(&["--public-read", "false", "--handshake-timeout-seconds", "1"]);
    server.streamer().await.ok(post("a", "secret")).await;
    let form = format!("token={}", token(claims(&json!({}))));
    let path = "/-/zip/ana/demo";
    assert_eq!(submit(&server, path, &form).await.status, 200);
    assert_eq!(submit(&server, path, "token=nonsense").await.status, 401);
    assert_eq!(submit(&server, path, "").await.status, 401);
    for path in ["/-/files/ana/demo", "/-/raw/ana/demo/a", "/ana/demo", "/"] {
        let answer = submit(&server, path, &form).await;
        assert_eq!(answer.status, 405, "{path}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    }
    let long = format!("{form}&x={}", "y".repeat(16 * 1_024));
    assert_eq!(submit(&server, path, &long).await.status, 413);
    let slow =
        format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\ntoken=");
    let slow = Plain::send(&server, &slow).await.answer(false).await;
    assert_eq!(slow.status, 408);
}

#[tokio::test]
async fn a_form_of_the_servers_own_page_passes_and_that_of_another_does_not() {
    let server = Server::start();
    server.streamer().await.ok(post("a", "x")).await;
    let own = format!("Origin: http://localhost:{}\r\n", server.port);
    for (headers, status) in [
        (own.as_str(), 200),
        ("Origin: null\r\nSec-Fetch-Site: same-origin\r\n", 200),
        ("Origin: null\r\nSec-Fetch-Site: cross-site\r\n", 403),
        ("Origin: null\r\n", 403),
        ("Origin: https://evil.example\r\n", 403),
    ] {
        let headers = format!("{headers}Content-Length: 0\r\n");
        let answer = ask(&server, "POST", "/-/zip/ana/demo", &headers).await;
        assert_eq!(answer.status, status, "{headers}");
    }
}

#[tokio::test]
async fn a_token_that_expires_ends_the_download_that_needs_it() {
    let server = Server::with(&["--public-read", "false"]);
    let mut ana = server.streamer().await;
    for part in 1..=12 {
        ana.send(post_part("a", noise(700_000), part, 12)).await;
    }
    ana.expect("filePost").await;
    let brief = token(claims(&json!({"exp": now() + 2})));
    let mut readers = Vec::new();
    for address in ["/-/raw/ana/demo/a", "/-/zip/ana/demo"] {
        let request = format!(
            "GET {address} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Authorization: Bearer {brief}\r\n\r\n"
        );
        let mut reader = Plain::narrow(&server, &request).await;
        reader.head().await;
        readers.push(reader);
    }
    // Waits past any leeway, until the token has expired by every clock.
    while now() < now_of(&brief) + 6 {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    for reader in readers {
        let answer = reader.answer(false).await;
        assert_eq!(answer.status, 200);
        assert!(!answer.is_whole);
    }
}

/// When a token expires.
fn now_of(token: &str) -> u64 {
    let claims = token.split('.').nth(1).expect("claims");
    let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims);
    let claims: Value = serde_json::from_slice(&claims.expect("base64")).expect("JSON");
    claims["exp"].as_u64().expect("a time")
}
