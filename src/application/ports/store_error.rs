//! Why a store did not do what it was asked.

use std::error::Error;
use std::sync::Arc;

use crate::domain::{PutError, QuotaError};

/// Why a store did not do what it was asked.
///
/// Each variant is something that a use case answers differently; the cause is for the log alone.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// There is nothing of that name, or what is there is no regular file or folder of the
    /// project's own: a link, a special file, the other of file and folder.
    #[error("there is nothing of that name")]
    NotFound,
    /// Something else stands where a file or its folder is to be written.
    #[error("another file or folder already has that name")]
    PathConflict,
    /// A bound of the project would be passed; nothing was changed.
    #[error(transparent)]
    OverQuota(#[from] QuotaError),
    /// There is no room to do it just now; certainly nothing has changed.
    #[error("the store has no room for it just now")]
    Unavailable,
    /// The disk, or whatever keeps the data, refused.
    #[error("the store failed: {0}")]
    Failed(Arc<dyn Error + Send + Sync>),
}

impl StoreError {
    /// A failure of whatever keeps the data, with its cause.
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
