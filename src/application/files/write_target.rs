//! Where a write goes.

use crate::domain::{FilePath, ProjectId, PullRequestId};

/// Where a write goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum WriteTarget {
    /// Into the streamer's project.
    Project(ProjectId),
    /// Into an open draft.
    Draft(PullRequestId),
}

/// A file, and where it is written.
pub(crate) type UploadKey = (WriteTarget, FilePath);
