//! Unfinished uploads and drafts on disk.

use std::io::Write;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rustix::io::Errno;

use crate::adapters::outbound::filesystem::pool::blocking_pool::BlockingPool;
use crate::adapters::outbound::filesystem::pool::blocking_threads::soon;
use crate::adapters::outbound::filesystem::pool::in_flight::InFlight;
use crate::adapters::outbound::filesystem::sandbox::error::During;
use crate::adapters::outbound::filesystem::sandbox::folder::{FILE, PRIVATE_FILE, PRIVATE_FOLDER};
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::adapters::outbound::filesystem::uploads::content;
use crate::adapters::outbound::filesystem::uploads::names::{staged_name, stored_name};
use crate::application::DiskWork;
use crate::application::FileContent;
use crate::application::ports::{StagingId, StoreError, UploadStore};
use crate::domain::{FilePath, PullRequestId};

/// Keeps uploads in `.twicecast/staging`, one file each, and drafts in `.twicecast/drafts/<id>`,
/// flat, each file under the hash of its name.
///
/// No file is kept open in between: there may be far more unfinished uploads than a process may
/// open files. Nothing is synced: uploads and drafts end with their connection.
pub(crate) struct FilesystemUploads {
    layout: Arc<Layout>,
    drafts: Arc<InFlight<PullRequestId>>,
    staging_pool: BlockingPool,
    draft_pool: BlockingPool,
}

impl FilesystemUploads {
    /// `drafts` are the unfinished drafts, which the pull request store takes over.
    pub(crate) fn new(layout: Arc<Layout>, drafts: Arc<InFlight<PullRequestId>>) -> Self {
        Self {
            drafts,
            staging_pool: BlockingPool::shared(DiskWork::Uploads, &layout.disk),
            draft_pool: BlockingPool::changes_of_all(DiskWork::Drafts, &layout.disk),
            layout,
        }
    }
}

#[async_trait]
impl UploadStore for FilesystemUploads {
    async fn append(&self, upload: StagingId, bytes: Bytes) -> Result<(), StoreError> {
        let layout = Arc::clone(&self.layout);
        // Before anything waits, so that a discard from now on finds it.
        let entry = layout.uploads.join(upload);
        let append = move || {
            entry.share(|| {
                // It may be moved to a project unchanged, so it has the mode of a project's files.
                let opened = layout.staging.append(&staged_name(upload), Some(FILE));
                let mut file = opened.during("open a staged upload")?;
                file.write_all(&bytes).during("write a staged upload")
            })
        };
        self.staging_pool.run(append).await
    }

    async fn read(
        &self,
        upload: StagingId,
        offset: u64,
        length: usize,
    ) -> Result<Bytes, StoreError> {
        let layout = Arc::clone(&self.layout);
        let read = move || {
            let file = layout.staging.file(&staged_name(upload));
            let file = file.during("open a staged upload")?;
            let available = file.metadata().during("look at a staged upload")?.len();
            if offset.saturating_add(length as u64) > available {
                return Err(StoreError::failed("asked for more than the upload has"));
            }
            let mut bytes = vec![0; length];
            let read = file.read_exact_at(&mut bytes, offset);
            read.during("read a staged upload")?;
            Ok(bytes.into())
        };
        self.staging_pool.run(read).await
    }

    fn discard(&self, upload: StagingId) {
        let Some(entry) = self.layout.uploads.take(&upload) else {
            return;
        };
        let layout = Arc::clone(&self.layout);
        soon(move || {
            entry.end(|| match layout.staging.remove_file(&staged_name(upload)) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => tracing::warn!(%error, "cannot remove a staged upload"),
            });
        });
    }

    async fn put_draft_file(
        &self,
        draft: PullRequestId,
        path: &FilePath,
        content: FileContent,
    ) -> Result<(), StoreError> {
        const WHAT: &str = "write a draft's file";
        let (layout, name) = (Arc::clone(&self.layout), stored_name(path));
        // Before anything waits, so that a discard from now on finds it.
        let entry = self.drafts.join(draft);
        let put = move || {
            entry.share(|| {
                let (mut temporary, _) = content::write(&layout, &content, PRIVATE_FILE)?;
                let id = draft.to_string();
                layout
                    .drafts
                    .make_folder(&id, PRIVATE_FOLDER)
                    .during(WHAT)?;
                let folder = layout.drafts.folder(&id).during(WHAT)?;
                temporary.replace(&folder, &name).during(WHAT)
            })
        };
        self.draft_pool.run(put).await
    }

    async fn remove_draft_file(
        &self,
        draft: PullRequestId,
        path: &FilePath,
    ) -> Result<(), StoreError> {
        let (layout, name) = (Arc::clone(&self.layout), stored_name(path));
        let entry = self.drafts.join(draft);
        let remove = move || {
            entry.share(|| {
                let folder = layout.drafts.folder(&draft.to_string());
                match folder.and_then(|folder| folder.remove_file(&name)) {
                    Ok(()) | Err(Errno::NOENT) => Ok(()),
                    Err(error) => Err(error).during("remove a draft's file"),
                }
            })
        };
        self.draft_pool.run(remove).await
    }

    fn discard_draft(&self, draft: PullRequestId) {
        let Some(entry) = self.drafts.take(&draft) else {
            return;
        };
        let layout = Arc::clone(&self.layout);
        soon(move || {
            entry.end(|| match layout.drafts.remove_tree(&draft.to_string()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => tracing::warn!(%error, %draft, "cannot remove a draft"),
            });
        });
    }
}
