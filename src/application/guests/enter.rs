//! `guest`/`enter`: gives somebody without an account a name and a token.

use crate::application::command::EnterAsGuest;
use crate::application::ports::{ProjectState, StoreError, TakeNameError};
use crate::application::reply::{GuestPass, Reply};
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{
    AuthError, Claims, GUEST_LIFETIME, GuestEntry, GuestError, Identity, Moderation, ProjectId,
    Timestamp,
};

const NO_GUESTS: AuthError = AuthError::Role("this server takes no guests (its key guests)");

const NO_PROJECT: RequestError = RequestError::bad("there is no such project");

pub(crate) async fn enter_as_guest(
    app: &Application,
    session: &Session,
    request: Checked<EnterAsGuest>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let public = app.policy.public.read;
    let tokens = app.ports.guest_tokens.as_ref().ok_or(NO_GUESTS)?;
    session.rights().may_read_something(public, now)?;
    let EnterAsGuest { project, name } = request?;
    session.rights().may_read(&project, public, now)?;
    let name = name?;
    must_exist(app, &project).await?;
    let moderation = must_not_be_banned(app, session, &project, now).await?;

    let (most, uptime) = (app.limits.max_guests_per_address, app.uptime());
    let permit = app.recent_guests.permit(session.address, most, uptime)?;
    let claims = claims_of(app, session, &project, &moderation, now);
    let authors = app.ports.pull_requests.authors(&project).await;
    let entry = GuestEntry {
        name: name.clone(),
        until: claims.expires_at,
        now,
        streamer: project.streamer.clone(),
        moderated: moderation.names().cloned().collect(),
        authors: authors.map_err(|error| failed(&error))?,
        max_guests: app.limits.max_guests,
    };
    let taken = app.ports.guests.take(&project, entry).await;
    taken.map_err(|error| match error {
        TakeNameError::Guest(GuestError::Taken { free }) => RequestError::NameTaken { free },
        TakeNameError::Guest(GuestError::TooMany) => {
            let (limit, value) = ("maxGuests", app.limits.max_guests as u64);
            RequestError::LimitExceeded { limit, value }
        }
        TakeNameError::Store(error) => failed(&error),
    })?;
    let user = name.user_name();
    permit.used(session.ban_address.map(|_| (&project, &user)));
    let claims = Claims {
        username: Some(user.to_string()),
        ..claims
    };
    Ok(Reply::GuestEnter(GuestPass {
        token: tokens.issue(&claims).map_err(|error| failed(&error))?,
        name: user,
        access: app.policy.guests,
        expires: claims.expires_at,
    }))
}

/// What moderators have decided in the project, if that lets the one who asks become a guest: they
/// do not come from where a guest is banned, nor are they banned themselves, where that counts.
async fn must_not_be_banned(
    app: &Application,
    session: &Session,
    project: &ProjectId,
    now: Timestamp,
) -> Result<Moderation, RequestError> {
    let moderation = app.moderations.of(project).moderation().await?;
    let address = session.ban_address;
    let by_address = address.and_then(|address| moderation.ban_of_address(address, now));
    let asking = asking(app, session);
    let asking = asking.map(|bearer| moderation.standing(session.person(bearer), now));
    match by_address.or(asking.and_then(|standing| standing.banned)) {
        Some(ban) => Err(RequestError::Banned(ban)),
        None => Ok(moderation),
    }
}

/// The bearer who asks, where reading needs a token.
fn asking<'a>(app: &Application, session: &'a Session) -> Option<&'a Identity> {
    let asking = session.identity.as_ref();
    asking.filter(|_| !app.policy.public.read)
}

fn failed(error: &StoreError) -> RequestError {
    RequestError::internal("give a guest a name", error)
}

async fn must_exist(app: &Application, project: &ProjectId) -> Result<(), RequestError> {
    let state = app.ports.projects.state(project).await;
    match state.map_err(|error| RequestError::internal("look up a project", &error))? {
        ProjectState::Registered => Ok(()),
        ProjectState::Absent | ProjectState::Foreign => Err(NO_PROJECT),
    }
}

/// What a guest's token says besides their name. Where reading needs a token, a guest may do
/// nothing for longer than who asks, and is muted and banned as long.
fn claims_of(
    app: &Application,
    session: &Session,
    project: &ProjectId,
    moderation: &Moderation,
    now: Timestamp,
) -> Claims {
    let rights = app.policy.guests.rights().iter();
    let asking = asking(app, session);
    let standing = asking.map(|bearer| moderation.standing(session.person(bearer), now));
    let muted = standing.and_then(|standing| standing.muted);
    let latest = now.plus(GUEST_LIFETIME);
    let expires_at = asking.map_or(latest, |asking| asking.expires_at.min(latest));
    Claims {
        streamer: Some(project.streamer.to_string()),
        project: Some(project.name.to_string()),
        rights: Some(rights.map(|&right| right.to_owned()).collect()),
        // Tokens count in whole seconds.
        expires_at: Timestamp::from_secs(expires_at.as_millis() / 1_000),
        muted_until: muted.max(asking.and_then(|asking| asking.muted_until)),
        banned_until: asking.and_then(|asking| asking.banned_until),
        ..Claims::default()
    }
}

#[cfg(test)]
mod tests;
