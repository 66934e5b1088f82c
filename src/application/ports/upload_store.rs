use async_trait::async_trait;
use bytes::Bytes;

use crate::application::file_content::FileContent;
use crate::application::ports::staged_upload::StagingId;
use crate::application::ports::store_error::StoreError;
use crate::domain::{FilePath, PullRequestId};

/// Keeps unfinished data: the bytes of uploads, so that they do not sit in memory, and the files of
/// drafts. None of it survives a restart.
///
/// A draft is created with its first file. Files of drafts are stored where no client's name can
/// reach, so no name conflicts with another here.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait UploadStore: Send + Sync {
    /// Appends to the upload of that id, which the first call creates. Calls for one id do not
    /// overlap.
    ///
    /// # Errors
    /// `Failed`; the upload's content is then undefined.
    async fn append(&self, upload: StagingId, bytes: Bytes) -> Result<(), StoreError>;

    /// Reads exactly `length` bytes of an upload from `offset` on.
    ///
    /// # Errors
    /// `Failed`, also if the upload has fewer bytes.
    async fn read(
        &self,
        upload: StagingId,
        offset: u64,
        length: usize,
    ) -> Result<Bytes, StoreError>;

    /// Discards an upload, now or soon, if there is one. Does not wait.
    fn discard(&self, upload: StagingId);

    /// Writes a file of the draft, whole or not at all. Need not be durable before the draft is
    /// finished ([`PullRequestStore::finish`](super::PullRequestStore::finish)).
    ///
    /// # Errors
    /// `Failed`; what the draft had under that name before is kept then.
    async fn put_draft_file(
        &self,
        draft: PullRequestId,
        path: &FilePath,
        content: FileContent,
    ) -> Result<(), StoreError>;

    /// Removes a file from the draft; does nothing if it is not there.
    ///
    /// # Errors
    /// `Failed`.
    async fn remove_draft_file(
        &self,
        draft: PullRequestId,
        path: &FilePath,
    ) -> Result<(), StoreError>;

    /// Discards a draft, now or soon, if there is one. Does not wait.
    fn discard_draft(&self, draft: PullRequestId);
}
