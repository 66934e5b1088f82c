//! The stores of one engine, which belong together.

use std::sync::Arc;

use super::guest_store::GuestStore;
use super::moderation_store::ModerationStore;
use super::project_store::ProjectStore;
use super::pull_request_store::PullRequestStore;
use super::upload_store::UploadStore;
use crate::application::disk_counts::DiskCounts;
use crate::application::memory::MemoryBudget;

/// The resources of the process that the stores of an engine may use.
#[derive(Debug, Clone)]
pub struct StoreResources {
    /// The account of what clients make the process hold in memory.
    pub memory: Arc<MemoryBudget>,
    /// How many files may be open at once while they are read.
    pub open_files: usize,
    /// Where they count what their disk does.
    pub disk: Arc<DiskCounts>,
}

impl Default for StoreResources {
    /// Resources that nothing else shares: 192 MiB and 256 files.
    fn default() -> Self {
        Self {
            memory: MemoryBudget::new(192 << 20),
            open_files: 256,
            disk: Arc::default(),
        }
    }
}

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
}
