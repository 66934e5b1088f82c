use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;

use crate::application::ports::store_error::StoreError;

/// Identifies one staged upload; one process never uses an id twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StagingId(pub u64);

/// The staged bytes of an upload. Any store can read them; the one that holds them may recognise
/// the id and move the file instead.
#[async_trait]
pub trait StagedUpload: Debug + Send + Sync {
    /// Its id.
    fn id(&self) -> StagingId;

    /// Reads exactly `length` bytes from `offset` on.
    ///
    /// # Errors
    /// `Failed`, also if there are fewer bytes.
    async fn read(&self, offset: u64, length: usize) -> Result<Bytes, StoreError>;
}
