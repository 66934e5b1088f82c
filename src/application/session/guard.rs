//! A connection for as long as it lives.

use crate::application::session::reattach::end;
use std::sync::Arc;

use crate::application::service::Application;
use crate::application::session::state::Session;

/// A connection's session, which ends with it: wherever this is dropped, presence, room, topics,
/// draft and uploads end.
pub struct SessionGuard {
    application: Arc<Application>,
    /// What the connection is entitled to.
    pub session: Session,
}

impl SessionGuard {
    /// The guard of a new connection.
    pub fn new(application: Arc<Application>, session: Session) -> Self {
        Self {
            application,
            session,
        }
    }
}

impl Drop for SessionGuard {
    fn drop(&mut self) {
        end(&self.application, &mut self.session);
    }
}
