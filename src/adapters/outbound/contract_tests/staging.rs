use bytes::Bytes;

use super::world::{World, assert_says};
use crate::application::ports::{StagingId, StoreError};
use crate::application::{FileContent, StagedContent};
use crate::domain::ProjectQuota;

use super::world::AMPLE;

fn staged(world: &World, id: StagingId, staged_bytes: u64, tail: &'static [u8]) -> StagedContent {
    let whole = 0..staged_bytes + tail.len() as u64;
    StagedContent {
        staged: world.staged(id),
        staged_bytes,
        tail: Bytes::from_static(tail),
        pieces: vec![whole],
        movable: true,
    }
}

pub(super) async fn a_whole_log_becomes_the_file(world: World) {
    let world = world.with_demo().await;
    for movable in [true, false] {
        let id = world.stage(u64::from(movable), &[b"ab", b"", b"cd"]).await;
        let content = StagedContent {
            movable,
            ..staged(&world, id, 4, b"ef")
        };
        let put = world
            .put_as("d/f", FileContent::Staged(content), AMPLE)
            .await;
        let version = put.expect("is written");
        assert_eq!(&world.read("d/f").await.expect("is there")[..], b"abcdef");
        assert_eq!(world.open("d/f").await.expect("is there").version, version);
        world.uploads.discard(id);
        assert_eq!(&world.read("d/f").await.expect("is there")[..], b"abcdef");
    }
}

pub(super) async fn what_may_not_be_moved_can_be_used_again(world: World) {
    let world = world.with_demo().await;
    let id = world.stage(1, &[b"abc"]).await;
    let content = StagedContent {
        movable: false,
        ..staged(&world, id, 3, b"")
    };
    let put = world.put_as("a", FileContent::Staged(content), AMPLE).await;
    put.expect("is written");
    world.stage(1, &[b"def"]).await;
    let content = FileContent::Staged(staged(&world, id, 6, b"!"));
    world.put_as("b", content, AMPLE).await.expect("is written");
    assert_eq!(&world.read("a").await.expect("is there")[..], b"abc");
    assert_eq!(&world.read("b").await.expect("is there")[..], b"abcdef!");
}

pub(super) async fn pieces_come_in_the_order_given(world: World) {
    let world = world.with_demo().await;
    let long = vec![7; 200_000];
    let id = world.stage(1, &[b"0123456789", &long]).await;
    let content = FileContent::Staged(StagedContent {
        // Out of order, repeated, across the border to the tail, empty, and in the tail alone.
        pieces: vec![
            5..8,
            0..2,
            0..2,
            9..10,
            4..4,
            200_008..200_012,
            200_011..200_013,
            10..150_010,
        ],
        ..staged(&world, id, 200_010, b"xyz")
    });
    let expected = [
        &b"567"[..],
        b"01",
        b"01",
        b"9",
        &[7, 7],
        b"xy",
        b"yz",
        &long[..150_000],
    ];
    assert_eq!(content.bytes(), expected.concat().len() as u64);
    world.put_as("f", content, AMPLE).await.expect("is written");
    assert!(world.read("f").await.expect("is there") == expected.concat());
}

pub(super) async fn a_piece_outside_the_upload_is_a_failure(world: World) {
    let world = world.with_demo().await;
    world.put("f", b"old").await.expect("is written");
    let id = world.stage(1, &[b"abc"]).await;
    for (staged_bytes, piece) in [(3, 0..9), (3, 7..9), (5, 0..5)] {
        let content = FileContent::Staged(StagedContent {
            pieces: vec![piece.clone()],
            movable: false,
            ..staged(&world, id, staged_bytes, b"d")
        });
        let put = world.put_as("f", content, AMPLE).await;
        assert_says!(put, StoreError::Failed(_), "{piece:?}");
    }
    let never = FileContent::Staged(staged(&world, StagingId(99), 1, b"d"));
    let put = world.put_as("f", never, AMPLE).await;
    assert_says!(put, StoreError::Failed(_));
    assert_eq!(&world.read("f").await.expect("is there")[..], b"old");
}

pub(super) async fn discarding_is_never_an_error(world: World) {
    let world = world.with_demo().await;
    world.uploads.discard(StagingId(1));
    let id = world.stage(2, &[b"abc"]).await;
    world.uploads.discard(id);
    world.uploads.discard(id);
    let content = FileContent::Staged(staged(&world, id, 3, b""));
    // The upload is gone now or soon: the file may still be made, but never from other bytes.
    if world.put_as("f", content, AMPLE).await.is_ok() {
        assert_eq!(&world.read("f").await.expect("is there")[..], b"abc");
    }
}

pub(super) async fn an_upload_can_be_read(world: World) {
    let id = world.stage(1, &[b"abc", b"def"]).await;
    let staged = world.staged(id);
    for (offset, length, expected) in [(0, 6, "abcdef"), (2, 2, "cd"), (6, 0, "")] {
        let read = staged.read(offset, length).await.expect("is there");
        assert_eq!(&read[..], expected.as_bytes());
    }
    for (offset, length) in [(0, 7), (7, 0), (u64::MAX, 1)] {
        assert_says!(staged.read(offset, length).await, StoreError::Failed(_));
    }
}

/// The stores under test know nothing about the upload except how to read it.
pub(super) async fn another_stores_upload_becomes_the_file(world: World) {
    let world = world.with_demo().await;
    let other = World::in_memory();
    let long = vec![7; 200_000];
    let id = other.stage(1, &[b"abc", &long]).await;
    for movable in [false, true] {
        let content = FileContent::Staged(StagedContent {
            movable,
            ..staged(&other, id, 200_003, b"def")
        });
        world.put_as("f", content, AMPLE).await.expect("is written");
        let expected = [b"abc", &long[..], b"def"].concat();
        assert!(world.read("f").await.expect("is there") == expected);
    }
}

pub(super) async fn staged_content_counts_against_the_quota(world: World) {
    let world = world.with_demo().await;
    let quota = ProjectQuota {
        max_files: 1,
        max_bytes: 5,
        ..ProjectQuota::UNLIMITED
    };
    let id = world.stage(1, &[b"abc"]).await;
    let content = FileContent::Staged(staged(&world, id, 3, b"def"));
    assert_says!(
        world.put_as("f", content, quota).await,
        StoreError::OverQuota(_)
    );
    assert!(world.tree().await.is_empty());
    let content = FileContent::Staged(StagedContent {
        pieces: std::iter::once(0..5).collect(),
        ..staged(&world, id, 3, b"def")
    });
    world.put_as("f", content, quota).await.expect("just fits");
}
