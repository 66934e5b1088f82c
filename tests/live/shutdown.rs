//! Shutdown (section 1, `drainSeconds`): work in hand is finished, every client is
//! told, and nobody can hold it up.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::support::*;

/// How many times a server under load is told to stop; `docs/reliability.md` uses 20.
fn stops() -> usize {
    let set = std::env::var("SHUTDOWN_STOPS").ok();
    set.map_or(2, |text| text.parse().expect("a number"))
}

/// Posts without end; returns the number of the last acknowledged version of each file, and
/// the code with which the server closed.
async fn post_until_closed(mut client: Client, name: &str) -> (BTreeMap<String, u64>, u16) {
    let mut kept = BTreeMap::new();
    for number in 1.. {
        let file = format!("{name}/{}", number % 7);
        // The connection may end between two messages.
        if client
            .try_send(post(&file, format!("{number}")))
            .await
            .is_err()
        {
            break;
        }
        // The other connections' files come in between.
        loop {
            match client.next_or_close().await {
                Ok(answer) if answer["type"] == "filePost" => break,
                Ok(pushed) => assert_eq!(pushed["type"], "fileGet", "{pushed}"),
                Err(code) => return (kept, code),
            }
        }
        kept.insert(file, number);
    }
    let (_, code) = client.rest_until_closed().await;
    (kept, code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_under_load_stops_cleanly_with_everything_that_it_has_acknowledged() {
    for stop in 0..stops() {
        let mut server = Server::alone_with(&["--drain-seconds", "5"]);
        let mut loads = Vec::new();
        for name in ["a", "b", "c"] {
            loads.push(tokio::spawn(post_until_closed(
                server.streamer().await,
                name,
            )));
        }
        let mut viewers = Vec::new();
        for _ in 0..5 {
            viewers.push(server.viewer("bob").await);
        }
        // One client that reads nothing at all.
        let mut stopped = Client::narrow(&server.url()).await;
        stopped.authenticate(viewer("eve", "ana", "demo")).await;
        tokio::time::sleep(Duration::from_millis(100 + 37 * stop as u64 % 200)).await;
        let began = Instant::now();
        let stopping = tokio::task::spawn_blocking(move || {
            let is_well = server.stop();
            (is_well, server)
        });
        for mut viewer in viewers {
            assert_eq!(viewer.closed().await, 1_001);
        }
        let mut kept = BTreeMap::new();
        for load in loads {
            let (acknowledged, code) = load.await.expect("no panic");
            assert_eq!(code, 1_001);
            kept.extend(acknowledged);
        }
        let (is_well, server) = stopping.await.expect("no panic");
        assert!(is_well, "exit 0");
        assert!(began.elapsed() < Duration::from_secs(7), "drainSeconds");
        assert!(!kept.is_empty());
        for (file, acknowledged) in kept {
            let stored = std::fs::read_to_string(server.project().join(&file)).expect("stored");
            let stored: u64 = stored.parse().expect("whole");
            assert!(stored >= acknowledged, "{file}: {stored} < {acknowledged}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_signal_that_asks_for_an_end_closes_with_1001() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        let mut server = Server::alone();
        let mut client = server.streamer().await;
        server.send_signal(signal);
        assert_eq!(client.closed().await, 1_001, "{signal}");
        assert!(tokio::task::block_in_place(|| server.ended()), "{signal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_drains_it_is_not_ready_and_takes_no_connection_and_a_second_signal_ends_it() {
    let mut server = Server::alone_with(&["--drain-seconds", "60"]);
    // This client neither reads nor closes, so the server has to wait for it.
    let mut client = Client::narrow(&server.url()).await;
    client.authenticate(streamer("ana", "demo")).await;
    client.ok(post("big", noise(3_000_000))).await;
    client.send_all((0..20).map(|_| get("big"))).await;
    let _held = client.next().await;
    server.signal();
    let began = Instant::now();
    while !http(&server, "/readyz", "")
        .await
        .starts_with("HTTP/1.1 503")
    {
        assert!(began.elapsed() < PATIENCE, "it never drains");
    }
    assert!(
        http(&server, "/", UPGRADE)
            .await
            .starts_with("HTTP/1.1 503")
    );
    assert!(
        http(&server, "/healthz", "")
            .await
            .starts_with("HTTP/1.1 200")
    );
    let began = Instant::now();
    assert!(tokio::task::block_in_place(|| server.stop()), "exit 0");
    assert!(began.elapsed() < Duration::from_secs(2), "at once");
}
