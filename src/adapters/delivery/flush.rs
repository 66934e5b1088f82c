//! Who brings frames to the sockets of all connections.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use tokio::task::{AbortHandle, yield_now};

use crate::adapters::delivery::connection_writer::ConnectionWriter;
use crate::application::locks;

/// After so many connections the others' tasks get their turn.
const TURN: usize = 32;

/// Empties outboxes, one after the other, in a task of its own.
#[derive(Default)]
pub(crate) struct FlushTask {
    waiting: Mutex<Vec<Arc<ConnectionWriter>>>,
    called: Notify,
}

impl FlushTask {
    /// Has an writer emptied soon.
    pub(crate) fn call(&self, writer: Arc<ConnectionWriter>) {
        let mut waiting = locks::lock(&self.waiting);
        waiting.push(writer);
        if waiting.len() == 1 {
            drop(waiting);
            self.called.notify_one();
        }
    }

    async fn run(&self) {
        loop {
            self.called.notified().await;
            let waiting = std::mem::take(&mut *locks::lock(&self.waiting));
            for (number, writer) in (1..).zip(waiting) {
                // One connection's trouble must not be that of all.
                if catch_unwind(AssertUnwindSafe(|| writer.deliver())).is_err() {
                    tracing::error!("a connection's frames could not be written");
                    writer.queue.close();
                }
                if number % TURN == 0 {
                    yield_now().await;
                }
            }
        }
    }
}

/// The flush_tasks of all connections: as many as there are threads, so that a room of thousands
/// keeps all of them busy.
pub(crate) struct FlushTasks {
    all: Vec<Arc<FlushTask>>,
    tasks: Vec<AbortHandle>,
    given: AtomicUsize,
}

impl FlushTasks {
    /// Starts them on the runtime that this is called in.
    pub(crate) fn start() -> Self {
        let count = tokio::runtime::Handle::current().metrics().num_workers();
        let all: Vec<_> = (0..count).map(|_| Arc::<FlushTask>::default()).collect();
        let start = |flush_task: &Arc<FlushTask>| {
            let flush_task = Arc::clone(flush_task);
            tokio::spawn(async move { flush_task.run().await }).abort_handle()
        };
        let tasks = all.iter().map(start).collect();
        Self {
            all,
            tasks,
            given: AtomicUsize::new(0),
        }
    }

    /// The flush_task for one more connection: each in turn.
    pub(crate) fn next(&self) -> Arc<FlushTask> {
        let given = self.given.fetch_add(1, Ordering::Relaxed);
        Arc::clone(&self.all[given % self.all.len()])
    }
}

impl Drop for FlushTasks {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}
