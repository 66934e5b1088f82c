//! The verbs of pull requests (protocol, section 6).

use std::sync::Arc;

use crate::application::command::{CreatePullRequest, DeletePullRequest};
use crate::application::event::Event;
use crate::application::files::file_stream::FileStream;
use crate::application::files::uploads::WriteTarget;
use crate::application::ports::{StoreError, Topic};
use crate::application::pull_requests::open_draft::OpenDraft;
use crate::application::pull_requests::pages::PullRequestPages;
use crate::application::reply::{CommandOutcome, Reply};
use crate::application::request_error::{BadParameters, Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{Draft, Outcome, ProjectId, PullRequest, PullRequestId, Timestamp, UserName};

/// The 400 for a pull request that is not there, or not for this connection.
pub(crate) const UNKNOWN: RequestError = RequestError::bad("Pullrequest ID does not exist");

impl Application {
    pub(crate) async fn create_pull_request(
        &self,
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
        check_bytes("maxTitleBytes", &title, self.limits.max_title_bytes)?;
        check_bytes(
            "maxDescriptionBytes",
            &description,
            self.limits.max_description_bytes,
        )?;
        self.check_open_pull_requests(&project, owner).await?;
        session
            .uploads
            .retain(|target| !matches!(target, WriteTarget::Draft(_)));
        session.draft = Some(Box::new(OpenDraft::new(
            self.ports.ids.pull_request_id(),
            Draft::new(title, description),
            Arc::clone(&self.ports.drafts),
        )));
        Ok(Reply::PullRequestCreation)
    }

    pub(crate) async fn finish_pull_request(
        self: &Arc<Self>,
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
        let this = Arc::clone(self);
        let work = async move { Ok(this.finish_draft(open, project, owner).await) };
        match self.to_the_end(work).await? {
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
        &self,
        open: Box<OpenDraft>,
        project: ProjectId,
        owner: UserName,
    ) -> Result<(), (Box<OpenDraft>, RequestError)> {
        // One at a time, with the streamer's looking for what waits for him and with the author's
        // other connections, which must not pass the limit together.
        let _turn = self.reviews.lock(project.clone()).await;
        if let Err(refusal) = self.check_open_pull_requests(&project, owner.clone()).await {
            return Err((open, refusal));
        }
        let finishing = self.finishes.begin(project.clone(), self.now());
        let date = finishing.date();
        let finished = open.draft.finish(open.id, project.clone(), owner, date);
        if let Err(error) = self.ports.drafts.finish(finished.clone()).await {
            return Err((
                open,
                RequestError::internal("finish a pull request", &error),
            ));
        }
        open.mark_finished();
        finishing.tell(|| {
            let event = Event::PullRequestCreated(finished);
            self.ports
                .events
                .publish(&Topic::Proposals(project), event, None);
        });
        Ok(())
    }

    pub(crate) async fn get_pull_request(
        &self,
        session: &Session,
        id: Checked<Option<PullRequestId>>,
        now: Timestamp,
    ) -> CommandOutcome {
        match self.fetch_pull_request(session, id, now).await {
            Ok(fetch) => CommandOutcome::PullRequestFiles(fetch),
            Err(refusal) => CommandOutcome::Refused(refusal),
        }
    }

    async fn fetch_pull_request(
        &self,
        session: &Session,
        id: Checked<Option<PullRequestId>>,
        now: Timestamp,
    ) -> Result<FileStream, RequestError> {
        let (project, user) = session.may_propose(now)?;
        let found = self.find_pull_request(project, id?).await?;
        if !session.roles.streamer && found.owner != *user {
            return Err(UNKNOWN);
        }
        let store = Arc::clone(&self.ports.pull_requests);
        Ok(FileStream::pull_request(
            found,
            store,
            "/".to_owned(),
            self.permit_by_token(session),
        ))
    }

    pub(crate) async fn delete_pull_request(
        self: &Arc<Self>,
        session: &Session,
        request: Checked<DeletePullRequest>,
        now: Timestamp,
    ) -> Result<Reply, RequestError> {
        let project = session.may_review(now)?;
        let DeletePullRequest { id, outcome } = request?;
        let found = self.find_pull_request(project, id).await?;
        let (this, project) = (Arc::clone(self), project.clone());
        let work = async move { this.end_pull_request(project, found, outcome).await };
        self.to_the_end(work).await?;
        Ok(Reply::PullRequestDelete)
    }

    async fn end_pull_request(
        &self,
        project: ProjectId,
        found: PullRequest,
        outcome: Outcome,
    ) -> Result<(), RequestError> {
        match self.ports.pull_requests.delete(&project, found.id).await {
            Ok(()) => {}
            Err(StoreError::NotFound) => return Err(UNKNOWN),
            Err(error) => return Err(RequestError::internal("delete a pull request", &error)),
        }
        let topic = Topic::Outcomes(project, found.owner);
        let event = Event::PullRequestClosed {
            id: found.id,
            outcome,
        };
        self.ports.events.publish(&topic, event, None);
        Ok(())
    }

    pub(crate) async fn list_pull_requests(
        &self,
        session: &Session,
        now: Timestamp,
    ) -> Result<PullRequestPages, RequestError> {
        let (project, user) = session.may_propose(now)?;
        let owner = (!session.roles.streamer).then(|| user.clone());
        let ids = self.ports.pull_requests.open(project, owner).await;
        let ids = ids.map_err(|error| RequestError::internal("list pull requests", &error))?;
        let permit = self.permit_by_token(session);
        Ok(PullRequestPages::new(project.clone(), ids).within(permit))
    }

    async fn find_pull_request(
        &self,
        project: &ProjectId,
        id: Option<PullRequestId>,
    ) -> Result<PullRequest, RequestError> {
        match self
            .ports
            .pull_requests
            .find(project, id.ok_or(UNKNOWN)?)
            .await
        {
            Ok(found) => Ok(found),
            Err(StoreError::NotFound) => Err(UNKNOWN),
            Err(error) => Err(RequestError::internal("read a pull request", &error)),
        }
    }

    async fn check_open_pull_requests(
        &self,
        project: &ProjectId,
        owner: UserName,
    ) -> Result<(), RequestError> {
        let open = self.ports.pull_requests.open(project, Some(owner)).await;
        let open = open.map_err(|error| RequestError::internal("count pull requests", &error))?;
        let most = self.limits.max_open_pull_requests;
        if open.len() >= most {
            return Err(RequestError::LimitExceeded {
                limit: "maxOpenPullRequests",
                value: most as u64,
            });
        }
        Ok(())
    }
}

/// Whether a text keeps within a bound.
pub(crate) fn check_bytes(
    limit: &'static str,
    text: &str,
    most: usize,
) -> Result<(), RequestError> {
    if text.len() > most {
        return Err(RequestError::LimitExceeded {
            limit,
            value: most as u64,
        });
    }
    Ok(())
}

#[cfg(test)]
mod base_tests;
#[cfg(test)]
mod tests;
