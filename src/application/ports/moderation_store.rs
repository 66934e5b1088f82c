use std::sync::Arc;

use async_trait::async_trait;

use crate::application::ports::store_error::StoreError;
use crate::domain::{Moderation, ProjectId};

/// Keeps what moderators have decided in each project, across restarts.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait ModerationStore: Send + Sync {
    /// What is kept of a project's moderation; nothing has been decided where nothing is kept.
    ///
    /// # Errors
    /// `Failed`, also where what is kept cannot be understood: that must not lift a ban.
    async fn load(&self, project: &ProjectId) -> Result<Moderation, StoreError>;

    /// Keeps this instead of what was kept, durably, whole or not at all.
    ///
    /// # Errors
    /// `Failed`.
    async fn save(
        &self,
        project: &ProjectId,
        moderation: Arc<Moderation>,
    ) -> Result<(), StoreError>;

    /// Forgets all of a project that is being removed, also what cannot be understood. Nothing is
    /// no error.
    ///
    /// # Errors
    /// `Failed`.
    async fn remove(&self, project: &ProjectId) -> Result<(), StoreError>;
}
