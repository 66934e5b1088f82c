use crate::adapters::outbound::contract_tests::world::{World, content, demo, path, pull_request};
use crate::adapters::outbound::filesystem::Durability;
use crate::adapters::outbound::filesystem::tests::{assert_nothing_is_left, on_disk};
use crate::application::ports::StoreError;
use crate::domain::PullRequestId;

/// The present content of a file; `None` if there is no file.
async fn now(world: &World, name: &str) -> Option<Vec<u8>> {
    match world.read(name).await {
        Ok(content) => Some(content.to_vec()),
        Err(StoreError::NotFound) => None,
        Err(error) => panic!("cannot be read: {error}"),
    }
}

/// Meant to be run with injected faults as well. Each must show as a failure that has changed
/// nothing:
///
/// ```text
/// strace -f -e inject=fsync:error=EIO:when=20+7 TEST-BINARY what_the_disk_refuses
/// ```
///
/// (or `renameat2`, `mkdirat`, `utimensat`; `when=` must begin after the start), and with `TMPDIR`
/// on a file system of one megabyte. If `unlinkat` is refused, temporary files do stay.
#[tokio::test]
async fn what_the_disk_refuses_has_not_happened() {
    let (world, base) = on_disk(Durability::Fsync).await;
    let (mut refused, mut files) = (0, 0);
    for round in 0..30_u8 {
        // The last one does not fit on a small disk.
        for (name, length) in [("f", 10), ("d/e/f", 100_000), ("large", 2_000_000)] {
            let before = now(&world, name).await;
            let new = vec![round; length];
            match world.put(name, &new).await {
                Ok(_) => assert!(now(&world, name).await.as_deref() == Some(&new[..])),
                Err(StoreError::Failed(_)) => {
                    refused += 1;
                    assert!(now(&world, name).await == before, "{name} in {round}");
                }
                Err(error) => panic!("{error}"),
            }
        }
        let before = now(&world, "d/e/f").await;
        if round % 3 == 0 && before.is_some() {
            if world.delete("d/e/f").await.is_ok() {
                assert!(now(&world, "d/e/f").await.is_none());
            } else {
                refused += 1;
                assert!(now(&world, "d/e/f").await == before);
            }
        }
        let id = PullRequestId::from_u128(round.into());
        let drafted = path("a");
        let put = world
            .uploads
            .put_draft_file(id, &drafted, super::memory(b"draft"));
        if put.await.is_ok() {
            let finished = pull_request(round.into(), 1, &["a"], &[]);
            let done = world.finish(finished).await.is_ok();
            let open = world.pull_requests.open(&demo(), None).await;
            assert_eq!(open.expect("lists").contains(&id), done);
            if done {
                let file = world.pull_requests.open_file(&demo(), id, &path("a")).await;
                let file = content(&file.expect("is there")).await;
                assert_eq!(&file.expect("reads")[..], b"draft");
            } else {
                refused += 1;
            }
        }
        world.uploads.discard_draft(id);
        files = world.tree().await.len();
    }
    let usage = world.usage().await.expect("is counted");
    assert_eq!(usage.files, files as u64);
    assert_nothing_is_left(&base);
    eprintln!("{refused} were refused");
}
