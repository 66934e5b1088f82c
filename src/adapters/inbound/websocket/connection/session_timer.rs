//! Whom a processor works for: a session whose time runs on, whatever is under way.

use crate::application::files::post_file::settle_upload;
use crate::application::session::dispatch::execute;
use crate::application::session::expiry::expire_uploads;
use crate::application::session::expiry::next_deadline;
use crate::application::session::expiry::withdraw_expired;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::adapters::inbound::websocket::connection::responder::Responder;
use crate::adapters::inbound::websocket::protocol::request::Context;
use crate::application::{Application, Command, CommandOutcome, Session, SessionGuard};

/// A deadline further away than this is looked at again on the way.
const MAX_WAIT: Duration = Duration::from_secs(3_600);

/// One connection's session, and how to tell its client what time alone brings about.
pub(crate) struct SessionTimer {
    pub application: Arc<Application>,
    connected: SessionGuard,
    responder: Responder,
}

impl SessionTimer {
    pub(crate) fn new(
        application: Arc<Application>,
        connected: SessionGuard,
        responder: Responder,
    ) -> Self {
        Self {
            application,
            connected,
            responder,
        }
    }

    pub(crate) fn session(&self) -> &Session {
        &self.connected.session
    }

    pub(crate) async fn execute(&mut self, command: Command) -> CommandOutcome {
        let session = &mut self.connected.session;
        execute(&self.application, session, command).await
    }

    pub(crate) async fn settle_upload(&mut self, next: Option<&Command>) -> Option<CommandOutcome> {
        let session = &mut self.connected.session;
        settle_upload(&self.application, session, next).await
    }

    /// Does `work`, however long it takes, and meanwhile what has its time: a token that expires
    /// while a slow client is sent a large project expires then, not when that is over.
    pub(crate) async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                result = &mut work => return result,
                () = async { until(self.deadline()).await } => self.on_deadline(),
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let wait = next_deadline(&self.application, self.session())?;
        Some(Instant::now() + wait.min(MAX_WAIT))
    }

    fn on_deadline(&mut self) {
        let session = &mut self.connected.session;
        expire_uploads(&self.application, session);
        if let Some(refusal) = withdraw_expired(&self.application, session) {
            self.responder.refusal(&refusal, &Context::default());
        }
    }
}

/// Waits until then, or for ever.
pub(crate) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
