//! `pullrequest`/`get`: the files of a pull request, for its streamer and its owner.

use crate::application::auth::read_permission::permit_by_token;
use crate::application::files::file_stream::FileStream;
use crate::application::outcome::LongAnswer;
use crate::application::pull_requests::find::find_named_pull_request;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{PullRequestId, Timestamp};

pub(crate) async fn get_pull_request(
    app: &Application,
    session: &Session,
    id: Checked<Option<PullRequestId>>,
    now: Timestamp,
) -> Result<LongAnswer, RequestError> {
    let (project, user) = session.rights().may_see_proposals(now)?;
    let owner = session.roles.streamer.is_none().then_some(user);
    let (found, held) = find_named_pull_request(app, &session.account, project, id?, owner).await?;
    let permit = permit_by_token(app, session);
    let files =
        FileStream::pull_request(found, held, app, "/".to_owned(), permit, &session.account);
    Ok(LongAnswer::PullRequestFiles(files))
}

#[cfg(test)]
mod tests;
