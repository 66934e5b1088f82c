//! The content of a file on its way into a store.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::application::ports::staged_upload::StagedUpload;
use crate::application::ports::store_error::StoreError;

/// The content of a file, in memory or partly staged.
#[derive(Debug, Clone)]
pub enum FileContent {
    /// All of it.
    Memory(Bytes),
    /// Ranges of a log whose beginning is staged and whose end is in memory.
    Staged(StagedContent),
}

/// Ranges of an upload's log, in the order in which they make up the content.
#[derive(Debug, Clone)]
pub struct StagedContent {
    /// The staged beginning of the log.
    pub staged: Arc<dyn StagedUpload>,
    /// How long that beginning is, in bytes.
    pub staged_bytes: u64,
    /// The rest of the log.
    pub tail: Bytes,
    /// The ranges, by their offset in the whole log.
    pub pieces: Vec<Range<u64>>,
    /// Whether the store may move the staged file into place instead of copying it. It must not if
    /// the upload may still be completed differently.
    pub movable: bool,
}

/// A range of the content, and where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stretch<'a> {
    /// In the staged upload, at this offset.
    Staged(Range<u64>),
    /// In memory.
    Memory(&'a [u8]),
}

/// A part of a content that is read by itself.
#[derive(Debug)]
pub enum Piece<'a> {
    /// In memory.
    Memory(&'a [u8]),
    /// In a staged upload, at this offset.
    Staged(&'a dyn StagedUpload, Range<u64>),
}

impl FileContent {
    /// Its length in bytes.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Staged(staged) => {
                let lengths = staged.pieces.iter().map(|piece| piece.end - piece.start);
                lengths.sum()
            }
        }
    }

    /// How many bytes of it are in memory.
    pub fn memory_bytes(&self) -> usize {
        match self {
            Self::Memory(bytes) => bytes.len(),
            Self::Staged(staged) => staged.tail.len(),
        }
    }

    /// Reads all of it, whichever store has staged it.
    ///
    /// # Errors
    /// `Failed` if a piece lies outside the upload or cannot be read.
    pub async fn read(self) -> Result<Bytes, StoreError> {
        if let Self::Memory(bytes) = self {
            return Ok(bytes);
        }
        let mut whole = BytesMut::new();
        for piece in self.pieces(u64::MAX)? {
            whole.extend_from_slice(&piece.read().await?);
        }
        Ok(whole.freeze())
    }

    /// The content in pieces, in order, for callers that read it bit by bit. Staged content comes
    /// in pieces of at most `most` bytes; `most` must not be 0.
    ///
    /// # Errors
    /// `Failed` if a piece lies outside the upload.
    pub fn pieces(&self, most: u64) -> Result<Vec<Piece<'_>>, StoreError> {
        let content = match self {
            Self::Memory(bytes) => return Ok(vec![Piece::Memory(bytes)]),
            Self::Staged(content) => content,
        };
        let mut pieces = Vec::new();
        for stretch in content.stretches()? {
            match stretch {
                Stretch::Memory(bytes) => pieces.push(Piece::Memory(bytes)),
                Stretch::Staged(Range { mut start, end }) => {
                    while start < end {
                        let next = end.min(start.saturating_add(most));
                        pieces.push(Piece::Staged(&*content.staged, start..next));
                        start = next;
                    }
                }
            }
        }
        Ok(pieces)
    }
}

impl Piece<'_> {
    /// Its bytes.
    ///
    /// # Errors
    /// `Failed` if they cannot be read.
    pub async fn read(&self) -> Result<Cow<'_, [u8]>, StoreError> {
        match self {
            Self::Memory(bytes) => Ok(Cow::Borrowed(bytes)),
            Self::Staged(staged, range) => {
                let length = usize::try_from(range.end - range.start);
                let length = length.map_err(StoreError::failed)?;
                Ok(Cow::Owned(staged.read(range.start, length).await?.into()))
            }
        }
    }
}

impl StagedContent {
    /// Whether the content is the whole log in order: then the staged file needs only its tail.
    pub fn is_whole_log(&self) -> bool {
        let log = self.staged_bytes + self.tail.len() as u64;
        matches!(self.pieces.as_slice(), [all] if *all == (0..log))
    }

    /// The content, range by range.
    ///
    /// # Errors
    /// `Failed` if a piece lies outside the log.
    pub fn stretches(&self) -> Result<Vec<Stretch<'_>>, StoreError> {
        let mut stretches = Vec::new();
        for piece in &self.pieces {
            let staged = piece.start..piece.end.min(self.staged_bytes);
            if !staged.is_empty() {
                stretches.push(Stretch::Staged(staged));
            }
            let tail = piece.start.max(self.staged_bytes)..piece.end;
            if !tail.is_empty() {
                let bytes = self.of_tail(tail);
                let outside = || StoreError::failed("a piece lies outside its upload");
                stretches.push(Stretch::Memory(bytes.ok_or_else(outside)?));
            }
        }
        Ok(stretches)
    }

    fn of_tail(&self, range: Range<u64>) -> Option<&[u8]> {
        let start = usize::try_from(range.start - self.staged_bytes).ok()?;
        let end = usize::try_from(range.end - self.staged_bytes).ok()?;
        self.tail.get(start..end)
    }
}
