//! Which files other nodes have changed since this node was asked to change them.
//!
//! A client that gets no answer goes to another node and writes there. What it asked this node
//! before must not come on top of that: it counts as made just before. This node may also be told
//! late of a change that the other node made before this one was asked: by milliseconds or, after a
//! failure, by seconds. So the engine's time decides.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use crate::adapters::outbound::system::now_nanos;
use crate::application::FileKey;
use crate::application::locks::lock;
use crate::domain::{Timestamp, Version};

/// A change that has waited for less than this comes last, as it would on a single node: its client
/// has not given it up. Clocks may differ by less than this.
const WAITED: Duration = Duration::from_secs(1);

/// The files that this node is asked to change. Not a part of the replicas, because a replica may
/// be forgotten while a change waits.
#[derive(Default)]
pub(crate) struct OpenChanges(Mutex<HashMap<FileKey, Open>>);

struct Open {
    /// How many changes of it are open.
    changes: usize,
    /// The last change by another node that was told since the first of them began.
    foreign: Option<(Version, Timestamp)>,
}

/// A change that was asked for and has not ended.
pub(crate) struct OpenChange {
    all: Arc<OpenChanges>,
    file: FileKey,
    asked: (Instant, Timestamp),
}

impl OpenChanges {
    /// Notes that a change is asked for, until what this returns is dropped.
    pub fn begin(self: &Arc<Self>, file: FileKey) -> OpenChange {
        let mut all = lock(&self.0);
        let open = all.entry(file.clone()).or_insert(Open {
            changes: 0,
            foreign: None,
        });
        open.changes += 1;
        let now = Timestamp::from_millis(now_nanos() / 1_000_000);
        OpenChange {
            all: Arc::clone(self),
            file,
            asked: (Instant::now(), now),
        }
    }

    /// Notes that another node has changed a file at the time `at`, as the log tells.
    pub fn note_foreign(&self, file: &FileKey, sequence: u64, at: Timestamp) {
        if let Some(open) = lock(&self.0).get_mut(file) {
            open.foreign = Some((Version::new(sequence), at));
        }
    }
}

impl OpenChange {
    /// The change by another node that was made after this one was asked for, if this one has
    /// waited long enough.
    pub fn overtaken_by(&self) -> Option<Version> {
        let (since, asked_at) = self.asked;
        if since.elapsed() < WAITED {
            return None;
        }
        let all = lock(&self.all.0);
        let foreign = all.get(&self.file)?.foreign;
        foreign.and_then(|(version, at)| (at > asked_at).then_some(version))
    }
}

impl Drop for OpenChange {
    fn drop(&mut self) {
        let mut all = lock(&self.all.0);
        if let Some(open) = all.get_mut(&self.file) {
            open.changes -= 1;
            if open.changes == 0 {
                all.remove(&self.file);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::outbound::contract_tests::world::{demo, path};

    fn file(name: &str) -> FileKey {
        FileKey {
            project: demo(),
            path: path(name),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_that_has_waited_is_overtaken_by_what_another_node_made_of_that_file_since() {
        let open = Arc::<OpenChanges>::default();
        let (before, after) = (Timestamp::default(), Timestamp::from_secs(1 << 40));
        open.note_foreign(&file("a"), 1, after);
        let first = open.begin(file("a"));
        let second = open.begin(file("a"));
        let other = open.begin(file("b"));
        open.note_foreign(&file("a"), 2, after);
        assert_eq!(first.overtaken_by(), None, "it has not waited");
        tokio::time::advance(WAITED).await;
        assert_eq!(first.overtaken_by(), Some(Version::new(2)));
        assert_eq!(other.overtaken_by(), None);
        open.note_foreign(&file("a"), 3, before);
        assert_eq!(
            first.overtaken_by(),
            None,
            "it was made before, and told late"
        );
        drop(first);
        open.note_foreign(&file("a"), 4, after);
        assert_eq!(second.overtaken_by(), Some(Version::new(4)));
        drop((second, other));
        assert!(lock(&open.0).is_empty(), "nothing is remembered");
    }
}
