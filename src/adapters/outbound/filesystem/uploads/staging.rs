//! Unfinished uploads on disk.

use std::io::Write;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rustix::io::Errno;

use crate::adapters::outbound::filesystem::pool::blocking_pool::{BlockingPool, soon};
use crate::adapters::outbound::filesystem::sandbox::error::During;
use crate::adapters::outbound::filesystem::sandbox::folder::FILE;
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::application::ports::{StagingId, StoreError, UploadStaging};

/// Stages uploads in `.twicecast/staging`, one file each. No file is kept open in between: there
/// may be far more unfinished uploads than a process may open files.
#[derive(Debug)]
pub struct FilesystemStaging {
    layout: Arc<Layout>,
    gate: BlockingPool,
}

impl FilesystemStaging {
    pub(crate) fn new(layout: Arc<Layout>) -> Self {
        Self {
            layout,
            gate: BlockingPool::new(),
        }
    }
}

/// The name of a staged upload in the staging folder.
pub(crate) fn staged_name(id: StagingId) -> String {
    format!("upload-{}", id.0)
}

#[async_trait]
impl UploadStaging for FilesystemStaging {
    async fn append(&self, id: StagingId, bytes: Bytes) -> Result<(), StoreError> {
        let layout = Arc::clone(&self.layout);
        // Before anything waits, so that a discard from now on finds it.
        let life = layout.uploads.join(id);
        self.gate
            .run(move || {
                life.share(|| {
                    // It may be moved to a project as it is, hence the mode of a project's files.
                    let opened = layout.staging.append(&staged_name(id), Some(FILE));
                    let mut file = opened.during("open a staged upload")?;
                    file.write_all(&bytes).during("write a staged upload")
                })
            })
            .await
    }

    fn discard(&self, id: StagingId) {
        let Some(life) = self.layout.uploads.take(&id) else {
            return;
        };
        let layout = Arc::clone(&self.layout);
        soon(move || {
            life.end(|| match layout.staging.remove_file(&staged_name(id)) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => tracing::warn!(%error, "cannot remove a staged upload"),
            });
        });
    }
}
