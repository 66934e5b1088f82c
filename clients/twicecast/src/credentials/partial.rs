//! The user, project and rights of a command as far as they are known: a chat needs no project, and
//! `status` needs nothing at all.

use crate::credentials::claims::{Claims, TokenView};
use crate::credentials::grant::{Grant, OWN_TOKEN_HOURS};
use crate::credentials::purpose::Purpose;
use crate::failure::Failure;

/// The names and rights of one session, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialCredentials {
    /// The server's address.
    pub url: String,
    /// The user.
    pub user: Option<String>,
    /// The streamer.
    pub streamer: Option<String>,
    /// The project's name.
    pub project: Option<String>,
    /// The room.
    pub room: Option<String>,
    /// The right that the user has.
    pub grant: Grant,
    /// What the token says, if one was given that can be read.
    pub token: Option<TokenView>,
    /// What the session is for.
    pub(super) purpose: Purpose,
}

impl PartialCredentials {
    /// The token to authenticate with, a new one if it can be made; `None` if neither token nor key
    /// was given.
    ///
    /// # Errors
    ///
    /// A sentence, if nothing says who the user is, or signing fails.
    pub fn token(&self) -> Result<Option<String>, Failure> {
        self.grant.token(|| {
            let user = self
                .user
                .as_deref()
                .ok_or_else(|| Failure::usage("Who are you? Give --user."))?;
            // In a token, absent and empty mean the same, and a token without a project names no
            // streamer either.
            let (streamer, project) = self.full_names().unwrap_or_default();
            let room = self.room.as_deref().unwrap_or_default();
            let claims = Claims::new(user, streamer, project, Some(room), OWN_TOKEN_HOURS);
            let is_streamer = user == streamer;
            let claims = claims.limited_to(self.purpose.rights(is_streamer));
            Ok(claims.of_moderator(self.purpose.moderates(is_streamer)))
        })
    }

    /// The streamer and the project, if both are known.
    pub fn full_names(&self) -> Option<(&str, &str)> {
        self.streamer.as_deref().zip(self.project.as_deref())
    }
}
