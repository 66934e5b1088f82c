//! What only this engine can do to a store: end in the middle, and be used by others at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::adapters::outbound;
use crate::adapters::outbound::contract_tests::nats_server::{NatsServer, settings_on};
use crate::adapters::outbound::contract_tests::world::{
    AMPLE, World, assert_says, content, demo, demo_file, memory, path, pull_request,
};
use crate::adapters::outbound::nats::replicas::Node;
use crate::adapters::outbound::nats::{NatsSettings, stores};
use crate::application::ports::{FinishError, StoreError, StoreResources};
use crate::domain::{Moderation, Outcome, ProjectEntry, ProjectQuota, PullRequestId, Version};

/// A node, and its stores.
pub(crate) async fn node(settings: &NatsSettings) -> (Arc<Node>, World) {
    let uploads = outbound::memory::open_stores().uploads;
    let opened = stores::open(settings, uploads, StoreResources::default());
    let (node, stores) = opened.await.expect("opens");
    (node, World::of(stores))
}

/// Opens a pull request with one file.
pub(crate) async fn open_pull_request(world: &World, id: u128) {
    world.put_draft(id, "f", b"new").await;
    let finished = world.finish(pull_request(id, 1_000, &["f"], &[])).await;
    finished.expect("is kept");
}

/// Closes it.
pub(crate) async fn close_pull_request(world: &World, id: u128) {
    let id = PullRequestId::from_u128(id);
    let closed = world
        .pull_requests
        .delete(&demo(), id, Outcome::Closed, Box::new(|| {}))
        .await;
    closed.expect("is open");
}

/// Puts growing numbers into the files in turn. Returns the last number of each.
async fn count(world: World, files: [&'static str; 3], last: u32) -> BTreeMap<&'static str, u32> {
    let mut kept = BTreeMap::new();
    let mut versions: BTreeMap<&str, Version> = BTreeMap::new();
    for number in 0..last {
        for file in files {
            let content = number.to_string();
            // After a failure nobody knows whether it is kept; putting the same again does no harm.
            let version = loop {
                match world.put(file, content.as_bytes()).await {
                    Ok(version) => break version,
                    failed => assert_says!(failed, StoreError::Failed(_)),
                }
            };
            let before = versions.insert(file, version);
            assert!(before.is_none_or(|before| before < version), "{file}");
            kept.insert(file, number);
        }
    }
    kept
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_the_engine_is_killed() {
    let mut server = NatsServer::start();
    let settings = settings_on(&server);
    let (one, other) = (
        World::on_engine(&settings).await.with_demo().await,
        World::on_engine(&settings).await,
    );
    let mut counting = JoinSet::new();
    counting.spawn(count(one.clone(), ["a", "b", "both/a"], 60));
    counting.spawn(count(other.clone(), ["c", "d", "both/b"], 60));
    let (server, killing) = {
        let killing = tokio::task::spawn_blocking(move || {
            for _ in 0..3 {
                std::thread::sleep(Duration::from_millis(300));
                server.kill_and_start();
            }
            server
        });
        let all = counting.join_all().await;
        (killing.await.expect("is started again"), all)
    };
    let later = World::on_engine(&settings).await;
    for (file, number) in killing.into_iter().flatten() {
        for world in [&one, &other, &later] {
            let content = world.read(file).await.expect("is there");
            assert_eq!(content, number.to_string().as_bytes(), "{file}");
        }
    }
    assert_eq!(later.tree().await.len(), 6);
    drop(server);
}

/// Proposes one thing after another until it is told to stop. Returns what was acknowledged.
async fn propose(world: World, first: u128, stop: Arc<AtomicBool>) -> Vec<u128> {
    let mut kept = Vec::new();
    for id in first.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        world.put_draft(id, "f", &id.to_be_bytes()).await;
        // A failure means that it is not kept; the draft stays, and can be finished again.
        while let Err(error) = world.finish(pull_request(id, 1_000, &["f"], &[])).await {
            assert_says!(
                Err::<(), _>(error),
                FinishError::Store(StoreError::Failed(_))
            );
        }
        kept.push(id);
    }
    kept
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_proposal_is_kept_once_when_the_engine_is_killed() {
    let mut server = NatsServer::start();
    let settings = settings_on(&server);
    let (one, other) = (
        World::on_engine(&settings).await.with_demo().await,
        World::on_engine(&settings).await,
    );
    let mut proposing = JoinSet::new();
    let stop = Arc::<AtomicBool>::default();
    proposing.spawn(propose(one.clone(), 0, Arc::clone(&stop)));
    proposing.spawn(propose(other.clone(), 1 << 32, Arc::clone(&stop)));
    let killing = tokio::task::spawn_blocking(move || {
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(300));
            server.kill_and_start();
        }
        stop.store(true, Ordering::Relaxed);
        server
    });
    let mut proposed = proposing.join_all().await.concat();
    proposed.sort_unstable();
    let server = killing.await.expect("is started again");
    let later = World::on_engine(&settings).await;
    for world in [&one, &other, &later] {
        let open = world.pull_requests.open(&demo(), None).await;
        let mut open: Vec<_> = open.expect("is known").into_iter().collect();
        open.sort_unstable();
        let expected: Vec<_> = proposed
            .iter()
            .map(|id| PullRequestId::from_u128(*id))
            .collect();
        assert_eq!(open, expected, "each once");
        for id in &proposed {
            let (demo, file) = (demo(), path("f"));
            let id_of = PullRequestId::from_u128(*id);
            let open = world.pull_requests.open_file(&demo, id_of, &file).await;
            let read = content(&open.expect("is there")).await.expect("reads");
            assert_eq!(read, &id.to_be_bytes()[..]);
        }
    }
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_do_not_pass_a_quota_together() {
    let server = NatsServer::start();
    let settings = settings_on(&server);
    let nodes = [
        World::on_engine(&settings).await.with_demo().await,
        World::on_engine(&settings).await,
    ];
    let quota = ProjectQuota {
        max_files: 10,
        ..AMPLE
    };
    let mut putting = JoinSet::new();
    for number in 0..30 {
        for (node, world) in nodes.iter().enumerate() {
            let world = world.clone();
            putting.spawn(async move {
                let name = format!("{node}/{number}");
                world.put_as(&name, memory(b"x"), quota).await
            });
        }
    }
    let (mut kept, mut refused) = (0, 0);
    for put in putting.join_all().await {
        match put {
            Ok(_) => kept += 1,
            Err(error) => {
                assert_says!(Err::<(), _>(error), StoreError::OverQuota(_));
                refused += 1;
            }
        }
    }
    assert_eq!((kept, refused), (10, 50));
    for world in &nodes {
        assert_eq!(world.usage().await.expect("is known").files, 10);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_one_file_at_two_nodes_are_told_of_in_one_order() {
    let server = NatsServer::start();
    let settings = settings_on(&server);
    let nodes = [
        World::on_engine(&settings).await.with_demo().await,
        World::on_engine(&settings).await,
    ];
    let told: Arc<Mutex<Vec<(usize, Version)>>> = Arc::default();
    let mut putting = JoinSet::new();
    for number in 0..20_u8 {
        for (node, world) in nodes.iter().enumerate() {
            let (world, told) = (world.clone(), Arc::clone(&told));
            putting.spawn(async move {
                let tell = move |version| told.lock().expect("not poisoned").push((node, version));
                let in_turn = Box::new(move |entry: ProjectEntry| tell(entry.version));
                let (file, content) = (demo_file("f"), memory(&[number]));
                let store = &world.projects;
                let put = store.put_file(&file, Instant::now(), content, None, AMPLE, in_turn);
                put.await.expect("is kept")
            });
        }
    }
    let mut versions = putting.join_all().await;
    versions.sort_unstable();
    versions.dedup();
    let told = std::mem::take(&mut *told.lock().expect("not poisoned"));
    for node in 0..nodes.len() {
        let own = told.iter().filter(|(its, _)| *its == node);
        let own: Vec<_> = own.map(|(_, version)| *version).collect();
        assert!(own.is_sorted(), "{own:?}");
    }
    // A change that the other node has overtaken is told to nobody, and has the version of that
    // node's change.
    let mut told: Vec<_> = told.into_iter().map(|(_, version)| version).collect();
    told.sort_unstable();
    assert_eq!(told, versions);
    for world in &nodes {
        let open = world.open("f").await.expect("is there");
        assert_eq!(Some(&open.version), versions.last());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_moderators_at_two_nodes_none_overwrites_the_other() {
    let server = NatsServer::start();
    let settings = settings_on(&server);
    let (one, other) = (
        World::on_engine(&settings).await.moderation,
        World::on_engine(&settings).await.moderation,
    );
    let (demo, nothing) = (demo(), Arc::<Moderation>::default);
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    other.follow(Box::new(move |project| {
        tell.send(project.clone()).expect("the test waits");
    }));
    one.remove(&demo).await.expect("nothing is no error");
    assert!(one.save(&demo, nothing()).await.expect("is kept"));
    assert_eq!(told.recv().await.as_ref(), Some(&demo));
    assert!(!other.save(&demo, nothing()).await.expect("is behind"));
    other.load(&demo).await.expect("loads");
    assert!(other.save(&demo, nothing()).await.expect("is kept"));
    assert!(!one.save(&demo, nothing()).await.expect("is behind"));
    one.remove(&demo).await.expect("is removed all the same");
    for _ in 0..2 {
        assert_eq!(told.recv().await.as_ref(), Some(&demo));
    }
    assert!(!other.save(&demo, nothing()).await.expect("is behind"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_is_set_up_otherwise_is_refused_with_a_sentence() {
    let server = NatsServer::start();
    let mut settings = settings_on(&server);
    World::on_engine(&settings).await;
    settings.replicas = 3;
    let refused = super::setup::connect(&settings, Arc::default()).await;
    let refused = refused.expect_err("another number of replicas").to_string();
    assert!(
        refused.contains("num_replicas 1, but should have 3"),
        "{refused}"
    );
    settings.prefix = "another".to_owned();
    let alone = super::setup::connect(&settings, Arc::default()).await;
    let alone = alone.expect_err("it is one server").to_string();
    assert!(alone.contains("ANOTHER 3 times (natsReplicas)"), "{alone}");
    drop(server);
    let gone = super::setup::connect(&settings, Arc::default()).await;
    let gone = gone.expect_err("nobody listens").to_string();
    assert!(gone.contains("cannot connect to the NATS server"), "{gone}");
}
