//! What moderators have decided, in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use crate::application::locks::lock;
use crate::application::ports::{Decided, ModerationStore, StoreError};
use crate::domain::{Moderation, ProjectId};

/// Keeps the decisions as long as it lives.
#[derive(Debug, Default)]
pub(crate) struct MemoryModeration(Mutex<HashMap<ProjectId, Arc<Moderation>>>);

#[async_trait]
impl ModerationStore for MemoryModeration {
    async fn load(&self, project: &ProjectId) -> Result<Moderation, StoreError> {
        let kept = lock(&self.0).get(project).cloned();
        Ok(kept.map(Arc::unwrap_or_clone).unwrap_or_default())
    }

    async fn save(
        &self,
        project: &ProjectId,
        moderation: Arc<Moderation>,
    ) -> Result<bool, StoreError> {
        lock(&self.0).insert(project.clone(), moderation);
        Ok(true)
    }

    async fn remove(&self, project: &ProjectId) -> Result<(), StoreError> {
        lock(&self.0).remove(project);
        Ok(())
    }

    fn follow(&self, _: Decided) {}
}
