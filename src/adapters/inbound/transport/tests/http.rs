use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::time::{Instant, timeout};

use super::client::{Client, HANDSHAKE, PATIENCE, Server, masked};
use crate::adapters::inbound::transport::{TransportSettings, WebPages};

fn start() -> Server {
    Server::start(TransportSettings::default())
}

#[tokio::test]
async fn the_upgrade_is_on_two_paths_and_leaves_the_rest_to_others() {
    let server = start();
    let ws = HANDSHAKE.replace("GET /", "GET /ws");
    for (request, status) in [
        (HANDSHAKE, "101 "),
        (&ws, "101 "),
        (&ws.replace("/ws", "/ws/"), "101 "),
        (&HANDSHAKE.replace("GET /", "GET /?a=b"), "101 "),
        (&HANDSHAKE.replace("GET /", "GET /other"), "404 "),
        (&HANDSHAKE.replace("GET /", "GET /ws/deeper"), "404 "),
        (&HANDSHAKE.replace("GET", "POST"), "405 "),
        (&HANDSHAKE.replace("Version: 13", "Version: 8"), "426 "),
        (
            &HANDSHAKE.replace("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="),
            "400 ",
        ),
        (&HANDSHAKE.replace("HTTP/1.1", "HTTP/1.0"), "400 "),
        ("GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", "426 "),
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "200 "),
        ("GET /other HTTP/1.1\r\nHost: x\r\n\r\n", "404 "),
    ] {
        let head = server.status(request).await;
        let got = head.split_once(' ').expect("a status line").1;
        assert!(got.starts_with(status), "{request}\n{head}");
    }
    let head = server
        .status(&HANDSHAKE.replace("Version: 13", "Version: 8"))
        .await;
    assert!(
        head.to_ascii_lowercase()
            .contains("sec-websocket-version: 13"),
        "{head}"
    );
}

#[tokio::test]
async fn a_page_of_another_origin_gets_no_connection() {
    let web_pages = WebPages {
        allowed_origins: Some(vec!["https://good.example".parse().expect("an origin")]),
        ..WebPages::default()
    };
    let server = Server::start(TransportSettings {
        web_pages,
        ..TransportSettings::default()
    });
    for (origin, status) in [
        ("", "101"),
        ("Origin: https://good.example\r\n", "101"),
        ("Origin: https://evil.example\r\n", "403"),
        ("Origin: null\r\n", "403"),
    ] {
        let request = HANDSHAKE.replace("Host: x\r\n", &format!("Host: x\r\n{origin}"));
        let head = server.status(&request).await;
        assert!(head.contains(status), "{origin}{head}");
    }
}

#[tokio::test]
async fn frames_in_the_same_segment_as_the_request_are_read() {
    let server = start();
    let mut client = server.connect_with(&masked(0x81, b"at once")).await;
    assert_eq!(client.frame().await, Some((0x81, b"at once".to_vec())));
}

#[tokio::test]
async fn frames_behind_a_head_of_any_length_and_in_any_pieces_are_read() {
    let server = start();
    let frame = masked(0x81, b"at once");
    for padding in [0, 700, 1_000, 7_900, 8_050, 15_000] {
        let padding = format!("Host: x\r\nX: {}\r\n", "x".repeat(padding));
        let mut request = HANDSHAKE.replace("Host: x\r\n", &padding).into_bytes();
        request.extend_from_slice(&frame);
        for piece in [request.len(), 5_000, request.len() - frame.len() - 1] {
            let mut client = server.raw().await;
            for piece in request.chunks(piece) {
                client.send(piece).await;
            }
            let head = client.head().await;
            assert!(head.contains(" 101 "), "{head}");
            assert_eq!(client.frame().await, Some((0x81, b"at once".to_vec())));
        }
    }
}

#[tokio::test]
async fn the_socket_of_a_plain_request_ends_behind_the_answer() {
    let server = start();
    for target in ["/", "/other", "/ws"] {
        let mut client = server.raw().await;
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
        client.send(request.as_bytes()).await;
        let head = client.head().await.to_ascii_lowercase();
        assert!(head.contains("close\r\n"), "{head}");
        assert!(!head.contains(" 101 "), "{head}");
        let mut body = Vec::new();
        let end = client.stream.read_to_end(&mut body);
        timeout(PATIENCE, end)
            .await
            .expect("ends")
            .expect("cleanly");
    }
}

#[tokio::test]
async fn what_is_no_request_is_refused_without_waiting_for_its_end() {
    let server = start();
    // No longer than what the server reads: closing a socket with unread bytes could discard the
    // answer.
    let longest = format!("{:x<16384}", "GET / HTTP/1.1\r\nX: ");
    for (sent, status) in [("\x16\x03\x01\x02\0", " 400 "), (&longest, " 431 ")] {
        let mut client = server.raw().await;
        client.send(sent.as_bytes()).await;
        let head = client.head().await;
        assert!(head.contains(status), "{head}");
    }
}

#[tokio::test]
async fn over_the_limit_the_answer_is_503_until_a_connection_ends() {
    let server = Server::start(TransportSettings {
        max_connections: 2,
        ..TransportSettings::default()
    });
    let first = server.connect().await;
    let _second = server.connect().await;
    assert!(server.status(HANDSHAKE).await.contains(" 503 "));
    assert!(
        server
            .status("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .contains(" 200 ")
    );
    drop(first);
    server.has_connections(1).await;
    server.connect().await;
}

#[tokio::test]
async fn the_limit_per_address_looks_behind_trusted_proxies() {
    let server = Server::start(TransportSettings {
        max_connections_per_address: 1,
        trusted_proxies: vec!["127.0.0.1".parse().expect("an address")],
        ..TransportSettings::default()
    });
    let from = |address: &str| {
        HANDSHAKE.replace(
            "Host: x\r\n",
            &format!("Host: x\r\nX-Forwarded-For: {address}\r\n"),
        )
    };
    let mut clients = Vec::new();
    for (address, status) in [
        ("192.0.2.1", " 101 "),
        ("192.0.2.1", " 503 "),
        ("192.0.2.2", " 101 "),
    ] {
        let mut client = server.raw().await;
        client.send(from(address).as_bytes()).await;
        let mut head = [0; 16];
        client
            .stream
            .read_exact(&mut head)
            .await
            .expect("an answer");
        assert!(String::from_utf8_lossy(&head).contains(status), "{address}");
        clients.push(client);
    }
}

#[tokio::test]
async fn silent_sockets_and_half_sent_heads_are_dropped() {
    let handshake_timeout = Duration::from_millis(300);
    let server = Server::start(TransportSettings {
        handshake_timeout,
        ..TransportSettings::default()
    });
    for sent in ["", "GET / HTTP/1.1\r\nX:"] {
        let mut client = server.raw().await;
        let started = Instant::now();
        client.send(sent.as_bytes()).await;
        let mut answer = Vec::new();
        let end = client.stream.read_to_end(&mut answer);
        let _ = tokio::time::timeout(Duration::from_secs(5), end)
            .await
            .expect("it ends");
        assert!(
            started.elapsed() >= handshake_timeout,
            "{sent:?} ended at once"
        );
    }
    server.connect().await;
}

#[tokio::test]
async fn a_socket_too_many_is_told_at_once() {
    let server = Server::start(TransportSettings {
        max_pending: 1,
        ..TransportSettings::default()
    });
    let waiting = server.raw().await;
    expect_refusal(server.raw().await).await;
    drop(waiting);
    // A connection that is upgraded is not pending.
    let _first = retry_connect(&server).await;
    let _second = retry_connect(&server).await;
}

/// Expects the answer of a server that has no place for this socket.
async fn expect_refusal(mut client: Client) {
    let mut answer = String::new();
    let read = client.stream.read_to_string(&mut answer);
    timeout(PATIENCE, read)
        .await
        .expect("it ends")
        .expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
}

#[tokio::test]
async fn one_address_cannot_take_all_places_of_pending_sockets() {
    let server = Server::start(TransportSettings {
        max_pending: 5,
        max_pending_per_address: 2,
        ..TransportSettings::default()
    });
    let mut waiting = Vec::new();
    for address in [[127, 0, 0, 2], [127, 0, 0, 3]] {
        for _ in 0..2 {
            waiting.push(server.raw_from(address).await);
        }
        expect_refusal(server.raw_from(address).await).await;
    }
    let head = server.status(HANDSHAKE).await;
    assert!(head.contains(" 101 "), "another address gets in: {head}");
    waiting.push(server.raw_from([127, 0, 0, 4]).await);
    // That was the last place of all.
    expect_refusal(server.raw_from([127, 0, 0, 5]).await).await;
}

#[tokio::test]
async fn a_trusted_proxy_may_take_more_places_than_one_address() {
    let server = Server::start(TransportSettings {
        max_pending: 3,
        max_pending_per_address: 1,
        trusted_proxies: vec!["127.0.0.2".parse().expect("an address")],
        ..TransportSettings::default()
    });
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(server.raw_from([127, 0, 0, 2]).await);
    }
    expect_refusal(server.raw_from([127, 0, 0, 2]).await).await;
}

/// Connects once the previous socket has been given up.
async fn retry_connect(server: &Server) -> Client {
    loop {
        let mut client = server.raw().await;
        client.send(HANDSHAKE.as_bytes()).await;
        let mut status = [0; 12];
        if client.stream.read_exact(&mut status).await.is_ok() && status.ends_with(b"101") {
            return client;
        }
    }
}

#[tokio::test]
async fn a_head_that_is_too_big_is_refused() {
    let server = start();
    let many = "X: y\r\n".repeat(200);
    let head = server
        .status(&format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n"))
        .await;
    assert!(head.contains(" 431 "), "{head}");
}
