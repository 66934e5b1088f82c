//! Which projects' moderation is in memory: of projects where somebody is, and for a while of
//! projects where somebody was, or that somebody asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use crate::application::locks::lock;
use crate::application::memory::Account;
use crate::application::moderation::moderated::{Found, Moderated};
#[cfg(test)]
use crate::application::moderation::unreadable::Unreadable;
use crate::application::ports::{ModerationStore, StoreError};
use crate::application::request_error::RequestError;
use crate::domain::{Moderation, ProjectId, RateLimit, TokenBucket, Uptime, UserName};

/// A moderation that nobody has needed for this long is forgotten, at the latest after twice as
/// long.
const KEPT: Duration = Duration::from_secs(30);

/// How many projects where nobody is are kept in each of `Kept::new` and `Kept::old`.
const MOST_KEPT: usize = 512;

/// Keeping less than this is not worth closing a connection for.
const WORTH_RECLAIMING: usize = 64 * 1_024;

/// How often the log says that the moderation of a project cannot be read.
const TOLD_EVERY: Duration = Duration::from_secs(600);

/// How often to try again to read what could not be read.
const TRIED_EVERY: Duration = Duration::from_secs(3);

/// The moderation of all projects.
pub struct Moderations {
    store: Arc<dyn ModerationStore>,
    /// The memory that they take is reserved on it.
    account: Arc<Account>,
    found: Arc<Found>,
    kept: Mutex<Kept>,
    /// The buckets of moderators who decided something recently: a full one is dropped.
    buckets: Mutex<HashMap<(ProjectId, UserName), TokenBucket>>,
}

/// What is in memory, although perhaps nobody is there.
#[derive(Default)]
struct Kept {
    new: HashMap<ProjectId, Arc<Moderated>>,
    /// What was in `new` until that was last emptied.
    old: HashMap<ProjectId, Arc<Moderated>>,
    aged: Uptime,
    told: Uptime,
    tried: Uptime,
}

impl Moderations {
    /// The moderation that `store` keeps; what is in memory of it is reserved on `account`.
    pub fn new(store: Arc<dyn ModerationStore>, account: Arc<Account>) -> Self {
        Self {
            store,
            account,
            found: Arc::default(),
            kept: Mutex::default(),
            buckets: Mutex::default(),
        }
    }

    /// The moderation of a project. It stays in memory for as long as somebody holds the result,
    /// and a while longer.
    pub(crate) fn of(&self, project: &ProjectId) -> Arc<Moderated> {
        let moderated = self.found_or_new(project);
        let mut kept = lock(&self.kept);
        if kept.new.len() < MOST_KEPT {
            let new = || Arc::clone(&moderated);
            kept.new.entry(project.clone()).or_insert_with(new);
        }
        moderated
    }

    /// The moderation of a project, if it is in memory.
    pub(super) fn in_memory(&self, project: &ProjectId) -> Option<Arc<Moderated>> {
        lock(&self.found.projects)
            .get(project)
            .and_then(Weak::upgrade)
    }

    fn found_or_new(&self, project: &ProjectId) -> Arc<Moderated> {
        let mut found = lock(&self.found.projects);
        if let Some(moderated) = found.get(project).and_then(Weak::upgrade) {
            return moderated;
        }
        let moderated = Arc::new(Moderated::new(
            project.clone(),
            Arc::clone(&self.store),
            Arc::clone(&self.account),
            Arc::downgrade(&self.found),
        ));
        found.insert(project.clone(), Arc::downgrade(&moderated));
        moderated
    }

    /// Forgets what nobody has needed for long. Called once a second.
    pub(crate) fn sweep(&self, now: Uptime) {
        let mut kept = lock(&self.kept);
        if now.since(kept.told) >= TOLD_EVERY {
            kept.told = now;
            self.found.unreadable.tell_again();
        }
        if now.since(kept.tried) >= TRIED_EVERY {
            kept.tried = now;
            self.found.unreadable.try_again();
        }
        if now.since(kept.aged) < KEPT {
            return;
        }
        kept.aged = now;
        let new = std::mem::take(&mut kept.new);
        let forgotten = std::mem::replace(&mut kept.old, new);
        // Not under the lock: each dropped `Moderated` removes itself from `found`.
        drop(kept);
        drop(forgotten);
    }

    /// Forgets everything that nobody needs at the moment, because memory is short. Returns whether
    /// that freed much.
    pub(crate) fn reclaim(&self) -> bool {
        let before = self.account.held();
        let mut kept = lock(&self.kept);
        let forgotten = (std::mem::take(&mut kept.new), std::mem::take(&mut kept.old));
        drop(kept);
        drop(forgotten);
        before.saturating_sub(self.account.held()) >= WORTH_RECLAIMING
    }

    /// Counts a decision of the moderator, if `rate` allows one now.
    ///
    /// # Errors
    /// 429.
    pub(super) fn may_decide(
        &self,
        project: &ProjectId,
        moderator: &UserName,
        rate: RateLimit,
        now: Uptime,
    ) -> Result<(), RequestError> {
        let mut buckets = lock(&self.buckets);
        buckets.retain(|_, bucket| !bucket.is_full(rate, now));
        let bucket = buckets.entry((project.clone(), moderator.clone()));
        let bucket = bucket.or_insert_with(|| TokenBucket::full(rate, now));
        let taken = bucket.take(rate, now);
        taken.map_err(|retry_after| RequestError::RateLimited { retry_after })
    }

    /// Whether anything is kept of a project's moderation; true if it cannot be read.
    pub(crate) async fn is_kept(&self, project: &ProjectId) -> bool {
        let kept = self.of(project).moderation().await;
        kept.map_or(true, |kept| *kept != Moderation::default())
    }

    /// Forgets all that has been decided in a project that is being removed.
    ///
    /// # Errors
    /// `Failed`.
    pub(crate) async fn remove(&self, project: &ProjectId) -> Result<(), StoreError> {
        self.of(project).remove().await
    }

    #[cfg(test)]
    pub(super) fn unreadable(&self) -> &Unreadable {
        &self.found.unreadable
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.found.projects).is_empty()
    }
}
