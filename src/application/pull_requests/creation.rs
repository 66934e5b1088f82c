//! The verbs of pull requests (protocol, section 6).

use crate::application::auth::read_permission::permit_by_token;
use std::sync::Arc;

use crate::application::command::{CreatePullRequest, DeletePullRequest};
use crate::application::event::Event;
use crate::application::files::file_stream::FileStream;
use crate::application::limits::check_text_bytes;
use crate::application::outcome::CommandOutcome;
use crate::application::ports::{StoreError, Topic};
use crate::application::pull_requests::open_draft::OpenDraft;
use crate::application::pull_requests::pages::PullRequestPages;
use crate::application::reply::Reply;
use crate::application::request_error::{BadParameters, Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{
    Draft, Outcome, ProjectId, PullRequest, PullRequestId, Timestamp, UserName, WriteTarget,
};

pub(crate) async fn create_pull_request(
    app: &Application,
    session: &mut Session,
    request: Checked<CreatePullRequest>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let (project, owner) = session.may_propose(now)?;
    let (project, owner) = (project.clone(), owner.clone());
    let CreatePullRequest { title, description } = request?;
    if title.is_empty() {
        return Err(RequestError::bad("title must not be empty"));
    }
    check_text_bytes("maxTitleBytes", &title, app.limits.max_title_bytes)?;
    check_text_bytes(
        "maxDescriptionBytes",
        &description,
        app.limits.max_description_bytes,
    )?;
    check_open_pull_requests(app, &project, owner).await?;
    session
        .uploads
        .retain(|target| !matches!(target, WriteTarget::Draft(_)));
    session.draft = Some(Box::new(OpenDraft::new(
        app.ports.ids.pull_request_id(),
        Draft::new(title, description),
        Arc::clone(&app.ports.drafts),
    )));
    Ok(Reply::PullRequestCreation)
}

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
    let store = Arc::clone(&app.ports.pull_requests);
    Ok(FileStream::pull_request(
        found,
        store,
        "/".to_owned(),
        permit_by_token(app, session),
    ))
}

pub(crate) async fn delete_pull_request(
    app: &Arc<Application>,
    session: &Session,
    request: Checked<DeletePullRequest>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let project = session.may_review(now)?;
    let DeletePullRequest { id, outcome } = request?;
    let found = find_pull_request(app, project, id).await?;
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

pub(crate) async fn list_pull_requests(
    app: &Application,
    session: &Session,
    now: Timestamp,
) -> Result<PullRequestPages, RequestError> {
    let (project, user) = session.may_propose(now)?;
    let owner = (!session.roles.streamer).then(|| user.clone());
    let ids = app.ports.pull_requests.open(project, owner).await;
    let ids = ids.map_err(|error| RequestError::internal("list pull requests", &error))?;
    let permit = permit_by_token(app, session);
    Ok(PullRequestPages::new(project.clone(), ids).within(permit))
}

async fn find_pull_request(
    app: &Application,
    project: &ProjectId,
    id: Option<PullRequestId>,
) -> Result<PullRequest, RequestError> {
    match app
        .ports
        .pull_requests
        .find(project, id.ok_or(RequestError::UNKNOWN_PULL_REQUEST)?)
        .await
    {
        Ok(found) => Ok(found),
        Err(StoreError::NotFound) => Err(RequestError::UNKNOWN_PULL_REQUEST),
        Err(error) => Err(RequestError::internal("read a pull request", &error)),
    }
}

async fn check_open_pull_requests(
    app: &Application,
    project: &ProjectId,
    owner: UserName,
) -> Result<(), RequestError> {
    let open = app.ports.pull_requests.open(project, Some(owner)).await;
    let open = open.map_err(|error| RequestError::internal("count pull requests", &error))?;
    let most = app.limits.max_open_pull_requests;
    if open.len() >= most {
        return Err(RequestError::LimitExceeded {
            limit: "maxOpenPullRequests",
            value: most as u64,
        });
    }
    Ok(())
}

#[cfg(test)]
mod base_tests;
#[cfg(test)]
mod tests;
