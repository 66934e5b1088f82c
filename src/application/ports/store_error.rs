//! Why a store did not do what it was asked.

use std::error::Error;
use std::sync::Arc;

use crate::domain::{PutError, QuotaError};

/// Why a store did not do what it was asked.
///
/// A use case answers each variant differently; the cause is only for the log.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Nothing has that name, or what has it is not a regular file or folder of the project itself:
    /// a link, a special file, a file instead of a folder or the reverse.
    #[error("there is nothing of that name")]
    NotFound,
    /// Something else already exists where a file or its folder is to be written.
    #[error("another file or folder already has that name")]
    PathConflict,
    /// The project would exceed one of its limits; nothing was changed.
    #[error(transparent)]
    OverQuota(#[from] QuotaError),
    /// There is no room to do it just now; nothing has changed, with certainty.
    #[error("the store has no room for it just now")]
    Unavailable,
    /// The disk, or another backend that keeps the data, failed.
    #[error("the store failed: {0}")]
    Failed(Arc<dyn Error + Send + Sync>),
}

impl StoreError {
    /// A failure of the disk or another backend, with its cause.
    pub fn failed(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(Arc::from(cause.into()))
    }
}

impl From<PutError> for StoreError {
    fn from(error: PutError) -> Self {
        match error {
            PutError::Quota(error) => Self::OverQuota(error),
            PutError::PathConflict => Self::PathConflict,
        }
    }
}
