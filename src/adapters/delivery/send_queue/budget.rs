//! What waits to be sent in all, over every connection (`maxTotalQueueBytes`).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[cfg(test)]
use crate::application::locks::interleaved;

/// Counts the bytes that wait to be sent in all. Bytes that several receivers share count once:
/// the charge is made where they are encoded and given back when the last receiver is done.
#[derive(Debug)]
pub struct Budget {
    used: AtomicUsize,
    max: usize,
}

impl Budget {
    /// A budget of `max` bytes.
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            used: AtomicUsize::new(0),
            max,
        })
    }

    /// Takes note of `bytes` until the charge is dropped. Never refuses: whoever is about to
    /// encode something asks [`Budget::is_exhausted`] first where he can wait.
    pub fn charge(self: &Arc<Self>, bytes: usize) -> Charge {
        self.used.fetch_add(bytes, Ordering::Relaxed);
        Charge {
            budget: Arc::clone(self),
            bytes,
        }
    }

    /// Whether all has been spent.
    pub fn is_exhausted(&self) -> bool {
        #[cfg(test)]
        interleaved::point();
        self.used.load(Ordering::Relaxed) >= self.max
    }

    /// How many bytes wait now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// Bytes that wait to be sent; given back to the [`Budget`] when dropped.
#[derive(Debug)]
pub struct Charge {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
