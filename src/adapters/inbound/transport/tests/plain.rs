//! Plain connections that carry more than one request, and how long they live.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep, timeout};

use super::client::{Client, HANDSHAKE, PATIENCE, Server};
use crate::adapters::inbound::transport::TransportSettings;
use crate::application::memory::MemoryBudget;

/// Settings with these limits of connections, in all and per address.
fn limits(max_connections: usize, max_connections_per_address: usize) -> TransportSettings {
    TransportSettings {
        max_connections,
        max_connections_per_address,
        ..TransportSettings::default()
    }
}

/// Settings under which a plain connection does not live long.
fn brief() -> TransportSettings {
    TransportSettings {
        handshake_timeout: Duration::from_millis(300),
        message_timeout: Duration::from_secs(1),
        ..TransportSettings::default()
    }
}

/// Reads until the server ends the connection, which it must.
async fn read_to_end(client: &mut Client) {
    let mut buffer = vec![0; 64 * 1_024];
    let mut count = 0;
    loop {
        let reading = timeout(PATIENCE, client.stream.read(&mut buffer)).await;
        let Ok(read @ 1..) = reading.expect("more or the end") else {
            return;
        };
        count += read;
        assert!(count < 64 << 20, "it does not end");
    }
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let server = Server::start(TransportSettings::default());
    let mut client = server.raw().await;
    for _ in 0..20 {
        let (head, body) = client.get("/kept", "").await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(!head.contains("connection: close"), "{head}");
        assert_eq!(body, b"kept");
    }
    let (head, _) = client.get("/kept", "Connection: close\r\n").await;
    assert!(head.contains("connection: close"), "{head}");
    client.expect_end().await;
}

#[tokio::test]
async fn from_its_first_request_on_it_is_a_connection_and_not_pending() {
    let server = Server::start(TransportSettings {
        max_pending: 1,
        ..limits(2, 0)
    });
    let mut first = server.raw().await;
    first.get("/kept", "").await;
    let mut second = server.raw().await;
    second.get("/kept", "").await;
    // There is a place for a socket that asks, but none for another connection.
    for request in [HANDSHAKE, "GET /kept HTTP/1.1\r\nHost: x\r\n\r\n"] {
        let mut third = server.raw().await;
        third.send(request.as_bytes()).await;
        let head = third.head().await;
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
        assert!(head.contains("connection: close"), "{head}");
    }
    drop(first);
    loop {
        let request = "GET /kept HTTP/1.1\r\nHost: x\r\n\r\n";
        if server.status(request).await.contains(" 200 ") {
            break;
        }
    }
}

#[tokio::test]
async fn a_proxys_connection_counts_for_the_client_that_asks_over_it() {
    let server = Server::start(TransportSettings {
        trusted_proxies: vec!["127.0.0.1".parse().expect("an address")],
        ..limits(0, 1)
    });
    let (mut one, mut other) = (server.raw().await, server.raw().await);
    let from = |client: &str| format!("X-Forwarded-For: {client}\r\n");
    one.get("/kept", &from("192.0.2.1")).await;
    one.get("/kept", &from("192.0.2.2")).await;
    // The first client has no connection any more.
    let (head, _) = other.get("/kept", &from("192.0.2.1")).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let (head, _) = other.get("/kept", &from("192.0.2.2")).await;
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
}

#[tokio::test]
async fn a_kept_connection_may_still_become_a_websocket_in_its_own_place() {
    let server = Server::start(limits(1, 0));
    let mut client = server.raw().await;
    client.get("/kept", "").await;
    client.send(HANDSHAKE.as_bytes()).await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    server.has_connections(1).await;
}

#[tokio::test]
async fn a_connection_is_idle_between_two_requests_for_a_while_only() {
    let server = Server::start(brief());
    let mut client = server.raw().await;
    client.get("/kept", "").await;
    let started = Instant::now();
    client.expect_end().await;
    let elapsed = started.elapsed();
    assert!(elapsed >= Duration::from_millis(290), "{elapsed:?}");
    assert!(elapsed < Duration::from_secs(5), "{elapsed:?}");
}

#[tokio::test]
async fn a_second_head_that_does_not_come_to_its_end_is_dropped() {
    let server = Server::start(brief());
    let mut client = server.raw().await;
    client.get("/kept", "").await;
    client.send(b"GET /kept HTTP/1.1\r\nHost: x\r\nX: ").await;
    client.expect_end().await;
}

#[tokio::test]
async fn a_reader_that_has_stopped_is_cut_off_and_a_slow_one_is_kept() {
    let server = Server::start(brief());
    let mut stopped = server.raw().await;
    stopped
        .send(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    stopped.head().await;
    let mut slow = server.raw().await;
    slow.send(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").await;
    slow.head().await;
    let started = Instant::now();
    // Longer than what can be saved up: four times `message_timeout`.
    let mut taken = 0;
    let mut buffer = [0; 4_096];
    while started.elapsed() < Duration::from_secs(6) {
        let read = timeout(PATIENCE, slow.stream.read(&mut buffer)).await;
        let read = read.expect("more").expect("more");
        assert!(read > 0, "the slow reader was cut off");
        taken += read;
        sleep(Duration::from_millis(100)).await;
    }
    assert!(taken < 300 * 1_024, "it was slow: {taken}");
    // It still gets what the system had taken for it, and then the end.
    read_to_end(&mut stopped).await;
}

#[tokio::test]
async fn a_connection_ends_soon_once_the_server_stops() {
    let server = Server::start(TransportSettings::default());
    let (mut idle, mut busy) = (server.raw().await, server.raw().await);
    idle.get("/kept", "").await;
    busy.send(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").await;
    busy.head().await;
    server.shutdown.draining.cancel();
    let mut late = server.raw().await;
    let (head, _) = late.get("/kept", "").await;
    assert!(head.contains("connection: close"), "{head}");
    server.shutdown.stop.cancel();
    idle.expect_end().await;
    timeout(PATIENCE, server.serving)
        .await
        .expect("it ends")
        .expect("nothing panicked");
    read_to_end(&mut busy).await;
}

#[tokio::test]
async fn a_connection_is_kept_only_where_there_is_memory_for_it() {
    // Clients without a token may use a quarter of it, and connections are kept up to half of that:
    // enough for two.
    let memory = MemoryBudget::new(2 * 12 * 1_024 * 8);
    let server = Server::with_memory(TransportSettings::default(), Arc::clone(&memory));
    let mut clients = Vec::new();
    for is_kept in [true, true, false] {
        let mut client = server.raw().await;
        let (head, body) = client.get("/kept", "").await;
        assert_eq!(body, b"kept");
        assert_eq!(!head.contains("connection: close"), is_kept, "{head}");
        clients.push(client);
    }
    drop(clients);
    while memory.used() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn it_is_closed_where_it_holds_most_and_memory_is_short() {
    let memory = MemoryBudget::new(1 << 20);
    let server = Server::with_memory(TransportSettings::default(), Arc::clone(&memory));
    let mut client = server.raw().await;
    client.get("/kept", "").await;
    assert!(memory.evict_largest());
    client.expect_end().await;
}
