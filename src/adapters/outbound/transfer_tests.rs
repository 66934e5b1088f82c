//! Projects copied from the stores of one engine to those of another.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::adapters::outbound::contract_tests::nats_server;
use crate::adapters::outbound::contract_tests::world::{path, project, pull_request};
use crate::adapters::outbound::filesystem::{self, Durability};
use crate::adapters::outbound::{memory, nats};
use crate::application::ports::{ProjectStore, StoreResources, Stores};
use crate::application::transfer::{Step, Transfer, Transferred};
use crate::application::{FileContent, FileKey};
use crate::domain::{Moderation, ProjectId, ProjectQuota, PullRequest};

async fn put(store: &Arc<dyn ProjectStore>, file: (&ProjectId, &str), content: &[u8], run: bool) {
    let (project, name) = file;
    store.register(project).await.expect("registers");
    let content = FileContent::Memory(Bytes::copy_from_slice(content));
    let file = FileKey {
        project: project.clone(),
        path: path(name),
    };
    let quota = ProjectQuota::UNLIMITED;
    let put = store.put_file(
        &file,
        Instant::now(),
        content,
        Some(run),
        quota,
        Box::new(drop),
    );
    put.await.expect("is put");
}

async fn content(store: &Arc<dyn ProjectStore>, project: &ProjectId, name: &str) -> (Bytes, bool) {
    let file = store.open_file(project, &path(name)).await.expect("opens");
    let length = usize::try_from(file.bytes).expect("fits");
    let content = file.source.read(0, length).await.expect("is read");
    (content, file.executable)
}

fn long() -> Vec<u8> {
    (0..3_000_000_u32).map(|n| (n % 251) as u8).collect()
}

/// Copies, and says what differed.
async fn transfer(from: &Stores, to: &Stores) -> (Transferred, Vec<String>) {
    let mut differs = Vec::new();
    let tell = &mut |step: Step<'_>| {
        if let Step::Differs { project, what } = step {
            differs.push(format!("{project} {what:?}"));
        }
    };
    let done = Transfer { from, to, tell }.run().await.expect("is copied");
    (done, differs)
}

fn on_disk(place: &TempDir) -> Stores {
    let resources = StoreResources::default();
    filesystem::open_stores(place.path(), Durability::Rename, resources).expect("opens")
}

async fn on_nats() -> Stores {
    let settings = nats_server::settings();
    let files = memory::open_stores().uploads;
    let stores = nats::open_stores(&settings, files, StoreResources::default()).await;
    stores.expect("opens")
}

async fn fill(stores: &Stores) -> PullRequest {
    let (demo, other) = (project("ana", "demo"), project("ana", "a/b"));
    put(&stores.projects, (&demo, "a"), b"a", false).await;
    put(&stores.projects, (&demo, "empty"), b"", false).await;
    put(&stores.projects, (&demo, "bin/run"), b"#!/bin/sh", true).await;
    put(&stores.projects, (&demo, "d/long"), &long(), false).await;
    put(&stores.projects, (&other, "\u{e4}"), b"umlaut", false).await;
    let proposed = pull_request(7, 1_700_000_000_000, &["a"], &["empty"]);
    let content = FileContent::Memory(Bytes::from(long()));
    let uploads = &stores.uploads;
    let changed = path("a");
    let written = uploads.put_draft_file(proposed.id, &changed, content);
    written.await.expect("is put");
    let finished = stores
        .pull_requests
        .finish(proposed.clone(), 9, Box::new(|_| {}));
    finished.await.expect("is finished");
    let kept = stores.moderation.save(&demo, Arc::new(slowed(30)));
    kept.await.expect("is kept");
    proposed
}

fn slowed(seconds: u32) -> Moderation {
    let nobody = (BTreeMap::new(), BTreeMap::new());
    Moderation::restore(nobody.0, nobody.1, seconds, VecDeque::new()).expect("possible")
}

async fn must_have_all(stores: &Stores, proposed: &PullRequest) {
    let (demo, other) = (project("ana", "demo"), project("ana", "a/b"));
    for (project, name, expected, runs) in [
        (&demo, "a", b"a".to_vec(), false),
        (&demo, "empty", Vec::new(), false),
        (&demo, "bin/run", b"#!/bin/sh".to_vec(), true),
        (&demo, "d/long", long(), false),
        (&other, "\u{e4}", b"umlaut".to_vec(), false),
    ] {
        let found = content(&stores.projects, project, name).await;
        assert!(found == (expected.into(), runs), "{project} {name}");
    }
    let pull_requests = &stores.pull_requests;
    let found = pull_requests
        .find(&demo, proposed.id)
        .await
        .expect("is there");
    assert_eq!(&found, proposed);
    let file = pull_requests
        .open_file(&demo, proposed.id, &path("a"))
        .await;
    let file = file.expect("opens");
    let length = usize::try_from(file.bytes).expect("fits");
    let found = file.source.read(0, length).await.expect("is read");
    assert!(found == long());
    let moderation = stores.moderation.load(&demo).await.expect("is there");
    assert_eq!(moderation, slowed(30));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_comes_into_the_engine_and_back_as_it_was_and_twice_changes_nothing() {
    let (here, back) = (tempfile::tempdir(), tempfile::tempdir());
    let (here, back) = (here.expect("a folder"), back.expect("a folder"));
    let (folder, engine, copy) = (on_disk(&here), on_nats().await, on_disk(&back));
    let proposed = fill(&folder).await;
    let all = Transferred {
        projects: 2,
        files: 5,
        bytes: 1 + 9 + 3_000_000 + 6,
        pull_requests: 1,
        same: 0,
        differs: 0,
    };
    let again = Transferred {
        projects: 2,
        same: 6,
        ..Transferred::default()
    };
    for (from, to) in [(&folder, &engine), (&engine, &copy)] {
        assert_eq!(transfer(from, to).await, (all, Vec::new()));
        must_have_all(to, &proposed).await;
        assert_eq!(transfer(from, to).await, (again, Vec::new()));
    }
}

#[tokio::test]
async fn what_differs_is_named_and_stays_and_the_rest_is_copied() {
    let (from, to) = (memory::open_stores(), memory::open_stores());
    fill(&from).await;
    let demo = project("ana", "demo");
    put(&to.projects, (&demo, "a"), b"b", false).await;
    put(&to.projects, (&demo, "bin/run"), b"#!/bin/sh", false).await;
    put(&to.projects, (&demo, "d"), b"in the way", false).await;
    put(&to.projects, (&demo, "more"), b"only there", false).await;
    let kept = to.moderation.save(&demo, Arc::new(slowed(5)));
    kept.await.expect("is kept");
    let (done, differs) = transfer(&from, &to).await;
    assert_eq!((done.files, done.differs), (2, 4));
    let expected = [
        r#"File("/a")"#,
        r#"File("/bin/run")"#,
        r#"File("/d/long")"#,
        "Moderation",
    ];
    assert_eq!(differs, expected.map(|what| format!("ana/demo {what}")));
    for (name, stays) in [("a", "b"), ("d", "in the way"), ("more", "only there")] {
        let (found, _) = content(&to.projects, &demo, name).await;
        assert_eq!(found, stays);
    }
    let moderation = to.moderation.load(&demo).await.expect("is there");
    assert_eq!(moderation, slowed(5));
}
