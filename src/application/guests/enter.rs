//! `guest`/`enter`: gives somebody without an account a name and a token.

use crate::application::command::EnterAsGuest;
use crate::application::moderation::admit::Newcomer;
use crate::application::ports::{ProjectState, StoreError, TakeNameError};
use crate::application::reply::{GuestPass, Reply};
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{
    AuthError, Claims, GUEST_LIFETIME, Guest, GuestEntry, GuestError, Identity, ProjectId,
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
    let (most, uptime) = (app.limits.max_guests_per_address, app.uptime());
    let permit = app.recent_guests.permit(session.address, most, uptime)?;
    let moderated = app.moderations.of(&project);
    let asking = asking(app, session);
    let newcomer = Newcomer {
        name: &name,
        address: session.ban_address(),
        bearer: asking.map(|bearer| session.person(bearer)),
    };
    let admission = moderated.admit(newcomer, now).await?;

    let claims = claims_of(app, asking, &project, admission.muted, now);
    let authors = app.ports.pull_requests.authors(&project).await;
    let entry = GuestEntry {
        guest: Guest {
            name: name.clone(),
            until: claims.expires_at,
            address: session.ban_address(),
        },
        now,
        reserved: admission.reserved,
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
        TakeNameError::Store(error) => moderated.guests_failed("give a guest a name", &error),
    })?;
    permit.used();
    let user = name.user_name();
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

/// The bearer who asks; `None` where reading needs no token.
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

/// The claims of a guest's token besides the name. Where reading needs a token, the guest's token
/// expires no later than that of the asking bearer, and has the same mute and ban.
fn claims_of(
    app: &Application,
    asking: Option<&Identity>,
    project: &ProjectId,
    muted: Option<Timestamp>,
    now: Timestamp,
) -> Claims {
    let rights = app.policy.guests.rights().iter();
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
