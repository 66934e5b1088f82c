use std::fmt;

use async_trait::async_trait;

use crate::application::ports::store_error::StoreError;
use crate::domain::{ClientAddress, GuestEntry, GuestError, ProjectId, Timestamp, UserName};

/// The secret that signs the tokens of guests.
#[derive(Clone, PartialEq, Eq)]
pub struct GuestKey(pub [u8; 32]);

impl fmt::Debug for GuestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuestKey(***)")
    }
}

/// Why a guest has not been given a name.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TakeNameError {
    /// They may not have it.
    #[error(transparent)]
    Guest(#[from] GuestError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps guests' names, and the addresses that took them, for as long as the names are theirs, and
/// the secret that signs their tokens. Both survive restarts.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait GuestStore: Send + Sync {
    /// The secret that signs the tokens of guests: random, made by the first call, and the same
    /// ever after.
    ///
    /// # Errors
    /// `Failed`.
    async fn key(&self) -> Result<GuestKey, StoreError>;

    /// Gives a guest a name in `project`, durably, as [`Guests::take`](crate::domain::Guests::take)
    /// decides. Of several who want one name at once, one gets it.
    ///
    /// # Errors
    /// Why they do not get it; `Failed`.
    async fn take(&self, project: &ProjectId, entry: GuestEntry) -> Result<(), TakeNameError>;

    /// The address from which the guest `user` took the name that is theirs at the time `now`, as
    /// [`Guests::address_of`](crate::domain::Guests::address_of) says.
    ///
    /// # Errors
    /// `Failed`.
    async fn address_of(
        &self,
        project: &ProjectId,
        user: &UserName,
        now: Timestamp,
    ) -> Result<Option<ClientAddress>, StoreError>;

    /// Whether anything is kept of the guests of a project, whether or not it can be read.
    ///
    /// # Errors
    /// `Failed`.
    async fn is_kept(&self, project: &ProjectId) -> Result<bool, StoreError>;

    /// Frees all names of a project that is being removed. It is no error if there are none.
    ///
    /// # Errors
    /// `Failed`.
    async fn free(&self, project: &ProjectId) -> Result<(), StoreError>;
}
