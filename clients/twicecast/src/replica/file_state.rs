//! The state of a file, to tell whether it has changed.

use crate::replica::record::Written;

/// A file's state; if it differs, the file has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The SHA-256 of its content in lower-case hex.
    pub sha256: String,
    /// Whether it is executable.
    pub executable: bool,
}

impl From<&Written> for State {
    fn from(written: &Written) -> Self {
        Self {
            sha256: written.sha256.clone(),
            executable: written.executable,
        }
    }
}
