//! The service: all use cases over one set of ports.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio_util::task::TaskTracker;

use crate::application::counts::Counts;
use crate::application::files::abandoned_projects::AbandonedProjects;
use crate::application::files::downloads::Downloads;
use crate::application::files::hashing::Hashing;
use crate::application::files::viewer_counts::ViewerCounts;
use crate::application::guests::recent_guests::RecentGuests;
use crate::application::limits::{Limits, Policy};
use crate::application::memory::MemoryBudget;
use crate::application::moderation::moderations::Moderations;
use crate::application::operator::Operator;
use crate::application::ports::{
    ApplyRelay, ChatRooms, Clock, EventPublisher, GuestStore, GuestTokens, IdGenerator,
    ModerationStore, Presence, ProjectStore, PullRequestStore, StagingId, Subscriptions,
    TokenVerifier, UploadStore,
};
use crate::application::pull_requests::apply_relay::LocalApplyRelay;
use crate::application::request_error::RequestError;
use crate::application::session::clients::Clients;
use crate::domain::{Timestamp, Uptime};

/// What the use cases need from the outside.
#[derive(Clone)]
pub struct Ports {
    /// Which projects exist, and their files.
    pub projects: Arc<dyn ProjectStore>,
    /// Open pull requests.
    pub pull_requests: Arc<dyn PullRequestStore>,
    /// Unfinished uploads and drafts.
    pub uploads: Arc<dyn UploadStore>,
    /// Which tokens are valid.
    pub tokens: Arc<dyn TokenVerifier>,
    /// Who receives what.
    pub subscriptions: Arc<dyn Subscriptions>,
    /// Which streamers are connected.
    pub presence: Arc<dyn Presence>,
    /// Who is told what happened.
    pub events: Arc<dyn EventPublisher>,
    /// How one connection of a streamer asks another to apply a pull request, if they may be
    /// connected to different servers.
    pub apply_relay: Option<Arc<dyn ApplyRelay>>,
    /// The chat rooms.
    pub rooms: Arc<dyn ChatRooms>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Numbers that nobody can guess.
    pub ids: Arc<dyn IdGenerator>,
    /// The names of guests.
    pub guests: Arc<dyn GuestStore>,
    /// Makes the tokens of guests; `None` where there are no guests.
    pub guest_tokens: Option<Arc<dyn GuestTokens>>,
    /// What moderators have decided.
    pub moderation: Arc<dyn ModerationStore>,
}

/// The service: all use cases over one set of ports. Shared by all connections.
pub struct Application {
    /// What the use cases count.
    pub counts: Counts,
    pub(crate) ports: Ports,
    pub(crate) limits: Limits,
    pub(crate) policy: Policy,
    pub(crate) abandoned: AbandonedProjects,
    pub(crate) viewer_counts: ViewerCounts,
    pub(crate) downloads: Arc<Downloads>,
    pub(crate) hashing: Arc<Hashing>,
    pub(crate) apply_relay: Arc<dyn ApplyRelay>,
    pub(crate) work: TaskTracker,
    pub(crate) recent_guests: RecentGuests,
    pub(crate) clients: Clients,
    pub(crate) moderations: Arc<Moderations>,
    last_staging_id: AtomicU64,
}

impl Application {
    /// The service over `ports`; what it keeps for all connections together is reserved from
    /// `memory`.
    pub fn new(ports: Ports, limits: Limits, policy: Policy, memory: &MemoryBudget) -> Self {
        let (store, account) = (Arc::clone(&ports.moderation), memory.shared_account());
        let moderations = Arc::new(Moderations::new(store, account));
        let own = Arc::downgrade(&moderations);
        memory.add_reclaim(move || own.upgrade().is_some_and(|own| own.reclaim()));
        let relay = ports.apply_relay.clone();
        let apply_relay = relay.unwrap_or_else(|| LocalApplyRelay::shared(&ports.events));
        Self {
            moderations,
            counts: Counts::default(),
            ports,
            limits,
            policy,
            abandoned: AbandonedProjects::new(policy.delete_abandoned_after),
            viewer_counts: ViewerCounts::default(),
            downloads: Arc::default(),
            hashing: Arc::default(),
            apply_relay,
            work: TaskTracker::new(),
            recent_guests: RecentGuests::default(),
            clients: Clients::default(),
            last_staging_id: AtomicU64::new(0),
        }
    }

    /// The use cases of operators; connections are told what they do.
    pub fn operator(&self) -> Operator {
        Operator {
            projects: Arc::clone(&self.ports.projects),
            pull_requests: Arc::clone(&self.ports.pull_requests),
            guests: Arc::clone(&self.ports.guests),
            moderations: Arc::clone(&self.moderations),
            events: Some(Arc::clone(&self.ports.events)),
        }
    }

    /// Waits until all changes in progress have been carried out. For the end of the process.
    pub async fn finish_work(&self) {
        self.work.close();
        self.work.wait().await;
        self.apply_relay.finish().await;
    }

    /// Carries out `work` completely, even if the connection that waits for it goes away: what is
    /// stored and who is told belong together.
    pub(crate) async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, RequestError>> + Send + 'static,
    ) -> Result<T, RequestError> {
        // The task contains a panic in there; its cause has been printed.
        self.work
            .spawn(work)
            .await
            .unwrap_or(Err(RequestError::Internal))
    }

    /// The calendar time.
    pub fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    /// How long the process has been running.
    pub(crate) fn uptime(&self) -> Uptime {
        self.ports.clock.uptime()
    }

    pub(crate) fn new_staging_id(&self) -> StagingId {
        StagingId(self.last_staging_id.fetch_add(1, Ordering::Relaxed) + 1)
    }
}
