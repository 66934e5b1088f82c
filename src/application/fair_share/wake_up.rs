//! Since when a connection has something to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Wake;
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::Instant;

/// Wakes up a connection's task, and remembers since when it has something to do.
pub(super) struct WakeUp {
    pub(super) task: AtomicWaker,
    born: Instant,
    /// In nanoseconds after `born`; 0 while there is nothing to do.
    at: AtomicU64,
}

impl WakeUp {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            task: AtomicWaker::new(),
            born: Instant::now(),
            at: AtomicU64::new(0),
        })
    }

    /// Since when there has been something to do; forgets it.
    pub(super) fn take(&self) -> Option<Instant> {
        let at = self.at.swap(0, Ordering::Relaxed);
        (at > 0).then(|| self.born + Duration::from_nanos(at))
    }
}

impl Wake for WakeUp {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.at.load(Ordering::Relaxed) == 0 {
            let now = u64::try_from(self.born.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.at.store(now.max(1), Ordering::Relaxed);
        }
        self.task.wake();
    }
}
