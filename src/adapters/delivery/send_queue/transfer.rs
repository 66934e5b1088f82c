//! Who has the turn to send a file.

use std::sync::Arc;

use crate::application::FileKey;

/// Who has the turn to send a file.
#[derive(Debug)]
pub(crate) enum Transfer {
    Free,
    /// An answer to a `get`.
    Taken,
    /// A change that has waited.
    Update(Arc<FileKey>),
    /// A change that the connection must no longer be told of.
    Withdrawn(Arc<FileKey>),
}

impl Transfer {
    pub(crate) fn is_free(&self) -> bool {
        matches!(self, Self::Free)
    }
}
