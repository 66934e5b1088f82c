//! All stores in memory.

use std::sync::Arc;

use super::drafts::MemoryDrafts;
use super::projects::MemoryProjects;
use super::pull_requests::MemoryPullRequests;
use super::staging::MemoryStaging;
use crate::application::ports::Stores;

/// All stores, empty at first and gone with the last of them.
#[derive(Debug, Clone)]
pub struct MemoryStores {
    /// Which projects there are, and their files.
    pub projects: Arc<MemoryProjects>,
    /// Pull requests being put together.
    pub drafts: Arc<MemoryDrafts>,
    /// Open pull requests.
    pub pull_requests: Arc<MemoryPullRequests>,
    /// Unfinished uploads.
    pub staging: Arc<MemoryStaging>,
}

impl MemoryStores {
    /// Empty stores.
    pub fn new() -> Self {
        let staging = Arc::new(MemoryStaging::default());
        let pull_requests = Arc::new(MemoryPullRequests::default());
        Self {
            projects: Arc::new(MemoryProjects::new(Arc::clone(&staging))),
            drafts: Arc::new(MemoryDrafts::new(
                Arc::clone(&staging),
                Arc::clone(&pull_requests),
            )),
            pull_requests,
            staging,
        }
    }
}

impl Default for MemoryStores {
    fn default() -> Self {
        Self::new()
    }
}

impl From<MemoryStores> for Stores {
    fn from(stores: MemoryStores) -> Self {
        Self {
            projects: stores.projects,
            drafts: stores.drafts,
            pull_requests: stores.pull_requests,
            staging: stores.staging,
        }
    }
}
