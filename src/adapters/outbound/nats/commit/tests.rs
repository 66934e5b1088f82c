use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::adapters::outbound::contract_tests::nats_server::settings;
use crate::adapters::outbound::contract_tests::world::{
    AMPLE, World, assert_says, demo, demo_file, memory,
};
use crate::adapters::outbound::nats::NatsSettings;
use crate::adapters::outbound::nats::check::REMEMBERED;
use crate::adapters::outbound::nats::follower::Follows as _;
use crate::adapters::outbound::nats::tests::node;
use crate::application::ports::{StagedUpload, StagingId};
use crate::application::{FileContent, StagedContent};
use crate::domain::{ProjectQuota, Version};

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

/// Two nodes that know the project.
async fn two_with_demo() -> [World; 2] {
    let settings = settings();
    let one = World::on_engine(&settings).await.with_demo().await;
    [one, World::on_engine(&settings).await]
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
        let tell = Box::new(|_| tell());
        let (file, now) = (demo_file("a"), Instant::now());
        store.put_file(&file, now, slow, None, AMPLE, tell).await
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_was_asked_before_another_changed_the_file_does_not_come_on_top_of_that() {
    let [one, other] = two_with_demo().await;
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
async fn what_has_waited_behind_another_change_does_not_come_on_top_of_what_was_changed_meanwhile()
{
    let [one, other] = two_with_demo().await;
    let (a, gone, later) = (demo_file("a"), demo_file("gone"), demo_file("later"));
    let ago = |millis| {
        let ago = Instant::now().checked_sub(Duration::from_millis(millis));
        ago.expect("the machine runs for longer")
    };
    let put = async |file, asked| {
        let (content, nobody) = (memory(b"older"), Box::new(|_| {}));
        let put = one
            .projects
            .put_file(file, asked, content, None, AMPLE, nobody);
        put.await.expect("counts as made")
    };
    let delete = async |file, asked| {
        let (wanted, nobody) = (Box::new(|| true), Box::new(|_| {}));
        let delete = one.projects.delete_file(file, asked, wanted, nobody);
        delete.await.expect("counts as made")
    };
    other.put("gone", b"newer").await.expect("is kept");
    let newer = other.put("a", b"newer").await.expect("is kept");
    let deleted = other.delete("gone").await.expect("is kept");
    // This node knows of all of it before it is asked.
    assert!(one.read("gone").await.is_err());
    assert_eq!(put(&a, ago(60_000)).await, newer);
    assert_eq!(delete(&a, ago(60_000)).await, newer);
    assert_eq!(put(&gone, ago(60_000)).await, deleted);
    // Nor is it refused because of what the other node has done.
    assert_eq!(delete(&gone, ago(60_000)).await, deleted);
    let full = ProjectQuota {
        max_files: 1,
        ..AMPLE
    };
    for content in [b"older".to_vec(), vec![b'o'; 200_000]] {
        let (content, nobody) = (memory(&content), Box::new(|_| {}));
        let put_over = one
            .projects
            .put_file(&gone, ago(60_000), content, None, full, nobody);
        assert_eq!(put_over.await.expect("counts as made"), deleted);
    }
    assert!(
        one.put_as("gone", memory(b"older"), full).await.is_err(),
        "it is full"
    );
    // What was asked for later than the other node's change stays on top, and so does what this
    // node was asked for later on another connection.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(put(&gone, ago(1_000)).await > deleted);
    let asked = ago(1_200);
    let last = put(&later, asked).await;
    assert_eq!(delete(&later, ago(2_000)).await, last);
    assert!(put(&later, asked).await > last);
    for world in [&one, &other] {
        assert_eq!(&world.read("a").await.expect("is there")[..], b"newer");
        for name in ["gone", "later"] {
            assert_eq!(&world.read(name).await.expect("is there")[..], b"older");
        }
    }
}

#[tokio::test]
async fn what_was_asked_for_before_a_project_was_removed_does_not_come_into_the_next_of_that_name()
{
    let [one, other] = two_with_demo().await;
    let asked = Instant::now();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let removed = other.projects.remove(&demo(), Box::new(|_, _| {})).await;
    removed.expect("is removed");
    let other = other.with_demo().await;
    let (file, content, nobody) = (demo_file("a"), memory(b"older"), Box::new(|_| {}));
    let put = one
        .projects
        .put_file(&file, asked, content, None, AMPLE, nobody);
    assert_says!(put.await, StoreError::NotFound);
    assert!(other.read("a").await.is_err());
    one.put("a", b"newer").await.expect("is kept");
    assert_eq!(&other.read("a").await.expect("is there")[..], b"newer");
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
    let slow = timeout(Duration::from_secs(20), slow).await;
    assert_says!(
        slow.expect("is answered").expect("ends"),
        StoreError::Failed(_)
    );
    world.put("a", b"again").await.expect("is kept");
    for world in [&world, &other] {
        assert_eq!(&world.read("a").await.expect("is there")[..], b"again");
        assert_eq!(&world.read("b").await.expect("is there")[..], b"meanwhile");
    }
}

/// The way to the engine on which, from the first batch on, what the engine says is held up.
async fn until_a_batch(settings: &NatsSettings) -> (NatsSettings, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let address = listener.local_addr().expect("has one").to_string();
    let engine = settings.servers[0].replace("nats://", "");
    let is_held = watch::Sender::new(false);
    let line = is_held.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let engine = TcpStream::connect(&engine).await.expect("is there");
            let (mut asks, mut hears) = client.into_split();
            let (mut says, mut is_told) = engine.into_split();
            let (holds, mut held) = (line.clone(), line.subscribe());
            tokio::spawn(async move {
                let mut read = vec![0; 1 << 16];
                while let Ok(count @ 1..) = asks.read(&mut read).await {
                    let words = String::from_utf8_lossy(&read[..count]);
                    if words.contains("Nats-Batch-Commit") {
                        holds.send_replace(true);
                    }
                    is_told.write_all(&read[..count]).await.expect("is there");
                }
            });
            tokio::spawn(async move {
                let mut read = vec![0; 1 << 16];
                while let Ok(count @ 1..) = says.read(&mut read).await {
                    let may = held.wait_for(|is_held| !is_held).await;
                    drop(may.expect("the line is there"));
                    let written = hears.write_all(&read[..count]).await;
                    written.expect("the node is there");
                }
            });
        }
    });
    let settings = NatsSettings {
        servers: vec![address],
        ..settings.clone()
    };
    (settings, is_held)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_whose_answer_was_lost_is_made_once_though_more_followed_than_a_head_remembers() {
    let settings = settings();
    let other = World::on_engine(&settings).await.with_demo().await;
    let (held_up, is_held) = until_a_batch(&settings).await;
    let (one, world) = node(&held_up).await;
    assert!(world.read("large").await.is_err(), "the project is loaded");
    let large = vec![b'l'; 2_000_000];
    let (store, content) = (Arc::clone(&world.projects), memory(&large));
    let put = tokio::spawn(async move {
        let file = demo_file("large");
        let nobody = Box::new(|_| {});
        store
            .put_file(&file, Instant::now(), content, None, AMPLE, nobody)
            .await
    });
    let mut hold = is_held.subscribe();
    drop(hold.wait_for(|is_held| *is_held).await.expect("is sent"));
    while other.read("large").await.is_err() {
        sleep(Duration::from_millis(10)).await;
    }
    for number in 0..=REMEMBERED {
        let number = number.to_string();
        other.put("b", number.as_bytes()).await.expect("is kept");
    }
    // It has been given up for lost, so now it is asked for.
    while one.engine.counts.unknown_outcomes.get() == 0 {
        sleep(Duration::from_millis(10)).await;
    }
    is_held.send_replace(false);
    put.await.expect("ends").expect("is kept");
    for world in [&world, &other] {
        assert!(world.read("large").await.expect("is there") == large);
    }
}
