//! `authenticate` and the separate forms: a connection presents a token and takes roles (protocol,
//! section 3).

use std::sync::Arc;

use crate::application::chat::message::too_many_rooms;
use crate::application::command::{Authenticate, AuthenticateSection};
use crate::application::moderation::banned::{must_not_be_banned, standing_in};
use crate::application::moderation::moderated::Moderated;
use crate::application::outcome::CommandOutcome;
use crate::application::ports::{ProjectState, StoreError};
use crate::application::pull_requests::pages::PullRequestPages;
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::attendance::leave_room;
use crate::application::session::registrations::{enter_pull_requests, reattach};
use crate::application::session::state::Session;
use crate::domain::{
    AuthError, Identity, IdentityError, ProjectId, Roles, RoomName, Sections, Timestamp, UserName,
};

/// The 400 for a project or streamer that does not exist.
const NOT_THERE: RequestError =
    RequestError::bad("The streamer is not connected or the project is wrong");

const FOREIGN: RequestError = RequestError::bad(
    "a folder of the project's or the streamer's name lies on the server, which did not make it; \
     its operator can adopt it",
);

pub(crate) async fn authenticate(
    app: &Application,
    session: &mut Session,
    request: Checked<Authenticate>,
    now: Timestamp,
) -> CommandOutcome {
    let result = match request {
        Err(fault) => Err(fault.into()),
        Ok(request) => take_on(app, session, &request.token, request.sections, now).await,
    };
    match result {
        Ok((mut replies, waiting)) => {
            replies.push(Reply::Authentication);
            CommandOutcome::Authenticated { replies, waiting }
        }
        Err(refusal) => {
            session.fail_closed(app.policy.public.read);
            reattach(app, session, now);
            count_failure(app, session, refusal)
        }
    }
}

pub(crate) async fn authenticate_section(
    app: &Application,
    session: &mut Session,
    request: Checked<AuthenticateSection>,
    now: Timestamp,
) -> CommandOutcome {
    match take_on_section(app, session, request, now).await {
        Ok((replies, waiting)) => CommandOutcome::Authenticated { replies, waiting },
        Err(refusal) => count_failure(app, session, refusal),
    }
}

async fn take_on_section(
    app: &Application,
    session: &mut Session,
    request: Checked<AuthenticateSection>,
    now: Timestamp,
) -> Result<(Vec<Reply>, Option<PullRequestPages>), RequestError> {
    let AuthenticateSection { token, section } = request?;
    if let Some(token) = token {
        return take_on(app, session, &token, section?, now).await;
    }
    let identity = session.rights().valid_identity(now)?.clone();
    become_whom(app, session, identity, section?, now).await
}

async fn take_on(
    app: &Application,
    session: &mut Session,
    token: &str,
    sections: Sections,
    now: Timestamp,
) -> Result<(Vec<Reply>, Option<PullRequestPages>), RequestError> {
    if token.is_empty() {
        return Err(AuthError::NoToken.into());
    }
    let identity = bearer(app, token, now)?;
    become_whom(app, session, identity, sections, now).await
}

/// The bearer of a token that is valid at `now`.
///
/// # Errors
/// The token is not valid.
pub(crate) fn bearer(
    app: &Application,
    token: &str,
    now: Timestamp,
) -> Result<Identity, AuthError> {
    let claims = app.ports.tokens.verify(token).map_err(|error| {
        tracing::debug!(%error, "refused a token");
        AuthError::BadToken
    })?;
    let identity = Identity::from_claims(&claims, now)?;
    Ok(identity.limited_to(app.policy.guests))
}

/// Makes all checks first, then all changes. Entering the room is a check too: it can fail.
async fn become_whom(
    app: &Application,
    session: &mut Session,
    identity: Identity,
    sections: Sections,
    now: Timestamp,
) -> Result<(Vec<Reply>, Option<PullRequestPages>), RequestError> {
    let old = session.identity.as_ref();
    let public = app.policy.public.read;
    let kept = session.roles.under(old, &identity, public, now);
    let roles = kept.grant(&sections, &identity, public, now)?;
    let now = match &sections.file {
        Some(file) => await_earlier(app, session, &identity, &file.project).await?,
        None => now,
    };
    let _moderated = must_not_be_banned_from_room(app, session, &identity, &sections, now).await?;
    check_projects(app, &sections).await?;
    drop_what_a_ban_ends(app, session, &identity, now).await;
    let room = enter_room(app, session, &identity, &roles)?;
    if let (Some(_), Some(project)) = (&sections.file, &identity.project) {
        register(app, project).await?;
    }
    let heard = session.listening.as_ref();
    if heard.is_some_and(|room| identity.banned(room, now).is_some()) {
        session.listening = None;
    }
    session.become_bearer(identity, roles, public);
    room.keep(session);
    let waiting = attach_streamer(app, session, now).await;
    let replies = [
        sections.file.map(|_| Reply::FileAuth),
        sections.chat.map(|_| Reply::ChatAuth),
        sections.pull_request.map(|_| Reply::PullRequestAuth),
    ];
    Ok((replies.into_iter().flatten().collect(), waiting))
}

/// Waits for the streamer's earlier connections, as `Clients::stream_in_turn` describes, and
/// returns the time after the wait.
///
/// # Errors
/// The token has expired during the wait.
async fn await_earlier(
    app: &Application,
    session: &Session,
    bearer: &Identity,
    project: &ProjectId,
) -> Result<Timestamp, AuthError> {
    app.clients
        .stream_in_turn(project, session.connection)
        .await;
    let now = app.now();
    if bearer.is_expired(now) {
        return Err(AuthError::Identity(IdentityError::Expired));
    }
    Ok(now)
}

/// Fails if the bearer asks for the section `chat` and is banned from its room by a moderator. What
/// moderators have decided there stays in memory for as long as the result lives.
async fn must_not_be_banned_from_room(
    app: &Application,
    session: &Session,
    bearer: &Identity,
    sections: &Sections,
    now: Timestamp,
) -> Result<Option<Arc<Moderated>>, RequestError> {
    let room = sections.chat.as_ref().map(|chat| &chat.room);
    match room.and_then(ProjectId::of_room) {
        Some(project) => {
            let moderated = must_not_be_banned(app, session, bearer, &project, now).await;
            moderated.map(Some)
        }
        None => Ok(None),
    }
}

/// Ends the listening and the draft of a connection if its new bearer is banned there.
async fn drop_what_a_ban_ends(
    app: &Application,
    session: &mut Session,
    bearer: &Identity,
    now: Timestamp,
) {
    let heard = session.listening.as_ref().and_then(ProjectId::of_room);
    if let Some(project) = heard
        && is_kept_out(app, session, bearer, &project, now).await
    {
        session.listening = None;
    }
    if let Some(project) = bearer.project.as_ref().filter(|_| session.draft.is_some())
        && is_kept_out(app, session, bearer, project, now).await
    {
        session.drop_draft();
    }
}

/// Whether a ban keeps a bearer out of a project. If the bans cannot be read, the bearer is kept
/// out.
async fn is_kept_out(
    app: &Application,
    session: &Session,
    bearer: &Identity,
    project: &ProjectId,
    now: Timestamp,
) -> bool {
    let standing = standing_in(app, session, bearer, project, now).await;
    !standing.is_ok_and(|standing| standing.banned.is_none())
}

async fn register(app: &Application, project: &ProjectId) -> Result<(), RequestError> {
    let moderated = app.moderations.of(project);
    let (projects, guests) = (&*app.ports.projects, &*app.ports.guests);
    let registered = moderated.register(projects, guests).await;
    registered.map_err(|error| match error {
        StoreError::PathConflict => FOREIGN,
        error => RequestError::internal("register a project", &error),
    })
}

async fn check_projects(app: &Application, sections: &Sections) -> Result<(), RequestError> {
    let streamed = sections.file.as_ref().map(|file| &file.project);
    if let Some(project) = streamed
        && state_of(app, project).await? == ProjectState::Foreign
    {
        return Err(FOREIGN);
    }
    if let Some(viewer) = &sections.pull_request {
        let there = streamed == Some(&viewer.project)
            || app.ports.presence.streamers(&viewer.project) > 0
            || state_of(app, &viewer.project).await? == ProjectState::Registered;
        if !there {
            return Err(NOT_THERE);
        }
    }
    Ok(())
}

async fn state_of(app: &Application, project: &ProjectId) -> Result<ProjectState, RequestError> {
    let state = app.ports.projects.state(project).await;
    state.map_err(|error| RequestError::internal("look up a project", &error))
}

/// A room that a connection has entered before its other checks are done. Dropping this leaves the
/// room again, unless `keep` was called because they have passed.
struct RoomEntry<'a> {
    app: &'a Application,
    member: Option<(RoomName, UserName)>,
}

impl RoomEntry<'_> {
    /// Hands the membership to the session's registrations, which leave the room later. The
    /// connection leaves the room in which it was before.
    fn keep(mut self, session: &mut Session) {
        if let Some(member) = self.member.take()
            && let Some((room, user)) = session.attached.room.replace(member)
        {
            leave_room(self.app, session, &room, &user);
        }
    }
}

impl Drop for RoomEntry<'_> {
    fn drop(&mut self) {
        if let Some((room, user)) = &self.member {
            self.app.ports.rooms.leave(room, user, self.app.uptime());
        }
    }
}

/// Enters the room in `roles`, unless the connection is already in it under the same name.
/// A connection whose token has expired is no longer in it.
fn enter_room<'a>(
    app: &'a Application,
    session: &Session,
    identity: &Identity,
    roles: &Roles,
) -> Result<RoomEntry<'a>, RequestError> {
    let member = roles.room.clone().map(|room| (room, identity.user.clone()));
    let member = member.filter(|member| session.attached.room.as_ref() != Some(member));
    if let Some((room, user)) = &member
        && !app.ports.rooms.enter(room, user, app.uptime())
    {
        return Err(too_many_rooms(app));
    }
    Ok(RoomEntry { app, member })
}

/// Registers the connection for its new roles. A streamer's connection is told of the pull requests
/// that have been waiting for it.
async fn attach_streamer(
    app: &Application,
    session: &mut Session,
    now: Timestamp,
) -> Option<PullRequestPages> {
    reattach(app, session, now);
    app.clients.streams(session.connection, session.streamed());
    let project = session.streamed().cloned()?;
    if session.notices.live() == Some(&project) {
        return None;
    }
    match enter_pull_requests(app, session, project.clone()).await {
        Ok(ids) => Some(PullRequestPages::new(project, ids, None, &session.account)),
        Err(error) => {
            // The connection is a streamer all the same; its next authentication looks for waiting
            // pull requests again.
            RequestError::internal("look for waiting pull requests", &error);
            None
        }
    }
}

fn count_failure(
    app: &Application,
    session: &mut Session,
    refusal: RequestError,
) -> CommandOutcome {
    let is_401 = matches!(
        refusal,
        RequestError::Unauthorized(_) | RequestError::Banned(_)
    );
    // Before the failure, the connection may have been noted as one that is to stream the project.
    app.clients.streams(session.connection, session.streamed());
    if !is_401 {
        return CommandOutcome::Refused(refusal);
    }
    app.counts.failed_authentications.one();
    session.failed_authentications += 1;
    if session.failed_authentications >= app.limits.max_failed_authentications {
        return CommandOutcome::RefusedForGood(refusal);
    }
    CommandOutcome::Refused(refusal)
}

#[cfg(test)]
mod tests;
