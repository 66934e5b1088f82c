//! Who brings frames to the sockets of all connections.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use tokio::task::{AbortHandle, yield_now};

use crate::adapters::delivery::connection_writer::Outbox;
use crate::application::locks;

/// After so many connections the others' tasks get their turn.
const TURN: usize = 32;

/// Empties outboxes, one after the other, in a task of its own.
#[derive(Default)]
pub(crate) struct Courier {
    waiting: Mutex<Vec<Arc<Outbox>>>,
    called: Notify,
}

impl Courier {
    /// Has an outbox emptied soon.
    pub(crate) fn call(&self, outbox: Arc<Outbox>) {
        let mut waiting = locks::lock(&self.waiting);
        waiting.push(outbox);
        if waiting.len() == 1 {
            drop(waiting);
            self.called.notify_one();
        }
    }

    async fn run(&self) {
        loop {
            self.called.notified().await;
            let waiting = std::mem::take(&mut *locks::lock(&self.waiting));
            for (number, outbox) in (1..).zip(waiting) {
                // One connection's trouble must not be that of all.
                if catch_unwind(AssertUnwindSafe(|| outbox.deliver())).is_err() {
                    tracing::error!("a connection's frames could not be written");
                    outbox.mailbox.close();
                }
                if number % TURN == 0 {
                    yield_now().await;
                }
            }
        }
    }
}

/// The couriers of all connections: as many as there are threads, so that a room of thousands
/// keeps all of them busy.
pub(crate) struct Couriers {
    all: Vec<Arc<Courier>>,
    tasks: Vec<AbortHandle>,
    given: AtomicUsize,
}

impl Couriers {
    /// Starts them on the runtime that this is called in.
    pub(crate) fn start() -> Self {
        let count = tokio::runtime::Handle::current().metrics().num_workers();
        let all: Vec<_> = (0..count).map(|_| Arc::<Courier>::default()).collect();
        let start = |courier: &Arc<Courier>| {
            let courier = Arc::clone(courier);
            tokio::spawn(async move { courier.run().await }).abort_handle()
        };
        let tasks = all.iter().map(start).collect();
        Self {
            all,
            tasks,
            given: AtomicUsize::new(0),
        }
    }

    /// The courier for one more connection: each in turn.
    pub(crate) fn next(&self) -> Arc<Courier> {
        let given = self.given.fetch_add(1, Ordering::Relaxed);
        Arc::clone(&self.all[given % self.all.len()])
    }
}

impl Drop for Couriers {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}
