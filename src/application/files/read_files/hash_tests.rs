//! Who computes the hash of a file for which several connections ask.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{join, poll};
use tokio::sync::Semaphore;

use super::tests::listed;
use crate::application::fair_share::as_heavy;
use crate::application::locks::lock;
use crate::application::ports::{FileSource, OpenFile, StoreError};
use crate::application::test_world::{Scene, World, entry, open_file};
use crate::domain::{ProjectEntry, Version};

/// A file whose reads wait for `may_be_read`, and how many reads have begun.
struct Slow {
    may_be_read: Semaphore,
    reads: AtomicUsize,
}

#[async_trait]
impl FileSource for Slow {
    async fn read(&self, _: u64, length: usize) -> Result<Bytes, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let _permit = self.may_be_read.acquire().await;
        Ok(vec![0; length].into())
    }
}

/// A project with one slow file, whose hash is unknown until it is noted.
fn with_slow_file(version: Version) -> (Scene, Arc<Slow>) {
    let slow = Arc::new(Slow {
        may_be_read: Semaphore::new(0),
        reads: AtomicUsize::default(),
    });
    let (noted, source) = (Arc::new(Mutex::new(None)), Arc::clone(&slow));
    let known = Arc::clone(&noted);
    let mut world = World::new();
    world.projects.expect_find_file().returning(move |_, path| {
        Ok(ProjectEntry {
            version,
            sha256: *lock(&known),
            ..entry(path)
        })
    });
    world.projects.expect_open_file().returning(move |_, path| {
        Ok(OpenFile {
            version,
            source: Arc::clone(&source) as Arc<dyn FileSource>,
            ..open_file(path)
        })
    });
    let note = world.projects.expect_note_hash();
    note.returning(move |_, _, noted_version, hash| {
        *lock(&noted) = Some(hash).filter(|_| noted_version != Version::UNKNOWN);
    });
    (world.build(), slow)
}

#[tokio::test]
async fn of_several_who_need_a_hash_at_once_one_computes_it() {
    for (version, reads) in [(Version::new(1), 1), (Version::UNKNOWN, 3)] {
        let (scene, slow) = with_slow_file(version);
        let one = || async {
            let all = listed(&scene, "/a").await;
            assert_eq!(all, [("/a".to_owned(), true)]);
        };
        let mut gives_up = Box::pin(one());
        assert!(poll!(&mut gives_up).is_pending());
        let mut all = Box::pin(async { join!(one(), one()) });
        assert!(poll!(&mut all).is_pending());
        assert_eq!(slow.reads.load(Ordering::Relaxed), reads);
        drop(gives_up);
        slow.may_be_read.add_permits(1);
        all.await;
        // The one that began has gone, so one of the others has computed the hash.
        let more = usize::from(version != Version::UNKNOWN);
        assert_eq!(slow.reads.load(Ordering::Relaxed), reads + more);
    }
}

#[tokio::test]
async fn nobody_waits_for_a_hash_that_is_computed_for_one_who_goes_last() {
    let (scene, slow) = with_slow_file(Version::new(1));
    let mut heavy = Box::pin(as_heavy(listed(&scene, "/a")));
    let mut light = Box::pin(listed(&scene, "/a"));
    assert!(poll!(&mut heavy).is_pending() && poll!(&mut light).is_pending());
    assert_eq!(slow.reads.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_long_for_a_hash_computes_it_too() {
    let (scene, slow) = with_slow_file(Version::new(1));
    let mut stuck = Box::pin(listed(&scene, "/a"));
    let mut other = Box::pin(listed(&scene, "/a"));
    assert!(poll!(&mut stuck).is_pending() && poll!(&mut other).is_pending());
    for (after, reads) in [(999, 1), (2, 2)] {
        tokio::time::advance(Duration::from_millis(after)).await;
        assert!(poll!(&mut other).is_pending());
        assert_eq!(slow.reads.load(Ordering::Relaxed), reads);
    }
}
