use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use tokio::time::Instant;

use super::world::{AMPLE, World, assert_says, demo, demo_file, hash, memory, path};
use crate::application::ports::{InTurn, PutInTurn, StoreError};
use crate::domain::{ContentHash, ProjectQuota, Version};

/// The changes that have been announced, in order.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Version>>>);

impl Told {
    fn in_turn(&self) -> InTurn {
        let told = Arc::clone(&self.0);
        Box::new(move |version| told.lock().expect("not poisoned").push(version))
    }

    fn put_in_turn(&self) -> PutInTurn {
        let in_turn = self.in_turn();
        Box::new(move |entry| in_turn(entry.version))
    }

    fn take(&self) -> Vec<Version> {
        std::mem::take(&mut *self.0.lock().expect("not poisoned"))
    }
}

pub(super) async fn changes_of_one_file_are_told_of_in_their_order(world: World) {
    let world = world.with_demo().await;
    let told = Told::default();
    let tasks: Vec<_> = (0..24_u8)
        .map(|number| {
            let (world, told) = (world.clone(), told.clone());
            tokio::spawn(async move {
                let (file, store) = (demo_file("d/f"), &world.projects);
                if number % 4 == 3 {
                    let wanted = Box::new(|| true);
                    let delete = store.delete_file(&file, Instant::now(), wanted, told.in_turn());
                    delete.await.ok()
                } else {
                    let content = memory(&vec![number; 2_000]);
                    let put = store.put_file(
                        &file,
                        Instant::now(),
                        content,
                        None,
                        AMPLE,
                        told.put_in_turn(),
                    );
                    Some(put.await.expect("is written"))
                }
            })
        })
        .collect();
    let mut versions = Vec::new();
    for task in tasks {
        versions.extend(task.await.expect("ends"));
    }
    let told = told.take();
    assert!(told.is_sorted_by(|a, b| a < b), "{told:?}");
    versions.sort_unstable();
    assert_eq!(told, versions, "each is told of once");
    match world.open("d/f").await {
        Ok(file) => assert_eq!(Some(&file.version), told.last()),
        Err(error) => assert_says!(Err::<(), _>(error), StoreError::NotFound),
    }
}

pub(super) async fn a_change_that_is_refused_is_not_told_of(world: World) {
    let world = world.with_demo().await;
    world.put("d/a", b"x").await.expect("is written");
    let told = Told::default();
    let full = ProjectQuota {
        max_files: 1,
        ..AMPLE
    };
    for (name, quota) in [("b", full), ("d", AMPLE), ("d/a/b", AMPLE)] {
        let (file, content) = (demo_file(name), memory(b"x"));
        let put = world.projects.put_file(
            &file,
            Instant::now(),
            content,
            None,
            quota,
            told.put_in_turn(),
        );
        assert!(put.await.is_err(), "{name}");
    }
    let (file, wanted) = (demo_file("gone"), Box::new(|| true));
    let delete = world
        .projects
        .delete_file(&file, Instant::now(), wanted, told.in_turn());
    assert_says!(delete.await, StoreError::NotFound);
    assert_eq!(told.take(), []);
}

pub(super) async fn a_change_that_has_been_made_is_told_of_though_nobody_waits(world: World) {
    let world = world.with_demo().await;
    let large = vec![1; 1_000_000];
    for round in 0..20 {
        let (told, file) = (Told::default(), demo_file("f"));
        let put = world.projects.put_file(
            &file,
            Instant::now(),
            memory(&large),
            None,
            AMPLE,
            told.put_in_turn(),
        );
        let _ = tokio::time::timeout(Duration::from_micros(100 * round), put).await;
        // The delete comes after any put that has begun.
        let was_there = world.delete("f").await.is_ok();
        assert_eq!(told.take().len(), usize::from(was_there), "round {round}");
    }
}

pub(super) async fn a_delete_that_is_not_wanted_any_more_deletes_nothing(world: World) {
    let world = world.with_demo().await;
    let version = world.put("a", b"kept").await.expect("is written");
    let (told, file) = (Told::default(), demo_file("a"));
    let unwanted = Box::new(|| false);
    let delete = world
        .projects
        .delete_file(&file, Instant::now(), unwanted, told.in_turn());
    assert_says!(delete.await, StoreError::NotFound);
    assert_eq!(told.take(), []);
    assert_eq!(world.open("a").await.expect("is there").version, version);
}

pub(super) async fn what_is_known_of_a_file_is_what_is_opened(world: World) {
    let world = world.with_demo().await;
    world.put("d/a", b"12345").await.expect("is written");
    let (known, file) = (
        world.find("d/a").await.expect("is known"),
        world.open("d/a").await.expect("opens"),
    );
    assert_eq!(
        (known.bytes, known.version, known.modified),
        (file.bytes, file.version, file.modified)
    );
    for name in ["d", "d/b", "d/a/b"] {
        assert_says!(world.find(name).await, StoreError::NotFound, "{name}");
    }
}

/// A store may compute the hash of what it writes. Otherwise it knows only the hash noted for this
/// version.
pub(super) async fn a_hash_is_remembered_until_the_file_changes(world: World) {
    let world = world.with_demo().await;
    let old = world.put("a", b"old").await.expect("is written");
    let check = async |noted: Option<char>, content: &[u8]| {
        let known = world.find("a").await.expect("is known").sha256;
        let is_own = known == Some(ContentHash::from_bytes(Sha256::digest(content).into()));
        assert!(is_own || known == noted.map(hash), "{noted:?}: {known:?}");
    };
    check(None, b"old").await;
    let note = |version, digit| {
        let (demo, file) = (demo(), path("a"));
        world.projects.note_hash(&demo, &file, version, hash(digit));
    };
    note(old, 'a');
    check(Some('a'), b"old").await;
    world.open("a").await.expect("opens");
    check(Some('a'), b"old").await;
    let new = world.put("a", b"new").await.expect("is written");
    check(None, b"new").await;
    note(old, 'b');
    check(None, b"new").await;
    note(new, 'c');
    check(Some('c'), b"new").await;
    world.delete("a").await.expect("is deleted");
    assert_says!(world.find("a").await, StoreError::NotFound);
}
