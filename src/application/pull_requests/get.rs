//! `pullrequest`/`get`: the files of a pull request, for its streamer and its owner.

use crate::application::auth::read_permission::permit_by_token;
use crate::application::files::file_stream::FileStream;
use crate::application::outcome::CommandOutcome;
use crate::application::pull_requests::find::find_pull_request;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{PullRequestId, Timestamp};

pub(crate) async fn get_pull_request(
    app: &Application,
    session: &Session,
    id: Checked<Option<PullRequestId>>,
    now: Timestamp,
) -> CommandOutcome {
    match fetch_pull_request(app, session, id, now).await {
        Ok(fetch) => CommandOutcome::PullRequestFiles(fetch),
        Err(refusal) => CommandOutcome::Refused(refusal),
    }
}

async fn fetch_pull_request(
    app: &Application,
    session: &Session,
    id: Checked<Option<PullRequestId>>,
    now: Timestamp,
) -> Result<FileStream, RequestError> {
    let (project, user) = session.may_propose(now)?;
    let found = find_pull_request(app, project, id?).await?;
    if !session.roles.streamer && found.owner != *user {
        return Err(RequestError::UNKNOWN_PULL_REQUEST);
    }
    Ok(FileStream::pull_request(
        found,
        app,
        "/".to_owned(),
        permit_by_token(app, session),
    ))
}

#[cfg(test)]
mod tests;
