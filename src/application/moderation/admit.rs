//! What the decisions of moderators mean for somebody who wants to become a guest.

use std::collections::BTreeSet;

use crate::application::moderation::moderated::Moderated;
use crate::application::request_error::RequestError;
use crate::domain::{ClientAddress, GuestName, Person, Standing, Timestamp, UserName};

/// Somebody who wants to become a guest.
pub(crate) struct Newcomer<'a> {
    pub name: &'a GuestName,
    /// The address they come from; `None` if no ban may concern it.
    pub address: Option<ClientAddress>,
    /// The bearer who asks; `None` where reading needs no token.
    pub bearer: Option<Person<'a>>,
}

/// What the decisions of moderators mean for somebody who is admitted.
pub(crate) struct Admission {
    /// Until when they are muted, because the bearer who asks is muted.
    pub muted: Option<Timestamp>,
    /// Names that they do not get, of those that begin like the name they want.
    pub reserved: BTreeSet<UserName>,
}

impl Moderated {
    /// Lets somebody become a guest, unless guests are banned from their address, or they are
    /// banned themselves. No guest gets the name of the streamer, of somebody who is muted, banned
    /// or has moderated, or of a user with an account who is there.
    ///
    /// # Errors
    /// They are banned, or what has been decided cannot be read.
    pub(crate) async fn admit(
        &self,
        newcomer: Newcomer<'_>,
        now: Timestamp,
    ) -> Result<Admission, RequestError> {
        self.load().await?;
        let state = self.state();
        let known = state.moderation().cloned().unwrap_or_default();
        let address = newcomer.address;
        let by_address = address.and_then(|address| known.of_guests_from(address, now).banned);
        let bearer = newcomer.bearer;
        let bearer = bearer.map(|person| self.known_standing(&state, person, now));
        let bearer = bearer.unwrap_or_default();
        let by_address = Standing {
            muted: None,
            banned: by_address,
        };
        let Standing { muted, banned } = bearer.and(by_address);
        if let Some(ban) = banned {
            return Err(RequestError::Banned(ban));
        }
        let moderators = known.log().map(|action| &action.by);
        let present = state.present.values().map(|present| &present.user);
        // Guests who are there are left out: the guest store knows which guests' names are taken.
        let present = present.filter(|user| user.guest().is_none());
        let names = known.names().chain(moderators).chain(present);
        let names = names.chain([&self.project.streamer]);
        let like_theirs = names.filter(|user| newcomer.name.begins_like(user));
        Ok(Admission {
            muted,
            reserved: like_theirs.cloned().collect(),
        })
    }
}
