//! How much is held in all, how much of it each holder may use, and who waits for more.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Reserved for the posts of streamers, in bytes: nobody else may use the last of the memory.
const STREAMER_BYTES: usize = 16 << 20;

/// The part of the memory that connections without a valid token may hold together.
const UNAUTHENTICATED_PART: usize = 4;

/// Whose memory it is; decides how much of the budget may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A connection that has shown no valid token.
    Unauthenticated,
    /// A connection with a valid token.
    Authenticated,
    /// A streamer's connection.
    Streamer,
}

/// The sums of a budget, which its accounts change.
#[derive(Debug)]
pub(super) struct Totals {
    pub max: usize,
    used: AtomicUsize,
    pub unauthenticated: AtomicUsize,
    /// How many wait for memory.
    waiting: AtomicUsize,
    /// Notified when memory has been returned while somebody waits.
    freed: Notify,
    /// Notified when somebody starts to wait, or little is left.
    pub short: Notify,
}

impl Totals {
    pub fn new(max: usize) -> Self {
        Self {
            max,
            used: AtomicUsize::new(0),
            unauthenticated: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            freed: Notify::new(),
            short: Notify::new(),
        }
    }

    pub fn used(&self) -> usize {
        self.used.load(Ordering::SeqCst)
    }

    /// Whether so much is held that only a streamer gets more.
    pub fn is_exhausted(&self) -> bool {
        #[cfg(test)]
        crate::application::locks::interleaved::point();
        self.used() >= self.limit(Holder::Authenticated)
    }

    pub fn limit(&self, holder: Holder) -> usize {
        match holder {
            Holder::Streamer => self.max,
            Holder::Authenticated | Holder::Unauthenticated => {
                self.max - STREAMER_BYTES.min(self.max / 4)
            }
        }
    }

    pub fn has_room(&self, holder: Holder, bytes: usize) -> bool {
        let is_strangers_full = holder == Holder::Unauthenticated
            && self.unauthenticated.load(Ordering::Relaxed) + bytes
                > self.max / UNAUTHENTICATED_PART;
        !is_strangers_full && self.used() + bytes <= self.limit(holder)
    }

    pub fn add(&self, bytes: usize) {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        let limit = self.limit(Holder::Authenticated);
        if before < limit && before + bytes >= limit {
            self.short.notify_one();
        }
    }

    pub fn give_back(&self, bytes: usize) {
        // Both in the single total order: either a waiter sees what is returned here, or it is seen
        // waiting.
        self.used.fetch_sub(bytes, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.freed.notify_waiters();
        }
    }

    /// Whether anybody waits for memory.
    pub fn is_awaited(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Waits until `is_there` returns true; it is asked again whenever memory has been returned.
    pub async fn wait(&self, is_there: impl Fn() -> bool) {
        struct Waiting<'a>(&'a AtomicUsize);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        loop {
            if is_there() {
                return;
            }
            // Counted before the second check: from here on, returned memory is notified.
            self.waiting.fetch_add(1, Ordering::SeqCst);
            let _waiting = Waiting(&self.waiting);
            let freed = self.freed.notified();
            if is_there() {
                return;
            }
            self.short.notify_one();
            freed.await;
        }
    }
}
