//! Which projects' moderation is in memory: that of those where somebody is.

use std::sync::{Arc, Weak};

use crate::application::locks::lock;
use crate::application::memory::Account;
use crate::application::moderation::moderated::{Found, Moderated};
use crate::application::ports::{ModerationStore, StoreError};
use crate::domain::ProjectId;

/// The moderation of all projects. What nobody needs is not in memory.
pub struct Moderations {
    store: Arc<dyn ModerationStore>,
    /// What they take is reserved on it.
    account: Arc<Account>,
    found: Arc<Found>,
}

impl Moderations {
    /// Those that `store` keeps; what is in memory of them is reserved on `account`.
    pub fn new(store: Arc<dyn ModerationStore>, account: Arc<Account>) -> Self {
        Self {
            store,
            account,
            found: Arc::default(),
        }
    }

    /// That of a project, which is in memory for as long as somebody holds this.
    pub(crate) fn of(&self, project: &ProjectId) -> Arc<Moderated> {
        let mut found = lock(&self.found);
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

    /// Forgets all that has been decided in a project that is being removed.
    ///
    /// # Errors
    /// `Failed`.
    pub(crate) async fn remove(&self, project: &ProjectId) -> Result<(), StoreError> {
        self.of(project).remove().await
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.found).is_empty()
    }
}
