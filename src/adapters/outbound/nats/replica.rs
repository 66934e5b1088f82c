//! What a node knows of a project: which files there are, and their places in the log.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::adapters::outbound::change_order::FileLocks;
use crate::adapters::outbound::loaded_project::{LoadedProject, User};
use crate::adapters::outbound::nats::entry::{Entry, Head, What};
use crate::adapters::outbound::nats::pending_changes::Queue;
use crate::application::locks::lock;
use crate::application::ports::StoreError;
use crate::domain::{FilePath, ProjectEntry, ProjectId, ProjectQuota, Timestamp};

/// A project on this node.
pub(crate) struct Replica {
    pub project: ProjectId,
    /// Keep two changes of one file from overlapping.
    pub locks: Arc<FileLocks>,
    /// The changes that wait for their turn.
    pub queue: Queue,
    phase: Mutex<Phase>,
    /// When it was last changed, as far as the log has told.
    changed_at: Mutex<Timestamp>,
    /// Held while the project is loaded.
    pub loading: tokio::sync::Mutex<()>,
}

/// An entry at its place in the log.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub sequence: u64,
    pub at: Timestamp,
    pub entry: Entry,
}

enum Phase {
    /// The project is being loaded; this is what the log has told meanwhile.
    Loading(Vec<Placed>),
    Ready(Ready),
    /// The project has been removed.
    Gone,
}

/// A project that is known up to some place in the log.
pub(crate) struct Ready {
    pub loaded: Arc<LoadedProject>,
    /// Its head, and where that is.
    pub head: Head,
    pub head_sequence: u64,
    /// The change that the head belongs to.
    pub change: String,
    /// Everything in the log up to here is included.
    pub at: u64,
}

impl Replica {
    pub fn new(project: ProjectId) -> Self {
        Self {
            project,
            locks: Arc::default(),
            queue: Queue::default(),
            phase: Mutex::new(Phase::Loading(Vec::new())),
            changed_at: Mutex::default(),
            loading: tokio::sync::Mutex::default(),
        }
    }

    /// What is known, if that has been loaded; `NotFound` if the project has been removed.
    pub fn ready(&self, user: User) -> Option<Result<Arc<LoadedProject>, StoreError>> {
        match &*self.phase() {
            Phase::Loading(_) => None,
            Phase::Ready(ready) => {
                ready.loaded.touch(user);
                Some(Ok(Arc::clone(&ready.loaded)))
            }
            Phase::Gone => Some(Err(StoreError::NotFound)),
        }
    }

    /// Looks at what is known, while nothing changes.
    ///
    /// # Errors
    /// `NotFound` if it has been removed.
    pub fn with<T>(&self, look: impl FnOnce(&Ready) -> T) -> Result<T, StoreError> {
        match &*self.phase() {
            Phase::Ready(ready) => Ok(look(ready)),
            Phase::Loading(_) | Phase::Gone => Err(StoreError::NotFound),
        }
    }

    /// Whether somebody still works with what is known of it.
    pub fn is_used(&self) -> bool {
        match &*self.phase() {
            Phase::Ready(ready) => Arc::strong_count(&ready.loaded) > 1,
            Phase::Loading(_) => true,
            Phase::Gone => false,
        }
    }

    /// Takes what has been loaded, and applies what the log has told meanwhile.
    pub fn begin(&self, mut ready: Ready) {
        let mut phase = self.phase();
        if let Phase::Loading(told) = &mut *phase {
            for placed in std::mem::take(told) {
                ready.apply(&placed);
            }
            *phase = if ready.head.is_registered {
                Phase::Ready(ready)
            } else {
                Phase::Gone
            };
        }
    }

    /// Applies what the log tells. Calls `then` before anybody sees it, with the files that are
    /// gone with the project if the project has been removed.
    pub fn apply(&self, placed: &Placed, then: impl FnOnce(Vec<FilePath>)) {
        let mut phase = self.phase();
        let mut gone = Vec::new();
        match &mut *phase {
            Phase::Loading(told) => told.push(placed.clone()),
            Phase::Ready(ready) => {
                gone = ready.apply(placed);
                if !ready.head.is_registered {
                    *phase = Phase::Gone;
                }
            }
            Phase::Gone => {}
        }
        then(gone);
    }

    /// Notes that it has been changed at this time.
    pub fn note_change(&self, at: Timestamp) {
        let mut last = lock(&self.changed_at);
        *last = at.max(*last);
    }

    /// Whether it has been changed since that time.
    pub fn is_changed_since(&self, at: Timestamp) -> bool {
        *lock(&self.changed_at) > at
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        lock(&self.phase)
    }
}

impl Ready {
    /// Follows the log. Returns the files of a project that has been removed, even if one of that
    /// name has been created since: when messages are read back, only the head of the new project
    /// may be left.
    fn apply(&mut self, placed: &Placed) -> Vec<FilePath> {
        if placed.sequence <= self.at {
            return Vec::new();
        }
        self.at = placed.sequence;
        match &placed.entry.what {
            What::Head(head) => {
                let before = std::mem::replace(&mut self.head, head.clone());
                self.head_sequence = placed.sequence;
                self.change.clone_from(&placed.entry.change);
                if !head.is_registered {
                    return self.remove_until(u64::MAX);
                }
                if head.since != before.since {
                    return self.remove_until(head.since);
                }
            }
            What::Put(path, put) => self.set(path, put.known(placed.sequence, placed.at)),
            What::Gone(path) => {
                self.loaded.change(|project| project.remove(path));
            }
        }
        Vec::new()
    }

    fn set(&self, path: &FilePath, entry: ProjectEntry) {
        self.loaded.change(|project| {
            // The node that wrote it has checked the limits, and what might be in the way.
            let put = project.begin_put(path, entry.bytes, &ProjectQuota::UNLIMITED);
            let Ok(put) = put else {
                tracing::error!(?path, "the log puts a file where a folder is");
                return;
            };
            project.complete_put(put, entry.version, entry.modified, entry.executable);
            if let Some(hash) = entry.sha256 {
                project.note_hash(path, entry.version, hash);
            }
        });
    }

    /// Removes the files whose versions are at most `version`, and returns them.
    fn remove_until(&self, version: u64) -> Vec<FilePath> {
        let gone: Vec<_> = self.loaded.with(|project| {
            let files = project.below(None, None, true);
            let gone = files.filter(|(_, entry)| entry.version.number() <= version);
            gone.map(|(path, _)| path.clone()).collect()
        });
        self.loaded.change(|project| {
            for path in &gone {
                project.remove(path);
            }
        });
        gone
    }

    /// Whether that change has been made, as far as is remembered.
    pub fn has_made(&self, change: &str) -> bool {
        self.change == change || self.head.earlier.iter().any(|earlier| earlier == change)
    }

    /// What is known of a file.
    pub fn entry(&self, path: &FilePath) -> Option<ProjectEntry> {
        self.loaded.with(|project| project.get(path).copied())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::adapters::outbound::contract_tests::world::{demo, path};
    use crate::adapters::outbound::loaded_project::{ProjectMemory, Share};
    use crate::application::memory::MemoryBudget;
    use crate::domain::Version;

    fn known(version: u64) -> ProjectEntry {
        ProjectEntry {
            bytes: 1,
            version: Version::new(version),
            modified: Timestamp::default(),
            executable: false,
            sha256: None,
        }
    }

    fn head(is_registered: bool, since: u64, sequence: u64) -> Placed {
        let what = What::Head(Head {
            is_registered,
            since,
            since_at: Timestamp::default(),
            earlier: Vec::new(),
        });
        Placed {
            sequence,
            at: Timestamp::default(),
            entry: Entry {
                project: demo(),
                change: String::new(),
                asked: 0,
                what,
            },
        }
    }

    /// A project whose files `a` and `b` have the versions 3 and 9.
    fn replica() -> Replica {
        let memory = Arc::new(ProjectMemory {
            budget: MemoryBudget::new(1 << 20),
            readers: AtomicUsize::new(0),
        });
        let files = [(path("a"), known(3)), (path("b"), known(9))];
        let share = Share::new(&memory, User::Streamer);
        let replica = Replica::new(demo());
        replica.begin(Ready {
            loaded: Arc::new(LoadedProject::new(files.into_iter().collect(), share)),
            head: Head {
                is_registered: true,
                since: 0,
                since_at: Timestamp::default(),
                earlier: Vec::new(),
            },
            head_sequence: 4,
            change: String::new(),
            at: 4,
        });
        replica
    }

    #[test]
    fn the_files_of_a_project_that_was_removed_and_created_again_are_gone_though_only_that_is_told()
    {
        let replica = replica();
        let mut gone = Vec::new();
        replica.apply(&head(true, 5, 10), |files| gone = files);
        assert_eq!(gone, [path("a")]);
        let left = replica.with(|ready| (ready.entry(&path("a")), ready.entry(&path("b"))));
        assert_eq!(left.expect("is there"), (None, Some(known(9))));
        replica.apply(&head(true, 5, 11), |files| gone = files);
        assert!(gone.is_empty(), "told once");
        replica.apply(&head(false, 5, 12), |files| gone = files);
        assert_eq!(gone, [path("b")]);
        assert!(replica.with(|_| ()).is_err());
    }
}
