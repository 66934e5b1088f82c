use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::*;
use crate::adapters::outbound::contract_tests::nats_server::settings;
use crate::adapters::outbound::contract_tests::world::{AMPLE, World, assert_says, demo, path};
use crate::adapters::outbound::nats::follower::Follows as _;
use crate::adapters::outbound::nats::tests::node;
use crate::application::ports::{StagedUpload, StagingId};
use crate::application::{FileContent, StagedContent};

/// An upload that tells when it is asked for its content, and waits until it may give it.
#[derive(Debug)]
struct Held {
    asked: Semaphore,
    may: Semaphore,
}

impl Held {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            asked: Semaphore::new(0),
            may: Semaphore::new(0),
        })
    }
}

#[async_trait]
impl StagedUpload for Held {
    fn id(&self) -> StagingId {
        StagingId(u64::MAX)
    }

    async fn read(&self, _: u64, length: usize) -> Result<Bytes, StoreError> {
        self.asked.add_permits(1);
        let _may = self.may.acquire().await;
        Ok(vec![b'n'; length].into())
    }
}

/// Puts a file whose content can only be read once `held` lets it be.
fn put_slowly(
    world: &World,
    held: &Arc<Held>,
    tell: impl FnOnce() + Send + 'static,
) -> JoinHandle<Result<Version, StoreError>> {
    let slow = FileContent::Staged(StagedContent {
        staged: Arc::clone(held) as _,
        staged_bytes: 200_000,
        tail: Bytes::new(),
        pieces: std::iter::once(0..200_000).collect(),
        movable: false,
    });
    let store = Arc::clone(&world.projects);
    tokio::spawn(async move {
        let (demo, path) = (demo(), path("a"));
        let tell = Box::new(|_| tell());
        store.put_file(&demo, &path, slow, None, AMPLE, tell).await
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_was_asked_before_another_changed_the_file_does_not_come_on_top_of_that() {
    let settings = settings();
    let (one, other) = (
        World::on_engine(&settings).await.with_demo().await,
        World::on_engine(&settings).await,
    );
    one.put("a", b"first").await.expect("is kept");
    let held = Held::new();
    let is_told = Arc::<AtomicBool>::default();
    let tell = Arc::clone(&is_told);
    let slow = put_slowly(&one, &held, move || tell.store(true, Ordering::Relaxed));
    let _asked = held.asked.acquire().await;
    let newer = other.put("a", b"newer").await.expect("is kept");
    // A node that has read the change knows of it.
    assert_eq!(&one.read("a").await.expect("is there")[..], b"newer");
    // Only a change that has waited for over a second counts as given up.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    held.may.add_permits(1);
    let slow = slow.await.expect("ends").expect("counts as made");
    assert_eq!(slow, newer);
    assert!(!is_told.load(Ordering::Relaxed), "nobody sees it");
    for world in [&one, &other] {
        assert_eq!(&world.read("a").await.expect("is there")[..], b"newer");
    }
    one.put("a", b"newest").await.expect("is kept");
    assert_eq!(&other.read("a").await.expect("is there")[..], b"newest");
}

#[tokio::test]
async fn a_change_that_was_begun_before_a_server_was_cut_off_for_long_is_answered() {
    let settings = settings();
    let (one, world) = node(&settings).await;
    let (world, other) = (world.with_demo().await, World::on_engine(&settings).await);
    let held = Held::new();
    let slow = put_slowly(&world, &held, || {});
    let _asked = held.asked.acquire().await;
    Arc::clone(&one).begin_again();
    other.put("b", b"meanwhile").await.expect("is kept");
    held.may.add_permits(1);
    let slow = slow.await.expect("ends");
    assert_says!(slow, StoreError::Failed(_));
    world.put("a", b"again").await.expect("is kept");
    for world in [&world, &other] {
        assert_eq!(&world.read("a").await.expect("is there")[..], b"again");
        assert_eq!(&world.read("b").await.expect("is there")[..], b"meanwhile");
    }
}
