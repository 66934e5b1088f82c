use std::sync::Arc;

use async_trait::async_trait;

use crate::application::ports::store_error::StoreError;
use crate::domain::{Moderation, ProjectId};

/// Called with a project in which something has been decided. Must not wait.
pub type Decided = Box<dyn Fn(&ProjectId) + Send + Sync>;

/// Keeps what moderators have decided in each project, across restarts.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait ModerationStore: Send + Sync {
    /// What is kept of a project's moderation; nothing has been decided where nothing is kept.
    ///
    /// # Errors
    /// `Failed`, also where what is kept cannot be understood: that must not lift a ban.
    async fn load(&self, project: &ProjectId) -> Result<Moderation, StoreError>;

    /// Keeps this instead of what was kept, durably, whole or not at all. Returns `false`, and
    /// changes nothing, if another server has kept something since this one last loaded or kept it.
    ///
    /// # Errors
    /// `Failed`.
    async fn save(
        &self,
        project: &ProjectId,
        moderation: Arc<Moderation>,
    ) -> Result<bool, StoreError>;

    /// Forgets all of a project that is being removed, also what cannot be understood. It is no
    /// error if nothing is kept.
    ///
    /// # Errors
    /// `Failed`.
    async fn remove(&self, project: &ProjectId) -> Result<(), StoreError>;

    /// From now on, calls `decided` with each project of which any server keeps or forgets
    /// something. A store that no other server uses never calls it.
    fn follow(&self, decided: Decided);
}
