use super::client::{Client, PATIENCE, Server, masked};
use crate::adapters::inbound::transport::{CLOSE_TIMEOUT, TransportSettings};

use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;

fn small() -> TransportSettings {
    TransportSettings {
        max_message_bytes: 1000,
        ..TransportSettings::default()
    }
}

#[tokio::test]
async fn every_protocol_error_is_answered_with_its_code_and_then_the_end() {
    let server = Server::start(small());
    let cases: &[(&str, Vec<u8>, u16)] = &[
        ("unmasked", b"\x81\x02hi".to_vec(), 1002),
        ("RSV1", masked(0xC1, b"hi"), 1002),
        ("reserved opcode", masked(0x83, b""), 1002),
        ("long ping", masked(0x89, &[0; 126]), 1002),
        ("fragmented ping", masked(0x09, b""), 1002),
        ("close of one byte", masked(0x88, b"\x03"), 1002),
        ("close 1005", masked(0x88, b"\x03\xed"), 1002),
        (
            "reason that is not UTF-8",
            masked(0x88, b"\x03\xe8\xff"),
            1007,
        ),
        ("stray continuation", masked(0x80, b""), 1002),
        (
            "text in a text",
            [masked(0x01, b"a"), masked(0x81, b"b")].concat(),
            1002,
        ),
        ("text that is not UTF-8", masked(0x81, b"\xff"), 1007),
        (
            "header of a long message",
            masked(0x82, &[0; 1001])[..8].to_vec(),
            1009,
        ),
        (
            "sum",
            [
                masked(0x02, &[0; 999]),
                masked(0x00, b"1"),
                masked(0x80, b"2"),
            ]
            .concat(),
            1009,
        ),
        (
            "an error and a lot more",
            [&b"\x81\x02"[..], &vec![9; 16 << 20]].concat(),
            1002,
        ),
    ];
    for (name, bytes, code) in cases {
        let mut client = server.connect().await;
        client.send(bytes).await;
        eprintln!("{name}");
        client.expect_close(*code).await;
    }
    server.has_connections(0).await;
}

#[tokio::test]
async fn a_close_of_the_client_is_echoed() {
    let server = Server::start(small());
    for code in [1000, 1001, 3000, 4999_u16] {
        let mut client = server.connect().await;
        // What follows a close frame counts for nothing.
        client
            .send(&[masked(0x88, &code.to_be_bytes()), masked(0x81, b"late")].concat())
            .await;
        client.expect_close(code).await;
    }
    let mut client = server.connect().await;
    client.send(&masked(0x88, b"")).await;
    assert_eq!(client.frame().await, Some((0x88, vec![])));
    client.expect_end().await;
}

#[tokio::test]
async fn a_client_that_has_closed_keeps_no_place_even_if_it_does_not_hang_up() {
    let server = Server::start(small());
    let mut client = server.connect().await;
    let began = Instant::now();
    client.send(&masked(0x88, b"\x03\xe8")).await;
    server.has_connections(0).await;
    assert!(began.elapsed() < CLOSE_TIMEOUT / 2);
    client.expect_close(1000).await;
}

#[tokio::test]
async fn messages_before_a_close_are_answered() {
    let server = Server::start(small());
    let mut client = server.connect().await;
    let mut bytes: Vec<u8> = (0..10).flat_map(|number| masked(0x82, &[number])).collect();
    bytes.extend(masked(0x88, b"\x03\xe8"));
    client.send(&bytes).await;
    for number in 0..10 {
        assert_eq!(client.frame().await, Some((0x82, vec![number])));
    }
    client.expect_close(1000).await;
}

#[tokio::test]
async fn the_handler_may_close() {
    let server = Server::start(small());
    let mut client = server.connect().await;
    client.send(&masked(0x81, b"bye")).await;
    client.expect_close(1000).await;
    drop(client);
    server.has_connections(0).await;
}

#[tokio::test]
async fn a_handler_that_panics_costs_its_own_connection_only() {
    let server = Server::start(small());
    let mut witness = server.connect().await;
    let mut client = server.connect().await;
    client.send(&masked(0x81, b"panic")).await;
    client.expect_close(1011).await;
    witness.send(&masked(0x81, b"still there?")).await;
    assert_eq!(
        witness.frame().await,
        Some((0x81, b"still there?".to_vec()))
    );
    drop(client);
    server.has_connections(1).await;
}

#[tokio::test]
async fn a_client_that_hangs_up_in_the_middle_of_a_frame_is_gone() {
    let server = Server::start(small());
    let mut client = server.connect().await;
    client.send(&masked(0x81, b"hello")[..8]).await;
    drop(client);
    server.has_connections(0).await;
}

#[tokio::test]
async fn a_client_that_never_hangs_up_is_dropped_after_two_seconds() {
    let server = Server::start(small());
    let mut client = server.connect().await;
    client.send(&masked(0x81, b"bye")).await;
    client.expect_close(1000).await;
    let started = Instant::now();
    server.has_connections(0).await;
    assert!(started.elapsed() < CLOSE_TIMEOUT + Duration::from_millis(500));
}

#[tokio::test]
async fn a_client_that_stops_reading_is_closed_and_dropped() {
    let idle_timeout = Duration::from_millis(300);
    let server = Server::start(TransportSettings {
        idle_timeout,
        ping: Duration::from_secs(3_600),
        ..small()
    });
    let mut client = server.connect().await;
    let started = Instant::now();
    client.send(&masked(0x81, b"flood")).await;
    // The client sends pongs for as long as it can, so that it is not closed for silence.
    let pong = masked(0x8A, b"");
    let heard = async {
        while client.stream.write_all(&pong).await.is_ok() {
            tokio::time::sleep(idle_timeout / 10).await;
        }
    };
    let closed = async {
        server.has_connections(0).await;
        started.elapsed()
    };
    let (took, ()) = tokio::join!(closed, heard);
    assert!(took >= idle_timeout, "{took:?}");
    assert!(
        took < idle_timeout + CLOSE_TIMEOUT + Duration::from_secs(1),
        "{took:?}"
    );
    assert_whole_frames_then_cut(client).await;
}

/// Reads what the server had sent: whole floods, and at the end at most one that was cut.
async fn assert_whole_frames_then_cut(client: Client) {
    let mut bytes = Vec::new();
    let mut stream = client.stream;
    let read = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut bytes);
    // Whether it ends or is reset, nothing but floods was sent: no close frame inside a frame.
    let _ = tokio::time::timeout(PATIENCE, read).await.expect("it ends");
    for flood in bytes.chunks(10 + (1 << 20)) {
        let (header, payload) = flood.split_at(10.min(flood.len()));
        assert_eq!(
            header,
            &[0x82, 127, 0, 0, 0, 0, 0, 0x10, 0, 0][..header.len()]
        );
        assert!(payload.iter().all(|byte| *byte == 7));
    }
}

#[tokio::test]
async fn a_client_that_reads_again_gets_the_rest_of_the_frame_and_then_the_close() {
    let idle_timeout = Duration::from_secs(5);
    let server = Server::start(TransportSettings {
        idle_timeout,
        ..small()
    });
    let mut client = server.connect().await;
    client.send(&masked(0x81, b"flood")).await;
    assert!(client.frame().await.is_some(), "the flood has begun");
    server.shutdown.draining.cancel();
    let mut floods = 1;
    loop {
        match client.frame().await.expect("a close frame before the end") {
            (0x82, payload) => {
                assert_eq!(payload, vec![7; 1 << 20]);
                floods += 1;
            }
            (first, payload) => {
                assert_eq!((first, &payload[..2]), (0x88, &[0x03, 0xe9][..]));
                break;
            }
        }
    }
    assert!(floods < 64, "the flood was interrupted, between two frames");
    client.expect_end().await;
}
