use async_trait::async_trait;
use bytes::Bytes;

use crate::application::ports::store_error::StoreError;

/// Names one staged upload; never given twice by one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StagingId(pub u64);

/// Where the bytes of unfinished uploads wait, so that they do not sit in memory. What is staged
/// does not survive a restart.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait UploadStaging: Send + Sync {
    /// Appends to the staged upload of that id, which the first call makes. Calls for one id do
    /// not overlap.
    ///
    /// # Errors
    /// `Failed`; what the upload then holds is not to be relied on.
    async fn append(&self, id: StagingId, bytes: Bytes) -> Result<(), StoreError>;

    /// Forgets a staged upload, now or soon, if there is one. Does not wait.
    fn discard(&self, id: StagingId);
}
