//! Bytes that no client of ours would send, sent to the whole server (section 1).

use std::time::{Duration, Instant};

use crate::support::*;
use serde_json::json;

/// Longer than a refused connection may take to end, even if the client does not answer the close.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn text_that_is_not_utf8_is_closed_with_1007_and_leaves_nothing() {
    let server = Server::start();
    let authenticating = text_frame(&authenticate(streamer("ana", "demo")));
    for wrong in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\xe2\x82"] {
        let [before, after] = [
            &br#"{"type":"file","subtype":"post","data":{"content":"","name":"evil"#[..],
            br#""}}"#,
        ];
        let mut raw = Raw::connect(&server).await;
        raw.send(&authenticating).await;
        raw.send(masked(0x81, [before, wrong, after].concat()))
            .await;
        assert_eq!(raw.closed().await, 1_007, "{wrong:x?}");
    }
    let mut anyone = server.connect().await;
    assert_eq!(anyone.ok(list_all()).await["files"], json!([]));
}

#[tokio::test]
async fn hundreds_of_enormous_announcements_are_refused_by_their_headers_and_cost_nothing() {
    let server = Server::start();
    let announce = async |server: &Server| {
        let mut all = Vec::new();
        for length in [i64::MAX as u64, 1 << 40, (1 << 20) + 1].repeat(100) {
            let mut raw = Raw::connect(server).await;
            let header = [&[0x81, 0xFF], &length.to_be_bytes()[..], &[0; 4]].concat();
            raw.send(header).await;
            all.push(raw);
        }
        for raw in &mut all {
            assert_eq!(raw.closed().await, 1_009);
        }
    };
    // This first round allocates what so many connections need by themselves.
    announce(&server).await;
    let before = server.memory();
    announce(&server).await;
    let grown = server.memory().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes more than before");
}

#[tokio::test]
async fn fragments_without_end_are_closed_at_the_limit() {
    let server = Server::with(&["--max-unauthenticated-message-bytes", "262144"]);
    let mut raw = Raw::connect(&server).await;
    let content = vec![b'x'; 65_536];
    raw.send(masked(0x01, &content)).await;
    for _ in 0..3 {
        raw.send(masked(0x00, &content)).await;
    }
    // So far the message may still end within the limit.
    raw.send(masked(0x89, b"ping")).await;
    assert_eq!(raw.frame().await, Some((0x8A, b"ping".to_vec())));
    raw.send(masked(0x00, b"x")).await;
    assert_eq!(raw.closed().await, 1_009);
}

#[tokio::test]
async fn heads_that_come_a_byte_at_a_time_are_dropped_and_others_get_in() {
    let server = Server::alone_with(&["--handshake-timeout-seconds", "1"]);
    let before = server.open_files();
    let began = Instant::now();
    let mut slow = Vec::new();
    for _ in 0..100 {
        let mut raw = Raw::socket(&server).await;
        raw.send("GET / HTTP/1.1\r\nX: ").await;
        slow.push(raw);
    }
    while server.open_files() < before + slow.len() {
        assert!(began.elapsed() < SOON, "they are never accepted");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    while server.open_files() > before {
        server.connect().await.quiet().await;
        for raw in &mut slow {
            // Dropped connections take nothing more.
            let _ = raw.try_send("x").await;
        }
        assert!(began.elapsed() < SOON, "they are never dropped");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(began.elapsed() >= Duration::from_secs(1), "too soon");
}

#[tokio::test]
async fn an_enormous_head_gets_no_connection_and_others_do() {
    let server = Server::start();
    let long = "x".repeat(70_000);
    for head in [
        format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}\r\n"),
        format!("GET / HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}X: {long}\r\n\r\n"),
        format!(
            "GET / HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}X: {}",
            "x".repeat(1 << 20)
        ),
    ] {
        let mut raw = Raw::socket(&server).await;
        // The server may finish and hang up before the whole request has arrived.
        let _ = raw.try_send(&head).await;
        let answer = raw.rest().await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{answer:.200}"
        );
    }
    server.connect().await.quiet().await;
}

#[tokio::test]
async fn no_offered_extension_is_accepted() {
    let server = Server::start();
    let many = "permessage-deflate, ".repeat(500) + "x";
    for offer in [
        "constructor",
        "permessage-deflate; client_max_window_bits=0",
        "permessage-deflate; client_max_window_bits",
        "=;,",
        &many,
    ] {
        let mut raw = Raw::socket(&server).await;
        let head = raw
            .upgrade(&format!("Sec-WebSocket-Extensions: {offer}\r\n"), b"")
            .await
            .to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 101"), "{offer:.40}: {head}");
        assert!(!head.contains("extensions"), "{offer:.40}: {head}");
        // So the bit that says "compressed" has no meaning.
        raw.send(masked(0xC1, [0; 1_000])).await;
        assert_eq!(raw.closed().await, 1_002);
    }
}

#[tokio::test]
async fn what_follows_an_upgrade_is_no_http_and_http_2_is_refused() {
    let server = Server::start();
    let mut raw = Raw::socket(&server).await;
    let smuggled = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let head = raw.upgrade("", smuggled).await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert_eq!(raw.closed().await, 1_002);

    let mut raw = Raw::socket(&server).await;
    raw.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    let answer = raw.rest().await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 505"),
        "{answer}"
    );
}

#[tokio::test]
async fn requests_of_strange_forms_are_refused_and_nothing_panics() {
    // When the server ends, the test checks that nothing has panicked.
    let server = Server::start();
    for line in [
        "GET a HTTP/1.1",
        "GET a:80 HTTP/1.1",
        "CONNECT evil.example:80 HTTP/1.1",
        "CONNECT / HTTP/1.1",
        "TRACE mailto:x HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "GET ? HTTP/1.1",
        "GET ../../etc/passwd HTTP/1.1",
        "GET /../../etc/passwd HTTP/1.1",
        "GET /%77s HTTP/1.1",
        "GET /ws/.. HTTP/1.1",
        "GET / HTTP/9.9",
        "\x16\x03\x01\x02",
    ] {
        let mut raw = Raw::socket(&server).await;
        let rest = format!("Host: localhost\r\nConnection: close\r\n{UPGRADE}\r\n");
        let _ = raw.try_send(format!("{line}\r\n{rest}")).await;
        let answer = raw.rest().await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{line}: {answer}");
    }
    for body in ["Content-Length: 10\r\n", "Transfer-Encoding: chunked\r\n"] {
        let mut raw = Raw::socket(&server).await;
        let head = raw.upgrade(body, b"0123456789").await;
        assert!(head.starts_with("HTTP/1.1 400"), "{body}: {head}");
    }
    server.connect().await.quiet().await;
}

#[tokio::test]
async fn heads_with_bytes_changed_at_random_make_nothing_panic() {
    const HEADS: u64 = 500;
    let pieces: [&[u8]; 12] = [
        b"\r\n", b"\0", b"\xff", b":", b"/", b"?", b"#", b" ", b"*", b"http://", b"GET a ", b",",
    ];
    let server = Server::start();
    let seeds = [
        format!("GET / HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}\r\n"),
        "GET http://a/ws HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n\r\n".to_owned(),
        "POST /healthz HTTP/1.0\r\nContent-Length: 2\r\n\r\nab".to_owned(),
    ];
    for seed in 0..HEADS {
        let mut random = Random::new(seed, 1);
        let mut below = |bound: usize| usize::try_from(random.below(bound as u64)).expect("small");
        let mut head = seeds[below(seeds.len())].clone().into_bytes();
        for _ in 0..=below(3) {
            let at = below(head.len());
            match below(3) {
                0 => drop(head.splice(at..at, pieces[below(pieces.len())].iter().copied())),
                1 => head[at] = u8::try_from(below(256)).expect("a byte"),
                _ => drop(head.drain(at..(at + 1 + below(5)).min(head.len()))),
            }
        }
        let mut raw = Raw::socket(&server).await;
        let _ = raw.try_send(&head).await;
        raw.finish().await;
        raw.rest().await;
    }
    server.connect().await.quiet().await;
}

#[tokio::test]
async fn ten_posts_and_a_close_in_one_segment_are_all_carried_out() {
    let server = Server::alone();
    let mut raw = Raw::connect(&server).await;
    let mut segment = text_frame(&authenticate(streamer("ana", "demo")));
    for number in 0..10 {
        segment.extend(text_frame(&post(&format!("f{number}"), [number; 100])));
    }
    segment.extend(masked(0x88, 1_000_u16.to_be_bytes()));
    raw.send(segment).await;
    for kind in ["fileAuth", "authentication"] {
        assert_eq!(raw.message().await["type"], kind);
    }
    for _ in 0..10 {
        assert_eq!(raw.message().await["type"], "filePost");
    }
    assert_eq!(raw.closed().await, 1_000);
    for number in 0..10 {
        let stored = std::fs::read(server.project().join(format!("f{number}")));
        assert_eq!(stored.expect("stored"), [number; 100]);
    }
}

#[tokio::test]
async fn clients_that_die_in_the_middle_of_anything_leave_no_socket_and_no_line_in_the_log() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    ana.ok(post("big", noise(1_000_000))).await;
    let before = server.open_files();
    let log = || server.log();
    let said = log();
    for _ in 0..20 {
        let mut half_a_head = Raw::socket(&server).await;
        half_a_head.send("GET / HTTP/1.1\r\nX:").await;
        half_a_head.reset();
        let mut half_a_frame = Raw::connect(&server).await;
        half_a_frame
            .send(&text_frame(&post("f", noise(1_000)))[..500])
            .await;
        half_a_frame.reset();
        let mut half_an_answer = Raw::connect(&server).await;
        half_an_answer.send(text_frame(&get("big"))).await;
        half_an_answer.frame().await.expect("the first part");
        half_an_answer.reset();
        Raw::connect(&server).await.reset();
    }
    let began = Instant::now();
    while server.open_files() > before {
        assert!(began.elapsed() < SOON, "sockets are left");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(log(), said);
    ana.quiet().await;
}
