//! `pullrequest`/`delete`: the streamer or the owner ends a pull request, and the other is told.

use std::sync::Arc;

use crate::application::command::{DeletePullRequest, RequestKind};
use crate::application::ports::StoreError;
use crate::application::pull_requests::ended;
use crate::application::pull_requests::find::find_named_pull_request;
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{Outcome, Timestamp};

pub(crate) async fn delete_pull_request(
    app: &Arc<Application>,
    session: &Session,
    request: Checked<DeletePullRequest>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let (project, user) = session.rights().may_see_proposals(now)?;
    let DeletePullRequest { id, outcome } = request?;
    let owner = session.roles.streamer.is_none().then_some(user);
    let (found, _held) = find_named_pull_request(app, &session.account, project, id, owner).await?;
    let (outcome, origin) = match owner {
        Some(_) => (Outcome::Withdrawn, Some(session.connection)),
        None => (outcome, None),
    };
    let (topics, event) = ended::notice(&found.project, &found.owner, found.id, outcome);
    let events = Arc::clone(&app.ports.events);
    let tell = move || {
        for topic in topics {
            events.publish(&topic, event.clone(), origin);
        }
    };
    let own = Arc::clone(app);
    let work = async move {
        let store = &own.ports.pull_requests;
        let tell = Box::new(tell);
        match store.delete(&found.project, found.id, outcome, tell).await {
            Ok(()) => Ok(Reply::Done(RequestKind::DeletePullRequest)),
            Err(StoreError::NotFound) => Err(RequestError::UNKNOWN_PULL_REQUEST),
            Err(error) => Err(RequestError::internal("delete a pull request", &error)),
        }
    };
    app.to_the_end(work).await
}

#[cfg(test)]
mod tests;
