//! Looks up one pull request of a project.

use crate::application::ports::StoreError;
use crate::application::request_error::RequestError;
use crate::application::service::Application;
use crate::domain::{ProjectId, PullRequest, PullRequestId};

/// The 400 for a pull request that is not there, or not for this connection.
pub(crate) const UNKNOWN: RequestError = RequestError::bad("Pullrequest ID does not exist");

pub(crate) async fn find_pull_request(
    app: &Application,
    project: &ProjectId,
    id: Option<PullRequestId>,
) -> Result<PullRequest, RequestError> {
    match app
        .ports
        .pull_requests
        .find(project, id.ok_or(UNKNOWN)?)
        .await
    {
        Ok(found) => Ok(found),
        Err(StoreError::NotFound) => Err(UNKNOWN),
        Err(error) => Err(RequestError::internal("read a pull request", &error)),
    }
}
