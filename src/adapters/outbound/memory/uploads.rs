//! Unfinished uploads and drafts in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use crate::adapters::outbound::system::now_nanos;
use crate::application::FileContent;
use crate::application::locks::lock;
use crate::application::ports::{OpenFile, StagingId, StoreError, UploadStore};
use crate::domain::{FilePath, PullRequestId, Timestamp, Version};

/// The files of a pull request.
pub(crate) type Files = BTreeMap<FilePath, OpenFile>;

/// Keeps uploads in memory, where they would be without this store, and drafts until they are
/// finished or discarded.
#[derive(Debug, Default)]
pub(crate) struct MemoryUploads {
    staged: Mutex<HashMap<StagingId, BytesMut>>,
    drafts: Mutex<HashMap<PullRequestId, Files>>,
}

impl MemoryUploads {
    /// Removes and returns the files of a draft.
    ///
    /// # Errors
    /// `NotFound` if one of `files` was never written; the draft stays.
    pub(crate) fn take_draft(
        &self,
        draft: PullRequestId,
        files: &[FilePath],
    ) -> Result<Files, StoreError> {
        let mut drafts = lock(&self.drafts);
        let own = drafts.get(&draft);
        let is_there = |path| own.is_some_and(|own| own.contains_key(path));
        if !files.iter().all(is_there) {
            return Err(StoreError::NotFound);
        }
        Ok(drafts.remove(&draft).unwrap_or_default())
    }
}

#[async_trait]
impl UploadStore for MemoryUploads {
    async fn append(&self, upload: StagingId, bytes: Bytes) -> Result<(), StoreError> {
        let mut staged = lock(&self.staged);
        staged.entry(upload).or_default().extend_from_slice(&bytes);
        Ok(())
    }

    async fn read(
        &self,
        upload: StagingId,
        offset: u64,
        length: usize,
    ) -> Result<Bytes, StoreError> {
        let start = usize::try_from(offset).map_err(StoreError::failed)?;
        let staged = lock(&self.staged);
        let bytes = staged
            .get(&upload)
            .and_then(|staged| staged.get(start..start.checked_add(length)?));
        let outside = || StoreError::failed("asked for more than the upload has");
        Ok(Bytes::copy_from_slice(bytes.ok_or_else(outside)?))
    }

    fn discard(&self, upload: StagingId) {
        lock(&self.staged).remove(&upload);
    }

    async fn put_draft_file(
        &self,
        draft: PullRequestId,
        path: &FilePath,
        content: FileContent,
    ) -> Result<(), StoreError> {
        let content = content.read().await?;
        let file = OpenFile {
            // It has no versions: once finished, it is never replaced.
            version: Version::UNKNOWN,
            bytes: content.len() as u64,
            modified: Timestamp::from_millis(now_nanos() / 1_000_000),
            executable: false,
            source: Arc::new(content),
        };
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
