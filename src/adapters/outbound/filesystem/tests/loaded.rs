//! Projects in memory: how they are loaded, corrected and unloaded, and what readers may take.

use std::fs;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;

use crate::adapters::outbound::contract_tests::world::{
    World, assert_says, below, demo, demo_file, hash, memory, path, project,
};
use crate::adapters::outbound::filesystem::Durability;
use crate::adapters::outbound::filesystem::projects::store::FilesystemProjects;
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::adapters::outbound::filesystem::tests::on_disk;
use crate::application::memory::MemoryBudget;
use crate::application::ports::{ProjectStore, StoreError, StoreResources};

/// A world on disk with `ana/demo` in it, with these limits on memory and open files.
async fn limited(memory: usize, open_files: usize) -> (World, Arc<MemoryBudget>) {
    let memory = MemoryBudget::new(memory);
    let resources = StoreResources {
        memory: Arc::clone(&memory),
        open_files,
        ..StoreResources::default()
    };
    let place = Arc::new(tempfile::tempdir().expect("a temporary folder"));
    let world = World::with(place, Durability::Rename, resources);
    (world.with_demo().await, memory)
}

fn folder_of(world: &World) -> std::path::PathBuf {
    let place = world.place.as_ref().expect("is on disk");
    place.path().join("ana/demo")
}

fn write_all(folder: &Path, files: usize) {
    fs::create_dir_all(folder).expect("makes");
    for number in 0..files {
        fs::write(folder.join(format!("file-{number}")), "x").expect("writes");
    }
}

#[tokio::test]
async fn a_file_changed_by_hand_is_corrected_when_it_is_opened() {
    let (world, base) = on_disk(Durability::Fsync).await;
    let version = world.put("d/f", b"ours").await.expect("is written");
    world
        .projects
        .note_hash(&demo(), &path("d/f"), version, hash('a'));
    fs::write(base.join("ana/demo/d/f"), "by hand").expect("writes");
    // The file system's clock is coarser than ours, so the file may seem older than our last write.
    let opened = world.open("d/f").await.expect("opens").version;
    assert_ne!(opened, version);
    let known = world.find("d/f").await.expect("is known");
    assert_eq!(
        (known.bytes, known.version, known.sha256),
        (7, opened, None)
    );
    assert_eq!(world.usage().await.expect("is counted").bytes, 7);
    fs::remove_file(base.join("ana/demo/d/f")).expect("removes");
    assert_says!(world.open("d/f").await, StoreError::NotFound);
    assert_says!(world.find("d/f").await, StoreError::NotFound);
    let usage = world.usage().await.expect("is counted");
    assert_eq!((usage.files, usage.folders), (0, 0));
}

#[tokio::test]
async fn what_is_known_of_a_project_needs_no_disk() {
    let (world, base) = on_disk(Durability::Fsync).await;
    assert_eq!(world.projects.loaded(), 0);
    world.put_all(&["a", "d/b"]).await;
    assert_eq!(world.projects.loaded(), 1);
    fs::rename(base.join("ana/demo"), base.join("ana/aside")).expect("moves");
    assert_eq!(world.tree().await, ["/a", "/d/b"]);
    assert_eq!(world.usage().await.expect("is counted").files, 2);
    world.find("d/b").await.expect("is known");
    // Opening a file reveals that the folder is gone.
    assert_says!(world.open("a").await, StoreError::NotFound);
    assert_says!(world.usage().await, StoreError::NotFound);
}

#[tokio::test]
async fn a_deep_tree_is_loaded_whole() {
    let (world, base) = on_disk(Durability::Fsync).await;
    let mut folder = base.join("ana/demo");
    let mut expected = Vec::new();
    for depth in 0..63 {
        fs::create_dir_all(folder.join("a")).expect("makes");
        fs::create_dir_all(folder.join("b")).expect("makes");
        fs::create_dir_all(folder.join("c")).expect("makes");
        for side in ["a", "c"].into_iter().filter(|_| depth < 62) {
            fs::write(folder.join(side).join("f"), "x").expect("writes");
            expected.push(format!("/{}{side}/f", "b/".repeat(depth)));
        }
        fs::write(folder.join("f"), "x").expect("writes");
        expected.push(format!("/{}f", "b/".repeat(depth)));
        folder.push("b");
    }
    expected.sort_unstable();
    assert_eq!(world.tree().await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_project_that_nobody_uses_is_let_go_of_after_five_minutes() {
    let (world, memory) = limited(100 << 20, 10).await;
    world.put_all(&["a", "b"]).await;
    let held = memory.used();
    assert!(held > 0);
    tokio::time::sleep(Duration::from_secs(240)).await;
    world.usage().await.expect("is counted");
    tokio::time::sleep(Duration::from_secs(240)).await;
    assert_eq!(memory.used(), held, "it was used four minutes ago");
    fs::write(folder_of(&world).join("by-hand"), "x").expect("writes");
    assert_eq!(world.usage().await.expect("is counted").files, 2);
    tokio::time::sleep(Duration::from_secs(302)).await;
    assert_eq!(memory.used(), 0);
    assert_eq!(world.usage().await.expect("is counted").files, 3);
    drop(world);
    assert_eq!(memory.used(), 0);
}

#[tokio::test]
async fn readers_get_half_of_the_memory_and_streamers_what_they_need() {
    let (world, memory) = limited(1_000_000, 10).await;
    // About 165 bytes each.
    write_all(&folder_of(&world), 4_000);
    assert_says!(world.usage().await, StoreError::Unavailable);
    assert_says!(world.walk("/", true).await, StoreError::Unavailable);
    assert_eq!(memory.used(), 0, "nothing is left half");
    world.open("file-1").await.expect("needs no listing");
    world.put("new", b"x").await.expect("a streamer may write");
    assert_eq!(world.usage().await.expect("is counted").files, 4_001);
    assert!(memory.used() > 500_000);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_uses_makes_room_for_connections() {
    let (world, memory) = limited(1_000_000, 10).await;
    write_all(&folder_of(&world), 2_000);
    world.usage().await.expect("is counted");
    assert!(memory.used() > 250_000);
    let relieving = tokio::spawn({
        let memory = Arc::clone(&memory);
        async move { memory.relieve().await }
    });
    let viewer = memory.shared_account();
    let held = viewer.reserve(600_000);
    viewer.room(1).await;
    assert_eq!(memory.used(), held.bytes());
    relieving.abort();
}

#[tokio::test(start_paused = true)]
async fn a_project_that_is_read_while_connections_hold_the_memory_waits_until_one_is_closed() {
    let (world, memory) = limited(1_000_000, 10).await;
    write_all(&folder_of(&world), 2_000);
    let viewer = memory.open_account();
    let held = viewer.reserve(700_000);
    let mut reading = Box::pin(world.usage());
    let a_while = Duration::from_millis(500);
    let early = tokio::time::timeout(a_while, &mut reading).await;
    early.expect_err("there is no room yet");
    // A half-loaded project may not take more memory than there is.
    assert!(memory.used() < 751_000, "{}", memory.used());
    assert!(memory.evict_largest());
    assert!(viewer.is_evicted());
    drop(held);
    assert_eq!(reading.await.expect("is counted").files, 2_000);
}

#[tokio::test(start_paused = true)]
async fn a_reader_waits_a_second_for_memory_and_a_streamer_does_not_wait() {
    let (world, memory) = limited(1_000_000, 10).await;
    write_all(&folder_of(&world), 2_000);
    let viewer = memory.open_account();
    let _held = viewer.reserve(800_000);
    let start = tokio::time::Instant::now();
    assert_says!(world.usage().await, StoreError::Unavailable);
    assert_eq!(start.elapsed().as_secs(), 1);
    assert_eq!(memory.used(), 800_000, "nothing is left half");
    world.put("new", b"x").await.expect("a streamer may write");
    assert_eq!(start.elapsed().as_secs(), 1);
    assert_eq!(world.usage().await.expect("is counted").files, 2_001);
}

#[tokio::test]
async fn a_project_that_is_read_takes_the_place_of_one_that_was_read_before() {
    let (world, memory) = limited(1_000_000, 10).await;
    let place = world.place.as_ref().expect("is on disk").path().to_owned();
    let mut projects = vec![demo()];
    write_all(&folder_of(&world), 2_000);
    for name in ["two", "three"] {
        let id = project("ana", name);
        write_all(&place.join("ana").join(name), 2_000);
        world.projects.adopt(&id).await.expect("adopts");
        projects.push(id);
    }
    for id in projects.iter().chain(&projects) {
        let usage = world.projects.usage(id).await.expect("there is room");
        assert_eq!(usage.files, 2_000);
        assert!(memory.used() < 500_000);
    }
}

#[tokio::test]
async fn long_files_wait_for_a_permit_and_nothing_else_does() {
    let (world, _) = limited(100 << 20, 1).await;
    let long = vec![1; 100_000];
    for name in ["b", "d"] {
        world.put(name, &long).await.expect("is written");
    }
    world.put_all(&["a", "c"]).await;
    let first = world.open("b").await.expect("opens");
    let mut second = Box::pin(world.open("d"));
    assert!(second.as_mut().now_or_never().is_none());
    world.put("c", b"new").await.expect("is written");
    world.open("a").await.expect("is read at once");
    let paths = ["a", "d", "c"].map(path);
    let demo = demo();
    let opened = world.projects.open_files(&demo, &paths, 1 << 20).await;
    assert_eq!(
        opened.expect("opens").len(),
        1,
        "it ends before the long one"
    );
    assert!(second.as_mut().now_or_never().is_none());
    drop(first);
    drop(second.await.expect("it is its turn"));
    // A file that has grown by hand is not known to be long.
    fs::write(folder_of(&world).join("a"), &long).expect("writes");
    assert_eq!(world.open("a").await.expect("opens").bytes, 100_000);
    let paths = ["b", "c"].map(path);
    let opened = world.projects.open_files(&demo, &paths, 1 << 20).await;
    assert_eq!(opened.expect("opens").len(), 2);
}

#[tokio::test]
async fn a_write_does_not_wait_behind_reads_that_hang() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let layout = Layout::open(place.path(), Durability::Rename, 1, Arc::default()).expect("opens");
    let memory_budget = StoreResources::default().memory;
    let store = FilesystemProjects::new(Arc::new(layout), memory_budget);
    let id = demo();
    store.register(&id).await.expect("registers");
    let entry = store.entries.of(&id).await.expect("is there");
    let (release, hang) = mpsc::channel::<()>();
    let hang = Arc::new(std::sync::Mutex::new(hang));
    let hanging: Vec<_> = (0..20)
        .map(|_| {
            let (reads, hang) = (entry.reads.clone(), Arc::clone(&hang));
            tokio::spawn(async move {
                let hangs = move || {
                    let _ = hang.lock().map(|hang| hang.recv());
                    Ok(())
                };
                reads.run(hangs).await
            })
        })
        .collect();
    let (file, in_turn) = (demo_file("a"), Box::new(|_| {}));
    let quota = crate::domain::ProjectQuota::UNLIMITED;
    store
        .put_file(&file, Instant::now(), memory(b"x"), None, quota, in_turn)
        .await
        .expect("is written meanwhile");
    let everything = store.files_below(&id, &below("/", true), 10).await;
    assert_eq!(everything.expect("is known").len(), 1);
    drop(release);
    for task in hanging {
        task.await.expect("ends").expect("is released");
    }
}
