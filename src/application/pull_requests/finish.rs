//! `pullrequest`/`finish`: turns the draft into a pull request and tells the streamer.

use std::sync::Arc;

use crate::application::command::RequestKind;
use crate::application::event::Event;
use crate::application::moderation::banned::must_not_be_banned;
use crate::application::ports::{FinishError, Topic};
use crate::application::pull_requests::creation::too_many_open;
use crate::application::pull_requests::open_draft::OpenDraft;
use crate::application::reply::Reply;
use crate::application::request_error::{BadParameters, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{FilePath, ProjectId, PullRequest, Timestamp, UserName, WriteTarget};

pub(crate) async fn finish_pull_request(
    app: &Arc<Application>,
    session: &mut Session,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let (project, owner) = session.rights().may_propose(now)?;
    let bearer = session.rights().valid_identity(now)?;
    let _moderated = must_not_be_banned(app, session, bearer, project, now).await?;
    let (project, owner) = (project.clone(), owner.clone());
    let Some(open) = &session.draft else {
        return Err(RequestError::bad(
            "there is no open pull request; send creation first",
        ));
    };
    let unfinished = session.uploads.names_into(&WriteTarget::Draft(open.id));
    if !unfinished.is_empty() {
        let names: Vec<_> = unfinished.iter().take(10).map(FilePath::as_str).collect();
        let names = names.join(", ");
        let more = if unfinished.len() > 10 {
            " and others"
        } else {
            ""
        };
        let fault = format!("these files have not come whole yet: {names}{more}");
        return Err(BadParameters(fault.into()).into());
    }
    if open.draft().is_empty() {
        return Err(RequestError::bad(
            "the pull request is empty; post or delete a file first",
        ));
    }
    let Some(open) = session.draft.take() else {
        return Err(RequestError::Internal);
    };
    let own = Arc::clone(app);
    let work = async move { Ok(finish_draft(&own, open, project, owner).await) };
    match app.to_the_end(work).await? {
        Ok(()) => Ok(Reply::Done(RequestKind::FinishPullRequest)),
        Err((open, refusal)) => {
            session.draft = Some(open);
            Err(refusal)
        }
    }
}

/// Turns a draft into a pull request and tells the streamer; returns the draft if that fails.
async fn finish_draft(
    app: &Application,
    open: Box<OpenDraft>,
    project: ProjectId,
    owner: UserName,
) -> Result<(), (Box<OpenDraft>, RequestError)> {
    let events = Arc::clone(&app.ports.events);
    let tell = move |finished: &PullRequest| {
        let topic = Topic::Proposals(finished.project.clone());
        events.publish(&topic, Event::PullRequestCreated(finished.clone()), None);
    };
    let finished = open.draft().finish(open.id, project, owner, app.now());
    let most = app.limits.max_open_pull_requests;
    let store = &app.ports.pull_requests;
    match store.finish(finished, most, Box::new(tell)).await {
        Ok(()) => {
            open.mark_finished();
            Ok(())
        }
        Err(FinishError::TooManyOpen) => Err((open, too_many_open(app))),
        Err(FinishError::Store(error)) => {
            let refusal = RequestError::internal("finish a pull request", &error);
            Err((open, refusal))
        }
    }
}

#[cfg(test)]
mod base_tests;
#[cfg(test)]
mod tests;
