//! Who is speaking, as far as that is known: a chat needs no project, and a status nothing at all.

use crate::credentials::claims::{Claims, TokenView};
use crate::credentials::grant::{Grant, OWN_TOKEN_HOURS};
use crate::credentials::purpose::Purpose;
use crate::failure::Failure;

/// The names of one session, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialCredentials {
    /// The server.
    pub url: String,
    /// Who is speaking.
    pub user: Option<String>,
    /// Whose project.
    pub streamer: Option<String>,
    /// Which project.
    pub project: Option<String>,
    /// Which room.
    pub room: Option<String>,
    /// With which right.
    pub grant: Grant,
    /// What the token says, if one was given that can be read.
    pub token: Option<TokenView>,
    /// What for.
    pub(super) purpose: Purpose,
}

impl PartialCredentials {
    /// The token to authenticate with, fresh if it can be made; `None` where neither token nor key
    /// was given.
    ///
    /// # Errors
    ///
    /// A sentence, if it is not known who it is for, or signing fails.
    pub fn token(&self) -> Result<Option<String>, Failure> {
        self.grant.token(|| {
            let user = self
                .user
                .as_deref()
                .ok_or_else(|| Failure::usage("Who are you? Give --user."))?;
            // Absent and empty are the same in a token, and one without a project names no
            // streamer either.
            let (streamer, project) = self.full_names().unwrap_or_default();
            let room = self.room.as_deref().unwrap_or_default();
            let claims = Claims::new(user, streamer, project, Some(room), OWN_TOKEN_HOURS);
            let is_streamer = user == streamer;
            let claims = claims.limited_to(self.purpose.rights(is_streamer));
            Ok(claims.of_moderator(self.purpose.moderates(is_streamer)))
        })
    }

    /// Streamer and project, where both are known.
    pub fn full_names(&self) -> Option<(&str, &str)> {
        self.streamer.as_deref().zip(self.project.as_deref())
    }
}
