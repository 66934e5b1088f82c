//! Clients that stop reading, vanish or are reset, and what that costs the others (sections 1, 4
//! and 5).

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::support::*;

const BIG_BYTES: usize = 1_000_000;
const PART_BYTES: usize = 49_152;
const GETS: usize = 20;

/// A server with a file of [`BIG_BYTES`], and the streamer who has posted it.
async fn with_a_big_file() -> (Server, Client) {
    let part_bytes = PART_BYTES.to_string();
    let flags = ["--max-queue-bytes", "131072", "--part-bytes", &part_bytes];
    let server = Server::with(&flags);
    let mut ana = server.streamer().await;
    ana.ok(post("big", noise(BIG_BYTES))).await;
    (server, ana)
}

/// Requests for the big file. Their answers do not fit into the queue and the sockets of a client
/// that does not read.
fn more_than_fits() -> Vec<u8> {
    text_frame(&get("big")).repeat(GETS)
}

#[tokio::test]
async fn a_streamer_who_vanishes_without_a_word_is_gone_after_the_idle_timeout() {
    let flags = ["--ping-seconds", "1", "--idle-timeout-seconds", "2"];
    let server = Server::with(&flags);
    let mut watcher = server.connect().await;
    watcher.ok(file("watch", project())).await;
    let mut vanished = Raw::connect(&server).await;
    let login = text_frame(&authenticate(streamer("ana", "demo")));
    vanished.send(login).await;
    let half = text_frame(&post_part("half", noise(100_000), 1, 2));
    vanished.send(half).await;
    watcher.expect("streamerConnected").await;
    let began = Instant::now();
    watcher.expect("streamerDisconnected").await;
    assert!(began.elapsed() >= Duration::from_millis(1_500), "too soon");
    assert_eq!(vanished.closed().await, 1_001);
    let mut ana = server.streamer().await;
    ana.send(post_part("half", "2", 2, 2)).await;
    ana.quiet().await;
    ana.refused(409, get("half")).await;
}

#[tokio::test]
async fn a_streamer_whose_connection_is_reset_is_gone_at_once() {
    let server = Server::start();
    let mut watcher = server.connect().await;
    watcher.ok(file("watch", project())).await;
    let mut ana = Raw::connect(&server).await;
    ana.send(text_frame(&authenticate(streamer("ana", "demo"))))
        .await;
    watcher.expect("streamerConnected").await;
    ana.send(&text_frame(&post("torn", noise(10_000)))[..5_000])
        .await;
    ana.reset();
    watcher.expect("streamerDisconnected").await;
    watcher.refused(409, get("torn")).await;
    watcher.quiet().await;
}

#[tokio::test]
async fn pings_are_answered_while_a_get_waits_for_its_reader() {
    let (server, _ana) = with_a_big_file().await;
    let mut raw = Raw::narrow(&server).await;
    raw.send([more_than_fits(), masked(0x89, b"ping")].concat())
        .await;
    let mut parts = 0;
    while let Some((first, payload)) = raw.frame().await {
        if first == 0x8A {
            assert_eq!(payload, b"ping");
            break;
        }
        parts += 1;
    }
    let all = GETS * BIG_BYTES.div_ceil(PART_BYTES);
    assert!(
        parts < all / 2,
        "the pong came after {parts} of {all} parts"
    );
}

#[tokio::test]
async fn a_client_that_asks_for_much_and_reads_nothing_is_closed_and_costs_little() {
    let flags = ["--ping-seconds", "1", "--idle-timeout-seconds", "2"];
    let server = Server::with(&flags);
    let mut ana = server.streamer().await;
    for number in 0..10 {
        ana.ok(post(&format!("f{number}"), noise(200_000))).await;
    }
    let files = server.open_files();
    let before = server.memory();
    let mut raw = Raw::narrow(&server).await;
    raw.send(text_frame(&get_all()).repeat(2_000)).await;
    let began = Instant::now();
    while server.open_files() > files {
        assert!(began.elapsed() < PATIENCE, "the client is never closed");
        // This client reads, so that its pings are answered.
        ana.next_within(Duration::from_millis(20)).await;
    }
    let grown = server.peak_memory().saturating_sub(before);
    assert!(grown < 24 << 20, "{grown} bytes more than before");
    ana.quiet().await;
}

#[tokio::test]
async fn a_streamer_and_a_viewer_who_stop_reading_hold_up_nobody_and_go_on_later() {
    const POSTS: u64 = 1_800;
    let flags = [
        "--durability",
        "rename",
        "--max-queue-bytes",
        "131072",
        "--part-bytes",
        "49152",
    ];
    let server = Server::alone_with(&flags);
    // A long name makes long answers.
    let name = "n".repeat(250);
    let mut bob = Client::narrow(&server.url()).await;
    let mut ana = Raw::narrow(&server).await;
    ana.send(text_frame(&authenticate(streamer("ana", "demo"))))
        .await;
    ana.message().await;
    ana.message().await;
    bob.authenticate(viewer("bob", "ana", "demo")).await;
    let before = server.memory();
    let posts: Vec<u8> = (1..=POSTS)
        .flat_map(|number| text_frame(&post(&name, version(number, 6_000))))
        .collect();
    let sent = ana
        .send_until_stuck(&posts, Duration::from_millis(500))
        .await;
    assert!(
        sent < posts.len(),
        "a client that does not read is held back"
    );
    let mut other = server.connect().await;
    other.authenticate(streamer("mal", "own")).await;
    let began = Instant::now();
    other.ok(post("f", "x")).await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(1), "others wait: {took:?}");
    let grown = server.memory().saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} bytes more than before");

    // Both read again, and everything goes on from where it stopped.
    let count = usize::try_from(POSTS).expect("small");
    for answer in ana.send_and_take(&posts[sent..], count).await {
        assert_eq!(answer["type"], "filePost", "{answer}");
    }
    let mut replica = Replica::default();
    while replica.there.get(&format!("/{name}")) != Some(&POSTS) {
        replica.take(&bob.next().await);
    }
    bob.quiet().await;
}

#[tokio::test]
async fn a_busy_viewer_that_neither_reads_nor_answers_stays_and_a_silent_streamer_does_not() {
    // With the default configuration, and with that for the old web viewer.
    tokio::join!(
        keep_a_busy_viewer(&[]),
        keep_a_busy_viewer(&["--compatibility", "original"])
    );
}

async fn keep_a_busy_viewer(more: &[&str]) {
    let flags = [
        "--ping-seconds",
        "1",
        "--idle-timeout-seconds",
        "2",
        "--durability",
        "rename",
    ];
    let server = Server::with(&[&flags, more].concat());
    let mut ana = server.streamer().await;
    let mut busy = Raw::narrow(&server).await;
    busy.send(text_frame(&authenticate(viewer("bob", "ana", "demo"))))
        .await;
    while busy.message().await["type"] != "authentication" {}
    let mut silent = Raw::narrow(&server).await;
    // More than the sockets hold, for over twice the idle timeout.
    let (posted, mut newest) = (Instant::now(), BTreeMap::new());
    for number in 0.. {
        if posted.elapsed() > Duration::from_secs(5) {
            break;
        }
        let (name, bytes) = (format!("/f{}", number % 50), 50_000 + number);
        ana.ok(post(&name, noise(bytes))).await;
        newest.insert(name, bytes);
    }
    while silent.frame().await.is_some() {}
    let mut received = BTreeMap::new();
    while received != newest {
        let message = busy.message().await;
        if message["type"] == "fileGet" {
            let data = &message["data"];
            let text = |member: &str| data[member].as_str().expect("a text").to_owned();
            received.insert(text("name"), unbase64(&text("content")).len());
        }
    }
}

/// What the streamer sends waits behind answers that they do not read, and the server has read only
/// part of it. They close properly at the end, which completes the desktop client's upload.
#[tokio::test]
async fn what_a_streamer_has_sent_is_carried_out_though_the_connection_is_reset() {
    const POSTS: usize = 120;
    let (server, _ana) = with_a_big_file().await;
    let mut watcher = server.connect().await;
    watcher.ok(file("watch", project())).await;
    let mut raw = Raw::narrow(&server).await;
    raw.send(text_frame(&authenticate(streamer("ana", "demo"))))
        .await;
    raw.send(more_than_fits()).await;
    let posts = |numbers: std::ops::Range<usize>| -> Vec<u8> {
        let post = |number: usize| text_frame(&post(&number.to_string(), noise(400)));
        numbers.flat_map(post).collect()
    };
    let half = posts(0..POSTS / 2);
    raw.send([half, masked(0x89, b"ping")].concat()).await;
    // After the pong, the server has read all of that, and the rest finds room in its socket.
    while raw.frame().await.expect("a frame").0 != 0x8A {}
    let desktop = post_part("desktop", noise(375), 1, 2).to_string();
    let end = [masked(0x82, desktop), masked(0x88, [])].concat();
    raw.send([posts(POSTS / 2..POSTS), end].concat()).await;
    raw.reset();
    let mut told = BTreeSet::new();
    while told.len() < POSTS + 1 {
        told.insert(watcher.until("fileGet").await["data"]["name"].to_string());
    }
}

#[tokio::test]
async fn what_a_streamer_had_sent_comes_before_what_they_send_on_a_new_connection() {
    const POSTS: usize = 600;
    for is_reset in [false, true] {
        let server = Server::alone_with(&["--durability", "rename"]);
        let mut ana = Raw::connect(&server).await;
        ana.send(text_frame(&authenticate(streamer("ana", "demo"))))
            .await;
        ana.message().await;
        ana.message().await;
        let mut watcher = server.connect().await;
        watcher.ok(file("watch", project())).await;
        let old = |number: usize| text_frame(&post(&number.to_string(), "old"));
        let old: Vec<u8> = (0..POSTS).flat_map(old).collect();
        ana.send(old).await;
        // Kept open, because a process that is killed with unread bytes resets its connection.
        let half_closed = if is_reset {
            ana.reset();
            None
        } else {
            ana.finish().await;
            Some(ana)
        };
        let mut ana = server.streamer().await;
        ana.ok(post("0", "new")).await;
        for told in 0..POSTS {
            let content = watcher.until("fileGet").await["data"]["content"].clone();
            assert_eq!(
                content,
                base64("old"),
                "{told} were told before the new one"
            );
        }
        let last = watcher.until("fileGet").await;
        assert_eq!(last["data"]["content"], base64("new"));
        watcher.quiet().await;
        drop(half_closed);
    }
}
