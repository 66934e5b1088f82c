//! What cannot be read. It is not read again for every request, and not logged every time.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::application::locks::lock;
use crate::domain::ProjectId;

/// For how many files this is remembered.
const MOST_TOLD: usize = 1_024;

/// Which part of a project cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Moderation,
    Guests,
}

/// What cannot be read and has been logged, each with whether it was tried just now.
#[derive(Default)]
pub(super) struct Unreadable(Mutex<HashMap<(Kind, ProjectId), bool>>);

impl Unreadable {
    /// Notes that it cannot be read. Returns whether the log should say so: requests that come
    /// again and again must not fill it.
    pub fn note(&self, kind: Kind, project: &ProjectId) -> bool {
        let mut all = lock(&self.0);
        let is_full = all.len() >= MOST_TOLD;
        let found = (kind, project.clone());
        match all.get_mut(&found) {
            Some(was_just_tried) => *was_just_tried = true,
            None if is_full => {}
            None => return all.insert(found, true).is_none(),
        }
        false
    }

    /// Whether it could not be read just now: it need not be tried again so soon.
    pub fn was_just_tried(&self, kind: Kind, project: &ProjectId) -> bool {
        let found = lock(&self.0).get(&(kind, project.clone())).copied();
        found.unwrap_or(false)
    }

    /// Notes that it can be read.
    pub fn forget(&self, kind: Kind, project: &ProjectId) {
        lock(&self.0).remove(&(kind, project.clone()));
    }

    /// Lets all of it be tried again.
    pub fn try_again(&self) {
        let mut all = lock(&self.0);
        all.values_mut()
            .for_each(|was_just_tried| *was_just_tried = false);
    }

    /// Lets the log tell of all of it again.
    pub fn tell_again(&self) {
        lock(&self.0).clear();
    }
}
