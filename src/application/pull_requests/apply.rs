//! `pullrequest`/`apply`, `accept` and `applied`: a streamer has one of their own connections put a
//! pull request into their folder (protocol, section 6).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::application::command::{AppliedPullRequest, ApplyPullRequest, RequestKind};
use crate::application::limits::check_limit;
use crate::application::ports::{ApplyAnswer, ApplyQuestion, AskError, StoreError};
use crate::application::pull_requests::find::find_named_pull_request;
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::registrations::reattach;
use crate::application::session::state::Session;
use crate::domain::{FilePath, PullRequest, Timestamp};

const NOBODY: RequestError = RequestError::NotApplied(
    "no connection of the streamer applies pull requests now; twicecast pulls apply does it",
);
const BUSY: RequestError =
    RequestError::NotApplied("another pull request is just being applied; try again afterwards");
const WITHDRAWN: RequestError =
    RequestError::NotApplied("nobody asks for this any more; nothing must be applied");
const FOREIGN_FILES: RequestError =
    RequestError::bad("files must be names of files that the pull request changes or deletes");

pub(crate) async fn apply_pull_request(
    app: &Application,
    session: &mut Session,
    request: Checked<ApplyPullRequest>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let project = session.rights().may_review(now)?.clone();
    let ApplyPullRequest { id, files } = request?;
    let found = find_named_pull_request(app, &session.account, &project, id, None).await?;
    let (found, _held) = found;
    let files = files.map(Arc::from);
    if files.as_deref().is_some_and(|files| !are_of(files, &found)) {
        return Err(FOREIGN_FILES);
    }
    if !app.apply_relay.has_applier(&project) {
        return Err(NOBODY);
    }
    // The answer may come before the reply, so the connection hears it from here on.
    session.awaits_notices = true;
    reattach(app, session, now);
    let question = ApplyQuestion {
        project,
        id: found.id,
        files,
        asker: session.connection,
    };
    let asked = app.apply_relay.ask(question, app.uptime()).await;
    let request = asked.map_err(|why| match why {
        AskError::Nobody => NOBODY,
        AskError::Busy => BUSY,
        AskError::Store(error) => failed(&error),
    })?;
    Ok(Reply::PullRequestApply { request })
}

fn are_of(files: &[FilePath], pull_request: &PullRequest) -> bool {
    let all = pull_request.files.iter().chain(&pull_request.deleted);
    let all: BTreeSet<_> = all.collect();
    !files.is_empty() && files.iter().all(|file| all.contains(file))
}

pub(crate) async fn accept_pull_request(
    app: &Application,
    session: &Session,
    request: Checked<u64>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let project = session.rights().may_review(now)?;
    let (relay, me) = (&app.apply_relay, session.connection);
    if relay
        .accept(project, request?, me)
        .await
        .map_err(|error| failed(&error))?
    {
        Ok(Reply::Done(RequestKind::AcceptPullRequest))
    } else {
        Err(WITHDRAWN)
    }
}

pub(crate) async fn applied_pull_request(
    app: &Application,
    session: &Session,
    request: Checked<AppliedPullRequest>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let project = session.rights().may_review(now)?;
    let AppliedPullRequest {
        request,
        outcome,
        conflicts,
        message,
    } = request?;
    check_limit(
        "maxChatBytes",
        message.len() as u64,
        app.limits.max_chat_bytes,
    )?;
    let answer = ApplyAnswer {
        outcome,
        conflicts: conflicts.into(),
        message: message.into(),
    };
    let (relay, me) = (&app.apply_relay, session.connection);
    if relay
        .answer(project, request, me, answer)
        .await
        .map_err(|error| failed(&error))?
    {
        Ok(Reply::Done(RequestKind::AppliedPullRequest))
    } else {
        Err(WITHDRAWN)
    }
}

fn failed(error: &StoreError) -> RequestError {
    RequestError::internal("asking to apply a pull request", error)
}

#[cfg(test)]
mod tests;
