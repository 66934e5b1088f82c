//! Looks up one pull request of a project.

use std::sync::Arc;

use crate::application::memory::{Account, Reservation};
use crate::application::ports::StoreError;
use crate::application::request_error::RequestError;
use crate::application::service::Application;
use crate::domain::{ProjectId, PullRequest, PullRequestId, UserName};

/// Finds a pull request and reserves its memory. The caller must have waited for room for
/// [`PullRequest::MOST_BYTES`].
pub(crate) async fn find_pull_request(
    app: &Application,
    account: &Arc<Account>,
    project: &ProjectId,
    id: PullRequestId,
) -> Result<(PullRequest, Reservation), StoreError> {
    let mut held = account.reserve(PullRequest::MOST_BYTES);
    let found = app.ports.pull_requests.find(project, id).await?;
    held.set(found.memory_bytes());
    Ok((found, held))
}

/// The same for a request that names the pull request; if `owner` is given, only one of theirs.
///
/// # Errors
/// 400 if there is none; 500.
pub(crate) async fn find_named_pull_request(
    app: &Application,
    account: &Arc<Account>,
    project: &ProjectId,
    id: Option<PullRequestId>,
    owner: Option<&UserName>,
) -> Result<(PullRequest, Reservation), RequestError> {
    let id = id.ok_or(RequestError::UNKNOWN_PULL_REQUEST)?;
    match find_pull_request(app, account, project, id).await {
        Ok(found) if owner.is_none_or(|owner| *owner == found.0.owner) => Ok(found),
        Ok(_) | Err(StoreError::NotFound) => Err(RequestError::UNKNOWN_PULL_REQUEST),
        Err(error) => Err(RequestError::internal("read a pull request", &error)),
    }
}
