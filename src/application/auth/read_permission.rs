//! How long a slow answer may continue (protocol, section 3: a token's expiry counts during the
//! session too).

use std::sync::Arc;

use crate::application::ports::Clock;
use crate::application::request_error::RequestError;
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{AuthError, Identity, IdentityError, Timestamp};

/// Permission for an answer sent piece by piece; it is checked again before each piece.
#[derive(Clone)]
pub(crate) struct ReadPermission {
    clock: Arc<dyn Clock>,
    /// When the token that the permission depends on expires, if it depends on one.
    ends: Option<Timestamp>,
}

impl ReadPermission {
    /// # Errors
    /// 401 once the token has expired.
    pub(crate) fn check(&self) -> Result<(), RequestError> {
        match self.ends {
            Some(ends) if self.clock.now() >= ends => {
                Err(AuthError::Identity(IdentityError::Expired).into())
            }
            _ => Ok(()),
        }
    }
}

/// Permission that requires a token.
pub(crate) fn permit_by_token(app: &Application, session: &Session) -> ReadPermission {
    permit_bearer(app, session.identity.as_ref())
}

fn permit_bearer(app: &Application, identity: Option<&Identity>) -> ReadPermission {
    ReadPermission {
        clock: Arc::clone(&app.ports.clock),
        ends: identity.map(|identity| identity.expires_at),
    }
}

/// Permission to read, which requires no token if reading is public.
pub(crate) fn permit_to_read(app: &Application, identity: Option<&Identity>) -> ReadPermission {
    let permit = permit_bearer(app, identity);
    ReadPermission {
        ends: permit.ends.filter(|_| !app.policy.public.read),
        ..permit
    }
}
