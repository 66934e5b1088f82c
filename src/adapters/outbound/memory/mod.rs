//! Every store in memory, for tests and for trying the server out.

mod chat_rooms;
mod guests;
mod logged_rooms;
mod moderation;
mod projects;
mod pull_requests;
mod uploads;

use std::sync::Arc;

pub use chat_rooms::MemoryChatRooms;
use guests::MemoryGuests;
pub(crate) use logged_rooms::{Place, Speaks};
use moderation::MemoryModeration;
use projects::MemoryProjects;
use pull_requests::MemoryPullRequests;
use uploads::MemoryUploads;

use crate::application::ports::{EngineState, Stores};

/// All stores, empty at first; their data is gone with the last of them.
pub fn open_stores() -> Stores {
    let uploads = Arc::new(MemoryUploads::default());
    Stores {
        projects: Arc::<MemoryProjects>::default(),
        pull_requests: Arc::new(MemoryPullRequests::new(Arc::clone(&uploads))),
        uploads,
        guests: Arc::<MemoryGuests>::default(),
        moderation: Arc::<MemoryModeration>::default(),
        engine: EngineState::always_ready(),
        rooms: None,
        presence: None,
        apply_relay: None,
    }
}
