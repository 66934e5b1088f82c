//! What moderators have decided, on disk.

use std::sync::Arc;

use async_trait::async_trait;

use crate::adapters::outbound::filesystem::sandbox::error::During;
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::adapters::outbound::filesystem::sandbox::records::{self, Records};
use crate::adapters::outbound::records::moderation as record;
use crate::application::DiskWork;
use crate::application::memory::MemoryBudget;
use crate::application::ports::{Decided, ModerationStore, StoreError};
use crate::domain::{Moderation, ProjectId};

/// About how many bytes of memory it takes to read one byte of a record: the byte itself, the JSON
/// made from it, and the values made from that.
const READING: usize = 4;

/// Reading a record may take one byte in this many of the memory for clients: enough for any record
/// that the default limits allow.
const PART_OF_MEMORY: usize = 4;

/// Keeps each project's moderation in `.twicecast/moderation/<user>/<project>`, and nothing in
/// memory.
pub(crate) struct FilesystemModeration {
    records: Records,
    memory: Arc<MemoryBudget>,
}

impl FilesystemModeration {
    /// Reserves from `memory` what it takes to read a record.
    pub(crate) fn new(layout: Arc<Layout>, memory: Arc<MemoryBudget>) -> Self {
        let records = Records::new(layout, DiskWork::Moderation);
        Self { records, memory }
    }
}

#[async_trait]
impl ModerationStore for FilesystemModeration {
    async fn load(&self, project: &ProjectId) -> Result<Moderation, StoreError> {
        const WHAT: &str = "read a file below .twicecast/moderation";
        let (asked, memory) = (project.clone(), Arc::clone(&self.memory));
        let load = move |layout: &Layout| {
            // If everything is gone, this fails, so that nobody is unbanned by that.
            layout.must_be_there()?;
            let found = records::find(&layout.moderation, &asked).during(WHAT)?;
            let Some(opened) = found else {
                return Ok(Moderation::default());
            };
            // A record that is too long is refused, so that no connection is closed to make room
            // for it.
            let (_, metadata) = &opened;
            let bytes = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
            let reading = bytes.saturating_mul(READING);
            if reading > memory.max() / PART_OF_MEMORY {
                let too_long = std::io::Error::other("it is too long for maxMemoryBytes");
                return Err(too_long).during(WHAT);
            }
            let _reading = memory.reserve(reading);
            let json = records::whole(opened, record::MAX_RECORD_BYTES).during(WHAT)?;
            let decoded = record::decode(&json).map_err(std::io::Error::other);
            decoded.during(WHAT)
        };
        self.records.in_turn(Some(&project.streamer), load).await
    }

    async fn save(
        &self,
        project: &ProjectId,
        moderation: Arc<Moderation>,
    ) -> Result<bool, StoreError> {
        let asked = project.clone();
        let save = move |layout: &Layout| {
            let json = record::encode(&moderation).map_err(StoreError::failed)?;
            let written = records::write(layout, &layout.moderation, &asked, &json);
            written.during("write a file below .twicecast/moderation")
        };
        let saved = self.records.in_turn(Some(&project.streamer), save).await;
        saved.map(|()| true)
    }

    async fn remove(&self, project: &ProjectId) -> Result<(), StoreError> {
        let asked = project.clone();
        let remove = move |layout: &Layout| {
            let removed = records::remove(&layout.moderation, &asked);
            removed.during("remove a file below .twicecast/moderation")
        };
        self.records.in_turn(Some(&project.streamer), remove).await
    }

    fn follow(&self, _: Decided) {}
}
