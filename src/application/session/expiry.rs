//! What happens to a connection just because time passes.

use std::time::Duration;

use crate::application::request_error::RequestError;
use crate::application::service::Application;
use crate::application::session::registrations::reattach;
use crate::application::session::state::Session;

/// How soon to check again whether a token has expired: the clock may have been set forward.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// How long until [`withdraw_expired`] or [`expire_uploads`] may have something to do; `None` means
/// never. At most a minute if a token may expire.
pub fn next_deadline(app: &Application, session: &Session) -> Option<Duration> {
    let expiry = session.identity.as_ref().filter(|_| !session.told_expired);
    let expiry = expiry.map(|identity| identity.expires_at.since(app.now()).min(LOOK_AGAIN));
    let idle = session.uploads.next_expiry(&app.limits);
    let idle = idle.map(|at| at.since(app.uptime()));
    expiry.into_iter().chain(idle).min()
}

/// Ends the uploads that have not grown for too long.
pub fn expire_uploads(app: &Application, session: &mut Session) {
    session.uploads.expire(&app.limits, app.uptime());
}

/// Withdraws, once, what needs a token that has expired. Returns the error to tell the connection
/// if it loses its room or updates by that; it learns of the rest at its next request.
pub fn withdraw_expired(app: &Application, session: &mut Session) -> Option<RequestError> {
    let now = app.now();
    let identity = session.identity.as_ref()?;
    if session.told_expired || !identity.is_expired(now) {
        return None;
    }
    session.told_expired = true;
    let received = session.attached.received();
    reattach(app, session, now);
    if session.attached.received() == received {
        return None;
    }
    let invalid = session.rights().valid_identity(now).err();
    invalid.map(RequestError::Unauthorized)
}

#[cfg(test)]
mod tests;
