//! All stores in memory.

use std::sync::Arc;

use super::projects::MemoryProjects;
use super::pull_requests::MemoryPullRequests;
use super::uploads::MemoryUploads;
use crate::application::ports::Stores;

/// All stores, empty at first; their data is gone with the last of them.
#[derive(Debug, Clone)]
pub struct MemoryStores {
    /// Which projects exist, and their files.
    pub projects: Arc<MemoryProjects>,
    /// Open pull requests.
    pub pull_requests: Arc<MemoryPullRequests>,
    /// Unfinished uploads and drafts.
    pub uploads: Arc<MemoryUploads>,
}

impl Default for MemoryStores {
    fn default() -> Self {
        let uploads = Arc::new(MemoryUploads::default());
        Self {
            projects: Arc::default(),
            pull_requests: Arc::new(MemoryPullRequests::new(Arc::clone(&uploads))),
            uploads,
        }
    }
}

impl From<MemoryStores> for Stores {
    fn from(stores: MemoryStores) -> Self {
        Self {
            projects: stores.projects,
            pull_requests: stores.pull_requests,
            uploads: stores.uploads,
        }
    }
}
