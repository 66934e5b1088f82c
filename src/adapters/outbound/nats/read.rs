//! Opens files by their place in the log, so that what is read matches what is known.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::adapters::outbound::nats::entry::{Content, Entry, What};
use crate::adapters::outbound::nats::replicas::{InUse, Node};
use crate::application::ports::{FileSource, OpenFile, StoreError};
use crate::domain::FilePath;

/// How often to look again for a file that has just been replaced.
const MOST_LOOKS: u32 = 50;

/// How long to wait each time for the log to tell of what has replaced the file.
const AGAIN: Duration = Duration::from_millis(20);

impl Node {
    /// Opens the newest version of a file that is known here.
    ///
    /// # Errors
    /// `NotFound` if there is none; `Failed`.
    pub async fn open(
        &self,
        (replica, _): &InUse,
        path: &FilePath,
    ) -> Result<OpenFile, StoreError> {
        for _ in 0..MOST_LOOKS {
            let known = replica.with(|ready| ready.entry(path))?;
            let known = known.ok_or(StoreError::NotFound)?;
            let entry = self.entry_at(known.version.number()).await?;
            let source: Option<Arc<dyn FileSource>> = match entry {
                Some(Entry {
                    what: What::Put(found, put),
                    ..
                }) if found == *path => match put.content {
                    Content::Inline(content) => Some(Arc::new(content)),
                    Content::Blob(blob) => self.blobs.open(&blob, put.bytes).await?,
                },
                Some(_) => return Err(StoreError::failed("the log has something else there")),
                None => None,
            };
            if let Some(source) = source {
                return Ok(OpenFile {
                    version: known.version,
                    bytes: known.bytes,
                    modified: known.modified,
                    executable: known.executable,
                    source,
                });
            }
            // The file has been replaced. The log will soon tell of the change that did it.
            sleep(AGAIN).await;
        }
        Err(StoreError::failed(
            "a file is replaced faster than it can be read",
        ))
    }
}
