use async_trait::async_trait;

use crate::application::ports::file_source::OpenFile;
use crate::application::ports::store_error::StoreError;
use crate::domain::{FilePath, ProjectId, PullRequest, PullRequestId, UserName};

/// Keeps open pull requests until they are deleted, across restarts.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait PullRequestStore: Send + Sync {
    /// The ids of the open pull requests of `project`, those of `owner` alone where one is given,
    /// oldest first (by date, then by id).
    ///
    /// # Errors
    /// `Failed`.
    async fn open(
        &self,
        project: &ProjectId,
        owner: Option<UserName>,
    ) -> Result<Vec<PullRequestId>, StoreError>;

    /// The open pull request of that id in `project`.
    ///
    /// # Errors
    /// `NotFound`; `Failed`.
    async fn find(&self, project: &ProjectId, id: PullRequestId)
    -> Result<PullRequest, StoreError>;

    /// Opens a file that the pull request brings.
    ///
    /// # Errors
    /// `NotFound` where there is no such pull request or it brings no such file; `Failed`.
    async fn open_file(
        &self,
        project: &ProjectId,
        id: PullRequestId,
        path: &FilePath,
    ) -> Result<OpenFile, StoreError>;

    /// Deletes a pull request with its files, durably.
    ///
    /// # Errors
    /// `NotFound`; `Failed`.
    async fn delete(&self, project: &ProjectId, id: PullRequestId) -> Result<(), StoreError>;
}
