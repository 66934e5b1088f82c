//! The stores of one engine, which belong together.

use std::sync::Arc;

use super::project_registry::ProjectRegistry;
use super::project_store::ProjectStore;
use super::pull_request_store::PullRequestStore;
use super::upload_store::UploadStore;

/// All stores over the same data, whichever engine keeps it.
#[derive(Clone)]
pub struct Stores {
    /// Which projects exist.
    pub registry: Arc<dyn ProjectRegistry>,
    /// Their files.
    pub projects: Arc<dyn ProjectStore>,
    /// Open pull requests.
    pub pull_requests: Arc<dyn PullRequestStore>,
    /// Unfinished uploads and drafts.
    pub uploads: Arc<dyn UploadStore>,
}
