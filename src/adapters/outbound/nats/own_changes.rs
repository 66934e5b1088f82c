//! What this node is changing, so that those who asked are told at the change's place in the log.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use crate::adapters::outbound::nats::pending_changes::Told;
use crate::adapters::outbound::system::random_number;
use crate::application::locks::lock;
use crate::domain::FilePath;

/// The changes of this node that the log has not told of yet.
#[derive(Default)]
pub(crate) struct OwnChanges {
    under_way: Mutex<HashMap<String, Tellings>>,
}

/// Who is told, by file; `None` stands for the whole project.
pub(crate) type Tellings = HashMap<Option<FilePath>, Told>;

impl OwnChanges {
    /// Who is to be told of a message of the log, if the change is this node's.
    pub fn take(&self, change: &str, path: Option<&FilePath>) -> Option<Told> {
        let mut under_way = lock(&self.under_way);
        under_way.get_mut(change)?.remove(&path.cloned())
    }

    /// Notes that a change begins, and who is told of it.
    pub fn begin(&self, change: &str, tellings: Tellings) {
        lock(&self.under_way).insert(change.to_owned(), tellings);
    }

    /// Notes that a change has ended. Returns those who have not been told.
    pub fn end(&self, change: &str) -> Tellings {
        lock(&self.under_way).remove(change).unwrap_or_default()
    }
}

/// Names of changes that nobody else uses.
pub(crate) struct ChangeNames {
    start: u64,
    last: AtomicU64,
    begun: Instant,
}

impl Default for ChangeNames {
    fn default() -> Self {
        Self {
            start: random_number(),
            last: AtomicU64::new(0),
            begun: Instant::now(),
        }
    }
}

impl ChangeNames {
    /// Whether a change has one of these names.
    pub fn has_given(&self, change: &str) -> bool {
        let start = change.split_once('/').map(|(start, _)| start);
        start.is_some_and(|start| start == format!("{:x}", self.start))
    }

    /// When a change was asked for, in milliseconds since the node started.
    pub fn asked(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.begun);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// The next name.
    pub fn next(&self) -> String {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        format!("{:x}/{number}", self.start)
    }
}
