//! Which files could not be written or removed, and when to try again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::names::FileName;
use crate::replica::tree::Refusal;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// What waits for another attempt.
#[derive(Debug, Default)]
pub struct Retries {
    /// Files to write: why they were not written, and their sizes in the list.
    pub writes: BTreeMap<FileName, (Refusal, u64)>,
    /// Files to remove.
    pub removals: BTreeSet<FileName>,
    /// When the next attempt is due.
    pub due: Option<Instant>,
    wait: Duration,
}

impl Retries {
    /// Notes that a file could not be written.
    pub fn write(&mut self, name: FileName, refusal: Refusal, size: u64) {
        self.removals.remove(&name);
        self.writes.insert(name, (refusal, size));
        self.schedule();
    }

    /// Notes that a file could not be removed.
    pub fn remove(&mut self, name: FileName) {
        self.writes.remove(&name);
        self.removals.insert(name);
        self.schedule();
    }

    /// Notes that a file is right now, or no longer wanted.
    pub fn done(&mut self, name: &FileName) {
        self.writes.remove(name);
        self.removals.remove(name);
        if self.writes.is_empty() && self.removals.is_empty() {
            *self = Self::default();
        }
    }

    /// Chooses when to try again; the wait grows each time.
    pub fn schedule(&mut self) {
        if self.due.is_none() {
            self.wait = (self.wait * 2).clamp(FIRST, LONGEST);
            self.due = Some(Instant::now() + self.wait);
        }
    }
}
