//! The session of a connection, whose deadlines are met whatever work is in progress.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::application::command::Command;
use crate::application::files::post_file::settle_upload;
use crate::application::moderation::put_out::heed_summons;
use crate::application::outcome::CommandOutcome;
use crate::application::session::disconnect::SessionGuard;
use crate::application::session::dispatch::execute;
use crate::application::session::expiry::{expire_uploads, next_deadline, withdraw_expired};
use crate::application::session::request_queue::RequestQueue;
use crate::application::session::responder::Responder;
use crate::application::session::state::Session;
use crate::application::session::summons::Summons;

/// The longest wait: a deadline further away is checked again on the way.
const MAX_WAIT: Duration = Duration::from_secs(3_600);

/// One connection's session, which acts on its deadlines by itself.
pub(crate) struct SessionTimer<R, O> {
    pub(crate) connected: SessionGuard,
    pub(crate) responder: R,
    pub(crate) observe: O,
}

impl<R: Responder, O: Fn(&Session)> SessionTimer<R, O> {
    pub(crate) fn session(&self) -> &Session {
        &self.connected.session
    }

    /// Counts what the session has now, and tells the observer how it is.
    pub(crate) fn observe(&mut self) {
        self.connected.count_uploads();
        (self.observe)(self.session());
    }

    /// Carries out one of `requests`. Returns `None` if the client has left in the meantime and the
    /// command ends with its client.
    pub(crate) async fn execute(
        &mut self,
        command: Command,
        requests: &RequestQueue<R::Context>,
    ) -> Option<CommandOutcome> {
        let SessionGuard {
            application,
            session,
        } = &mut self.connected;
        let ends_early = command.ends_with_its_client();
        let executing = execute(application, session, command);
        if ends_early {
            requests.unless_hurried(executing).await
        } else {
            Some(executing.await)
        }
    }

    pub(crate) async fn settle_upload(&mut self, next: Option<&Command>) -> Option<CommandOutcome> {
        let SessionGuard {
            application,
            session,
        } = &mut self.connected;
        settle_upload(application, session, next).await
    }

    /// Does `work`, however long it takes, and meets the session's deadlines in the meantime: a
    /// token that expires while a slow client receives a large project expires then, not
    /// afterwards.
    pub(crate) async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                result = &mut work => return result,
                () = async { until(self.deadline()).await } => self.on_deadline(),
                () = summoned(self.session().summons.clone()) => self.on_summons(),
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let wait = next_deadline(&self.connected.application, self.session())?;
        Some(Instant::now() + wait.min(MAX_WAIT))
    }

    fn on_summons(&mut self) {
        let SessionGuard {
            application,
            session,
        } = &mut self.connected;
        let now = application.now();
        heed_summons(application, session, now);
        self.observe();
    }

    fn on_deadline(&mut self) {
        let SessionGuard {
            application,
            session,
        } = &mut self.connected;
        expire_uploads(application, session);
        if let Some(refusal) = withdraw_expired(application, session) {
            self.responder.refuse(&refusal, &R::Context::default());
        }
        self.observe();
    }
}

/// Waits until the session is called, or forever.
async fn summoned(summons: Option<Arc<Summons>>) {
    match summons {
        Some(summons) => summons.called().await,
        None => std::future::pending().await,
    }
}

/// Waits until `deadline`, or forever. In a box, because most connections wait for nothing.
pub(crate) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => Box::pin(tokio::time::sleep_until(deadline)).await,
        None => std::future::pending().await,
    }
}
