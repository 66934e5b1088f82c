//! Unfinished uploads in memory.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use crate::application::locks::lock;
use crate::application::ports::{StagingId, StoreError, UploadStaging};
use crate::application::{FileContent, StagedContent};

/// Keeps staged uploads in memory, where they would have been without it.
#[derive(Debug, Default)]
pub struct MemoryStaging(Mutex<HashMap<StagingId, BytesMut>>);

impl MemoryStaging {
    /// All of `content` in one piece.
    pub(crate) fn resolve(&self, content: FileContent) -> Result<Bytes, StoreError> {
        match content {
            FileContent::Memory(bytes) => Ok(bytes),
            FileContent::Staged(content) => self.assemble(&content),
        }
    }

    fn assemble(&self, content: &StagedContent) -> Result<Bytes, StoreError> {
        let mut uploads = lock(&self.0);
        let whole = uploads
            .get(&content.staged)
            .and_then(|staged| collect(staged, content))
            .ok_or_else(|| StoreError::failed("a piece lies outside its upload"))?;
        if content.movable && content.is_whole_log() {
            uploads.remove(&content.staged);
        }
        Ok(whole)
    }
}

fn collect(staged: &[u8], content: &StagedContent) -> Option<Bytes> {
    let border = content.staged_bytes;
    let staged = part(staged, 0..border)?;
    let mut whole = BytesMut::new();
    for piece in &content.pieces {
        if piece.start < border {
            whole.extend_from_slice(part(staged, piece.start..piece.end.min(border))?);
        }
        if piece.end > border {
            let start = piece.start.saturating_sub(border);
            whole.extend_from_slice(part(&content.tail, start..piece.end - border)?);
        }
    }
    Some(whole.freeze())
}

fn part(bytes: &[u8], range: Range<u64>) -> Option<&[u8]> {
    let start = usize::try_from(range.start).ok()?;
    bytes.get(start..usize::try_from(range.end).ok()?)
}

#[async_trait]
impl UploadStaging for MemoryStaging {
    async fn append(&self, id: StagingId, bytes: Bytes) -> Result<(), StoreError> {
        let mut uploads = lock(&self.0);
        uploads.entry(id).or_default().extend_from_slice(&bytes);
        Ok(())
    }

    fn discard(&self, id: StagingId) {
        lock(&self.0).remove(&id);
    }
}
