//! What moderators have decided, in memory.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;

use crate::application::locks::lock;
use crate::application::ports::{ModerationStore, StoreError};
use crate::domain::{Moderation, ProjectId};

/// Keeps it as long as it lives.
#[derive(Debug, Default)]
pub(crate) struct MemoryModeration(Mutex<HashMap<ProjectId, Moderation>>);

#[async_trait]
impl ModerationStore for MemoryModeration {
    async fn load(&self, project: &ProjectId) -> Result<Moderation, StoreError> {
        Ok(lock(&self.0).get(project).cloned().unwrap_or_default())
    }

    async fn save(&self, project: &ProjectId, moderation: Moderation) -> Result<(), StoreError> {
        lock(&self.0).insert(project.clone(), moderation);
        Ok(())
    }

    async fn remove(&self, project: &ProjectId) -> Result<(), StoreError> {
        lock(&self.0).remove(project);
        Ok(())
    }
}
