//! What the use cases need from the world, each named for its role.
//!
//! Ports that wait for IO are asynchronous and must be fit to be dropped at any await; the others
//! answer at once and never block.

mod chat_rooms;
mod clock;
mod connections;
mod draft_store;
mod event_publisher;
mod file_source;
mod id_generator;
mod presence;
mod project_registry;
mod project_store;
mod pull_request_store;
mod stores;
mod subscriptions;
mod token_verifier;
mod upload_staging;

pub use chat_rooms::{ChatRooms, SayError};
pub use clock::Clock;
pub use connections::Connections;
pub use draft_store::DraftStore;
pub use event_publisher::EventPublisher;
pub use file_source::{FileSource, OpenFile};
pub use id_generator::IdGenerator;
pub use presence::Presence;
pub use project_registry::{ProjectRegistry, ProjectState};
pub use project_store::{FileWalk, ProjectStore};
pub use pull_request_store::PullRequestStore;
pub use stores::Stores;
pub use subscriptions::{Subscriptions, Topic};
pub use token_verifier::{TokenError, TokenVerifier};
pub use upload_staging::{StagingId, UploadStaging};

#[cfg(test)]
pub use {
    chat_rooms::MockChatRooms, clock::MockClock, draft_store::MockDraftStore,
    event_publisher::MockEventPublisher, file_source::MockFileSource,
    id_generator::MockIdGenerator, presence::MockPresence, project_registry::MockProjectRegistry,
    project_store::MockFileWalk, project_store::MockProjectStore,
    pull_request_store::MockPullRequestStore, subscriptions::MockSubscriptions,
    token_verifier::MockTokenVerifier, upload_staging::MockUploadStaging,
};

use std::error::Error;
use std::sync::Arc;

use crate::domain::QuotaError;

/// Why a store did not do what it was asked.
///
/// Each variant is something that a use case answers differently; the cause is for the log alone.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// There is nothing of that name, or what is there is no regular file or folder of the
    /// project's own: a link, a special file, the other of file and folder.
    #[error("there is nothing of that name")]
    NotFound,
    /// Something else stands where a file or its folder is to be written.
    #[error("something else is in the way")]
    InTheWay,
    /// A bound of the project would be passed; nothing was changed.
    #[error(transparent)]
    OverQuota(#[from] QuotaError),
    /// The disk, or whatever keeps the data, refused.
    #[error("the store failed: {0}")]
    Failed(Arc<dyn Error + Send + Sync>),
}

impl StoreError {
    /// A failure of whatever keeps the data, with its cause.
    pub fn failed(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(Arc::from(cause.into()))
    }
}
