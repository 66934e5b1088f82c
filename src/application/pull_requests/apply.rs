//! `pullrequest`/`apply`, `accept` and `applied`: a streamer has one of their own connections put a
//! pull request into their folder (protocol, section 6).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::application::command::{AppliedPullRequest, ApplyPullRequest, RequestKind};
use crate::application::event::ApplyNotice;
use crate::application::limits::check_limit;
use crate::application::pull_requests::apply_notices::tell;
use crate::application::pull_requests::apply_questions::{ApplyQuestion, CannotAsk};
use crate::application::pull_requests::find::find_named_pull_request;
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::registrations::reattach;
use crate::application::session::state::Session;
use crate::domain::{ApplyOutcome, FilePath, PullRequest, Timestamp};

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
    let me = session.connection;
    let asked = app
        .apply_questions
        .ask(&project, found.id, me, app.uptime());
    let question = asked.map_err(|why| match why {
        CannotAsk::Nobody => NOBODY,
        CannotAsk::Busy => BUSY,
    })?;
    // The answer comes later: from here on the connection hears it.
    session.awaits_notices = true;
    reattach(app, session, now);
    let (request, id) = (question.request, found.id);
    if !app.apply_questions.is_open(&project, request) {
        // The one that was to be asked has left just now.
        return Err(NOBODY);
    }
    let events = &*app.ports.events;
    let notice = ApplyNotice::Asked { request, id, files };
    tell(events, question.applier, notice);
    Ok(Reply::PullRequestApply { request })
}

fn are_of(files: &[FilePath], pull_request: &PullRequest) -> bool {
    let all = pull_request.files.iter().chain(&pull_request.deleted);
    let all: BTreeSet<_> = all.collect();
    !files.is_empty() && files.iter().all(|file| all.contains(file))
}

pub(crate) fn accept_pull_request(
    app: &Application,
    session: &Session,
    request: Checked<u64>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let project = session.rights().may_review(now)?;
    let me = session.connection;
    if app.apply_questions.accept(project, request?, me) {
        Ok(Reply::Done(RequestKind::AcceptPullRequest))
    } else {
        Err(WITHDRAWN)
    }
}

pub(crate) fn applied_pull_request(
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
    let begun = matches!(outcome, ApplyOutcome::Applied | ApplyOutcome::Partly);
    let me = session.connection;
    let ended = app.apply_questions.answer(project, request, me, begun);
    let ApplyQuestion { id, asker, .. } = ended.ok_or(WITHDRAWN)?;
    let events = &*app.ports.events;
    let notice = ApplyNotice::Ended {
        request,
        id,
        outcome,
        conflicts: conflicts.into(),
        message: message.into(),
    };
    tell(events, asker, notice);
    Ok(Reply::Done(RequestKind::AppliedPullRequest))
}

#[cfg(test)]
mod tests;
