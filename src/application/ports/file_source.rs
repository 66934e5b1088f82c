use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::application::ports::store_error::StoreError;
use crate::domain::{Timestamp, Version};

/// The content of one version of a file. It stays readable, and the same, while the file is
/// replaced or deleted.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait FileSource: Send + Sync {
    /// Exactly `length` bytes from `offset` on; the caller must not ask for more than the file has.
    ///
    /// # Errors
    /// `Failed` if the disk fails or somebody else has truncated the file.
    async fn read(&self, offset: u64, length: usize) -> Result<Bytes, StoreError>;
}

/// A file opened for reading.
#[derive(Clone)]
pub struct OpenFile {
    /// The version that was opened; [`Version::UNKNOWN`] if it was not written through the server.
    pub version: Version,
    /// Its length in bytes.
    pub bytes: u64,
    /// When it was written.
    pub modified: Timestamp,
    /// Its content.
    pub source: Arc<dyn FileSource>,
}

impl std::fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenFile")
            .field("version", &self.version)
            .field("bytes", &self.bytes)
            .field("modified", &self.modified)
            .finish_non_exhaustive()
    }
}
