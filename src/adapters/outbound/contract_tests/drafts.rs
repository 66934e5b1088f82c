use bytes::Bytes;

use super::world::{World, assert_says, content, demo, hash, path, pull_request};
use crate::application::ports::{FinishError, StagingId, StoreError};
use crate::application::{FileContent, StagedContent};
use crate::domain::{PullRequestId, Version};

pub(super) async fn a_draft_becomes_a_pull_request(world: World) {
    world.put_draft(1, "a", b"first").await;
    world.put_draft(1, "d/b", &vec![7; 100_000]).await;
    let finished = pull_request(1, 10, &["a", "d/b"], &["c"]);
    let (id, project) = (finished.id, demo());
    let open = world.pull_requests.open(&project, None).await;
    assert_eq!(open.expect("lists"), [], "a draft is not open");
    assert_says!(
        world.pull_requests.find(&project, id).await,
        StoreError::NotFound
    );

    world.finish(finished.clone()).await.expect("finishes");
    let found = world.pull_requests.find(&project, id).await;
    assert_eq!(found.expect("is open"), finished);
    let file = world
        .pull_requests
        .open_file(&project, id, &path("d/b"))
        .await;
    let file = file.expect("is there");
    assert_eq!((file.bytes, file.version), (100_000, Version::UNKNOWN));
    assert!(content(&file).await.expect("reads") == vec![7; 100_000]);
    // The connection of the draft ends later, and must not take the files with it.
    world.uploads.discard_draft(id);
    let file = world
        .pull_requests
        .open_file(&project, id, &path("a"))
        .await;
    assert_eq!(
        &content(&file.expect("is there")).await.expect("reads")[..],
        b"first"
    );
}

pub(super) async fn the_last_content_put_into_a_draft_counts(world: World) {
    world.put_draft(1, "a", b"longer than").await;
    world.put_draft(1, "a", b"this").await;
    let finished = pull_request(1, 10, &["a"], &[]);
    let id = finished.id;
    world.finish(finished).await.expect("finishes");
    let file = world.pull_requests.open_file(&demo(), id, &path("a")).await;
    assert_eq!(
        &content(&file.expect("is there")).await.expect("reads")[..],
        b"this"
    );
}

pub(super) async fn a_file_taken_out_is_not_in_it(world: World) {
    let id = PullRequestId::from_u128(1);
    let removed = world.uploads.remove_draft_file(id, &path("a")).await;
    removed.expect("there is nothing to remove");
    world.put_draft(1, "a", b"x").await;
    world.put_draft(1, "b", b"x").await;
    for _ in 0..2 {
        let removed = world.uploads.remove_draft_file(id, &path("a")).await;
        removed.expect("is removed");
    }
    world
        .finish(pull_request(1, 10, &["b"], &[]))
        .await
        .expect("finishes");
    let file = world.pull_requests.open_file(&demo(), id, &path("a")).await;
    assert_says!(file, StoreError::NotFound);
}

pub(super) async fn a_draft_may_propose_deletions_alone(world: World) {
    let finished = pull_request(1, 10, &[], &["a", "b"]);
    world.finish(finished.clone()).await.expect("finishes");
    let found = world.pull_requests.find(&demo(), finished.id).await;
    assert_eq!(found.expect("is open"), finished);
}

pub(super) async fn what_files_were_made_from_is_kept(world: World) {
    for name in ["a", "d/b \u{1f600} \"quoted\"", "new"] {
        world.put_draft(1, name, b"x").await;
    }
    let mut finished = pull_request(1, 10, &["a", "d/b \u{1f600} \"quoted\"", "new"], &["c"]);
    finished.bases = [
        (path("a"), hash('a')),
        (path("d/b \u{1f600} \"quoted\""), hash('b')),
    ]
    .into();
    finished.deleted_bases = [(path("c"), hash('c'))].into();
    finished.executable = [(path("a"), true), (path("new"), false)].into();
    let id = finished.id;
    world.finish(finished.clone()).await.expect("finishes");
    let found = world.pull_requests.find(&demo(), id).await;
    assert_eq!(found.expect("is open"), finished);
}

pub(super) async fn a_file_that_was_never_written_cannot_be_finished(world: World) {
    let finished = pull_request(1, 10, &["a", "b"], &[]);
    let finish = world.finish(finished.clone()).await;
    assert_says!(finish, FinishError::Store(StoreError::NotFound));
    world.put_draft(1, "a", b"x").await;
    let finish = world.finish(finished.clone()).await;
    assert_says!(finish, FinishError::Store(StoreError::NotFound));
    let open = world.pull_requests.open(&demo(), None).await;
    assert_eq!(open.expect("lists"), []);
    world.put_draft(1, "b", b"x").await;
    world.finish(finished).await.expect("the draft stayed");
}

pub(super) async fn a_discarded_draft_is_gone(world: World) {
    world.uploads.discard_draft(PullRequestId::from_u128(1));
    world.put_draft(1, "a", b"x").await;
    world.put_draft(2, "a", b"x").await;
    world.uploads.discard_draft(PullRequestId::from_u128(1));
    world.uploads.discard_draft(PullRequestId::from_u128(1));
    let finished = pull_request(2, 10, &["a"], &[]);
    world.finish(finished).await.expect("the other stays");
    let open = world.pull_requests.open(&demo(), None).await;
    assert_eq!(open.expect("lists"), [PullRequestId::from_u128(2)]);
}

pub(super) async fn a_draft_takes_staged_content(world: World) {
    let staged = world.stage(5, &[b"abc"]).await;
    assert_eq!(staged, StagingId(5));
    let content_of = |movable| {
        FileContent::Staged(StagedContent {
            staged: world.staged(staged),
            staged_bytes: 3,
            tail: Bytes::from_static(b"d"),
            pieces: std::iter::once(0..4).collect(),
            movable,
        })
    };
    let id = PullRequestId::from_u128(1);
    for (name, movable) in [("a", false), ("b", true)] {
        let (path, content) = (path(name), content_of(movable));
        let put = world.uploads.put_draft_file(id, &path, content).await;
        put.expect("is written");
    }
    world
        .finish(pull_request(1, 10, &["a", "b"], &[]))
        .await
        .expect("finishes");
    for name in ["a", "b"] {
        let file = world
            .pull_requests
            .open_file(&demo(), id, &path(name))
            .await;
        let file = file.expect("is there");
        assert_eq!(&content(&file).await.expect("reads")[..], b"abcd", "{name}");
    }
}

pub(super) async fn names_in_a_draft_are_never_in_the_way(world: World) {
    world.put_draft(1, "a", b"file").await;
    world
        .uploads
        .remove_draft_file(PullRequestId::from_u128(1), &path("a"))
        .await
        .expect("goes");
    world.put_draft(1, "a/b", b"below").await;
    world.put_draft(1, "pull-request.json", b"mine").await;
    let finished = pull_request(1, 10, &["a/b", "pull-request.json"], &[]);
    let id = finished.id;
    world.finish(finished.clone()).await.expect("finishes");
    let found = world.pull_requests.find(&demo(), id).await;
    assert_eq!(found.expect("is open"), finished);
    let file = world
        .pull_requests
        .open_file(&demo(), id, &path("pull-request.json"))
        .await;
    assert_eq!(
        &content(&file.expect("is there")).await.expect("reads")[..],
        b"mine"
    );
}
