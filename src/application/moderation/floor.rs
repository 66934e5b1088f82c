//! Who may speak in a project's room now.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedRwLockReadGuard;

use crate::application::moderation::moderated::Moderated;
use crate::application::request_error::RequestError;
use crate::domain::{Identity, Person, Timestamp};

/// The right to say one thing: until it is dropped, no decision of a moderator takes effect.
pub(crate) struct MayBeSaid {
    _under_way: OwnedRwLockReadGuard<()>,
    /// How long slow mode makes them wait after their last message.
    pub slow: Duration,
}

impl Moderated {
    /// Gives the floor to a member of the room. Waits at most for a decision that is taking effect.
    ///
    /// # Errors
    /// They are banned or muted, by a moderator or their token.
    pub(crate) async fn floor(
        &self,
        bearer: &Identity,
        person: Person<'_>,
        public_read: bool,
        now: Timestamp,
    ) -> Result<MayBeSaid, RequestError> {
        let under_way = Arc::clone(&self.said).read_owned().await;
        let state = self.state();
        let standing = self.known_standing(&state, person, now);
        if let Some(ban) = standing.banned {
            return Err(RequestError::Banned(ban));
        }
        if let Some(until) = standing.muted.max(bearer.muted(now)) {
            return Err(RequestError::Muted { until });
        }
        let is_exempt = bearer.may_moderate(&self.project, public_read, now);
        let moderation = state.moderation().filter(|_| !is_exempt);
        let slow = moderation.map_or(Duration::ZERO, |moderation| moderation.slow());
        Ok(MayBeSaid {
            _under_way: under_way,
            slow,
        })
    }
}
