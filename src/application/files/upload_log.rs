//! The bytes of an unfinished upload: the latest in memory, the rest staged.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::application::file_content::{FileContent, StagedContent};
use crate::application::ports::{StagingId, StoreError, UploadStaging};

/// How much of an upload waits in memory before it is staged.
const SPILL_BYTES: usize = 256 * 1_024;

/// A staged upload, which is forgotten when nobody holds it any more.
pub(crate) struct Staged {
    id: StagingId,
    staging: Arc<dyn UploadStaging>,
}

impl Drop for Staged {
    fn drop(&mut self) {
        self.staging.discard(self.id);
    }
}

impl fmt::Debug for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

/// The content of a file, and what keeps its staged bytes alive until it has been stored.
#[derive(Debug)]
pub(crate) struct ReadyContent {
    pub content: FileContent,
    pub hold: Option<Arc<Staged>>,
}

impl From<Bytes> for ReadyContent {
    fn from(bytes: Bytes) -> Self {
        Self {
            content: FileContent::Memory(bytes),
            hold: None,
        }
    }
}

/// What came of a file, in the order in which it came.
#[derive(Debug, Default)]
pub(crate) struct UploadLog {
    staged: Option<Arc<Staged>>,
    staged_bytes: u64,
    tail: Vec<u8>,
}

impl UploadLog {
    /// Appends in memory.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
    }

    /// Whether so much has gathered in memory that it should be staged.
    pub(crate) fn is_heavy(&self) -> bool {
        self.tail.len() >= SPILL_BYTES
    }

    /// Stages what has gathered in memory; `id` names the upload if it is not staged yet.
    ///
    /// # Errors
    /// Those of [`UploadStaging::append`]; the upload is of no use then.
    pub(crate) async fn spill(
        &mut self,
        staging: &Arc<dyn UploadStaging>,
        id: impl FnOnce() -> StagingId,
    ) -> Result<(), StoreError> {
        let staged = self.staged.get_or_insert_with(|| {
            Arc::new(Staged {
                id: id(),
                staging: Arc::clone(staging),
            })
        });
        let bytes = Bytes::from(std::mem::take(&mut self.tail));
        let length = bytes.len() as u64;
        staged.staging.append(staged.id, bytes).await?;
        self.staged_bytes += length;
        Ok(())
    }

    /// The content that `pieces` of the log make. `last` is whether nothing more will be asked of
    /// this log, so that its bytes may be moved instead of copied.
    pub(crate) fn content(&mut self, pieces: Vec<Range<u64>>, last: bool) -> ReadyContent {
        let Some(staged) = &self.staged else {
            return Bytes::from(self.gather(&pieces, last)).into();
        };
        let tail = if last {
            std::mem::take(&mut self.tail)
        } else {
            self.tail.clone()
        };
        let content = FileContent::Staged(StagedContent {
            staged: staged.id,
            staged_bytes: self.staged_bytes,
            tail: tail.into(),
            pieces,
            movable: last,
        });
        ReadyContent {
            content,
            hold: Some(Arc::clone(staged)),
        }
    }

    fn gather(&mut self, pieces: &[Range<u64>], last: bool) -> Vec<u8> {
        let whole = matches!(pieces, [all] if all.start == 0 && all.end == self.tail.len() as u64);
        if whole && last {
            return std::mem::take(&mut self.tail);
        }
        // All offsets lie within `tail`, so they fit.
        let at = |offset: u64| usize::try_from(offset).unwrap_or(self.tail.len());
        pieces
            .iter()
            .flat_map(|piece| &self.tail[at(piece.start)..at(piece.end)])
            .copied()
            .collect()
    }
}
