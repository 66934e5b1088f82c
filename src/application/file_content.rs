//! The content of a file on its way into a store.

use std::ops::Range;

use bytes::Bytes;

use crate::application::ports::upload_staging::StagingId;

/// The content of a file, in memory or partly staged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    /// All of it.
    Memory(Bytes),
    /// Stretches of a log whose beginning is staged and whose end is in memory.
    Staged(StagedContent),
}

/// Stretches of an upload's log, in the order in which they make the content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedContent {
    /// The staged beginning of the log.
    pub staged: StagingId,
    /// How long that beginning is, in bytes.
    pub staged_bytes: u64,
    /// The rest of the log.
    pub tail: Bytes,
    /// The stretches, by their place in the whole log.
    pub pieces: Vec<Range<u64>>,
    /// Whether the store may move the staged file into place instead of copying it. It may not
    /// where the upload may yet be completed differently.
    pub movable: bool,
}

impl FileContent {
    /// Its length in bytes.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Staged(staged) => staged
                .pieces
                .iter()
                .map(|piece| piece.end - piece.start)
                .sum(),
        }
    }
}

impl StagedContent {
    /// Whether the content is the log as it lies: then the staged file needs only its tail.
    pub fn is_whole_log(&self) -> bool {
        let log = self.staged_bytes + self.tail.len() as u64;
        matches!(self.pieces.as_slice(), [all] if *all == (0..log))
    }
}
