//! The open pull requests, in memory, so that looking them up needs no disk access.
//!
//! Each project has its own lock. Under it, pull requests are announced, and connections that want
//! to hear of them enter and leave. The lock on the list of projects is held for a look-up only.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Arc, Mutex};

use tokio::sync::OwnedMutexGuard;

use crate::application::counting::Count;
use crate::application::locks::lock;
use crate::application::ports::{FinishError, TellFinished, Turn};
use crate::domain::{ProjectId, PullRequest, PullRequestId, Timestamp, UserName};

/// The open pull requests of all projects, with their owners, oldest first.
#[derive(Debug, Default)]
pub(crate) struct OpenPullRequests {
    projects: Mutex<HashMap<ProjectId, Arc<Project>>>,
    /// The latest date that was given to a pull request.
    latest: Mutex<Timestamp>,
    count: Count,
}

#[derive(Debug, Default)]
struct Project {
    /// Held while a pull request is being finished, which may wait for the disk.
    finishing: Arc<tokio::sync::Mutex<()>>,
    open: Mutex<ByAge>,
}

type ByAge = BTreeMap<(Timestamp, PullRequestId), UserName>;

impl OpenPullRequests {
    /// Waits until no other pull request of the project is being finished.
    pub async fn begin(self: &Arc<Self>, project: ProjectId) -> Finishing {
        // Made before the wait, so that its `Drop` cleans up after a caller that gives up.
        let mut finishing = Finishing {
            entry: Some(self.entry(&project)),
            all: Arc::clone(self),
            project,
            turn: None,
        };
        let lock = finishing.entry.as_ref();
        if let Some(lock) = lock.map(|entry| Arc::clone(&entry.finishing)) {
            finishing.turn = Some(lock.lock_owned().await);
        }
        finishing
    }

    /// Adds a pull request that was stored earlier.
    pub fn insert(&self, pull_request: &PullRequest) {
        let mut latest = lock(&self.latest);
        *latest = pull_request.date.max(*latest);
        drop(latest);
        let key = (pull_request.date, pull_request.id);
        let insert = |open: &mut ByAge| open.insert(key, pull_request.owner.clone());
        if self.in_turn(&pull_request.project, insert).is_none() {
            self.count.one();
        }
    }

    /// Adds a pull request that another node has stored, and calls `tell` if it is new here.
    pub fn insert_and_tell(&self, pull_request: &PullRequest, tell: impl FnOnce()) {
        let key = (pull_request.date, pull_request.id);
        self.in_turn(&pull_request.project, |open| {
            if open.insert(key, pull_request.owner.clone()).is_none() {
                self.count.one();
                tell();
            }
        });
    }

    /// Removes a deleted pull request, and calls `in_turn`.
    pub fn remove(&self, project: &ProjectId, id: PullRequestId, in_turn: Turn) {
        self.in_turn(project, |open| {
            let before = open.len();
            open.retain(|(_, open), _| *open != id);
            self.count.take(before - open.len());
            in_turn();
        });
    }

    /// See `PullRequestStore::tell_if_open`.
    pub fn tell_if_open(&self, pull_request: &PullRequest, tell: Turn) {
        let PullRequest {
            project, date, id, ..
        } = pull_request;
        self.look(project, |open| {
            if open.contains_key(&(*date, *id)) {
                tell();
            }
        });
    }

    /// All that are open.
    pub fn all(&self) -> Vec<(ProjectId, PullRequestId)> {
        let projects = lock(&self.projects).clone();
        let ids = projects.into_iter().flat_map(|(project, its)| {
            let ids: Vec<_> = lock(&its.open).keys().map(|(_, id)| *id).collect();
            ids.into_iter().map(move |id| (project.clone(), id))
        });
        ids.collect()
    }

    /// How many are open, in all projects.
    pub fn count(&self) -> usize {
        usize::try_from(self.count.get()).unwrap_or(usize::MAX)
    }

    /// Whether it is open.
    pub fn contains(&self, project: &ProjectId, id: PullRequestId) -> bool {
        self.look(project, |open| open.keys().any(|(_, open)| *open == id))
    }

    /// The owner of the pull request, if it is open.
    pub fn owner(&self, project: &ProjectId, id: PullRequestId) -> Option<UserName> {
        self.look(project, |open| {
            let its = open.iter().find(|((_, open), _)| *open == id);
            its.map(|(_, owner)| owner.clone())
        })
    }

    /// See `PullRequestStore::open`.
    pub fn open(&self, project: &ProjectId, owner: Option<&UserName>) -> Vec<PullRequestId> {
        self.look(project, |open| {
            open.iter()
                .filter(|(_, its)| owner.is_none_or(|owner| owner == *its))
                .map(|((_, id), _)| *id)
                .collect()
        })
    }

    /// See `PullRequestStore::authors`.
    pub fn authors(&self, project: &ProjectId) -> BTreeSet<UserName> {
        self.look(project, |open| open.values().cloned().collect())
    }

    /// See `PullRequestStore::open_since`.
    pub fn open_since(
        &self,
        project: &ProjectId,
        after: Option<Timestamp>,
        enter: Turn,
    ) -> Vec<PullRequestId> {
        let last = PullRequestId::from_u128(u128::MAX);
        let start = after.map_or(Bound::Unbounded, |after| Bound::Excluded((after, last)));
        self.in_turn(project, |open| {
            enter();
            let later = open.range((start, Bound::Unbounded));
            later.map(|((_, id), _)| *id).collect()
        })
    }

    /// See `PullRequestStore::leave`.
    pub fn leave(&self, project: &ProjectId, leave: Turn) -> Option<Timestamp> {
        self.in_turn(project, |open| {
            leave();
            open.last_key_value().map(|((date, _), _)| *date)
        })
    }

    fn look<T: Default>(&self, project: &ProjectId, look: impl FnOnce(&ByAge) -> T) -> T {
        let entry = lock(&self.projects).get(project).map(Arc::clone);
        let Some(entry) = entry else {
            return T::default();
        };
        let seen = look(&lock(&entry.open));
        self.release(project, entry);
        seen
    }

    fn in_turn<T>(&self, project: &ProjectId, work: impl FnOnce(&mut ByAge) -> T) -> T {
        let entry = self.entry(project);
        let done = work(&mut lock(&entry.open));
        self.release(project, entry);
        done
    }

    fn entry(&self, project: &ProjectId) -> Arc<Project> {
        let mut projects = lock(&self.projects);
        match projects.get(project) {
            Some(entry) => Arc::clone(entry),
            None => Arc::clone(projects.entry(project.clone()).or_default()),
        }
    }

    /// Forgets the project if nobody else uses its entry and nothing is open in it.
    fn release(&self, project: &ProjectId, entry: Arc<Project>) {
        let mut projects = lock(&self.projects);
        drop(entry);
        // Nobody can take another reference now: that needs the lock.
        let is_unused =
            |own: &Arc<Project>| Arc::strong_count(own) == 1 && lock(&own.open).is_empty();
        if projects.get(project).is_some_and(is_unused) {
            projects.remove(project);
        }
    }
}

/// The project's turn to finish one pull request; given up when dropped.
#[derive(Debug)]
pub(crate) struct Finishing {
    all: Arc<OpenPullRequests>,
    project: ProjectId,
    entry: Option<Arc<Project>>,
    turn: Option<OwnedMutexGuard<()>>,
}

impl Finishing {
    /// Checks that `owner` may open one more pull request.
    ///
    /// # Errors
    /// `TooManyOpen`.
    pub fn check(&self, owner: &UserName, max_open: usize) -> Result<(), FinishError> {
        if self.all.open(&self.project, Some(owner)).len() >= max_open {
            return Err(FinishError::TooManyOpen);
        }
        Ok(())
    }

    /// A date that no other pull request has: `now`, or the first millisecond after the latest
    /// date.
    pub fn date(&self, now: Timestamp) -> Timestamp {
        let mut latest = lock(&self.all.latest);
        let next = Timestamp::from_millis(latest.as_millis().saturating_add(1));
        *latest = now.max(next);
        *latest
    }

    /// Adds the pull request, which has been stored, and calls `in_turn`.
    pub fn keep(self, pull_request: &PullRequest, in_turn: TellFinished) {
        let key = (pull_request.date, pull_request.id);
        self.all.in_turn(&self.project, |open| {
            if open.insert(key, pull_request.owner.clone()).is_none() {
                self.all.count.one();
            }
            in_turn(pull_request);
        });
    }
}

impl Drop for Finishing {
    fn drop(&mut self) {
        self.turn = None;
        if let Some(entry) = self.entry.take() {
            self.all.release(&self.project, entry);
        }
    }
}

#[cfg(test)]
mod tests;
