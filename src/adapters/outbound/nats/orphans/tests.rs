use super::*;
use crate::adapters::outbound::contract_tests::nats_server::settings;
use crate::adapters::outbound::contract_tests::world::{demo, memory, path};
use crate::adapters::outbound::nats::blobs::CHUNK_BYTES;
use crate::adapters::outbound::nats::tests::{node, open_pull_request};
use crate::domain::{Outcome, PullRequestId};

/// Two chunks.
fn large(byte: u8) -> Vec<u8> {
    vec![byte; CHUNK_BYTES + 1]
}

/// How many large contents the engine has, and how many chunks of them.
async fn kept(engine: &Engine) -> (usize, usize) {
    let all = Stream {
        name: engine.subjects.blob_stream(),
        subjects: engine.subjects.all_blobs(),
        ..engine.subjects.log()
    };
    let (mut at, mut found) = (0, (0, 0));
    loop {
        let page = engine.page(&all, at + 1, &all.subjects).await;
        let page = page.expect("answers");
        let Some(last) = page.last() else {
            return found;
        };
        at = last.sequence;
        let is_owner = |one: &&Logged| {
            let blob = engine.subjects.blob_of(&one.subject);
            blob.is_some_and(|blob| one.subject == engine.subjects.owner(blob))
        };
        let owners = page.iter().filter(is_owner).count();
        found = (found.0 + owners, found.1 + page.len() - owners);
    }
}

fn a_day_later() -> Timestamp {
    SystemClock.now().plus(OLD)
}

#[tokio::test]
async fn a_content_whose_change_never_came_is_removed_a_day_later_and_what_is_named_stays() {
    let (one, world) = node(&settings()).await;
    let world = world.with_demo().await;
    world.put("named", &large(1)).await.expect("is kept");
    open_pull_request(&world, 1).await;
    // As if the node had been killed before the change.
    let content = memory(&large(2));
    let file = one.engine.subjects.file(&demo(), &path("named"));
    let taken = one.blobs.take(content, file).await;
    taken.expect("is kept");
    let before = kept(&one.engine).await;
    assert_eq!(before, (3, 5));
    let removed = one.engine.remove_orphans(SystemClock.now()).await;
    assert_eq!(removed.expect("answers"), 0, "its change may still come");
    let removed = one.engine.remove_orphans(a_day_later()).await;
    assert_eq!(removed.expect("answers"), 1);
    assert_eq!(kept(&one.engine).await, (2, 3));
    assert_eq!(world.read("named").await.expect("is there"), large(1));
    let id = PullRequestId::from_u128(1);
    let file = world.pull_requests.open_file(&demo(), id, &path("f")).await;
    assert!(file.is_ok());
}

#[tokio::test]
async fn what_was_replaced_closed_or_removed_goes_though_its_node_has_not_removed_it() {
    let (one, world) = node(&settings()).await;
    let world = world.with_demo().await;
    for byte in [1, 2] {
        world.put("replaced", &large(byte)).await.expect("is kept");
    }
    world.put("deleted", &large(3)).await.expect("is kept");
    world.delete("deleted").await.expect("is there");
    open_pull_request(&world, 1).await;
    let id = PullRequestId::from_u128(1);
    let closed = world
        .pull_requests
        .delete(&demo(), id, Outcome::Closed, Box::new(|| {}))
        .await;
    closed.expect("is open");
    assert_eq!(kept(&one.engine).await, (4, 7));
    let removed = one.engine.remove_orphans(a_day_later()).await;
    assert_eq!(removed.expect("answers"), 3);
    assert_eq!(world.read("replaced").await.expect("is there"), large(2));

    let removed = world.projects.remove(&demo(), Box::new(|_, _| {})).await;
    removed.expect("is there");
    let removed = one.engine.remove_orphans(a_day_later()).await;
    assert_eq!(removed.expect("answers"), 1);
    assert_eq!(kept(&one.engine).await, (0, 0));
}

#[tokio::test]
async fn a_content_that_was_replaced_just_now_stays_for_those_who_read_it() {
    let (one, world) = node(&settings()).await;
    let world = world.with_demo().await;
    for byte in [1, 2] {
        world.put("f", &large(byte)).await.expect("is kept");
    }
    let owners = Stream {
        name: one.engine.subjects.blob_stream(),
        subjects: one.engine.subjects.owners(),
        ..one.engine.subjects.log()
    };
    let page = one.engine.page(&owners, 1, &owners.subjects).await;
    let page = page.expect("answers");
    let first = page.first().expect("is kept");
    let blob = one.engine.subjects.blob_of(&first.subject);
    let blob = blob.expect("is an owner");
    let now = SystemClock.now();
    let needed = async |now| one.engine.is_needed(blob, first, now).await;
    assert!(needed(now).await.expect("answers"));
    let later = now.plus(blobs::KEPT);
    assert!(!needed(later).await.expect("answers"));
}
