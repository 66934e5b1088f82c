//! A file and its project.

use crate::domain::{FilePath, ProjectId};

/// A file of a project.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileKey {
    /// The project.
    pub project: ProjectId,
    /// The file.
    pub path: FilePath,
}
