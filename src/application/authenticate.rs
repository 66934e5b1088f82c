//! `authenticate` and the separate forms: a connection shows a token and takes on roles
//! (protocol, section 3).

use super::ports::{ProjectState, StoreError};
use super::session::Roles;
use super::{
    Application, AuthError, Authenticate, AuthenticateSection, Checked, Execution,
    PullRequestPages, Refusal, Reply, Sections, Session,
};
use crate::domain::{Identity, ProjectId, Timestamp};

const FOREIGN: Refusal = Refusal::bad(
    "a folder of this name lies on the server and is no project; its operator can adopt it",
);

impl Application {
    pub(super) async fn authenticate(
        &self,
        session: &mut Session,
        request: Checked<Authenticate>,
        now: Timestamp,
    ) -> Execution {
        let result = match request {
            Err(fault) => Err(fault.into()),
            Ok(request) => {
                self.take_on(session, &request.token, request.sections, now)
                    .await
            }
        };
        match result {
            Ok((mut replies, waiting)) => {
                replies.push(Reply::Authentication);
                Execution::Authenticated { replies, waiting }
            }
            Err(refusal) => {
                session.fail_closed(self.policy.public_read);
                self.reattach(session, now);
                self.count_failure(session, refusal)
            }
        }
    }

    pub(super) async fn authenticate_section(
        &self,
        session: &mut Session,
        request: Checked<AuthenticateSection>,
        now: Timestamp,
    ) -> Execution {
        match self.take_on_section(session, request, now).await {
            Ok((replies, waiting)) => Execution::Authenticated { replies, waiting },
            Err(refusal) => self.count_failure(session, refusal),
        }
    }

    async fn take_on_section(
        &self,
        session: &mut Session,
        request: Checked<AuthenticateSection>,
        now: Timestamp,
    ) -> Result<(Vec<Reply>, Option<PullRequestPages>), Refusal> {
        let AuthenticateSection { token, section } = request?;
        if let Some(token) = token {
            return self.take_on(session, &token, section?.into(), now).await;
        }
        let identity = session.valid_identity(now)?.clone();
        self.become_whom(session, identity, section?.into(), now)
            .await
    }

    async fn take_on(
        &self,
        session: &mut Session,
        token: &str,
        sections: Sections,
        now: Timestamp,
    ) -> Result<(Vec<Reply>, Option<PullRequestPages>), Refusal> {
        if token.is_empty() {
            return Err(AuthError::NoToken.into());
        }
        let claims = self.ports.tokens.verify(token).map_err(|error| {
            tracing::debug!(connection = %session.connection, %error, "refused a token");
            AuthError::BadToken
        })?;
        let identity = Identity::from_claims(&claims, now).map_err(AuthError::from)?;
        self.become_whom(session, identity, sections, now).await
    }

    /// All checks first, then all changes.
    async fn become_whom(
        &self,
        session: &mut Session,
        identity: Identity,
        sections: Sections,
        now: Timestamp,
    ) -> Result<(Vec<Reply>, Option<PullRequestPages>), Refusal> {
        let kept = session.roles_under(&identity, now);
        let roles = identity.grant(&sections, kept, now)?;
        self.check_projects(&sections).await?;
        self.check_room(session, &identity, &roles)?;
        if let (Some(_), Some(project)) = (&sections.file, &identity.project) {
            self.register(project).await?;
        }
        session.become_bearer(identity, roles);
        let waiting = self.attach_streamer(session, now).await?;
        let replies = [
            sections.file.is_some().then_some(Reply::FileAuth),
            sections.chat.is_some().then_some(Reply::ChatAuth),
            sections
                .pull_request
                .is_some()
                .then_some(Reply::PullRequestAuth),
        ];
        Ok((replies.into_iter().flatten().collect(), waiting))
    }

    async fn register(&self, project: &ProjectId) -> Result<(), Refusal> {
        match self.ports.registry.register(project).await {
            Ok(()) => Ok(()),
            Err(StoreError::InTheWay) => Err(FOREIGN),
            Err(error) => Err(Refusal::internal("register a project", &error)),
        }
    }

    async fn check_projects(&self, sections: &Sections) -> Result<(), Refusal> {
        let streamed = sections.file.as_ref().map(|file| ProjectId {
            streamer: file.username.clone(),
            name: file.project.clone(),
        });
        if let Some(project) = &streamed
            && self.state_of(project).await? == ProjectState::Foreign
        {
            return Err(FOREIGN);
        }
        if let Some(viewer) = &sections.pull_request {
            let there = streamed.as_ref() == Some(&viewer.project)
                || self.ports.presence.streamers(&viewer.project) > 0
                || self.state_of(&viewer.project).await? == ProjectState::Registered;
            if !there {
                return Err(Self::NOT_THERE);
            }
        }
        Ok(())
    }

    async fn state_of(&self, project: &ProjectId) -> Result<ProjectState, Refusal> {
        let state = self.ports.registry.state(project).await;
        state.map_err(|error| Refusal::internal("look up a project", &error))
    }

    /// Whether the room that `roles` bring has room for one more, unless the connection is in it.
    /// One whose token had expired is not, though it was.
    fn check_room(
        &self,
        session: &Session,
        identity: &Identity,
        roles: &Roles,
    ) -> Result<(), Refusal> {
        let Some(room) = roles
            .room
            .as_ref()
            .filter(|room| !session.attached.is_in(room))
        else {
            return Ok(());
        };
        // Entering and leaving again makes no difference to anybody in a room; that it may be
        // full by the time of entering for good is a race that lets one room too many be.
        let now = self.uptime();
        if !self.ports.rooms.enter(room, &identity.user, now) {
            let value = self.limits.max_rooms as u64;
            return Err(Refusal::LimitExceeded {
                limit: "maxRooms",
                value,
            });
        }
        self.ports.rooms.leave(room, &identity.user, now);
        Ok(())
    }

    /// Enters the connection for its new roles. A streamer's is told of the pull requests that
    /// have waited for him: entering and looking are one step, so that none is told twice or not
    /// at all.
    async fn attach_streamer(
        &self,
        session: &mut Session,
        now: Timestamp,
    ) -> Result<Option<PullRequestPages>, Refusal> {
        let project = session
            .role_project()
            .filter(|_| session.roles.streamer)
            .cloned();
        let Some(project) = project.filter(|project| session.notices.live() != Some(project))
        else {
            self.reattach(session, now);
            return Ok(None);
        };
        let _finishing = self.reviews.lock(project.clone()).await;
        self.reattach(session, now);
        let since = session.notices.resume(project.clone());
        match self.ports.pull_requests.open(&project, None).await {
            Ok(ids) => Ok(Some(PullRequestPages::new(project, ids).since(since))),
            Err(error) => {
                // He is the streamer all the same; the notices wait for the next time.
                session.notices.pause(since);
                Refusal::internal("look for waiting pull requests", &error);
                Ok(None)
            }
        }
    }

    fn count_failure(&self, session: &mut Session, refusal: Refusal) -> Execution {
        if !matches!(refusal, Refusal::Unauthorized(_)) {
            return Execution::Refused(refusal);
        }
        session.failed_authentications += 1;
        if session.failed_authentications >= self.limits.max_failed_authentications {
            return Execution::RefusedForGood(refusal);
        }
        Execution::Refused(refusal)
    }

    /// Tells the connection once that its token has expired, and withdraws what needs it.
    pub fn withdraw_expired(&self, session: &mut Session) -> Option<Refusal> {
        let now = self.now();
        let identity = session.identity.as_ref()?;
        if session.told_expired || !identity.is_expired(now) {
            return None;
        }
        session.told_expired = true;
        self.reattach(session, now);
        session.valid_identity(now).err().map(Refusal::Unauthorized)
    }
}

#[cfg(test)]
mod tests;
