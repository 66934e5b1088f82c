//! The stores of one engine, which belong together.

use std::sync::Arc;

use super::draft_store::DraftStore;
use super::project_registry::ProjectRegistry;
use super::project_store::ProjectStore;
use super::pull_request_store::PullRequestStore;
use super::upload_staging::UploadStaging;

/// All stores over the same data, whichever engine keeps it.
#[derive(Clone)]
pub struct Stores {
    /// Which projects exist.
    pub registry: Arc<dyn ProjectRegistry>,
    /// Their files.
    pub projects: Arc<dyn ProjectStore>,
    /// Pull requests that are being put together.
    pub drafts: Arc<dyn DraftStore>,
    /// Open pull requests.
    pub pull_requests: Arc<dyn PullRequestStore>,
    /// Unfinished uploads.
    pub staging: Arc<dyn UploadStaging>,
}
