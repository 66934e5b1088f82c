//! Puts in progress, and why a put is refused.

use crate::domain::file_path::FilePath;
use crate::domain::project::quota::QuotaError;

/// A put that [`Project::begin_put`] has allowed, and the space that it has reserved.
///
/// It must end with [`Project::complete_put`] or [`Project::abandon_put`] of the same project.
/// It cannot do so by itself, since it does not hold the project.
///
/// [`Project::begin_put`]: crate::domain::Project::begin_put
/// [`Project::complete_put`]: crate::domain::Project::complete_put
/// [`Project::abandon_put`]: crate::domain::Project::abandon_put
#[derive(Debug)]
#[must_use = "the reserved room stays taken until the put is completed or abandoned"]
pub struct PendingPut {
    pub(super) path: FilePath,
    pub(super) bytes: u64,
}

/// Why a file must not be put at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PutError {
    /// The project would exceed one of its limits.
    #[error(transparent)]
    Quota(#[from] QuotaError),
    /// A file exists where a folder is needed, or files exist below the path.
    #[error("a file stands where a folder is needed, or a folder has the file's name")]
    PathConflict,
}
