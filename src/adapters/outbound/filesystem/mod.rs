//! Stores on a file system, under one folder that nothing leaves.
//!
//! The base folder is held open from start to end, and with it the lock. So the stores follow a
//! folder that is moved, and one that is removed and made again is not theirs: then every
//! operation fails until the server is started anew, rather than writing beside the lock. All that
//! lies below is found anew by every operation. It must all be one file system.

mod content;
mod counter;
mod delete;
mod drafts;
mod entries;
mod error;
mod file_locks;
mod gate;
mod layout;
mod listing;
mod lives;
mod new_folders;
mod projects;
mod pull_request_index;
mod pull_requests;
mod reading;
mod record;
mod registry;
mod replace;
mod root;
mod shared_reads;
mod staging;
mod temporary;
mod versions;
mod walk;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

pub use drafts::FilesystemDrafts;
pub use layout::OpenError;
pub use projects::FilesystemProjects;
pub use pull_requests::FilesystemPullRequests;
pub use staging::FilesystemStaging;

use crate::application::ports::Stores;
use layout::Layout;
use pull_request_index::Index;

/// What an acknowledged change of a project's file survives. Pull requests are always synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The death of the machine.
    #[default]
    Fsync,
    /// The death of the process.
    Rename,
}

/// All stores on one base folder. The lock is held until the last of them is gone.
#[derive(Debug, Clone)]
pub struct FilesystemStores {
    /// Which projects there are, and their files.
    pub projects: Arc<FilesystemProjects>,
    /// Pull requests being put together.
    pub drafts: Arc<FilesystemDrafts>,
    /// Open pull requests.
    pub pull_requests: Arc<FilesystemPullRequests>,
    /// Unfinished uploads.
    pub staging: Arc<FilesystemStaging>,
}

impl FilesystemStores {
    /// Opens the stores on `base`, which is made where it is missing. Blocks.
    ///
    /// # Errors
    /// Why `base` cannot be used, another server that uses it included.
    pub fn open(base: &Path, durability: Durability) -> Result<Self, OpenError> {
        let layout = Arc::new(Layout::open(base, durability)?);
        let index = Index::load(&layout.pulls).map_err(|error| OpenError::Refused {
            what: "read .twicecast/pulls",
            cause: error.into(),
        })?;
        let index = Arc::new(index);
        Ok(Self {
            projects: Arc::new(FilesystemProjects::new(Arc::clone(&layout))),
            drafts: Arc::new(FilesystemDrafts::new(
                Arc::clone(&layout),
                Arc::clone(&index),
            )),
            pull_requests: Arc::new(FilesystemPullRequests::new(Arc::clone(&layout), index)),
            staging: Arc::new(FilesystemStaging::new(layout)),
        })
    }
}

impl From<FilesystemStores> for Stores {
    fn from(stores: FilesystemStores) -> Self {
        Self {
            registry: Arc::clone(&stores.projects) as _,
            projects: stores.projects,
            drafts: stores.drafts,
            pull_requests: stores.pull_requests,
            staging: stores.staging,
        }
    }
}
