use crate::application::ports::store_error::StoreError;
use crate::domain::Claims;

/// Makes the tokens of guests.
#[cfg_attr(test, mockall::automock)]
pub trait GuestTokens: Send + Sync {
    /// Signs a token with these claims, which the server's
    /// [`TokenVerifier`](super::TokenVerifier) knows as a guest's.
    ///
    /// # Errors
    /// `Failed`.
    fn issue(&self, claims: &Claims) -> Result<String, StoreError>;
}
