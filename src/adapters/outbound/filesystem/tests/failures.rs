use std::fs;
use std::os::unix::fs::PermissionsExt;

use bytes::Bytes;

use crate::adapters::outbound::contract_tests::world::{
    AMPLE, World, assert_says, demo, memory, path, pull_request,
};
use crate::adapters::outbound::filesystem::Durability;
use crate::adapters::outbound::filesystem::tests::{assert_nothing_is_left, base, names, on_disk};
use crate::application::ports::{StagingId, StoreError};
use crate::application::{FileContent, StagedContent};
use crate::domain::{Outcome, ProjectQuota, PullRequestId};

#[tokio::test]
async fn failed_writes_leave_nothing_behind() {
    let (world, base) = on_disk(Durability::Fsync).await;
    world.put_all(&["f", "d/x"]).await;
    let closed = ProjectQuota {
        max_files: 0,
        max_bytes: 0,
        ..ProjectQuota::UNLIMITED
    };
    for name in ["f/x/y", "d", "f/x"] {
        assert_says!(world.put(name, b"y").await, StoreError::PathConflict);
    }
    for name in ["new", "new/folder/f"] {
        let put = world.put_as(name, memory(b"y"), closed).await;
        assert_says!(put, StoreError::OverQuota(_));
    }
    let staged = world.stage(1, &[b"abc"]).await;
    let content = StagedContent {
        staged: world.staged(staged),
        staged_bytes: 3,
        tail: Bytes::new(),
        pieces: vec![0..3, 9..12],
        movable: true,
    };
    let put = world.put_as("new/folder/f", FileContent::Staged(content), AMPLE);
    assert_says!(put.await, StoreError::Failed(_));
    world.uploads.discard(staged);
    wait_for(|| names(&base.join(".twicecast/staging")).is_empty()).await;
    assert_eq!(names(&base.join("ana/demo")), ["d", "f"]);
    assert_eq!(world.usage().await.expect("is counted").files, 2);
}

#[tokio::test]
async fn what_is_discarded_leaves_the_disk() {
    let (world, base) = on_disk(Durability::Fsync).await;
    let state = base.join(".twicecast");
    world.stage(1, &[b"abc"]).await;
    world.put_draft(1, "a", b"x").await;
    world.put_draft(2, "a", b"x").await;
    world
        .finish(pull_request(2, 1, &["a"], &[]))
        .await
        .expect("finishes");
    assert_eq!(names(&state.join("staging")), ["upload-1"]);
    world.uploads.discard(StagingId(1));
    world.uploads.discard_draft(PullRequestId::from_u128(1));
    let id = PullRequestId::from_u128(2);
    world
        .pull_requests
        .delete(&demo(), id, Outcome::Closed, Box::new(|| {}))
        .await
        .expect("is deleted");
    wait_for(|| names(&state.join("staging")).is_empty()).await;
    wait_for(|| names(&state.join("drafts")).is_empty()).await;
    assert_eq!(names(&state.join("pulls/ana/demo")), [""; 0]);
}

#[test]
fn discarding_outside_a_runtime_works() {
    let runtime = tokio::runtime::Runtime::new().expect("starts");
    let world = World::on_disk(Durability::Fsync);
    runtime.block_on(world.stage(1, &[b"abc"]));
    runtime.block_on(world.put_draft(1, "a", b"x"));
    drop(runtime);
    world.uploads.discard(StagingId(1));
    world.uploads.discard_draft(PullRequestId::from_u128(1));
    assert_nothing_is_left(&base(&world));
    assert_eq!(names(&base(&world).join(".twicecast/drafts")), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_discarded_while_it_is_written_does_not_come_back() {
    let (world, base) = on_disk(Durability::Rename).await;
    let large = vec![1; 2_000_000];
    for n in 0..20 {
        let (id, file) = (PullRequestId::from_u128(n), path("a"));
        let put = world.uploads.put_draft_file(id, &file, memory(&large));
        let wait = std::time::Duration::from_micros(u64::try_from(n).expect("fits") * 100);
        let _ = tokio::time::timeout(wait, put).await;
        world.uploads.discard_draft(id);
    }
    let quiet = || {
        names(&base.join(".twicecast/drafts")).is_empty()
            && names(&base.join(".twicecast/staging")).is_empty()
    };
    wait_for(quiet).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(quiet());
}

#[tokio::test]
async fn a_base_folder_that_is_removed_fails_everything_and_panics_nothing() {
    let (world, base) = on_disk(Durability::Fsync).await;
    world.put_all(&["f"]).await;
    let aside = base.with_extension("aside");
    fs::rename(&base, &aside).expect("moves");
    world.put("g", b"y").await.expect("follows the folder");
    fs::rename(&aside, &base).expect("moves back");
    assert_eq!(world.tree().await, ["/f", "/g"]);

    fs::remove_dir_all(&base).expect("removes");
    fs::write(&base, "a file now").expect("writes");
    assert_says!(world.open("f").await, StoreError::Failed(_));
    assert_says!(world.put("f", b"y").await, StoreError::Failed(_));
    assert_says!(world.delete("f").await, StoreError::Failed(_));
    assert_says!(world.walk("/", true).await, StoreError::Failed(_));
    assert_says!(world.usage().await, StoreError::Failed(_));
    assert_says!(world.projects.state(&demo()).await, StoreError::Failed(_));
    assert_says!(
        world.projects.register(&demo()).await,
        StoreError::Failed(_)
    );
    assert_says!(world.projects.projects().await, StoreError::Failed(_));
    let staged = world.uploads.append(StagingId(1), Bytes::from_static(b"x"));
    assert_says!(staged.await, StoreError::Failed(_));
    let id = PullRequestId::from_u128(1);
    let draft = world
        .uploads
        .put_draft_file(id, &path("a"), memory(b"x"))
        .await;
    assert_says!(draft, StoreError::Failed(_));
    fs::remove_file(&base).expect("removes");
}

#[tokio::test]
async fn modes_keep_the_servers_own_from_others() {
    let (world, base) = on_disk(Durability::Fsync).await;
    world.put_all(&["d/f"]).await;
    world.put_draft(1, "a", b"x").await;
    world
        .finish(pull_request(1, 1, &["a"], &[]))
        .await
        .expect("finishes");
    let mode = |place: &std::path::Path| {
        let metadata = fs::symlink_metadata(place).expect("is there");
        metadata.permissions().mode() & 0o777
    };
    let mut folders = vec![base.join(".twicecast")];
    while let Some(folder) = folders.pop() {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for name in names(&folder) {
            let entry = folder.join(name);
            if entry.is_dir() {
                folders.push(entry);
            } else {
                assert_eq!(mode(&entry), 0o600, "{}", entry.display());
            }
        }
    }
    assert_eq!(mode(&base.join("ana/demo/d/f")) & 0o600, 0o600);
    assert_eq!(mode(&base.join("ana/demo/d")) & 0o700, 0o700);
}

async fn wait_for(what: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if what() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("it did not come to pass");
}
