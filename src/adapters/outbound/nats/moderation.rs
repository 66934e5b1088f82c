//! What moderators have decided, in the engine.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::adapters::outbound::nats::publish::{Outgoing, PublishError};
use crate::adapters::outbound::nats::replicas::Node;
use crate::adapters::outbound::records::moderation as moderation_record;
use crate::application::locks::lock;
use crate::application::ports::{Decided, ModerationStore, StoreError};
use crate::domain::{Moderation, ProjectId, ProjectName, UserName};

/// Keeps a project's moderation as one message of the log.
pub(crate) struct NatsModeration {
    node: Arc<Node>,
    /// The place in the log of what this node last loaded or kept of each project.
    seen: Mutex<HashMap<ProjectId, u64>>,
}

/// The message. Its subject does not name the project.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    format: u32,
    streamer: String,
    project: String,
    /// The record as it is written on a disk; `None` once it has been forgotten.
    record: Option<serde_json::Value>,
}

const FORMAT: u32 = 1;

/// # Errors
/// `Failed` if it cannot be understood.
fn understand(payload: &[u8]) -> Result<Kept, StoreError> {
    let kept: Kept = serde_json::from_slice(payload).map_err(StoreError::failed)?;
    match kept.format {
        FORMAT => Ok(kept),
        format => Err(StoreError::failed(format!(
            "it has format {format}, but this server knows format {FORMAT} only"
        ))),
    }
}

/// The project that a message tells of.
///
/// # Errors
/// `Failed` if it cannot be understood.
pub(crate) fn project_of(payload: &[u8]) -> Result<ProjectId, StoreError> {
    let kept = understand(payload)?;
    Ok(ProjectId {
        streamer: UserName::parse(&kept.streamer).map_err(StoreError::failed)?,
        name: ProjectName::parse(&kept.project).map_err(StoreError::failed)?,
    })
}

impl NatsModeration {
    pub fn new(node: Arc<Node>) -> Self {
        Self {
            node,
            seen: Mutex::default(),
        }
    }

    /// Keeps `record`, if nobody has kept anything after `before`. Returns whether it did.
    async fn keep(
        &self,
        project: &ProjectId,
        record: Option<serde_json::Value>,
        before: u64,
    ) -> Result<bool, StoreError> {
        let kept = Kept {
            format: FORMAT,
            streamer: project.streamer.to_string(),
            project: project.name.to_string(),
            record,
        };
        let engine = &self.node.engine;
        let message = Outgoing {
            subject: engine.subjects.moderation(project),
            payload: serde_json::to_vec(&kept)
                .map_err(StoreError::failed)?
                .into(),
        };
        match engine.publish(message, Some(before)).await {
            Ok(kept) => {
                lock(&self.seen).insert(project.clone(), kept);
                Ok(true)
            }
            Err(PublishError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

#[async_trait]
impl ModerationStore for NatsModeration {
    async fn load(&self, project: &ProjectId) -> Result<Moderation, StoreError> {
        let engine = &self.node.engine;
        let Some(found) = engine.last(&engine.subjects.moderation(project)).await? else {
            lock(&self.seen).remove(project);
            return Ok(Moderation::default());
        };
        let record = understand(&found.payload)?.record;
        let decoded = record.map(|record| moderation_record::decode(record.to_string().as_bytes()));
        let decoded = decoded.transpose().map_err(StoreError::failed)?;
        lock(&self.seen).insert(project.clone(), found.sequence);
        Ok(decoded.unwrap_or_default())
    }

    async fn save(
        &self,
        project: &ProjectId,
        moderation: Arc<Moderation>,
    ) -> Result<bool, StoreError> {
        let record = moderation_record::encode(&moderation).map_err(StoreError::failed)?;
        let record = serde_json::from_slice(&record).map_err(StoreError::failed)?;
        let before = lock(&self.seen).get(project).copied();
        self.keep(project, Some(record), before.unwrap_or(0)).await
    }

    async fn remove(&self, project: &ProjectId) -> Result<(), StoreError> {
        let engine = &self.node.engine;
        let subject = engine.subjects.moderation(project);
        while let Some(found) = engine.last(&subject).await? {
            // Nobody is told of what is removed from the log, so the log keeps that it is gone.
            if self.keep(project, None, found.sequence).await? {
                break;
            }
        }
        Ok(())
    }

    fn follow(&self, decided: Decided) {
        // Only the first one is told; there is no other.
        let _ = self.node.decided.set(decided);
    }
}
