use async_trait::async_trait;

use crate::application::file_content::FileContent;
use crate::application::ports::store_error::StoreError;
use crate::domain::{FilePath, PullRequest, PullRequestId};

/// Keeps the files of pull requests that are still being put together.
///
/// A draft comes into being with its first file. The files lie where no client's name can reach,
/// so a name is never in another's way here.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait DraftStore: Send + Sync {
    /// Writes a file of the draft, whole or not at all. Need not be durable before `finish`.
    ///
    /// # Errors
    /// `Failed`; what the draft held of that name before is kept then.
    async fn put_file(
        &self,
        draft: PullRequestId,
        path: &FilePath,
        content: FileContent,
    ) -> Result<(), StoreError>;

    /// Takes a file out of the draft; nothing where it is not in it.
    ///
    /// # Errors
    /// `Failed`.
    async fn remove_file(&self, draft: PullRequestId, path: &FilePath) -> Result<(), StoreError>;

    /// Makes the draft of that id the open pull request `finished`, durably, all or nothing.
    ///
    /// # Errors
    /// `NotFound` where a file that `finished` names was never written; `Failed`. The draft stays.
    async fn finish(&self, finished: PullRequest) -> Result<(), StoreError>;

    /// Forgets a draft, now or soon, if there is one. Does not wait.
    fn discard(&self, draft: PullRequestId);
}
