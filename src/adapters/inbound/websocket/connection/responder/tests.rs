use std::collections::VecDeque;

use super::*;
use crate::adapters::delivery::{SendQueueClosed, SendQueueLimits};
use crate::application::memory::MemoryBudget;
use crate::application::ports::{MockFileSource, StoreError};
use crate::application::test_world::{World, demo, disk_full, open_file, path};

const LIMITS: SendQueueLimits = SendQueueLimits {
    max_bytes: 1_000_000,
    window_bytes: 100_000,
};

/// A world in which a file cannot be opened `failures` times.
fn closed(failures: usize) -> World {
    let mut world = World::new();
    let fails = |_: &ProjectId, _: &FilePath| -> Result<OpenFile, StoreError> { Err(disk_full()) };
    let open = world.projects.expect_open_file();
    open.times(failures).returning(fails);
    world
}

/// A world in which a file can be opened, but `failures` times not be read.
fn broken(failures: usize) -> World {
    let mut world = World::new();
    let open = world.projects.expect_open_file();
    open.times(failures).returning(|_, path| {
        let mut source = MockFileSource::new();
        source.expect_read().returning(|_, _| Err(disk_full()));
        Ok(OpenFile {
            source: Arc::new(source),
            ..open_file(path)
        })
    });
    world
}

/// Why the queue is closed, and how many messages wait, after the file has changed.
async fn sent(world: World) -> (Option<SendQueueClosed>, usize) {
    let scene = world.build();
    let account = MemoryBudget::new(10_000_000).open_account();
    let queue = SendQueue::new(LIMITS, Arc::clone(&account), ());
    let responder = WebSocketResponder {
        application: Arc::clone(&scene.app),
        queue: Arc::clone(&queue),
        account,
        part_bytes: 1_000,
    };
    let file = FileKey {
        project: demo(),
        path: path("/a"),
    };
    let turn = queue.begin_file().await;
    responder.pending_update(turn, &file).await;
    let mut frames = VecDeque::new();
    queue.take(&mut frames, usize::MAX);
    (queue.closed(), frames.len())
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_that_cannot_be_read_for_a_moment_is_sent_all_the_same() {
    for failures in [1, RETRIES as usize] {
        assert_eq!(sent(closed(failures)).await, (None, 1));
        let errors = failures;
        assert_eq!(sent(broken(failures)).await, (None, errors + 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_that_can_never_be_read_ends_the_connection() {
    for world in [closed, broken] {
        let missed = (Some(SendQueueClosed::Missed), 0);
        assert_eq!(sent(world(1 + RETRIES as usize)).await, missed);
    }
}
