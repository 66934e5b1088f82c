//! Several servers on one NATS server: a directory that is shared at one reaches mirrors at
//! another, and survives the end of each.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use crate::programs::{Mirror, Twicecast};
use crate::support::nats_server::NatsServer;
use crate::support::*;
use crate::trees::{assert_same, build_tree, change_tree, until_same};

fn node(engine: &NatsServer) -> Server {
    node_with(engine, &[])
}

fn node_with(engine: &NatsServer, more: &[&str]) -> Server {
    let address = engine.address();
    let nats = [
        "--store",
        "nats",
        "--nats",
        &address,
        "--nats-replicas",
        "1",
    ];
    Server::with(&[&nats, more].concat())
}

/// Waits until `/readyz` is answered with this status.
async fn until_ready_is(server: &Server, status: &str) {
    let deadline = Instant::now() + PATIENCE;
    let expected = format!("HTTP/1.1 {status} ");
    while !http(server, "/readyz", "").await.starts_with(&expected) {
        assert!(Instant::now() < deadline, "/readyz is never {status}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn a_directory_shared_at_one_server_reaches_mirrors_at_another_byte_for_byte() {
    let engine = NatsServer::start();
    let place = tempfile::tempdir().expect("a temporary folder");
    let (tree, here, there) = (
        place.path().join("tree"),
        place.path().join("here"),
        place.path().join("there"),
    );
    build_tree(&tree);
    let (mut one, other) = (node(&engine), node(&engine));
    let client = Twicecast::of(&one);
    client.share_once(&tree);
    let _here = Mirror::start(&client, &here, &[]);
    let _there = Mirror::start(&Twicecast::of(&other), &there, &[]);
    until_same(&tree, &there);
    for round in 0..3 {
        change_tree(&tree, round);
        client.share_once(&tree);
    }
    until_same(&tree, &here);
    until_same(&tree, &there);
    one.kill();
    std::fs::write(tree.join("later"), "written when one was gone").expect("a file");
    Twicecast::of(&other).share_once(&tree);
    until_same(&tree, &there);
    one.restart();
    let late = place.path().join("late");
    Twicecast::of(&one).mirror_once(&late);
    assert_same(&tree, &late);
}

#[test]
fn a_folder_that_a_server_has_served_is_imported_and_exported_byte_for_byte() {
    let engine = NatsServer::start();
    let place = tempfile::tempdir().expect("a temporary folder");
    let (tree, there, copy) = (
        place.path().join("tree"),
        place.path().join("there"),
        place.path().join("copy"),
    );
    build_tree(&tree);
    let mut before = Server::start();
    Twicecast::of(&before).share_once(&tree);
    let address = engine.address();
    let nats = [
        "--store",
        "nats",
        "--nats",
        &address,
        "--nats-replicas",
        "1",
    ];
    let copied = |verb: &str, folder: &Path| {
        let words = [verb, folder.to_str().expect("text")];
        let output = run(place.path(), &[&words[..], &nats].concat());
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (
            output.status.code(),
            said + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let (code, said) = copied("import", &before.base());
    assert_ne!(code, Some(0), "a server runs on it: {said}");
    assert!(
        said.contains("another server is running on this folder"),
        "{said}"
    );
    let (code, said) = copied("import", &place.path().join("none"));
    assert_ne!(code, Some(0), "{said}");
    assert!(said.contains("none is no folder"), "{said}");
    before.kill();
    let (code, said) = copied("import", &before.base());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("projects: 1; copied: "), "{said}");
    Twicecast::of(&node(&engine)).mirror_once(&there);
    assert_same(&tree, &there);
    let (code, said) = copied("export", &copy);
    assert_eq!(code, Some(0), "{said}");
    assert_same(&tree, &copy.join("ana").join("demo"));
    let (code, said) = copied("export", &copy);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("copied: 0 files (0 bytes)"), "{said}");
}

#[tokio::test]
async fn a_pull_request_finished_at_one_server_is_told_at_the_other_once() {
    let engine = NatsServer::start();
    let (one, other) = (node(&engine), node(&engine));
    let mut ana = one.streamer().await;
    ana.ok(post("a", "a")).await;
    let mut bob = other.viewer("bob").await;
    bob.ok(get("a")).await;
    bob.ok(creation()).await;
    bob.ok(post("b", noise(200_000))).await;
    bob.ok(finish()).await;
    let id = ana.expect("pullRequestCreated").await["id"].take();
    ana.send(pull_request("get", json!({ "id": id }))).await;
    assert_eq!(ana.expect("fileGet").await["name"], "/b");
    ana.until("pullRequestGet").await;
    ana.quiet().await;
}

#[tokio::test]
async fn a_server_whose_engine_hangs_says_so_then_sends_its_clients_away_and_comes_back() {
    let engine = NatsServer::start();
    let server = node_with(&engine, &["--cluster-timeout-seconds", "5"]);
    let mut ana = server.streamer().await;
    ana.ok(post("a", "before")).await;
    let mut bob = server.viewer("bob").await;
    engine.hang();
    let hung = Instant::now();
    ana.send(post("a", "of unknown fate")).await;
    until_ready_is(&server, "503").await;
    assert!(
        hung.elapsed() < Duration::from_secs(5),
        "{:?}",
        hung.elapsed()
    );
    // What waits is neither acknowledged nor refused.
    assert_eq!(ana.rest_until_closed().await, (Vec::new(), 1_013));
    assert_eq!(bob.closed().await, 1_013);
    let refused = http(&server, "/ws", UPGRADE).await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(
        http(&server, "/healthz", "")
            .await
            .starts_with("HTTP/1.1 200 ")
    );
    engine.go_on();
    until_ready_is(&server, "200").await;
    let mut ana = server.streamer().await;
    ana.ok(post("a", "after")).await;
    let mut bob = server.viewer("bob").await;
    bob.send(get("a")).await;
    assert_eq!(bob.expect("fileGet").await["content"], base64("after"));
}
