//! Content in memory: a reader shares the bytes of the version that it opened.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;

use crate::application::ports::{FileSource, OpenFile, StoreError};
use crate::domain::{Timestamp, Version};

/// One version of a file.
#[derive(Debug, Clone)]
pub(crate) struct StoredFile {
    pub version: Version,
    pub modified: Timestamp,
    pub content: Bytes,
}

impl StoredFile {
    /// A file that is written now.
    pub fn new(version: Version, content: Bytes) -> Self {
        Self {
            version,
            modified: Timestamp::from_millis(now_nanos() / 1_000_000),
            content,
        }
    }

    pub fn open(&self) -> OpenFile {
        OpenFile {
            version: self.version,
            bytes: self.content.len() as u64,
            modified: self.modified,
            source: Arc::new(Shared(self.content.clone())),
        }
    }
}

/// The time in nanoseconds since the Unix epoch.
#[expect(
    clippy::disallowed_methods,
    reason = "as on a disk, a file's time is the store's own affair"
)]
pub(crate) fn now_nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(0))
}

struct Shared(Bytes);

#[async_trait]
impl FileSource for Shared {
    async fn read(&self, offset: u64, length: usize) -> Result<Bytes, StoreError> {
        let start = usize::try_from(offset).map_err(StoreError::failed)?;
        match start.checked_add(length) {
            Some(end) if end <= self.0.len() => Ok(self.0.slice(start..end)),
            _ => Err(StoreError::failed("asked for more than the file has")),
        }
    }
}
