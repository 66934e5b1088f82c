//! Chat rooms of several nodes: what only an engine can do to them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use crate::adapters::outbound::contract_tests::chat_rooms::{
    Node, Told, new, now, resources, room,
};
use crate::adapters::outbound::contract_tests::nats_server::{NatsServer, settings_on};
use crate::adapters::outbound::memory::MemoryChatRooms;
use crate::adapters::outbound::nats::chat_rooms::NatsChatRooms;
use crate::adapters::outbound::nats::nodes::Nodes;
use crate::adapters::outbound::nats::settings::NatsSettings;
use crate::adapters::outbound::nats::setup;
use crate::domain::UserName;

fn engine() -> (NatsServer, NatsSettings) {
    let server = NatsServer::start();
    let settings = settings_on(&server);
    (server, settings)
}

async fn two_on(settings: &NatsSettings) -> (Node, Node) {
    (
        Node::on_engine(settings).await,
        Node::on_engine(settings).await,
    )
}

/// A node with rooms but no other stores, and its rooms, which can wait until they know all that
/// has happened.
async fn rooms_on(settings: &NatsSettings) -> (Node, Arc<NatsChatRooms>) {
    let (told, engine) = (
        Told::default(),
        setup::connect(settings, Arc::default()).await,
    );
    let local = MemoryChatRooms::new(&resources(&told));
    let engine = engine.expect("connects");
    let nodes = Arc::new(Nodes::start(&engine).await.expect("starts"));
    let rooms = NatsChatRooms::open(engine, nodes, local).await;
    let rooms = Arc::new(rooms.expect("opens"));
    let node = Node {
        rooms: Arc::clone(&rooms) as _,
        told,
    };
    (node, rooms)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_members_of_a_room_are_those_at_all_nodes_each_once() {
    let (_server, settings) = engine();
    let (one, other) = two_on(&settings).await;
    let user = |name| UserName::parse(name).expect("a name");
    for (node, names) in [(&one, ["bob", "zoe"]), (&other, ["ana", "bob"])] {
        for name in names {
            assert!(node.rooms.enter(&room(), &user(name), now()));
        }
    }
    let all = ["ana", "bob", "zoe"].map(user);
    for node in [&one, &other] {
        // A node asks only the nodes that it has heard of, which takes a second.
        let known = async { while node.rooms.members(&room()).await != all {} };
        let known = tokio::time::timeout(Duration::from_secs(20), known).await;
        known.expect("in time");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_starts_later_knows_what_was_said_and_what_was_deleted() {
    let (_server, settings) = engine();
    let (one, other) = two_on(&settings).await;
    one.enter("ana");
    for text in ["a", "b", "c"] {
        one.say(new("ana", text)).await.expect("is said");
    }
    let first = one.history()[0].id;
    one.rooms.delete(&room(), first).await.expect("is told");
    other.told.until(4).await;
    drop(other);
    let later = Node::on_engine(&settings).await;
    assert_eq!(later.history(), one.history());
    assert_eq!(later.history().len(), 2);
    later.enter("bob");
    later.say(new("bob", "d")).await.expect("is said");
    one.told.until(5).await;
    assert_eq!(later.history(), one.history());
}

/// Says one thing after another, each as a user of its own, until each is acknowledged.
async fn keep_saying(node: Node, who: &'static str) -> BTreeSet<String> {
    let mut said = BTreeSet::new();
    for number in 0..30 {
        let user = format!("{who}{number}");
        node.enter(&user);
        node.say(new(&user, &user)).await.expect("is said at last");
        said.insert(format!("said {user}"));
    }
    said
}

/// A single NATS server that ends loses what it keeps in memory. What was under way, one message of
/// each node, may have been heard at one of them only, or is kept anew although it has been heard.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_engine_loses_its_memory_only_what_is_under_way_is_in_doubt_and_numbers_go_on() {
    let (mut server, settings) = engine();
    let (one, other) = two_on(&settings).await;
    let mut saying = JoinSet::new();
    saying.spawn(keep_saying(one.clone(), "a"));
    one.told.until(5).await;
    saying.spawn(keep_saying(other.clone(), "b"));
    let server = tokio::task::spawn_blocking(move || {
        server.kill_and_start();
        server
    });
    let said: BTreeSet<_> = saying.join_all().await.into_iter().flatten().collect();
    assert_eq!(said.len(), 60);
    for number in 0..20 {
        let user = format!("later{number}");
        one.say(new(&user, &user)).await.expect("is said");
    }
    for node in [&one, &other] {
        let told = node.told.until_told("said later19").await;
        let heard: BTreeSet<_> = told.iter().cloned().collect();
        assert!(said.difference(&heard).count() <= 2, "{told:?}");
        assert!(told.len() <= heard.len() + 2, "{told:?}");
        let ids: Vec<_> = node.history().iter().map(|message| message.id).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    }
    let latest = |node: &Node| node.rooms.history(&room(), 20);
    assert_eq!(latest(&one), latest(&other));
    drop(server);
}

/// As when all servers of a cluster are restarted, or when a node has found no log and made one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_go_on_when_the_log_begins_anew() {
    let (_server, settings) = engine();
    let (one, other) = two_on(&settings).await;
    one.enter("ana");
    for text in ["a", "b"] {
        one.say(new("ana", text)).await.expect("is said");
    }
    other.told.until(2).await;
    let engine = setup::connect(&settings, Arc::default())
        .await
        .expect("connects");
    let call = format!("STREAM.DELETE.{}", engine.subjects.live().name);
    let deleted = engine.call_well(&call, &json!({})).await;
    deleted.expect("is deleted");
    let made = setup::live_must_be_there(&engine, 1).await;
    made.expect("is there again");
    one.say(new("ana", "c")).await.expect("is said at last");
    for node in [&one, &other] {
        assert_eq!(node.told.until(3).await, ["said a", "said b", "said c"]);
        let ids: Vec<_> = node.history().iter().map(|message| message.id).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    }
    assert_eq!(one.history(), other.history());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_is_forgotten_by_all_when_it_has_been_empty_everywhere_for_an_hour() {
    let (_server, settings) = engine();
    let ((one, its), (other, others)) = (rooms_on(&settings).await, rooms_on(&settings).await);
    one.enter("ana");
    one.say(new("ana", "a")).await.expect("is said");
    other.told.until(1).await;
    let said = now();
    // The engine's clock and ours differ by a millisecond at times.
    while now() <= said.plus(Duration::from_millis(5)) {
        tokio::task::yield_now().await;
    }
    let hour = Duration::from_secs(3_600);
    // Somebody is in it at the first node, which tells the others.
    one.rooms.sweep(said.plus(Duration::from_secs(600)));
    its.reaches(2).await;
    others.reaches(2).await;
    other.rooms.sweep(said.plus(hour));
    assert_eq!(other.history().len(), 1, "is still in use");
    one.rooms.sweep(now().plus(hour * 2));
    its.reaches(3).await;
    others.reaches(3).await;
    one.rooms.leave(&room(), &new("ana", "").username, now());
    for node in [&one, &other] {
        node.rooms.sweep(now().plus(hour));
        assert!(node.history().is_empty());
    }
    its.until_forgotten().await;
    assert!(Node::on_engine(&settings).await.history().is_empty());
}
