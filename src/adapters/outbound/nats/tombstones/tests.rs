use super::*;
use crate::adapters::outbound::contract_tests::nats_server::settings;
use crate::adapters::outbound::contract_tests::world::{demo, path};
use crate::adapters::outbound::nats::follower::Follows as _;
use crate::adapters::outbound::nats::replicas::Node;
use crate::adapters::outbound::nats::tests::{close_pull_request, node, open_pull_request};
use crate::domain::PullRequestId;

fn subject_of(node: &Node, id: u128) -> String {
    let id = PullRequestId::from_u128(id);
    node.engine.subjects.pull_request(&demo(), id)
}

#[tokio::test]
async fn what_is_gone_is_forgotten_an_hour_later_and_nothing_that_has_come_since() {
    let settings = settings();
    let (one, world) = node(&settings).await;
    let world = world.with_demo().await;
    for name in ["gone", "back"] {
        world.put(name, b"x").await.expect("is kept");
        world.delete(name).await.expect("is there");
    }
    world.put("back", b"y").await.expect("is kept");
    open_pull_request(&world, 1).await;
    close_pull_request(&world, 1).await;
    let file = |name| one.engine.subjects.file(&demo(), &path(name));
    let subjects = [file("gone"), subject_of(&one, 1), file("back")];
    let kept = async || {
        let mut kept = Vec::new();
        for subject in &subjects {
            kept.push(one.engine.last(subject).await.expect("answers").is_some());
        }
        kept
    };
    let now = SystemClock.now();
    one.tombstones.forget(&one.engine, now).await;
    assert_eq!(kept().await, [true; 3], "others may not have heard of it");
    let later = now.plus(KEPT);
    one.tombstones.forget(&one.engine, later).await;
    assert_eq!(kept().await, [false, false, true]);
    assert!(lock(&one.tombstones.0).is_empty());
    let (_, late) = node(&settings).await;
    assert_eq!(late.tree().await, world.tree().await);
    world.put("gone", b"again").await.expect("is kept");
    assert_eq!(late.tree().await.len(), 2);
}

#[tokio::test]
async fn tombstones_that_a_node_has_left_behind_are_noted_by_the_next_that_loads_them() {
    let settings = settings();
    let (one, world) = node(&settings).await;
    let world = world.with_demo().await;
    world.put("a", b"x").await.expect("is kept");
    world.delete("a").await.expect("is there");
    drop((one, world));
    let (next, world) = node(&settings).await;
    assert!(world.tree().await.is_empty());
    assert_eq!(lock(&next.tombstones.0).len(), 1);
}

#[tokio::test]
async fn a_node_that_has_missed_what_the_log_has_forgotten_reads_everything_again() {
    let settings = settings();
    let (_one, world) = node(&settings).await;
    let world = world.with_demo().await;
    world.put("a", b"x").await.expect("is kept");
    open_pull_request(&world, 1).await;
    let (late, read) = node(&settings).await;
    assert_eq!(read.tree().await.len(), 1);
    let open = &late.reviews.open;
    assert_eq!(open.count(), 1);
    // As if both had ended and been forgotten while the node was cut off.
    let log = late.engine.subjects.log().name;
    let file = late.engine.subjects.file(&demo(), &path("a"));
    for subject in [file, subject_of(&late, 1)] {
        let purged = late.engine.purge(&log, &subject, None).await;
        purged.expect("is forgotten");
    }
    assert_eq!(read.tree().await.len(), 1, "nobody has told it");
    Arc::clone(&late).begin_again();
    assert!(read.tree().await.is_empty());
    while open.count() > 0 {
        tokio::task::yield_now().await;
    }
}
