use std::sync::Arc;

use async_trait::async_trait;

use super::store_error::StoreError;
use crate::application::connection_id::ConnectionId;
use crate::application::event::ApplyNotice;
use crate::domain::{ApplyOutcome, FilePath, ProjectId, PullRequestId, Uptime};

/// What one connection of a streamer asks another: to apply a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyQuestion {
    /// For which project the pull request is.
    pub project: ProjectId,
    /// Which pull request.
    pub id: PullRequestId,
    /// Which of its files; `None` means all.
    pub files: Option<Arc<[FilePath]>>,
    /// The connection that asks.
    pub asker: ConnectionId,
}

/// What the connection that was asked says when it is done, or when it refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyAnswer {
    /// What became of the pull request.
    pub outcome: ApplyOutcome,
    /// The files that both sides have changed.
    pub conflicts: Arc<[FilePath]>,
    /// More about it; may be empty.
    pub message: Arc<str>,
}

impl ApplyAnswer {
    /// Whether the answer is allowed only after the question was accepted.
    pub fn needs_acceptance(&self) -> bool {
        matches!(self.outcome, ApplyOutcome::Applied | ApplyOutcome::Partly)
    }

    /// What the connection that asked is told: the answer to the question `request`.
    pub fn notice(self, request: u64, id: PullRequestId) -> ApplyNotice {
        ApplyNotice::Ended {
            request,
            id,
            outcome: self.outcome,
            conflicts: self.conflicts,
            message: self.message,
        }
    }
}

/// Why a question cannot be asked.
#[derive(Debug)]
pub enum AskError {
    /// No other connection applies pull requests of the project.
    Nobody,
    /// Another question is open in the project.
    Busy,
    /// The store failed.
    Store(StoreError),
}

/// Carries questions to apply a pull request from one connection of a streamer to another, and the
/// answers back (protocol, section 6, `apply`). At most one question is open in each project.
///
/// Both connections hear what concerns them as [`Event::Apply`](crate::application::Event::Apply)
/// on their own topic, possibly before the call that causes it returns.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait ApplyRelay: Send + Sync {
    /// From now on `connection` may be asked.
    fn applier_came(&self, project: &ProjectId, connection: ConnectionId);

    /// From now on `connection` is not asked any more. If a question waits for its answer, the
    /// asker is told that there will be none.
    fn applier_left(&self, project: &ProjectId, connection: ConnectionId);

    /// Withdraws the question of `connection`, unless it has been accepted.
    fn asker_left(&self, project: &ProjectId, connection: ConnectionId);

    /// Whether any connection applies pull requests of the project.
    fn has_applier(&self, project: &ProjectId) -> bool;

    /// Asks the newest connection that applies pull requests of the project, but not the asker
    /// itself; one of this server rather than one of another. Returns the question's number, which
    /// no other question ever has.
    ///
    /// # Errors
    /// See [`AskError`].
    async fn ask(&self, question: ApplyQuestion, now: Uptime) -> Result<u64, AskError>;

    /// Notes that `applier` begins. Returns false if that is not for it to do, or not any more.
    ///
    /// # Errors
    /// Those of the store.
    async fn accept(
        &self,
        project: &ProjectId,
        request: u64,
        applier: ConnectionId,
    ) -> Result<bool, StoreError>;

    /// Ends the question with the answer of `applier`. Returns false if the question is not open,
    /// not `applier`'s, or has to be accepted first.
    ///
    /// # Errors
    /// Those of the store.
    async fn answer(
        &self,
        project: &ProjectId,
        request: u64,
        applier: ConnectionId,
        answer: ApplyAnswer,
    ) -> Result<bool, StoreError>;

    /// Waits until what the calls before have begun is done. For the end of the process.
    async fn finish(&self) {}

    /// Withdraws the questions that nobody has accepted within a minute. Called once a second.
    fn withdraw_late(&self, now: Uptime);
}
