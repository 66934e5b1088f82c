use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::application::ports::store_error::StoreError;
use crate::domain::{ContentHash, ProjectEntry, Timestamp, Version};

/// Files up to this length may be read when they are opened, and held in memory.
pub const HELD_FILE_BYTES: usize = 64 * 1_024;

/// The content of one version of a file. It stays readable, and the same, while the file is
/// replaced or deleted.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait FileSource: Send + Sync {
    /// Exactly `length` bytes from `offset` on; the caller must not ask for more than the file has.
    ///
    /// # Errors
    /// `Failed` if the disk fails, or another program has truncated or changed the file.
    async fn read(&self, offset: u64, length: usize) -> Result<Bytes, StoreError>;
}

/// Content in memory, shared by all who read it.
#[async_trait]
impl FileSource for Bytes {
    async fn read(&self, offset: u64, length: usize) -> Result<Bytes, StoreError> {
        let start = usize::try_from(offset).map_err(StoreError::failed)?;
        match start.checked_add(length) {
            Some(end) if end <= self.len() => Ok(self.slice(start..end)),
            _ => Err(StoreError::failed("asked for more than the file has")),
        }
    }
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
    /// Whether it may be executed.
    pub executable: bool,
    /// Its content.
    pub source: Arc<dyn FileSource>,
}

/// How much is read at a time to hash a file.
const HASHED_BYTES: u64 = 256 * 1_024;

impl OpenFile {
    /// About how many bytes of memory it takes to send `bytes`: the bytes and their base64.
    pub const fn sending_bytes(bytes: usize) -> usize {
        bytes * 7 / 3
    }

    /// What is known about the file; its hash is not.
    pub(crate) fn entry(&self) -> ProjectEntry {
        ProjectEntry {
            bytes: self.bytes,
            version: self.version,
            modified: self.modified,
            executable: self.executable,
            sha256: None,
        }
    }

    /// The SHA-256 of the content.
    ///
    /// # Errors
    /// The errors of reading the file.
    pub async fn sha256(&self) -> Result<ContentHash, StoreError> {
        let (mut hash, mut offset) = (Sha256::new(), 0);
        while offset < self.bytes {
            let length = (self.bytes - offset).min(HASHED_BYTES);
            // At most HASHED_BYTES, so it fits.
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            hash.update(self.source.read(offset, length).await?);
            offset += length as u64;
        }
        Ok(ContentHash::from_bytes(hash.finalize().into()))
    }
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
