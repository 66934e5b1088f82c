//! Checks changes of a project against what this node knows of it.

use std::collections::HashMap;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::adapters::outbound::nats::entry::{Head, INLINE_BYTES, What};
use crate::adapters::outbound::nats::overtaken::waited_since;
use crate::adapters::outbound::nats::own_changes::Tellings;
use crate::adapters::outbound::nats::pending_changes::{Done, Pending, Wish};
use crate::adapters::outbound::nats::replica::{Ready, Replica};
use crate::adapters::outbound::system::SystemClock;
use crate::application::ports::{Clock as _, StoreError};
use crate::domain::{FilePath, PendingPut, Project, Version};

/// How many changes a head remembers, so that a node whose question was not answered learns later
/// whether its change was kept.
pub(crate) const REMEMBERED: usize = 16;

/// Changes that may be made, and those that may not.
pub(crate) struct Checked {
    pub changes: Vec<Asked>,
    /// Answered only once it is known that none of the batch has been overtaken: without that one,
    /// another might be allowed.
    refused: Vec<(Pending, StoreError)>,
    pub tellings: Tellings,
    pub batch: Batch,
}

impl Checked {
    /// Whether the log has told of one of these changes; `untold` are those that are still to be
    /// told.
    pub fn is_any_told(&self, untold: &Tellings) -> bool {
        let mut paths = self.changes.iter().map(|(wish, ..)| wish.path().cloned());
        paths.any(|path| !untold.contains_key(&path))
    }

    /// Answers all of them: they were made, and the first of them has this number. Nobody is told
    /// of those that the log did not tell of here: what has replaced them may have been told
    /// before.
    pub fn end(self, first: u64) {
        for ((_, _, done), number) in self.changes.into_iter().zip(first..) {
            // The callers may be gone.
            let _ = done.send(Ok(Done::Made(Version::new(number))));
        }
    }

    /// The same, if the log has told of one of them.
    pub fn end_told(mut self) {
        self.answer_refused();
        let first = self.batch.expected + 1;
        self.end(first);
    }

    /// Answers those that may not be made.
    pub fn answer_refused(&mut self) {
        for (pending, error) in self.refused.drain(..) {
            let _ = pending.done.send(Err(error));
        }
    }

    /// The files that all of them change, and when they were asked to.
    pub fn asked(&self) -> Vec<(FilePath, Instant)> {
        let allowed = self.changes.iter().map(|(wish, asked, _)| (wish, asked));
        let refused = self
            .refused
            .iter()
            .map(|(pending, _)| (&pending.wish, &pending.asked));
        let of_file = |(wish, asked): (&Wish, &Instant)| Some((wish.path()?.clone(), *asked));
        allowed.chain(refused).filter_map(of_file).collect()
    }

    /// Those that are still to be told, and those that may not be made, to be checked again.
    pub fn again(self, mut untold: Tellings) -> Vec<Pending> {
        let again = self.changes.into_iter().filter_map(|(wish, asked, done)| {
            let told = untold.remove(&wish.path().cloned())?;
            Some(Pending {
                wish,
                told,
                asked,
                done,
            })
        });
        let refused = self.refused.into_iter().map(|(pending, _)| pending);
        again.chain(refused).collect()
    }

    /// Answers all of them with an error.
    pub fn refuse(self, error: &StoreError) {
        for (_, _, done) in self.changes {
            let _ = done.send(Err(error.clone()));
        }
    }
}

/// A change, when it was asked for, and who waits for it.
pub(crate) type Asked = (Wish, Instant, oneshot::Sender<Result<Done, StoreError>>);

/// What is kept for them, if the head is still the expected one.
pub(crate) struct Batch {
    /// With the times at which they were asked for.
    pub entries: Vec<(What, Instant)>,
    pub head: Head,
    pub expected: u64,
    /// The places in the log of the large contents that are replaced.
    pub replaced: Vec<u64>,
}

/// Checks the batch as a whole. `None` if the project has been removed; then all are answered.
pub(crate) fn check(replica: &Replica, batch: Vec<Pending>) -> Option<Checked> {
    let mut left = Some(batch);
    let looked = replica.with(|ready| {
        let batch = left.take().unwrap_or_default();
        check_batch(replica, ready, batch)
    });
    for Pending { done, .. } in left.unwrap_or_default() {
        // The project has been removed.
        let _ = done.send(Err(StoreError::NotFound));
    }
    looked.ok()
}

fn check_batch(replica: &Replica, ready: &Ready, batch: Vec<Pending>) -> Checked {
    let now = SystemClock.now();
    let mut earlier = ready.head.earlier.clone();
    earlier.insert(0, ready.change.clone());
    earlier.truncate(REMEMBERED);
    let mut checked = Checked {
        changes: Vec::new(),
        refused: Vec::new(),
        tellings: HashMap::new(),
        batch: Batch {
            entries: Vec::new(),
            head: Head {
                is_registered: true,
                since: ready.head.since,
                since_at: ready.head.since_at,
                earlier,
            },
            expected: ready.head_sequence,
            replaced: Vec::new(),
        },
    };
    ready.loaded.with(|project| {
        let (mut puts, mut deletes) = (Vec::new(), 0);
        let mut batch = batch.into_iter();
        while let Some(mut pending) = batch.next() {
            // Asked for while another project had that name.
            let asked_before = |at| at < ready.head.since_at;
            if waited_since(pending.asked, now).is_some_and(asked_before) {
                let _ = pending.done.send(Err(StoreError::NotFound));
                continue;
            }
            let allowed = check_one(project, &mut pending.wish, &mut puts);
            if allowed.is_err() && deletes > 0 && matches!(pending.wish, Wish::Put { .. }) {
                // An earlier delete may make room: this change is checked again once that is done.
                replica
                    .queue
                    .put_back([pending].into_iter().chain(batch).collect());
                break;
            }
            let what = match allowed {
                Ok(what) => what,
                Err(error) => {
                    checked.refused.push((pending, error));
                    continue;
                }
            };
            deletes += usize::from(matches!(what, Some(What::Gone(_))));
            if what.is_none() {
                checked.batch.head.is_registered = false;
            }
            if let Some(path) = pending.wish.path()
                && let Some(known) = project.get(path)
                && known.bytes > INLINE_BYTES
            {
                checked.batch.replaced.push(known.version.number());
            }
            checked
                .batch
                .entries
                .extend(what.map(|what| (what, pending.asked)));
            let path = pending.wish.path().cloned();
            checked.tellings.insert(path, pending.told);
            checked
                .changes
                .push((pending.wish, pending.asked, pending.done));
        }
        for put in puts {
            project.abandon_put(put);
        }
    });
    checked
}

/// What is to be kept; nothing but the head, if the project is to be removed.
fn check_one(
    project: &mut Project,
    wish: &mut Wish,
    puts: &mut Vec<PendingPut>,
) -> Result<Option<What>, StoreError> {
    match wish {
        Wish::Put {
            path,
            put,
            executable,
            quota,
        } => {
            puts.push(project.begin_put(path, put.bytes, quota)?);
            put.executable = executable.unwrap_or_else(|| project.is_executable(path));
            Ok(Some(What::Put(path.clone(), put.clone())))
        }
        Wish::Delete { path, wanted } => {
            if project.get(path).is_none() || !wanted() {
                return Err(StoreError::NotFound);
            }
            Ok(Some(What::Gone(path.clone())))
        }
        Wish::Remove => Ok(None),
    }
}
