use crate::domain::Claims;

/// Why a token is not valid. Only the log says what exactly is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token, signed with another key or algorithm, or for another service.
    #[error("the token is not valid for this server")]
    Untrusted,
    /// Genuine, but a claim is missing or does not have the type that the protocol requires.
    #[error("a claim of the token is missing or of the wrong type")]
    IllTyped,
}

/// Verifies tokens.
#[cfg_attr(test, mockall::automock)]
pub trait TokenVerifier: Send + Sync {
    /// Checks signature, algorithm, issuer and audience of `token` and reads its claims.
    ///
    /// The times in the claims are *not* compared with the clock here:
    /// [`Identity::from_claims`](crate::domain::Identity::from_claims) does that.
    ///
    /// # Errors
    /// Why the token is not valid.
    fn verify(&self, token: &str) -> Result<Claims, TokenError>;
}
