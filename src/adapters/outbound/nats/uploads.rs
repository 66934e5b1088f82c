//! Unfinished uploads and drafts: files of this node, because they end with their connection.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;

use crate::adapters::outbound::nats::blobs::{CHUNK_BYTES, own_staging_id};
use crate::application::locks::lock;
use crate::application::ports::{StagedUpload, StagingId, StoreError, UploadStore};
use crate::application::{FileContent, StagedContent};
use crate::domain::{FilePath, PullRequestId};

/// Keeps everything in another store of this node; each file of a draft is an upload of its own.
pub(crate) struct NatsUploads {
    files: Arc<dyn UploadStore>,
    drafts: Mutex<HashMap<PullRequestId, DraftFiles>>,
}

type DraftFiles = BTreeMap<FilePath, Arc<DraftFile>>;

/// A file of a draft; removed when nobody needs it any more.
pub(crate) struct DraftFile {
    files: Arc<dyn UploadStore>,
    id: StagingId,
    bytes: u64,
}

impl DraftFile {
    /// Its content.
    pub fn content(self: &Arc<Self>) -> FileContent {
        FileContent::Staged(StagedContent {
            staged: Arc::clone(self) as Arc<dyn StagedUpload>,
            staged_bytes: self.bytes,
            tail: Bytes::new(),
            pieces: std::iter::once(0..self.bytes).collect(),
            movable: false,
        })
    }
}

impl fmt::Debug for DraftFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

impl Drop for DraftFile {
    fn drop(&mut self) {
        self.files.discard(self.id);
    }
}

#[async_trait]
impl StagedUpload for DraftFile {
    fn id(&self) -> StagingId {
        self.id
    }

    async fn read(&self, offset: u64, length: usize) -> Result<Bytes, StoreError> {
        self.files.read(self.id, offset, length).await
    }
}

impl NatsUploads {
    pub fn new(files: Arc<dyn UploadStore>) -> Self {
        Self {
            files,
            drafts: Mutex::default(),
        }
    }

    /// These files of a draft.
    ///
    /// # Errors
    /// `NotFound` if one of them was never written.
    pub fn draft(
        &self,
        draft: PullRequestId,
        files: &[FilePath],
    ) -> Result<Vec<Arc<DraftFile>>, StoreError> {
        let drafts = lock(&self.drafts);
        let own = drafts.get(&draft);
        let file = |path| own.and_then(|own| own.get(path)).cloned();
        let found: Option<Vec<_>> = files.iter().map(file).collect();
        found.ok_or(StoreError::NotFound)
    }

    async fn copy(&self, content: &FileContent, file: &DraftFile) -> Result<(), StoreError> {
        // So that an empty file is there, too.
        self.files.append(file.id, Bytes::new()).await?;
        for piece in content.pieces(CHUNK_BYTES as u64)? {
            let bytes = Bytes::copy_from_slice(&piece.read().await?);
            self.files.append(file.id, bytes).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl UploadStore for NatsUploads {
    async fn append(&self, upload: StagingId, bytes: Bytes) -> Result<(), StoreError> {
        self.files.append(upload, bytes).await
    }

    async fn read(
        &self,
        upload: StagingId,
        offset: u64,
        length: usize,
    ) -> Result<Bytes, StoreError> {
        self.files.read(upload, offset, length).await
    }

    fn discard(&self, upload: StagingId) {
        self.files.discard(upload);
    }

    async fn put_draft_file(
        &self,
        draft: PullRequestId,
        path: &FilePath,
        content: FileContent,
    ) -> Result<(), StoreError> {
        let file = Arc::new(DraftFile {
            files: Arc::clone(&self.files),
            id: own_staging_id(),
            bytes: content.bytes(),
        });
        self.copy(&content, &file).await?;
        let mut drafts = lock(&self.drafts);
        drafts.entry(draft).or_default().insert(path.clone(), file);
        Ok(())
    }

    async fn remove_draft_file(
        &self,
        draft: PullRequestId,
        path: &FilePath,
    ) -> Result<(), StoreError> {
        if let Some(files) = lock(&self.drafts).get_mut(&draft) {
            files.remove(path);
        }
        Ok(())
    }

    fn discard_draft(&self, draft: PullRequestId) {
        lock(&self.drafts).remove(&draft);
    }
}
