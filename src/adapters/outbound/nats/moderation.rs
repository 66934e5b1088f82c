//! What moderators have decided, in the engine.

use std::sync::Arc;

use async_trait::async_trait;

use crate::adapters::outbound::nats::engine::Engine;
use crate::adapters::outbound::nats::publish::Outgoing;
use crate::adapters::outbound::records::moderation as moderation_record;
use crate::application::ports::{ModerationStore, StoreError};
use crate::domain::{Moderation, ProjectId};

/// Keeps a project's as one message of the log, and nothing in memory.
pub(crate) struct NatsModeration(pub(crate) Arc<Engine>);

#[async_trait]
impl ModerationStore for NatsModeration {
    async fn load(&self, project: &ProjectId) -> Result<Moderation, StoreError> {
        let Self(engine) = self;
        let found = engine.last(&engine.subjects.moderation(project)).await?;
        let decoded = found.map(|found| moderation_record::decode(&found.payload));
        let decoded = decoded.transpose().map_err(StoreError::failed)?;
        Ok(decoded.unwrap_or_default())
    }

    async fn save(
        &self,
        project: &ProjectId,
        moderation: Arc<Moderation>,
    ) -> Result<(), StoreError> {
        let Self(engine) = self;
        let payload = moderation_record::encode(&moderation).map_err(StoreError::failed)?;
        let message = Outgoing {
            subject: engine.subjects.moderation(project),
            payload: payload.into(),
        };
        Ok(engine.publish(message, None).await.map(drop)?)
    }

    async fn remove(&self, project: &ProjectId) -> Result<(), StoreError> {
        let Self(engine) = self;
        let subjects = &engine.subjects;
        let (stream, moderation) = (subjects.log().name, subjects.moderation(project));
        engine.purge(&stream, &moderation, None).await
    }
}
