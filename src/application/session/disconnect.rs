//! What ends with a connection, however it ends: presence, room, topics, draft and unfinished
//! uploads. A change that has all of its content is still carried out
//! ([`change_outlives_connection`](crate::application::files::change_outlives_connection)). An
//! upload that lacks only the optional last part is stored first, if the connection was closed and
//! not cut.

use std::sync::Arc;

use crate::application::service::Application;
use crate::application::session::clients::Client;
use crate::application::session::registrations::replace;
use crate::application::session::state::{Registrations, Session};
use crate::domain::Timestamp;

/// A connection's session, which ends with it: wherever this is dropped, presence, room, topics,
/// draft and uploads end.
pub struct SessionGuard {
    pub(crate) application: Arc<Application>,
    pub(crate) session: Session,
}

impl SessionGuard {
    /// Begins the session of a connection to `client`.
    pub fn new(application: Arc<Application>, session: Session, client: Arc<dyn Client>) -> Self {
        application.clients.connect(session.connection, client);
        Self {
            application,
            session,
        }
    }

    /// Counts the unfinished uploads that it has now.
    pub(crate) fn count_uploads(&mut self) {
        let (counted, now) = (
            &mut self.session.counted_uploads,
            self.session.uploads.len(),
        );
        if *counted != now {
            let uploads = &self.application.counts.uploads;
            uploads.add(now);
            uploads.take(*counted);
            *counted = now;
        }
    }
}

impl Drop for SessionGuard {
    fn drop(&mut self) {
        // The uploads themselves, and what is staged for them, end when the session is dropped.
        self.application
            .counts
            .uploads
            .take(self.session.counted_uploads);
        let (session, none) = (&self.session, Registrations::default());
        replace(&self.application, session, &none, Timestamp::default());
        self.application.clients.disconnect(session.connection);
    }
}
