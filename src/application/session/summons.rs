//! How others tell a connection's task to look at what its session may still do.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Says that somebody has changed what a session may do, and that its own task must follow.
#[derive(Debug, Default)]
pub(crate) struct Summons {
    is_called: AtomicBool,
    called: Notify,
}

impl Summons {
    /// Calls the session.
    pub(crate) fn call(&self) {
        self.is_called.store(true, Ordering::Release);
        self.called.notify_one();
    }

    /// Whether it has been called since the last time that this was asked.
    pub(crate) fn heed(&self) -> bool {
        self.is_called.load(Ordering::Relaxed) && self.is_called.swap(false, Ordering::AcqRel)
    }

    /// Waits until it is called. May also return for a call that has already been heeded.
    pub(crate) async fn called(&self) {
        self.called.notified().await;
    }
}
