//! The memory that the unfinished uploads of one connection take together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::application::memory::{Account, Reservation};

/// How many bytes of parts may collect in memory, for all unfinished uploads of one connection
/// together. Parts beyond that are staged as they arrive.
const MAX_GATHERED_BYTES: usize = 1_024 * 1_024;

/// Counts the parts collected in memory, and reserves them on the connection's account.
#[derive(Debug)]
pub(crate) struct UploadMemory {
    account: Arc<Account>,
    gathered: AtomicUsize,
}

impl UploadMemory {
    /// A counter for the connection of this account, which has no uploads yet.
    pub(crate) fn new(account: Arc<Account>) -> Arc<Self> {
        Arc::new(Self {
            account,
            gathered: AtomicUsize::new(0),
        })
    }

    /// The connection's account.
    pub(crate) fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// Whether `more` bytes of parts may be kept in memory.
    pub(crate) fn has_room(&self, more: usize) -> bool {
        let gathered = self.gathered.load(Ordering::Relaxed);
        gathered + more <= MAX_GATHERED_BYTES && self.account.has_room(more)
    }

    /// The share of a new upload, which is empty.
    pub(crate) fn share(self: &Arc<Self>) -> MemoryShare {
        MemoryShare {
            memory: Arc::clone(self),
            reservation: self.account.reserve(0),
            parts: 0,
        }
    }
}

/// The memory that one upload takes; returned when dropped.
#[derive(Debug)]
pub(crate) struct MemoryShare {
    memory: Arc<UploadMemory>,
    reservation: Reservation,
    parts: usize,
}

impl MemoryShare {
    /// Whose share it is.
    pub(crate) fn memory(&self) -> &Arc<UploadMemory> {
        &self.memory
    }

    /// Sets how many bytes the parts now take, and how many everything else.
    pub(crate) fn set(&mut self, parts: usize, others: usize) {
        self.set_parts(parts);
        if self.reservation.bytes() != parts + others {
            self.reservation.set(parts + others);
        }
    }

    fn set_parts(&mut self, parts: usize) {
        let gathered = &self.memory.gathered;
        gathered.fetch_add(parts, Ordering::Relaxed);
        gathered.fetch_sub(self.parts, Ordering::Relaxed);
        self.parts = parts;
    }
}

impl Drop for MemoryShare {
    fn drop(&mut self) {
        self.set_parts(0);
    }
}

#[cfg(test)]
mod tests;
