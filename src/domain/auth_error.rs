//! Why a connection is not entitled to something.

use super::identity::IdentityError;
use super::time::Timestamp;

/// Why a connection is not entitled to something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// It has shown no token.
    #[error("authenticate first")]
    NoToken,
    /// This server did not issue the token, or the token has been altered.
    #[error("the token is not valid for this server")]
    BadToken,
    /// The token is genuine, but its claims are invalid.
    #[error("{0}")]
    Identity(#[from] IdentityError),
    /// The token's claims do not allow what a section asks for.
    #[error("the token does not allow {0}")]
    Claims(&'static str),
    /// The token's claims keep its bearer out of the chat.
    #[error("the token does not allow the chat for now: you are banned from the room")]
    Banned {
        /// Until when.
        until: Timestamp,
    },
    /// The connection does not have the role that this needs.
    #[error("{0}")]
    Role(&'static str),
}
