//! What a project knows about one file.

use crate::domain::content_hash::ContentHash;
use crate::domain::project::version::Version;
use crate::domain::time::Timestamp;

/// What is known about a file without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProjectEntry {
    /// The length of its content, in bytes.
    pub bytes: u64,
    /// The number of the change that wrote it.
    pub version: Version,
    /// When it was written.
    pub modified: Timestamp,
    /// The hash of its content, once the whole content has been read.
    pub sha256: Option<ContentHash>,
}

impl ProjectEntry {
    /// Whether both describe the same state of the file, whether or not its hash is known.
    pub(super) fn is_same_state(&self, other: &Self) -> bool {
        self.bytes == other.bytes
            && self.version == other.version
            && self.modified == other.modified
    }
}
