//! A connection for as long as it lives.

use std::sync::Arc;

use crate::application::service::Application;
use crate::application::session::state::Session;

/// A connection's session, which ends with it: wherever this is dropped, presence, room, topics,
/// draft and uploads end.
pub struct Connected {
    application: Arc<Application>,
    /// What the connection is entitled to.
    pub session: Session,
}

impl Connected {
    /// A connection that has just come.
    pub fn new(application: Arc<Application>, session: Session) -> Self {
        Self {
            application,
            session,
        }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.application.end(&mut self.session);
    }
}
