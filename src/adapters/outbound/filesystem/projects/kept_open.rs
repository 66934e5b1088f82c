//! How many files are kept open for reading at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::application::ports::StoreError;

/// Permits to keep files open while they are sent, so that these files and the sockets together
/// stay below the process's limit. What is written, or read in one go, needs no permit.
#[derive(Debug)]
pub(crate) struct KeptOpen(Arc<Semaphore>);

impl KeptOpen {
    /// Permits for this many files, at least one.
    pub fn new(most: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(most)))
    }

    /// Waits until one more file may be kept open.
    pub async fn one(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let permit = Arc::clone(&self.0).acquire_owned().await;
        permit.map_err(StoreError::failed)
    }
}
