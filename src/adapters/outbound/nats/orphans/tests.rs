use super::*;
use crate::adapters::outbound::contract_tests::nats_server::settings;
use crate::adapters::outbound::contract_tests::world::{World, demo, memory, path};
use crate::adapters::outbound::nats::blobs::CHUNK_BYTES;
use crate::adapters::outbound::nats::entry::Head;
use crate::adapters::outbound::nats::publish::Outgoing;
use crate::adapters::outbound::nats::replicas::Node;
use crate::adapters::outbound::nats::tests::{close_pull_request, node, open_pull_request};
use crate::domain::{PullRequestId, Timestamp};

/// Two chunks.
fn large(byte: u8) -> Vec<u8> {
    vec![byte; CHUNK_BYTES + 1]
}

/// A node, and its stores with the project.
async fn with_demo() -> (Arc<Node>, World) {
    let (node, world) = node(&settings()).await;
    (node, world.with_demo().await)
}

/// How many large contents have an owner, and how many chunks there are in all.
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

/// Waits until so many contents have an owner and there are so many chunks.
async fn until_kept(engine: &Engine, expected: (usize, usize)) {
    while kept(engine).await != expected {
        tokio::task::yield_now().await;
    }
}

async fn removed(engine: &Engine) -> usize {
    let removed = engine.remove_orphans(Duration::ZERO).await;
    removed.expect("answers")
}

#[tokio::test]
async fn what_is_named_stays_and_so_does_what_was_never_named() {
    let (one, world) = with_demo().await;
    world.put("named", &large(1)).await.expect("is kept");
    open_pull_request(&world, 1).await;
    // As if the change had been waiting for days.
    let taken = one.blobs.take(memory(&large(2))).await;
    taken.expect("is kept");
    until_kept(&one.engine, (2, 5)).await;
    assert_eq!(removed(&one.engine).await, 0);
    assert_eq!(kept(&one.engine).await, (2, 5));
    assert_eq!(world.read("named").await.expect("is there"), large(1));
}

#[tokio::test]
async fn what_was_replaced_closed_or_removed_goes_though_its_node_has_not_removed_it() {
    let (one, world) = with_demo().await;
    for byte in [1, 2] {
        world.put("replaced", &large(byte)).await.expect("is kept");
    }
    world.put("deleted", &large(3)).await.expect("is kept");
    world.delete("deleted").await.expect("is there");
    open_pull_request(&world, 1).await;
    close_pull_request(&world, 1).await;
    until_kept(&one.engine, (4, 7)).await;
    let just_now = one.engine.remove_orphans(blobs::KEPT).await;
    assert_eq!(just_now.expect("answers"), 0, "somebody may read it");
    assert_eq!(removed(&one.engine).await, 3);
    assert_eq!(kept(&one.engine).await, (1, 2));
    assert_eq!(world.read("replaced").await.expect("is there"), large(2));

    let gone = world.projects.remove(&demo(), Box::new(|_, _| {})).await;
    gone.expect("is there");
    let just_now = one.engine.remove_orphans(blobs::KEPT).await;
    assert_eq!(just_now.expect("answers"), 0, "somebody may read it");
    assert_eq!(removed(&one.engine).await, 1);
    assert_eq!(kept(&one.engine).await, (0, 0));
}

#[tokio::test]
async fn what_a_removed_project_has_left_in_the_log_names_nothing() {
    let (one, world) = with_demo().await;
    world.put("left", &large(1)).await.expect("is kept");
    until_kept(&one.engine, (1, 2)).await;
    // As if the node had been killed before it removed the entries.
    let head = Entry {
        project: demo(),
        asked: 0,
        change: "removal".to_owned(),
        what: What::Head(Head {
            is_registered: false,
            since: 0,
            since_at: Timestamp::default(),
            earlier: Vec::new(),
        }),
    };
    let head = Outgoing {
        subject: one.engine.subjects.head(&demo()),
        payload: head.encode().expect("is written"),
    };
    one.engine.publish(head, None).await.expect("is kept");
    assert_eq!(removed(&one.engine).await, 1);

    let (again, world) = with_demo().await;
    world.put("f", &large(2)).await.expect("is kept");
    until_kept(&again.engine, (1, 2)).await;
    assert_eq!(removed(&again.engine).await, 0);
}

#[tokio::test]
async fn a_log_that_is_lost_or_not_restored_yet_lets_everything_stay() {
    let (one, world) = with_demo().await;
    world.put("f", &large(1)).await.expect("is kept");
    open_pull_request(&world, 1).await;
    until_kept(&one.engine, (2, 3)).await;
    let log = one.engine.subjects.log().name;
    let call = format!("STREAM.DELETE.{log}");
    let deleted = one.engine.call_well(&call, &json!({})).await;
    deleted.expect("is deleted");
    assert_eq!(removed(&one.engine).await, 0);
    assert_eq!(kept(&one.engine).await, (2, 3));
}

#[tokio::test]
async fn what_a_failed_change_has_left_goes_unless_the_log_names_it_after_all() {
    let (one, world) = with_demo().await;
    world.put("f", &large(1)).await.expect("is kept");
    let taken = one.blobs.take(memory(&large(2))).await;
    let (_, Content::Blob(blob)) = taken.expect("is kept") else {
        panic!("it is large")
    };
    let entry = one.engine.subjects.file(&demo(), &path("f"));
    one.blobs.note_owner(&blob, entry);
    until_kept(&one.engine, (2, 4)).await;
    assert_eq!(removed(&one.engine).await, 1);
    assert_eq!(world.read("f").await.expect("is there"), large(1));
}

#[tokio::test]
async fn a_pull_request_that_is_about_to_be_opened_again_keeps_its_new_contents() {
    let (one, world) = with_demo().await;
    open_pull_request(&world, 1).await;
    close_pull_request(&world, 1).await;
    until_kept(&one.engine, (1, 1)).await;
    let id = PullRequestId::from_u128(1);
    let written = one.blobs.write(&format!("{id}.0"), memory(b"again")).await;
    written.expect("is kept");
    assert_eq!(removed(&one.engine).await, 1);
    assert_eq!(kept(&one.engine).await, (0, 1));
}
