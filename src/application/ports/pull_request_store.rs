use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::application::ports::file_source::OpenFile;
use crate::application::ports::store_error::StoreError;
use crate::domain::{
    FilePath, Outcome, ProjectId, PullRequest, PullRequestId, Timestamp, UserName,
};

/// Reports a pull request that has been kept. Must not wait.
pub type TellFinished = Box<dyn FnOnce(&PullRequest) + Send>;

/// What is done in a project's turn. Must not wait.
pub type Turn = Box<dyn FnOnce() + Send>;

/// Why a draft was not finished.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FinishError {
    /// Its author has as many open pull requests in the project as allowed.
    #[error("the author has too many open pull requests in the project")]
    TooManyOpen,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps open pull requests until they are deleted, across restarts.
///
/// Everything that concerns one project's list of open pull requests happens in turns: `finish`,
/// `tell_if_open` and `delete` tell, `open_since` enters and `leave` leaves, one after the other.
/// So a receiver that remembers what `leave` returned is told of each pull request once, and of
/// none after its end. No project waits for another's turn.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait PullRequestStore: Send + Sync {
    /// Turns the draft of that id into the open pull request `pull_request`, durably, all or
    /// nothing, if its owner then has at most `max_open` in the project.
    ///
    /// Its date is the given one, or a millisecond after the latest date ever given: no two are
    /// equal, and later ones are later, whatever the clock does. `in_turn` is called with what was
    /// kept, before any later one of that project is kept.
    ///
    /// # Errors
    /// `TooManyOpen`; `NotFound` if a file that it names was never written; `Failed`. The draft
    /// stays and `in_turn` is not called.
    async fn finish(
        &self,
        pull_request: PullRequest,
        max_open: usize,
        in_turn: TellFinished,
    ) -> Result<(), FinishError>;

    /// Calls `enter`, and returns the ids of the pull requests that are open at that moment and
    /// dated later than `after`, oldest first. `finish` tells of all later ones.
    ///
    /// # Errors
    /// `Failed`. `enter` is then not called any more, nor if the returned future is dropped.
    async fn open_since(
        &self,
        project: &ProjectId,
        after: Option<Timestamp>,
        enter: Turn,
    ) -> Result<Vec<PullRequestId>, StoreError>;

    /// Calls `leave`, and returns the date of the latest pull request open at that moment: those
    /// that `finish` tells of later have a later date. Does not wait for the disk.
    fn leave(&self, project: &ProjectId, leave: Turn) -> Option<Timestamp>;

    /// The ids of the open pull requests of `project`, only those of `owner` if one is given,
    /// oldest first (by date, then by id).
    ///
    /// # Errors
    /// `Failed`.
    async fn open(
        &self,
        project: &ProjectId,
        owner: Option<UserName>,
    ) -> Result<Vec<PullRequestId>, StoreError>;

    /// How many are open, in all projects. Returns at once.
    fn count(&self) -> usize;

    /// The authors of the open pull requests of `project`.
    ///
    /// # Errors
    /// `Failed`.
    async fn authors(&self, project: &ProjectId) -> Result<BTreeSet<UserName>, StoreError>;

    /// The open pull request of that id in `project`.
    ///
    /// # Errors
    /// `NotFound`; `Failed`.
    async fn find(&self, project: &ProjectId, id: PullRequestId)
    -> Result<PullRequest, StoreError>;

    /// Opens a file of the pull request.
    ///
    /// # Errors
    /// `NotFound` if there is no such pull request or it has no such file; `Failed`.
    async fn open_file(
        &self,
        project: &ProjectId,
        id: PullRequestId,
        path: &FilePath,
    ) -> Result<OpenFile, StoreError>;

    /// Calls `tell` if the pull request is open. Does not wait for the disk.
    fn tell_if_open(&self, pull_request: &PullRequest, tell: Turn);

    /// Deletes a pull request with its files, durably. `in_turn` is called when it is not open any
    /// more. Of several deletes at once, one succeeds. `outcome` is for other servers over the same
    /// data: each tells the connections that it concerns, in its turn.
    ///
    /// # Errors
    /// `NotFound`; `Failed`. `in_turn` is not called.
    async fn delete(
        &self,
        project: &ProjectId,
        id: PullRequestId,
        outcome: Outcome,
        in_turn: Turn,
    ) -> Result<(), StoreError>;
}
