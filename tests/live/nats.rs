//! Several servers on one NATS server: a directory that is shared at one reaches mirrors at
//! another, and survives the end of each.

use serde_json::json;

use crate::programs::{Mirror, Twicecast};
use crate::support::nats_server::NatsServer;
use crate::support::*;
use crate::trees::{assert_same, build_tree, change_tree, until_same};

fn node(engine: &NatsServer) -> Server {
    let address = engine.address();
    Server::with(&[
        "--store",
        "nats",
        "--nats",
        &address,
        "--nats-replicas",
        "1",
    ])
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
