//! How much is held in all, how much of it each holder may use, and who waits for more.

use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};

use tokio::sync::Notify;

#[cfg(test)]
use crate::application::locks::interleaved::point;

/// Reserved for the posts of streamers, in bytes, but at most a quarter of the memory: nobody else
/// may use the last of it.
const STREAMER_BYTES: usize = 16 << 20;

/// Connections without a valid token may together hold one part in this many of the memory.
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
    /// Below zero for a moment, if a connection shows a token while it reserves.
    unauthenticated: AtomicIsize,
    /// How many wait for memory.
    waiting: AtomicUsize,
    /// One for each [`Holder`]: notified, for one waiter at a time, while somebody waits and there
    /// is room for such a holder.
    freed: [Notify; 3],
    /// Notified when somebody starts to wait, or little is left.
    pub short: Notify,
}

impl Totals {
    pub fn new(max: usize) -> Self {
        Self {
            max,
            used: AtomicUsize::new(0),
            unauthenticated: AtomicIsize::new(0),
            waiting: AtomicUsize::new(0),
            freed: Default::default(),
            short: Notify::new(),
        }
    }

    pub fn used(&self) -> usize {
        self.used.load(Ordering::SeqCst)
    }

    /// Whether so much is held that only a streamer gets more.
    pub fn is_exhausted(&self) -> bool {
        #[cfg(test)]
        point();
        !self.has_room(Holder::Authenticated, 1)
    }

    pub fn has_room(&self, holder: Holder, bytes: usize) -> bool {
        let is_strangers_full = holder == Holder::Unauthenticated
            && self.unauthenticated() + bytes > self.unauthenticated_part();
        !is_strangers_full && self.used() + bytes <= self.limit(holder)
    }

    /// Whether such holders would still use at most half of what they may with `bytes` more.
    pub fn has_plenty(&self, holder: Holder, bytes: usize) -> bool {
        let is_strangers_short = holder == Holder::Unauthenticated
            && self.unauthenticated() + bytes > self.unauthenticated_part() / 2;
        !is_strangers_short && self.used() + bytes <= self.limit(holder) / 2
    }

    /// How many bytes connections without a valid token may hold together.
    pub fn unauthenticated_part(&self) -> usize {
        self.max / UNAUTHENTICATED_PART
    }

    /// Counts `bytes` more of such a holder.
    pub fn add(&self, bytes: usize, holder: Holder) {
        if holder == Holder::Unauthenticated {
            self.move_unauthenticated(bytes.cast_signed());
        }
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        let limit = self.limit(Holder::Authenticated);
        if before < limit && before + bytes >= limit {
            self.short.notify_one();
        }
    }

    /// Counts `bytes` less of such a holder. Returns whether somebody waits for memory.
    pub fn give_back(&self, bytes: usize, holder: Holder) -> bool {
        if holder == Holder::Unauthenticated {
            self.move_unauthenticated(-bytes.cast_signed());
        }
        self.used.fetch_sub(bytes, Ordering::SeqCst);
        self.wake()
    }

    /// Moves bytes that are already held into the part of connections without a token, or out of it
    /// if negative.
    pub fn move_unauthenticated(&self, bytes: isize) {
        self.unauthenticated.fetch_add(bytes, Ordering::SeqCst);
    }

    /// Whether anybody waits for memory.
    pub fn is_awaited(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    /// Wakes one waiter of each kind for which there is room; that one wakes the next. So memory
    /// that is enough for one waiter does not wake all. Returns whether somebody waits.
    ///
    /// This call and what precedes it are in the single total order: either a waiter sees the
    /// returned memory, or this call sees the waiter.
    pub fn wake(&self) -> bool {
        #[cfg(test)]
        point();
        if !self.is_awaited() {
            return false;
        }
        for holder in [
            Holder::Unauthenticated,
            Holder::Authenticated,
            Holder::Streamer,
        ] {
            if self.has_room(holder, 1) {
                self.freed(holder).notify_one();
            }
        }
        true
    }

    /// Notified when there is room for such a holder, if somebody [waits](Self::wait).
    pub fn freed(&self, holder: Holder) -> &Notify {
        &self.freed[holder as usize]
    }

    /// Counts somebody who waits, until the result is dropped.
    pub fn wait(&self) -> Waiting<'_> {
        #[cfg(test)]
        point();
        self.waiting.fetch_add(1, Ordering::SeqCst);
        Waiting(&self.waiting)
    }

    fn unauthenticated(&self) -> usize {
        let bytes = self.unauthenticated.load(Ordering::SeqCst);
        bytes.max(0).cast_unsigned()
    }

    fn limit(&self, holder: Holder) -> usize {
        match holder {
            Holder::Streamer => self.max,
            Holder::Authenticated | Holder::Unauthenticated => {
                self.max - STREAMER_BYTES.min(self.max / 4)
            }
        }
    }
}

/// Somebody waits for memory as long as this exists.
pub(super) struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
