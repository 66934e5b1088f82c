//! Guests in the engine.

use std::sync::Arc;

use async_trait::async_trait;

use crate::adapters::outbound::nats::engine::Engine;
use crate::adapters::outbound::nats::publish::{Outgoing, PublishError};
use crate::adapters::outbound::records::guests as guest_record;
use crate::adapters::outbound::system::random_bytes;
use crate::application::ports::{GuestKey, GuestStore, StoreError, TakeNameError};
use crate::domain::{ClientAddress, GuestEntry, Guests, ProjectId, Timestamp, UserName};

/// Keeps a project's guests as one message of the log, and nothing in memory: guests come rarely.
pub(crate) struct NatsGuests(pub(crate) Arc<Engine>);

impl NatsGuests {
    /// The guests of a project, and their place in the log (0: there are none).
    async fn read(&self, project: &ProjectId) -> Result<(Guests, u64), StoreError> {
        let Self(engine) = self;
        let Some(found) = engine.last(&engine.subjects.guests(project)).await? else {
            return Ok((Guests::default(), 0));
        };
        let guests = guest_record::decode(&found.payload).map_err(StoreError::failed)?;
        Ok((guests, found.sequence))
    }
}

#[async_trait]
impl GuestStore for NatsGuests {
    async fn key(&self) -> Result<GuestKey, StoreError> {
        let Self(engine) = self;
        let subject = engine.subjects.guest_key();
        loop {
            if let Some(found) = engine.last(&subject).await? {
                let key = <[u8; 32]>::try_from(&found.payload[..]);
                return Ok(GuestKey(key.map_err(StoreError::failed)?));
            }
            let key: [u8; 32] = random_bytes().map_err(StoreError::failed)?;
            let message = Outgoing {
                subject: subject.clone(),
                payload: key.to_vec().into(),
            };
            match engine.publish(message, Some(0)).await {
                // Another node may have been first.
                Ok(_) | Err(PublishError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn take(&self, project: &ProjectId, entry: GuestEntry) -> Result<(), TakeNameError> {
        let Self(engine) = self;
        loop {
            let (mut guests, before) = self.read(project).await?;
            guests.take(entry.clone())?;
            let payload = guest_record::encode(&guests).map_err(StoreError::failed)?;
            let message = Outgoing {
                subject: engine.subjects.guests(project),
                payload: payload.into(),
            };
            match engine.publish(message, Some(before)).await {
                Ok(_) => return Ok(()),
                Err(PublishError::Conflict) => {}
                Err(error) => return Err(StoreError::from(error).into()),
            }
        }
    }

    async fn address_of(
        &self,
        project: &ProjectId,
        user: &UserName,
        now: Timestamp,
    ) -> Result<Option<ClientAddress>, StoreError> {
        let (guests, _) = self.read(project).await?;
        Ok(guests.address_of(user, now))
    }

    async fn is_kept(&self, project: &ProjectId) -> Result<bool, StoreError> {
        let Self(engine) = self;
        let found = engine.last(&engine.subjects.guests(project)).await?;
        Ok(found.is_some())
    }

    async fn free(&self, project: &ProjectId) -> Result<(), StoreError> {
        let Self(engine) = self;
        let (stream, guests) = (engine.subjects.log().name, engine.subjects.guests(project));
        engine.purge(&stream, &guests, None).await
    }
}
