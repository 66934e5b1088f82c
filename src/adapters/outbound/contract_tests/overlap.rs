use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::world::{AMPLE, World, content, demo, demo_file, memory, path};
use crate::application::ports::StoreError;
use crate::domain::Usage;

pub(super) async fn puts_of_different_files_at_once_all_arrive(world: World) {
    let world = world.with_demo().await;
    let tasks: Vec<_> = (0..8_u8)
        .map(|n| {
            let world = world.clone();
            tokio::spawn(async move {
                for round in 0..10_u8 {
                    // Once alone, and once in a folder that all tasks make at the same time.
                    world
                        .put(&format!("f{n}"), &[n, round])
                        .await
                        .expect("is written");
                    let shared = format!("new{round}/d/f{n}");
                    world.put(&shared, &[n]).await.expect("is written");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("ends");
    }
    assert_eq!(world.tree().await.len(), 88);
    for n in 0..8 {
        assert_eq!(
            world.read(&format!("f{n}")).await.expect("is there")[..],
            [n, 9]
        );
    }
    let usage = world.projects.usage(&demo()).await.expect("is counted");
    assert_eq!((usage.files, usage.bytes), (88, 96));
}

pub(super) async fn puts_into_a_folder_that_deletes_keep_emptying_all_arrive(world: World) {
    let world = world.with_demo().await;
    let tasks: Vec<_> = (0..6_u8)
        .map(|n| {
            let world = world.clone();
            tokio::spawn(async move {
                let name = format!("d/e/f{n}");
                for round in 0..30_u8 {
                    world.put(&name, &[round]).await.expect("is written");
                    assert_eq!(world.read(&name).await.expect("is there")[..], [round]);
                    world.delete(&name).await.expect("is deleted");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("ends");
    }
    assert!(world.tree().await.is_empty());
    let usage = world.projects.usage(&demo()).await.expect("is counted");
    assert_eq!(usage, Usage::default());
}

pub(super) async fn readers_of_a_file_under_change_see_whole_versions(world: World) {
    let world = world.with_demo().await;
    world.put("f", &[0; 1_000]).await.expect("is written");
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (world, done) = (world.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                let mut last = None;
                while !done.load(Ordering::SeqCst) {
                    let file = world.open("f").await.expect("is there all the time");
                    assert!(Some(file.version) >= last, "never an older one");
                    last = Some(file.version);
                    let read = content(&file).await.expect("reads");
                    assert!(read.iter().all(|byte| *byte == read[0]), "never a mix");
                    assert_eq!(read.len(), 1_000 * (1 + usize::from(read[0])));
                }
            })
        })
        .collect();
    for n in 1..100_u8 {
        let version = vec![n; 1_000 * (1 + usize::from(n))];
        world.put("f", &version).await.expect("is written");
    }
    done.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.expect("ends");
    }
}

/// The store may read files once for several callers that ask at the same time. But a caller that
/// asks after the answer to a change must see that change.
pub(super) async fn who_asks_for_files_after_a_change_gets_nothing_older(world: World) {
    let world = world.with_demo().await;
    // Reading all the others takes so long that changes of the first fall in between.
    let names: Vec<_> = (0..100).map(|number| format!("f{number}")).collect();
    for name in &names {
        world.put(name, &[0]).await.expect("is written");
    }
    let names: Arc<[_]> = names.iter().map(|name| path(name)).collect();
    let stored = Arc::new(AtomicU8::new(0));
    let readers: Vec<_> = (0..8)
        .map(|number| {
            let (world, names) = (world.clone(), Arc::clone(&names));
            let stored = Arc::clone(&stored);
            tokio::spawn(async move {
                let project = demo();
                loop {
                    let before = stored.load(Ordering::SeqCst);
                    let files = world.projects.open_files(&project, &names, 1 << 20);
                    // Some readers give up before they have an answer.
                    let micros = if number % 4 == 3 { 200 } else { 60_000_000 };
                    let files = tokio::time::timeout(Duration::from_micros(micros), files);
                    if let Ok(files) = files.await {
                        let files = files.expect("are there");
                        assert_eq!(files.len(), names.len());
                        let first = files[0].as_ref().expect("is there");
                        let read = content(first).await.expect("reads");
                        assert!(read[0] >= before, "{read:?} after {before}");
                    }
                    if before == u8::MAX {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for number in 1..=u8::MAX {
        world.put("f0", &[number]).await.expect("is written");
        stored.store(number, Ordering::SeqCst);
    }
    for reader in readers {
        reader.await.expect("ends");
    }
}

pub(super) async fn a_change_that_nobody_waits_for_does_not_come_last(world: World) {
    let world = world.with_demo().await;
    let large = vec![1; 4_000_000];
    for round in 0..20 {
        let file = demo_file("f");
        let in_turn = Box::new(|_| {});
        let given_up =
            world
                .projects
                .put_file(&file, Instant::now(), memory(&large), None, AMPLE, in_turn);
        let _ = tokio::time::timeout(Duration::from_micros(200 * round), given_up).await;
        // The caller is gone; whether or not that put still runs, this delete comes after it.
        match world.delete("f").await {
            Ok(_) | Err(StoreError::NotFound) => {}
            Err(error) => panic!("{error}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(world.tree().await.is_empty(), "round {round}");
    }
    let usage = world.projects.usage(&demo()).await.expect("is counted");
    assert_eq!(usage, Usage::default());
}
