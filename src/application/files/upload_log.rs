//! The bytes of an unfinished upload: the latest in memory, the rest staged.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::application::file_content::{FileContent, StagedContent};
use crate::application::memory::{Account, Reservation};
use crate::application::ports::{StagedUpload, StagingId, StoreError, UploadStore};

/// How many bytes of an upload collect in memory before they are staged.
pub(crate) const SPILL_BYTES: usize = 256 * 1_024;

/// A staged upload, which is discarded once nothing refers to it any more.
pub(crate) struct Staged {
    id: StagingId,
    store: Arc<dyn UploadStore>,
}

#[async_trait]
impl StagedUpload for Staged {
    fn id(&self) -> StagingId {
        self.id
    }

    async fn read(&self, offset: u64, length: usize) -> Result<Bytes, StoreError> {
        self.store.read(self.id, offset, length).await
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        self.store.discard(self.id);
    }
}

impl fmt::Debug for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

/// The content of a file, and the memory that it takes until it has been stored.
#[derive(Debug)]
pub(crate) struct ReadyContent {
    pub content: FileContent,
    pub hold: Reservation,
}

impl ReadyContent {
    /// Reserves on `account` the memory that the content takes, without asking whether there is
    /// room: the content already exists.
    pub(crate) fn new(content: FileContent, account: &Arc<Account>) -> Self {
        Self {
            hold: account.reserve(content.memory_bytes()),
            content,
        }
    }
}

/// The bytes received of a file, in the order in which they arrived.
#[derive(Debug, Default)]
pub(crate) struct UploadLog {
    staged: Option<Arc<Staged>>,
    staged_bytes: u64,
    tail: Vec<u8>,
}

impl UploadLog {
    /// How many bytes are waiting in memory.
    pub(crate) fn gathered(&self) -> usize {
        self.tail.len()
    }

    /// How many bytes of memory the log takes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.tail.capacity()
    }

    /// How many bytes of memory the log takes once `more` bytes are appended. Capacity at least
    /// doubles each time, so that a million short parts are not moved a million times, but does not
    /// exceed the amount that is staged anyway.
    pub(crate) fn memory_bytes_with(&self, more: usize) -> usize {
        let (needed, now) = (self.tail.len() + more, self.tail.capacity());
        if needed <= now {
            return now;
        }
        needed.max((2 * now).min(SPILL_BYTES))
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) {
        let room = self.memory_bytes_with(bytes.len());
        self.tail.reserve_exact(room - self.tail.len());
        self.tail.extend_from_slice(bytes);
    }

    /// Stages the bytes collected in memory, followed by `bytes`; `id` names the upload if it is
    /// not staged yet.
    ///
    /// # Errors
    /// The errors of [`UploadStore::append`]; the upload cannot be used after one.
    pub(crate) async fn stage(
        &mut self,
        bytes: Bytes,
        store: &Arc<dyn UploadStore>,
        id: impl FnOnce() -> StagingId,
    ) -> Result<(), StoreError> {
        let staged = self.staged.get_or_insert_with(|| {
            let (id, store) = (id(), Arc::clone(store));
            Arc::new(Staged { id, store })
        });
        let tail = Bytes::from(std::mem::take(&mut self.tail));
        for bytes in [tail, bytes] {
            let length = bytes.len() as u64;
            if length > 0 {
                staged.store.append(staged.id, bytes).await?;
                self.staged_bytes += length;
            }
        }
        Ok(())
    }

    /// The content made of `pieces` of the log. `last` says that nothing more will be asked of this
    /// log, so that its bytes may be moved instead of copied.
    pub(crate) fn content(&mut self, pieces: Vec<Range<u64>>, last: bool) -> FileContent {
        let Some(staged) = &self.staged else {
            return FileContent::Memory(self.gather(&pieces, last).into());
        };
        let tail = if last {
            std::mem::take(&mut self.tail)
        } else {
            self.tail.clone()
        };
        FileContent::Staged(StagedContent {
            staged: Arc::clone(staged) as _,
            staged_bytes: self.staged_bytes,
            tail: tail.into(),
            pieces,
            movable: last,
        })
    }

    fn gather(&mut self, pieces: &[Range<u64>], last: bool) -> Vec<u8> {
        let whole = matches!(pieces, [all] if all.start == 0 && all.end == self.tail.len() as u64);
        if whole && last {
            return std::mem::take(&mut self.tail);
        }
        // All offsets are within `tail`, so they fit.
        let at = |offset: u64| usize::try_from(offset).unwrap_or(self.tail.len());
        pieces
            .iter()
            .flat_map(|piece| &self.tail[at(piece.start)..at(piece.end)])
            .copied()
            .collect()
    }
}
