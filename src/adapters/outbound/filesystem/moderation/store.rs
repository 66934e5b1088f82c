//! What moderators have decided, on disk.

use std::sync::Arc;

use async_trait::async_trait;

use crate::adapters::outbound::filesystem::moderation::record;
use crate::adapters::outbound::filesystem::sandbox::error::During;
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::adapters::outbound::filesystem::sandbox::records::{self, Records};
use crate::application::DiskWork;
use crate::application::ports::{ModerationStore, StoreError};
use crate::domain::{Moderation, ProjectId};

/// The longest record that is read: more than the largest `maxModerated` people can take.
const MAX_RECORD_BYTES: u64 = 64 * 1_024 * 1_024;

/// Keeps it in `.twicecast/moderation/<user>/<project>`, and nothing in memory.
pub(crate) struct FilesystemModeration(Records);

impl FilesystemModeration {
    pub(crate) fn new(layout: Arc<Layout>) -> Self {
        Self(Records::new(layout, DiskWork::Moderation))
    }
}

#[async_trait]
impl ModerationStore for FilesystemModeration {
    async fn load(&self, project: &ProjectId) -> Result<Moderation, StoreError> {
        let project = project.clone();
        let load = move |layout: &Layout| {
            const WHAT: &str = "read a file below .twicecast/moderation";
            // Where all is gone, nobody is unbanned by that.
            layout.must_be_there()?;
            let json = records::read(&layout.moderation, &project, MAX_RECORD_BYTES);
            let decoded = json.during(WHAT)?.map(|json| record::decode(&json));
            let decoded = decoded.transpose().map_err(std::io::Error::other);
            Ok(decoded.during(WHAT)?.unwrap_or_default())
        };
        self.0.in_turn(load).await
    }

    async fn save(&self, project: &ProjectId, moderation: Moderation) -> Result<(), StoreError> {
        let project = project.clone();
        let save = move |layout: &Layout| {
            let json = record::encode(&moderation).map_err(StoreError::failed)?;
            let written = records::write(layout, &layout.moderation, &project, &json);
            written.during("write a file below .twicecast/moderation")
        };
        self.0.in_turn(save).await
    }

    async fn remove(&self, project: &ProjectId) -> Result<(), StoreError> {
        let project = project.clone();
        let remove = move |layout: &Layout| {
            let removed = records::remove(&layout.moderation, &project);
            removed.during("remove a file below .twicecast/moderation")
        };
        self.0.in_turn(remove).await
    }
}
