//! `pullrequest`/`list`: all open pull requests for the streamer, their own for a viewer.

use crate::application::auth::read_permission::permit_by_token;
use crate::application::outcome::LongAnswer;
use crate::application::pull_requests::pages::PullRequestPages;
use crate::application::request_error::RequestError;
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::Timestamp;

pub(crate) async fn list_pull_requests(
    app: &Application,
    session: &Session,
    now: Timestamp,
) -> Result<LongAnswer, RequestError> {
    let (project, user) = session.rights().may_see_proposals(now)?;
    let owner = session.roles.streamer.is_none().then(|| user.clone());
    let ids = app.ports.pull_requests.open(project, owner).await;
    let ids = ids.map_err(|error| RequestError::internal("list pull requests", &error))?;
    let permit = Some(permit_by_token(app, session));
    let pages = PullRequestPages::new(project.clone(), ids, permit, &session.account);
    Ok(LongAnswer::PullRequests(pages))
}
