//! All stores on one base folder.

use std::path::Path;
use std::sync::Arc;

use super::pool::in_flight::InFlight;
use super::projects::kept_open::KeptOpen;
use super::projects::store::FilesystemProjects;
use super::pull_requests::load;
use super::pull_requests::store::FilesystemPullRequests;
use super::sandbox::durability::Durability;
use super::sandbox::layout::{Layout, OpenError};
use super::uploads::store::FilesystemUploads;
use crate::application::ports::{StoreResources, Stores};

/// All stores on one base folder. The lock is held until the last of them is gone.
#[derive(Debug, Clone)]
pub struct FilesystemStores {
    /// Which projects exist, and their files.
    pub projects: Arc<FilesystemProjects>,
    /// Open pull requests.
    pub pull_requests: Arc<FilesystemPullRequests>,
    /// Unfinished uploads and drafts.
    pub uploads: Arc<FilesystemUploads>,
}

impl FilesystemStores {
    /// Opens the stores on `base`, which is created if it is missing. `durability` is what an
    /// acknowledged change survives. Blocks.
    ///
    /// # Errors
    /// Why `base` cannot be used; for example, another server uses it.
    pub fn open(
        base: &Path,
        durability: Durability,
        resources: StoreResources,
    ) -> Result<Self, OpenError> {
        let kept_open = KeptOpen::new(resources.open_files);
        let layout = Arc::new(Layout::open(base, durability, kept_open)?);
        let open = load::open_pull_requests(&layout.pulls).map_err(|error| OpenError::Refused {
            what: "read .twicecast/pulls",
            cause: error.into(),
        })?;
        let drafts = Arc::new(InFlight::default());
        let projects = FilesystemProjects::new(Arc::clone(&layout), resources.memory);
        let pull_requests =
            FilesystemPullRequests::new(Arc::clone(&layout), Arc::clone(&drafts), open);
        Ok(Self {
            projects: Arc::new(projects),
            pull_requests: Arc::new(pull_requests),
            uploads: Arc::new(FilesystemUploads::new(layout, drafts)),
        })
    }
}

impl From<FilesystemStores> for Stores {
    fn from(stores: FilesystemStores) -> Self {
        Self {
            projects: stores.projects,
            pull_requests: stores.pull_requests,
            uploads: stores.uploads,
        }
    }
}
