//! `pullrequest`/`creation`: opens a draft, which replaces an earlier one.

use std::sync::Arc;

use crate::application::command::{CreatePullRequest, RequestKind};
use crate::application::limits::check_limit;
use crate::application::moderation::banned::must_not_be_banned;
use crate::application::pull_requests::open_draft::OpenDraft;
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{Draft, Timestamp};

pub(crate) async fn create_pull_request(
    app: &Application,
    session: &mut Session,
    request: Checked<CreatePullRequest>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let (project, owner) = session.rights().may_propose(now)?;
    let bearer = session.rights().valid_identity(now)?;
    let _moderated = must_not_be_banned(app, session, bearer, project, now).await?;
    let (project, owner) = (project.clone(), owner.clone());
    let CreatePullRequest { title, description } = request?;
    if title.is_empty() {
        return Err(RequestError::bad("title must not be empty"));
    }
    let (title_bytes, description_bytes) = (title.len() as u64, description.len() as u64);
    check_limit("maxTitleBytes", title_bytes, app.limits.max_title_bytes)?;
    check_limit(
        "maxDescriptionBytes",
        description_bytes,
        app.limits.max_description_bytes,
    )?;
    let open = app.ports.pull_requests.open(&project, Some(owner)).await;
    let open = open.map_err(|error| RequestError::internal("count pull requests", &error))?;
    if open.len() >= app.limits.max_open_pull_requests {
        return Err(too_many_open(app));
    }
    session.drop_draft();
    session.draft = Some(Box::new(OpenDraft::new(
        app.ports.ids.pull_request_id(),
        Draft::new(title, description),
        Arc::clone(&app.ports.uploads),
        &session.account,
    )));
    Ok(Reply::Done(RequestKind::CreatePullRequest))
}

/// The 413 for an author who has as many open pull requests as allowed.
pub(super) fn too_many_open(app: &Application) -> RequestError {
    RequestError::LimitExceeded {
        limit: "maxOpenPullRequests",
        value: app.limits.max_open_pull_requests as u64,
    }
}

#[cfg(test)]
mod tests;
