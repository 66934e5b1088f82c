use async_trait::async_trait;

use crate::application::ports::store_error::StoreError;
use crate::domain::ProjectId;

/// What is known of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectState {
    /// There is nothing of that name.
    Absent,
    /// Something of that name lies there that the server did not make; only the operator may
    /// adopt it.
    Foreign,
    /// It exists.
    Registered,
}

/// Knows which projects exist: from the first time their streamer authenticates until the
/// operator removes them (protocol, section 3).
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait ProjectRegistry: Send + Sync {
    /// What is known of `project`.
    ///
    /// # Errors
    /// `Failed`.
    async fn state(&self, project: &ProjectId) -> Result<ProjectState, StoreError>;

    /// Makes `project` exist, empty; nothing where it does already. Durable when it returns.
    ///
    /// # Errors
    /// `PathConflict` where it is [`ProjectState::Foreign`]; `Failed`.
    async fn register(&self, project: &ProjectId) -> Result<(), StoreError>;

    /// Makes a folder that the server did not make a project, with what it holds.
    ///
    /// # Errors
    /// `NotFound` where there is no such folder (or only a link to one); `Failed`.
    async fn adopt(&self, project: &ProjectId) -> Result<(), StoreError>;

    /// All projects that exist, in no order.
    ///
    /// # Errors
    /// `Failed`.
    async fn projects(&self) -> Result<Vec<ProjectId>, StoreError>;
}
