//! Each pull request is told to a streamer's connection once (protocol, section 6).
//!
//! No list of what was told is kept for that: a connection remembers up to when it was told, and
//! [`PullRequestClock`] sees to it that one date parts what it was told of from what it was not.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use crate::application::locks::lock;
use crate::domain::{ProjectId, Timestamp};

/// Of so many projects that a connection has left it is remembered what it was told; of others it
/// would be told again.
const REMEMBERED: usize = 16;

/// What one connection was told of, as the streamer's. It stays told for as long as the connection
/// lasts, whatever becomes of its token and roles.
#[derive(Debug, Default)]
pub(crate) struct PullRequestCursor {
    /// It was told of all that are open here, and is told of new ones as they come.
    live: Option<ProjectId>,
    /// Here it was told of all that were finished before this time, and of none since.
    told: BTreeMap<ProjectId, Timestamp>,
}

impl PullRequestCursor {
    /// The project of which it is told as they come.
    pub(crate) fn live(&self) -> Option<&ProjectId> {
        self.live.as_ref()
    }

    /// From now on it is told of those of `project` as they come. Returns since when others wait.
    pub(crate) fn resume(&mut self, project: ProjectId) -> Timestamp {
        let since = self.told.remove(&project).unwrap_or_default();
        self.live = Some(project);
        since
    }

    /// From now on they wait; it was told of all that were finished before `until`.
    pub(crate) fn pause(&mut self, until: Timestamp) {
        let Some(project) = self.live.take() else {
            return;
        };
        self.told.insert(project, until);
        if self.told.len() > REMEMBERED {
            let longest_ago = self.told.iter().min_by_key(|(_, until)| **until);
            let forgotten = longest_ago.map(|(project, _)| project.clone());
            forgotten.and_then(|project| self.told.remove(&project));
        }
    }
}

/// Dates the pull requests: no two alike, and later ones later, whatever the clock does.
#[derive(Debug, Default)]
pub(crate) struct PullRequestClock(Mutex<Dates>);

#[derive(Debug, Default)]
struct Dates {
    /// The latest; those to come are later.
    latest: Timestamp,
    /// Those of pull requests that nobody has been told of yet; one per project at the most.
    untold: HashMap<ProjectId, Timestamp>,
}

impl Dates {
    /// `now`, or what is just later than all dates so far.
    fn after_all(&self, now: Timestamp) -> Timestamp {
        now.max(Timestamp::from_millis(
            self.latest.as_millis().saturating_add(1),
        ))
    }
}

impl PullRequestClock {
    /// Dates a pull request that is being finished. There must be no other in the project.
    pub(crate) fn begin(&self, project: ProjectId, now: Timestamp) -> Finishing<'_> {
        let mut dates = lock(&self.0);
        let date = dates.after_all(now);
        dates.latest = date;
        dates.untold.insert(project.clone(), date);
        Finishing {
            finishes: self,
            project,
            date,
        }
    }

    /// Carries out `leave`, after which somebody is no longer told of those in `project`. He has
    /// been told of all that are dated before the time returned, and of no other.
    pub(crate) fn part(
        &self,
        project: &ProjectId,
        now: Timestamp,
        leave: impl FnOnce(),
    ) -> Timestamp {
        let mut dates = lock(&self.0);
        leave();
        let next = dates.after_all(now);
        // What comes now must not be dated earlier, should the clock be set back.
        dates.latest = Timestamp::from_millis(next.as_millis() - 1);
        dates.untold.get(project).copied().unwrap_or(next)
    }
}

/// A pull request that is being finished. One that fails is dropped.
#[derive(Debug)]
pub(crate) struct Finishing<'a> {
    finishes: &'a PullRequestClock,
    project: ProjectId,
    date: Timestamp,
}

impl Finishing<'_> {
    pub(crate) fn date(&self) -> Timestamp {
        self.date
    }

    /// It is finished: carries out `tell`.
    pub(crate) fn tell(self, tell: impl FnOnce()) {
        let mut dates = lock(&self.finishes.0);
        tell();
        dates.untold.remove(&self.project);
    }
}

impl Drop for Finishing<'_> {
    fn drop(&mut self) {
        let mut dates = lock(&self.finishes.0);
        if dates.untold.get(&self.project) == Some(&self.date) {
            dates.untold.remove(&self.project);
        }
    }
}

#[cfg(test)]
mod tests;
