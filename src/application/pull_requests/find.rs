//! Looks up one pull request of a project.

use crate::application::ports::StoreError;
use crate::application::request_error::RequestError;
use crate::application::service::Application;
use crate::domain::{ProjectId, PullRequest, PullRequestId};

pub(crate) async fn find_pull_request(
    app: &Application,
    project: &ProjectId,
    id: Option<PullRequestId>,
) -> Result<PullRequest, RequestError> {
    let id = id.ok_or(RequestError::UNKNOWN_PULL_REQUEST)?;
    match app.ports.pull_requests.find(project, id).await {
        Ok(found) => Ok(found),
        Err(StoreError::NotFound) => Err(RequestError::UNKNOWN_PULL_REQUEST),
        Err(error) => Err(RequestError::internal("read a pull request", &error)),
    }
}
