//! `pullrequest`/`finish`: makes a pull request of the draft and tells the streamer.

use std::sync::Arc;

use crate::application::event::Event;
use crate::application::files::uploads::WriteTarget;
use crate::application::ports::Topic;
use crate::application::pull_requests::creation::check_open_pull_requests;
use crate::application::pull_requests::open_draft::OpenDraft;
use crate::application::reply::Reply;
use crate::application::request_error::{BadParameters, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{ProjectId, Timestamp, UserName};

pub(crate) async fn finish_pull_request(
    app: &Arc<Application>,
    session: &mut Session,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let (project, owner) = session.may_propose(now)?;
    let (project, owner) = (project.clone(), owner.clone());
    let Some(open) = &session.draft else {
        return Err(RequestError::bad(
            "there is no open pull request; send creation first",
        ));
    };
    let unfinished = session.uploads.names_into(&WriteTarget::Draft(open.id));
    if !unfinished.is_empty() {
        let names = unfinished
            .iter()
            .take(10)
            .map(ToString::to_string)
            .collect::<Vec<_>>();
        let more = if unfinished.len() > 10 {
            " and others"
        } else {
            ""
        };
        return Err(RequestError::BadParameters(BadParameters(
            format!(
                "these files have not come whole yet: {}{more}",
                names.join(", ")
            )
            .into(),
        )));
    }
    if open.draft.is_empty() {
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
        Ok(()) => Ok(Reply::PullRequestFinish),
        Err((open, refusal)) => {
            session.draft = Some(open);
            Err(refusal)
        }
    }
}

/// Makes a pull request of a draft and tells the streamer; gives the draft back where that
/// fails.
async fn finish_draft(
    app: &Application,
    open: Box<OpenDraft>,
    project: ProjectId,
    owner: UserName,
) -> Result<(), (Box<OpenDraft>, RequestError)> {
    // One at a time, with the streamer's looking for what waits for him and with the author's
    // other connections, which must not pass the limit together.
    let _turn = app.reviews.lock(project.clone()).await;
    if let Err(refusal) = check_open_pull_requests(app, &project, owner.clone()).await {
        return Err((open, refusal));
    }
    let finishing = app.finishes.begin(project.clone(), app.now());
    let date = finishing.date();
    let finished = open.draft.finish(open.id, project.clone(), owner, date);
    if let Err(error) = app.ports.drafts.finish(finished.clone()).await {
        return Err((
            open,
            RequestError::internal("finish a pull request", &error),
        ));
    }
    open.mark_finished();
    finishing.tell(|| {
        let event = Event::PullRequestCreated(finished);
        app.ports
            .events
            .publish(&Topic::Proposals(project), event, None);
    });
    Ok(())
}

#[cfg(test)]
mod base_tests;
#[cfg(test)]
mod tests;
