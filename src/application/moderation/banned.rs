//! Who is kept out by a ban.

use std::sync::Arc;

use crate::application::moderation::moderated::Moderated;
use crate::application::request_error::RequestError;
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{Identity, Person, ProjectId, Standing, Timestamp};

impl Session {
    /// Its bearer, as somebody that moderators may decide about.
    pub(crate) fn person<'a>(&self, bearer: &'a Identity) -> Person<'a> {
        Person {
            user: &bearer.user,
            address: self.ban_address(),
        }
    }
}

/// How a bearer stands with the moderators of `project`.
///
/// # Errors
/// What they have decided cannot be read.
pub(crate) async fn standing_in(
    app: &Application,
    session: &Session,
    bearer: &Identity,
    project: &ProjectId,
    now: Timestamp,
) -> Result<Standing, RequestError> {
    let moderated = app.moderations.of(project);
    moderated.standing(session.person(bearer), now).await
}

/// Lets a bearer into `project`, unless they are banned there. What has been decided stays in
/// memory for as long as the result is held, or somebody is there.
///
/// # Errors
/// They are banned, or what has been decided cannot be read.
pub(crate) async fn must_not_be_banned(
    app: &Application,
    session: &Session,
    bearer: &Identity,
    project: &ProjectId,
    now: Timestamp,
) -> Result<Arc<Moderated>, RequestError> {
    let moderated = app.moderations.of(project);
    let standing = moderated.standing(session.person(bearer), now).await?;
    match standing.banned {
        Some(ban) => Err(RequestError::Banned(ban)),
        None => Ok(moderated),
    }
}

/// Answers a refused request about the chat with the ban of its bearer, if they are banned: that is
/// why they have lost the room, or never got it.
pub(crate) async fn explain_ban(
    app: &Application,
    session: &Session,
    refused: RequestError,
    now: Timestamp,
) -> RequestError {
    let bearer = session.rights().valid_identity(now).ok();
    let room = bearer.and_then(|bearer| bearer.room.as_ref());
    let project = room.and_then(ProjectId::of_room);
    let Some((bearer, project)) = bearer.zip(project) else {
        return refused;
    };
    match standing_in(app, session, bearer, &project, now).await {
        Ok(Standing {
            banned: Some(ban), ..
        }) => RequestError::Banned(ban),
        // The failed read has been logged; the request was refused anyway.
        Ok(_) | Err(_) => refused,
    }
}
