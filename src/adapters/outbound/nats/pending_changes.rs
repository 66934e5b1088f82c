//! The changes of a project that wait on this node, so that many are kept at once.

use std::collections::VecDeque;
use std::sync::Mutex;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::adapters::outbound::nats::entry::{Content, Put};
use crate::application::locks::lock;
use crate::application::ports::{InTurn, PutInTurn, StoreError, TellRemoved, Wanted};
use crate::domain::{FilePath, ProjectQuota, Version};

/// How many changes, and about how many bytes of small contents, are kept at once.
const MOST_CHANGES: usize = 64;
const MOST_BYTES: usize = 4 * 1_024 * 1_024;

/// A change that somebody waits for.
pub(crate) struct Pending {
    pub wish: Wish,
    /// Who is told once the log has the change.
    pub told: Told,
    /// When it was asked for.
    pub asked: Instant,
    pub done: oneshot::Sender<Result<Done, StoreError>>,
}

/// What has become of a change.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Done {
    /// The change has this version.
    Made(Version),
    /// Another node has changed the file since this change was asked for, and with this version.
    /// This change counts as made just before, and nothing of it is kept.
    Overtaken(Version),
}

impl Done {
    pub fn version(self) -> Version {
        let (Self::Made(version) | Self::Overtaken(version)) = self;
        version
    }
}

/// What is to be changed.
pub(crate) enum Wish {
    /// A file gets a content. Without `executable`, the file stays as executable as before.
    Put {
        path: FilePath,
        put: Put,
        executable: Option<bool>,
        quota: ProjectQuota,
    },
    /// A file is deleted, if that is still wanted each time that the change is checked.
    Delete { path: FilePath, wanted: Wanted },
    /// The project is removed.
    Remove,
}

/// Who is told of a change at its place in the log.
pub(crate) enum Told {
    Put(PutInTurn),
    Gone(InTurn),
    Removed(TellRemoved),
}

impl Wish {
    /// The file that it concerns; `None`: the whole project.
    pub fn path(&self) -> Option<&FilePath> {
        match self {
            Self::Put { path, .. } | Self::Delete { path, .. } => Some(path),
            Self::Remove => None,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Put { put, .. } => match &put.content {
                Content::Inline(content) => content.len(),
                Content::Blob(_) => 0,
            },
            Self::Delete { .. } | Self::Remove => 0,
        }
    }
}

/// The changes that wait.
#[derive(Default)]
pub(crate) struct Queue(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    changes: VecDeque<Pending>,
    /// Whether somebody takes them out.
    is_served: bool,
}

impl Queue {
    /// Adds a change. Returns whether the caller must now serve the queue.
    pub fn push(&self, change: Pending) -> bool {
        let mut waiting = lock(&self.0);
        waiting.changes.push_back(change);
        !std::mem::replace(&mut waiting.is_served, true)
    }

    /// Puts changes back to the front, in their order.
    pub fn put_back(&self, changes: Vec<Pending>) {
        let mut waiting = lock(&self.0);
        for change in changes.into_iter().rev() {
            waiting.changes.push_front(change);
        }
    }

    /// The changes to be kept next. `None` if there are no more; then nobody serves the queue any
    /// more.
    pub fn next(&self) -> Option<Vec<Pending>> {
        let mut waiting = lock(&self.0);
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while let Some(next) = waiting.changes.front() {
            bytes += next.wish.bytes();
            let is_alone = matches!(next.wish, Wish::Remove);
            let is_full = batch.len() >= MOST_CHANGES || bytes > MOST_BYTES;
            if !batch.is_empty() && (is_alone || is_full) {
                break;
            }
            batch.extend(waiting.changes.pop_front());
            if is_alone {
                break;
            }
        }
        waiting.is_served = !batch.is_empty();
        (!batch.is_empty()).then_some(batch)
    }
}
