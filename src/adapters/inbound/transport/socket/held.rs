//! What all clients together have sent that has not been dealt with: messages that are not whole
//! yet, and those that wait. Each is bounded by itself; thousands of them have to be together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a client may hold whatever the others hold, in bytes: enough for any request but a post.
const FREE_BYTES: usize = 16 * 1024;

/// How much more those who have shown who they are may hold together than strangers, so that
/// strangers cannot keep them from their work.
const KNOWN_FACTOR: usize = 4;

/// The bytes that all hold.
#[derive(Debug)]
pub struct Holdings {
    total: AtomicUsize,
    /// 0: no limit.
    max: usize,
}

impl Holdings {
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            total: AtomicUsize::new(0),
            max,
        })
    }

    /// A part of them, of no bytes yet.
    pub fn hold(self: &Arc<Self>) -> Held {
        Held {
            all: Arc::clone(self),
            bytes: 0,
        }
    }
}

/// What one client holds, or one message of his. Dropping it gives it back.
#[derive(Debug)]
pub struct Held {
    all: Arc<Holdings>,
    bytes: usize,
}

impl Held {
    /// Says how much it is now.
    pub(super) fn set(&mut self, bytes: usize) {
        if bytes > self.bytes {
            let more = bytes - self.bytes;
            self.all.total.fetch_add(more, Ordering::Relaxed);
        } else if bytes < self.bytes {
            let less = self.bytes - bytes;
            self.all.total.fetch_sub(less, Ordering::Relaxed);
        }
        self.bytes = bytes;
    }

    /// Whether all hold so much that this client has to go. `known` is whether he has shown who he
    /// is.
    pub(super) fn is_too_much(&self, known: bool) -> bool {
        let factor = if known { KNOWN_FACTOR } else { 1 };
        let max = self.all.max.saturating_mul(factor);
        max > 0 && self.bytes > FREE_BYTES && self.all.total.load(Ordering::Relaxed) > max
    }

    /// As much again, to be kept for as long as something else lasts.
    pub(super) fn another(&self, bytes: usize) -> Self {
        let mut held = self.all.hold();
        held.set(bytes);
        held
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_little_may_stay_and_who_is_known_may_hold_more() {
        let all = Holdings::new(100_000);
        let (mut one, mut other, mut little) = (all.hold(), all.hold(), all.hold());
        one.set(60_000);
        other.set(40_000);
        assert!(!one.is_too_much(false), "at the limit");
        little.set(FREE_BYTES);
        assert!(one.is_too_much(false) && other.is_too_much(false));
        assert!(!little.is_too_much(false));
        assert!(!one.is_too_much(true));
        one.set(400_000);
        assert!(one.is_too_much(true) && !little.is_too_much(true));
        drop(one);
        assert!(!other.is_too_much(false));
        let kept = other.another(70_000);
        assert!(other.is_too_much(false));
        drop(kept);
        drop((other, little));
        assert_eq!(all.total.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn zero_is_no_limit() {
        let mut held = Holdings::new(0).hold();
        held.set(usize::MAX / 2);
        assert!(!held.is_too_much(false));
    }
}
