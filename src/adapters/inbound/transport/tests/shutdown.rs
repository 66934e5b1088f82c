use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::client::{HANDSHAKE, PATIENCE, Server, masked};
use crate::adapters::inbound::transport::TransportSettings;

const PAGE: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test]
async fn draining_ends_connections_refuses_new_ones_and_still_serves_pages() {
    let server = Server::start(TransportSettings::default());
    let mut client = server.connect().await;
    client.send(&masked(0x81, b"hello")).await;
    assert!(client.frame().await.is_some());
    server.shutdown.draining.cancel();
    client.expect_close(1001).await;
    drop(client);
    server.shutdown.connections.close();
    timeout(PATIENCE, server.shutdown.connections.wait())
        .await
        .expect("all have ended");
    assert!(server.status(HANDSHAKE).await.contains(" 503 "));
    assert!(server.status(PAGE).await.contains(" 200 "));
}

#[tokio::test]
async fn stopping_ends_the_loop_despite_half_sent_heads_and_silent_sockets() {
    let server = Server::start(TransportSettings::default());
    let mut silent = server.raw().await;
    let mut half = server.raw().await;
    half.send(b"GET / HTTP/1.1\r\nX:").await;
    let mut kept = server.raw().await;
    kept.send(PAGE.as_bytes()).await;
    let mut first = [0; 12];
    kept.stream.read_exact(&mut first).await.expect("an answer");
    server.shutdown.draining.cancel();
    server.shutdown.stop.cancel();
    let address = server.address;
    timeout(Duration::from_secs(3), server.serving)
        .await
        .expect("it ends")
        .expect("no panic");
    for client in [&mut silent, &mut half, &mut kept] {
        let mut rest = Vec::new();
        let end = timeout(PATIENCE, client.stream.read_to_end(&mut rest)).await;
        assert!(end.is_ok(), "every socket ends");
    }
    assert!(
        tokio::net::TcpStream::connect(address).await.is_err(),
        "nobody listens"
    );
}
