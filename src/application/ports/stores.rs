//! The stores of one engine, which belong together.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::apply_relay::ApplyRelay;
use super::chat_rooms::ChatRooms;
use super::engine_state::EngineState;
use super::event_publisher::EventPublisher;
use super::guest_store::GuestStore;
use super::moderation_store::ModerationStore;
use super::presence::Presence;
use super::project_store::ProjectStore;
use super::pull_request_store::PullRequestStore;
use super::subscriptions::Topic;
use super::upload_store::UploadStore;
use crate::application::connection_id::ConnectionId;
use crate::application::disk_counts::DiskCounts;
use crate::application::engine_counts::EngineCounts;
use crate::application::event::Event;
use crate::application::file_key::FileKey;
use crate::application::memory::MemoryBudget;
use crate::domain::{ProjectId, RateLimit, RoomLimits};

/// The resources of the process that the stores of an engine may use.
#[derive(Clone)]
pub struct StoreResources {
    /// The account of what clients make the process hold in memory.
    pub memory: Arc<MemoryBudget>,
    /// How many files may be open at once while they are read.
    pub open_files: usize,
    /// Where they count what their disk does.
    pub disk: Arc<DiskCounts>,
    /// Where they count what their engine does.
    pub engine: Arc<EngineCounts>,
    /// Who hears of what others do to the same data.
    pub events: Arc<dyn EventPublisher>,
    /// The bounds of each chat room.
    pub room_limits: RoomLimits,
    /// How many chat rooms there may be; 0: any number.
    pub max_rooms: usize,
    /// Who is connected to this process; it tells nobody.
    pub here: Arc<dyn Presence>,
}

impl fmt::Debug for StoreResources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreResources").finish_non_exhaustive()
    }
}

/// Nobody is connected.
struct Nobody;

impl EventPublisher for Nobody {
    fn publish(&self, _: &Topic, _: Event, _: Option<ConnectionId>) {}

    fn tell(&self, _: &[ConnectionId], _: Event) {}
}

impl Presence for Nobody {
    fn arrive(&self, _: &ProjectId, _: ConnectionId) -> bool {
        false
    }

    fn depart(&self, _: &ProjectId, _: ConnectionId) -> bool {
        false
    }

    fn streamers(&self, _: &ProjectId) -> usize {
        0
    }

    fn viewers(&self, _: &ProjectId) -> usize {
        0
    }

    fn viewers_changed(&self, _: &ProjectId) {}

    fn focus(&self, _: &FileKey, _: Option<u32>) {}
}

impl Default for StoreResources {
    /// Resources that nothing else shares: 96 MiB and 256 files. Nobody is connected.
    fn default() -> Self {
        Self {
            memory: MemoryBudget::new(96 << 20),
            open_files: 256,
            disk: Arc::default(),
            engine: Arc::default(),
            events: Arc::new(Nobody),
            room_limits: RoomLimits {
                history: 100,
                rate: RateLimit {
                    per_second: 5,
                    burst: 20,
                },
            },
            max_rooms: 0,
            here: Arc::new(Nobody),
        }
    }
}

/// Opens the stores of an engine. May block.
pub type OpenStores =
    Box<dyn FnOnce(StoreResources) -> BoxFuture<'static, Result<Stores, Failure>> + Send>;

type Failure = Box<dyn Error + Send + Sync>;

/// All stores over the same data, whichever engine keeps it.
#[derive(Clone)]
pub struct Stores {
    /// Which projects exist, and their files.
    pub projects: Arc<dyn ProjectStore>,
    /// Open pull requests.
    pub pull_requests: Arc<dyn PullRequestStore>,
    /// Unfinished uploads and drafts.
    pub uploads: Arc<dyn UploadStore>,
    /// The names of guests.
    pub guests: Arc<dyn GuestStore>,
    /// What moderators have decided.
    pub moderation: Arc<dyn ModerationStore>,
    /// Whether the engine answers.
    pub engine: watch::Receiver<EngineState>,
    /// The chat rooms, if several servers share them; otherwise each has its own in memory.
    pub rooms: Option<Arc<dyn ChatRooms>>,
    /// Who is connected to any server over the same data; `None` where there is one server.
    pub presence: Option<Arc<dyn Presence>>,
    /// How one connection of a streamer asks another, at any server over the same data, to apply a
    /// pull request; `None` where there is one server.
    pub apply_relay: Option<Arc<dyn ApplyRelay>>,
}
