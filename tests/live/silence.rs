//! Several servers on one NATS server, of which one stands still or NATS does not answer: what
//! waits meanwhile is neither refused nor made on top of newer work.

use std::time::Duration;

use serde_json::Value;

use crate::support::nats_server::NatsServer;
use crate::support::*;

/// A change that has waited for longer than this comes before what was changed meanwhile.
const LONG: Duration = Duration::from_millis(1_500);

/// Longer than a server waits for one answer of NATS, which is five seconds.
const HANGING: Duration = Duration::from_millis(5_500);

fn node(engine: &NatsServer) -> Server {
    let address = engine.address();
    let store = ["--store", "nats", "--nats", &address];
    Server::alone_with(&[&store[..], &["--nats-replicas", "1"]].concat())
}

#[tokio::test]
async fn what_lay_at_a_server_that_stood_still_does_not_come_on_top_of_newer_work() {
    let engine = NatsServer::start();
    let (one, other) = (node(&engine), node(&engine));
    let mut hung = other.streamer().await;
    for name in ["short", "long", "deleted"] {
        hung.ok(post(name, "first")).await;
    }
    let mut ana = one.streamer().await;
    other.send_signal("-STOP");
    let long = noise(200_000);
    let older = [
        post("short", "older"),
        post("short", "older, too"),
        post("long", long),
        post("deleted", "older"),
        delete("made"),
        post("made", "older"),
    ];
    let count = older.len();
    hung.send_all(
        older
            .into_iter()
            .zip(0..count)
            .map(|(asked, n)| with_ref(asked, n)),
    )
    .await;
    tokio::time::sleep(LONG).await;
    for name in ["short", "long", "made"] {
        ana.ok(post(name, "newer")).await;
    }
    ana.ok(delete("deleted")).await;
    other.send_signal("-CONT");
    let mut answered = 0;
    while answered < count {
        let answer = hung.next().await;
        if answer["ref"].is_number() {
            assert_eq!(answer["code"], 200, "{answer}");
            answered += 1;
        }
    }
    // It has been told of the newer work by now.
    hung.rest().await;
    hung.ok(post("last", "newest")).await;
    for server in [&one, &other] {
        let mut bob = server.viewer("bob").await;
        for name in ["short", "long", "made"] {
            assert_eq!(
                bob.ok(get(name)).await["content"],
                base64("newer"),
                "{name}"
            );
        }
        bob.refused(409, get("deleted")).await;
        assert_eq!(bob.ok(get("last")).await["content"], base64("newest"));
    }
    // Its own changes are on top again, once its client has paused.
    tokio::time::sleep(LONG).await;
    hung.ok(post("short", "newest")).await;
    let mut bob = one.viewer("bob").await;
    assert_eq!(bob.ok(get("short")).await["content"], base64("newest"));
}

#[tokio::test]
async fn a_server_that_has_stood_still_pings_those_from_whom_it_reads_again() {
    let server = Server::alone();
    let mut raw = Raw::connect(&server).await;
    raw.send(text_frame(&authenticate(streamer("ana", "demo"))))
        .await;
    while raw.message().await["type"] != "authentication" {}
    server.send_signal("-STOP");
    raw.send(text_frame(&post("a", "a"))).await;
    tokio::time::sleep(LONG).await;
    server.send_signal("-CONT");
    let payload = pinged(&mut raw).await;
    // Once that is answered, nothing is left to find out.
    raw.send([masked(0x8A, &payload), text_frame(&post("b", "b"))].concat())
        .await;
    while raw.message().await["data"]["file"] != "b" {}
    server.send_signal("-STOP");
    raw.send(text_frame(&post("c", "c"))).await;
    tokio::time::sleep(LONG).await;
    server.send_signal("-CONT");
    assert_ne!(pinged(&mut raw).await, payload);
}

/// What the server lists, whatever else it says.
async fn listed(client: &mut Client) -> Value {
    client.send(list_all()).await;
    client.until("fileList").await["data"].take()
}

/// The payload of the next ping that has one.
async fn pinged(raw: &mut Raw) -> Vec<u8> {
    loop {
        match raw.frame().await.expect("a ping and not the end") {
            (0x89, payload) if !payload.is_empty() => return payload,
            (first, _) => assert!([0x81, 0x89].contains(&first)),
        }
    }
}

#[tokio::test]
async fn who_comes_while_the_engine_hangs_waits_and_so_does_what_nobody_has_used_yet() {
    let engine = NatsServer::start();
    let (one, other) = (node(&engine), node(&engine));
    one.streamer().await.ok(post("a", "before")).await;
    let mut bob = one.viewer("bob").await;
    let before = listed(&mut bob).await;
    // This server has not read the project yet.
    let mut ana = other.streamer().await;
    let mut late = other.connect().await;
    engine.hang();
    ana.send(post("a", "after")).await;
    late.send(authenticate(streamer("ana", "demo"))).await;
    let nothing = tokio::join!(late.next_within(HANGING), ana.next_within(HANGING));
    assert_eq!(nothing, (None, None));
    // The other server knows the project.
    assert_eq!(listed(&mut bob).await, before);
    engine.go_on();
    assert_eq!(ana.next().await["code"], 200);
    assert_eq!(late.until("authentication").await["code"], 200);
    assert_eq!(late.ok(get("a")).await["content"], base64("after"));
}
