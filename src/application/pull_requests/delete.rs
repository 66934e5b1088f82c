//! `pullrequest`/`delete`: the streamer ends a pull request and its owner is told.

use std::sync::Arc;

use crate::application::command::DeletePullRequest;
use crate::application::event::Event;
use crate::application::ports::{StoreError, Topic};
use crate::application::pull_requests::find::find_named_pull_request;
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{Outcome, ProjectId, PullRequest, Timestamp};

pub(crate) async fn delete_pull_request(
    app: &Arc<Application>,
    session: &Session,
    request: Checked<DeletePullRequest>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let project = session.rights().may_review(now)?;
    let DeletePullRequest { id, outcome } = request?;
    let (found, _held) = find_named_pull_request(app, &session.account, project, id).await?;
    let (own, project) = (Arc::clone(app), project.clone());
    let work = async move { end_pull_request(&own, project, found, outcome).await };
    app.to_the_end(work).await?;
    Ok(Reply::PullRequestDelete)
}

async fn end_pull_request(
    app: &Application,
    project: ProjectId,
    found: PullRequest,
    outcome: Outcome,
) -> Result<(), RequestError> {
    match app.ports.pull_requests.delete(&project, found.id).await {
        Ok(()) => {}
        Err(StoreError::NotFound) => return Err(RequestError::UNKNOWN_PULL_REQUEST),
        Err(error) => return Err(RequestError::internal("delete a pull request", &error)),
    }
    let topic = Topic::Outcomes(project, found.owner);
    let event = Event::PullRequestClosed {
        id: found.id,
        outcome,
    };
    app.ports.events.publish(&topic, event, None);
    Ok(())
}

#[cfg(test)]
mod tests;
