//! Who may speak in a project's room now.

use std::sync::MutexGuard;
use std::time::Duration;

use crate::application::moderation::moderated::{Moderated, State};
use crate::application::request_error::RequestError;
use crate::domain::{Identity, Person, Timestamp};

/// The right to say one thing: until it is dropped, no moderator decides otherwise.
pub(crate) struct Floor<'a> {
    _state: MutexGuard<'a, State>,
    /// How long after their last message in slow mode it may come.
    pub slow: Duration,
}

impl Moderated {
    /// Gives the floor to a member of the room, without waiting for anything but the project's own
    /// lock.
    ///
    /// # Errors
    /// They are banned or muted, by a moderator or their token.
    pub(crate) fn floor(
        &self,
        bearer: &Identity,
        person: Person<'_>,
        public_read: bool,
        now: Timestamp,
    ) -> Result<Floor<'_>, RequestError> {
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
        Ok(Floor {
            _state: state,
            slow,
        })
    }
}
