//! The user, project and rights of one session on a connection.

use std::time::Duration;

use twicecast_client::untrusted::{Untrusted, shown};

use crate::credentials::claims::{Claims, TokenView};
use crate::credentials::grant::{EARLY, Grant, OWN_TOKEN, OWN_TOKEN_HOURS};
use crate::credentials::purpose::Purpose;
use crate::credentials::sentences::ends_in;
use crate::failure::Failure;

/// About a hundred years.
const NEVER: Duration = Duration::from_secs(3_600_000_000);

/// The names and rights of one session about one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The server.
    pub url: String,
    /// The user.
    pub user: String,
    /// The streamer whose project it is.
    pub streamer: String,
    /// The project's name.
    pub project: String,
    /// The right that the user has.
    pub(super) grant: Grant,
    /// What the token says, if one was given that can be read.
    pub(super) token: Option<TokenView>,
    /// What the session is for.
    pub(super) purpose: Purpose,
}

impl Credentials {
    /// The token to authenticate with, a new one if we can make it; `None` if neither token nor key
    /// was given.
    ///
    /// # Errors
    ///
    /// If signing fails.
    pub fn token(&self) -> Result<Option<String>, Failure> {
        let rights = self.purpose.rights(self.user == self.streamer);
        let claims = || {
            Claims::new(
                &self.user,
                &self.streamer,
                &self.project,
                None,
                OWN_TOKEN_HOURS,
            )
        };
        self.grant.token(|| Ok(claims().limited_to(rights)))
    }

    /// Whether a new token can be made when this one expires.
    pub fn can_renew_token(&self) -> bool {
        matches!(self.grant, Grant::Key(_))
    }

    /// In how long the token must be renewed, or, if it cannot be, its end must be announced.
    pub fn renew_in(&self) -> Duration {
        match &self.grant {
            Grant::None => NEVER,
            Grant::Key(_) => OWN_TOKEN.saturating_sub(EARLY),
            Grant::Token(_) => match self.token.as_ref().and_then(TokenView::expires_in) {
                Some(left) if left > EARLY => left.saturating_sub(EARLY),
                // Its end has already been announced.
                _ => NEVER,
            },
        }
    }

    /// A new token, if one can be made.
    ///
    /// # Errors
    ///
    /// If signing fails.
    pub fn renewed_token(&self) -> Result<Option<String>, Failure> {
        if self.can_renew_token() {
            self.token()
        } else {
            Ok(None)
        }
    }

    /// What to say about a token that cannot be renewed.
    pub fn expires_soon(&self) -> Option<String> {
        self.token.as_ref()?.expires_in().map(ends_in)
    }

    /// The key, for the command that prints a token.
    ///
    /// # Errors
    ///
    /// A sentence that says how to give one.
    pub fn key(&self) -> Result<&str, Failure> {
        match &self.grant {
            Grant::Key(key) => Ok(key),
            _ => Err(Failure::usage(
                "A token is made from the server's key: give --key or set TWICECAST_KEY (a server \
                 that was given none uses `secret`).",
            )),
        }
    }

    /// The token that the user gave, if the session uses one.
    pub fn given_token(&self) -> Option<&str> {
        match &self.grant {
            Grant::Token(token) => Some(token),
            Grant::None | Grant::Key(_) => None,
        }
    }

    /// Until when that token holds, in seconds since the epoch, if it says so.
    pub fn given_until(&self) -> Option<u64> {
        self.token.as_ref()?.expires
    }

    /// The project as people write it.
    pub fn full_project(&self) -> String {
        format!("{}/{}", self.streamer, self.project)
    }

    /// What to tell a user that the server does not let in.
    pub fn refused(&self, message: &Untrusted) -> Failure {
        let why = message.to_string();
        let [user, streamer, project] = [&self.user, &self.streamer, &self.project].map(shown);
        Failure::denied(match &self.grant {
            Grant::None => format!(
                "The server does not let anybody read {streamer}/{project} without a token \
                 ({why}). Give --token, or --key if you run the server."
            ),
            Grant::Key(_) => format!(
                "The server does not accept a token made with this key ({why}). Give the same \
                 --key (or TWICECAST_KEY) that the server was started with."
            ),
            Grant::Token(_) => format!(
                "The server does not accept the token for user {user}, streamer {streamer}, \
                 project {project} ({why}). It may have expired, be signed with another key, or \
                 name others; get a fresh one, or adapt --user, --streamer and --project."
            ),
        })
    }

    /// What to tell a user that the server has let in and no longer accepts on the same connection:
    /// the token has expired.
    pub fn withdrawn(&self, message: &Untrusted) -> Failure {
        let why = message.to_string();
        match &self.grant {
            Grant::None => self.refused(message),
            Grant::Key(_) => Failure::expired(format!(
                "The token that was made from the key no longer holds ({why}); a fresh one is made \
                 for the next connection."
            )),
            Grant::Token(_) => Failure::expired(format!(
                "The token no longer holds ({why}); get a fresh one and start again."
            )),
        }
    }
}
