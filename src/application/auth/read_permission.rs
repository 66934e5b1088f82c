//! Until when an answer that takes long may go on (protocol, section 3: a token's expiry counts
//! during the session too).

use std::sync::Arc;

use crate::application::ports::Clock;
use crate::application::request_error::RequestError;
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{AuthError, IdentityError, Timestamp};

/// The right to an answer that comes piece by piece, looked at again before each piece.
#[derive(Clone)]
pub(crate) struct ReadPermission {
    clock: Arc<dyn Clock>,
    /// When the token expires on which the right rests, if it rests on one.
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

/// What only a token gives a right to.
pub(crate) fn permit_by_token(app: &Application, session: &Session) -> ReadPermission {
    let identity = session.identity.as_ref();
    ReadPermission {
        clock: Arc::clone(&app.ports.clock),
        ends: identity.map(|identity| identity.expires_at),
    }
}

/// What may be read without one where reading is public.
pub(crate) fn permit_to_read(app: &Application, session: &Session) -> ReadPermission {
    let permit = permit_by_token(app, session);
    ReadPermission {
        ends: permit.ends.filter(|_| !app.policy.public_read),
        ..permit
    }
}
