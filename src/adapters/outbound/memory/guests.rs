//! The names of guests in memory.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use async_trait::async_trait;

use crate::adapters::outbound::system::random_bytes;
use crate::application::locks::lock;
use crate::application::ports::{GuestKey, GuestStore, StoreError, TakeNameError};
use crate::domain::{ClientAddress, GuestEntry, Guests, ProjectId, Timestamp, UserName};

/// Keeps the names as long as it lives.
#[derive(Debug, Default)]
pub(crate) struct MemoryGuests {
    key: OnceLock<GuestKey>,
    guests: Mutex<HashMap<ProjectId, Guests>>,
}

#[async_trait]
impl GuestStore for MemoryGuests {
    async fn key(&self) -> Result<GuestKey, StoreError> {
        let made = GuestKey(random_bytes().map_err(StoreError::failed)?);
        Ok(self.key.get_or_init(|| made).clone())
    }

    async fn take(&self, project: &ProjectId, entry: GuestEntry) -> Result<(), TakeNameError> {
        let mut guests = lock(&self.guests);
        Ok(guests.entry(project.clone()).or_default().take(entry)?)
    }

    async fn address_of(
        &self,
        project: &ProjectId,
        user: &UserName,
        now: Timestamp,
    ) -> Result<Option<ClientAddress>, StoreError> {
        let guests = lock(&self.guests);
        let guests = guests.get(project);
        Ok(guests.and_then(|guests| guests.address_of(user, now)))
    }

    async fn is_kept(&self, project: &ProjectId) -> Result<bool, StoreError> {
        let guests = lock(&self.guests);
        let guests = guests.get(project);
        Ok(guests.is_some_and(|guests| !guests.kept().is_empty()))
    }

    async fn free(&self, project: &ProjectId) -> Result<(), StoreError> {
        lock(&self.guests).remove(project);
        Ok(())
    }
}
