use std::collections::VecDeque;

use super::*;
use crate::adapters::delivery::{SendQueueClosed, SendQueueLimits};
use crate::application::memory::MemoryBudget;
use crate::application::ports::StoreError;
use crate::application::test_world::{World, demo, disk_full, path};

const LIMITS: SendQueueLimits = SendQueueLimits {
    max_bytes: 1_000_000,
    window_bytes: 100_000,
};

/// After a file that changed could not be opened `failures` times.
async fn after(failures: usize) -> (Option<SendQueueClosed>, usize) {
    let mut world = World::new();
    let fails = |_: &ProjectId, _: &FilePath| -> Result<OpenFile, StoreError> { Err(disk_full()) };
    let open = world.projects.expect_open_file();
    open.times(failures).returning(fails);
    sent(world).await
}

/// Why the queue is closed, and how many messages wait, after the changed file was to be sent.
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
async fn a_changed_file_that_cannot_be_opened_for_a_moment_is_sent_all_the_same() {
    for failures in [1, RETRIES as usize] {
        assert_eq!(after(failures).await, (None, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_that_can_never_be_opened_ends_the_connection() {
    let missed = Some(SendQueueClosed::Missed);
    assert_eq!(after(1 + RETRIES as usize).await, (missed, 0));
}
