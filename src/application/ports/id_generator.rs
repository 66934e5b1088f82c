use crate::domain::PullRequestId;

/// Generates ids that nobody can guess.
#[cfg_attr(test, mockall::automock)]
pub trait IdGenerator: Send + Sync {
    /// A new random UUID (version 4, 122 random bits from the system's generator).
    fn pull_request_id(&self) -> PullRequestId;
}
