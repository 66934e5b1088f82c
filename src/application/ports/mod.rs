//! What the use cases need from the outside, each port named for its role.
//!
//! Ports that wait for IO are asynchronous and must allow their futures to be dropped at any await;
//! the others return at once and never block.

pub(crate) mod apply_relay;
pub(crate) mod chat_rooms;
pub(crate) mod clock;
pub(crate) mod engine_state;
pub(crate) mod event_publisher;
pub(crate) mod file_source;
pub(crate) mod guest_store;
pub(crate) mod guest_tokens;
pub(crate) mod id_generator;
pub(crate) mod moderation_store;
pub(crate) mod presence;
pub(crate) mod project_store;
pub(crate) mod pull_request_store;
pub(crate) mod staged_upload;
pub(crate) mod store_error;
pub(crate) mod stores;
pub(crate) mod subscriptions;
pub(crate) mod token_verifier;
pub(crate) mod upload_store;

pub use apply_relay::{ApplyAnswer, ApplyQuestion, ApplyRelay, AskError};
pub use chat_rooms::{ChatRooms, Floor, SayError};
pub use clock::Clock;
pub use engine_state::EngineState;
pub use event_publisher::EventPublisher;
pub use file_source::{FileSource, HELD_FILE_BYTES, OpenFile};
pub use guest_store::{GuestKey, GuestStore, TakeNameError};
pub use guest_tokens::GuestTokens;
pub use id_generator::IdGenerator;
pub use moderation_store::{Decided, ModerationStore};
pub use presence::{Presence, PresenceNews};
pub use project_store::{
    FilesBelow, InTurn, LISTED_NAME_BYTES, ProjectState, ProjectStore, PutInTurn, Rescanned,
    TellRemoved, TellRescanned, Wanted,
};
pub use pull_request_store::{FinishError, PullRequestStore, TellFinished, Turn};
pub use staged_upload::{StagedUpload, StagingId};
pub use store_error::StoreError;
pub use stores::{OpenStores, StoreResources, Stores};
pub use subscriptions::{Subscriptions, Topic};
pub use token_verifier::{TokenError, TokenVerifier};
pub use upload_store::UploadStore;

#[cfg(test)]
pub use {
    apply_relay::MockApplyRelay, chat_rooms::MockChatRooms, clock::MockClock,
    event_publisher::MockEventPublisher, file_source::MockFileSource, guest_store::MockGuestStore,
    guest_tokens::MockGuestTokens, id_generator::MockIdGenerator,
    moderation_store::MockModerationStore, presence::MockPresence, project_store::MockProjectStore,
    pull_request_store::MockPullRequestStore, subscriptions::MockSubscriptions,
    token_verifier::MockTokenVerifier, upload_store::MockUploadStore,
};
