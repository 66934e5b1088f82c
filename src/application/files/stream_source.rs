//! Where the files of a `get` or `list` come from.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::application::files::hashing::Hashing;
use crate::application::ports::{OpenFile, ProjectStore, PullRequestStore, StoreError};
use crate::application::service::Application;
use crate::domain::{ContentHash, FilePath, ProjectId, PullRequestId};

/// About how many bytes the files opened at once may have together: enough that looking for them
/// costs little compared with sending them, and no more than may wait for a connection anyway.
pub(super) const BYTES_AT_ONCE: usize = 256 * 1_024;

/// What it means if a file no longer exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Nothing: in a project, files come and go.
    Gone,
    /// The pull request has ended.
    Ended,
    /// The pull request is open and should be complete.
    Unreadable,
}

/// Where the files come from.
pub(crate) enum Source {
    Project {
        project: ProjectId,
        store: Arc<dyn ProjectStore>,
        hashing: Arc<Hashing>,
    },
    PullRequest {
        project: ProjectId,
        id: PullRequestId,
        bases: BTreeMap<FilePath, ContentHash>,
        executable: BTreeMap<FilePath, bool>,
        store: Arc<dyn PullRequestStore>,
    },
}

impl Source {
    /// The project, if the files are a project's own: what is sent here may supersede their live
    /// updates.
    pub fn project(&self) -> Option<&ProjectId> {
        match self {
            Self::Project { project, .. } => Some(project),
            Self::PullRequest { .. } => None,
        }
    }

    /// The content that the author of a pull request's file started from, if known.
    pub fn base(&self, path: &FilePath) -> Option<ContentHash> {
        match self {
            Self::Project { .. } => None,
            Self::PullRequest { bases, .. } => bases.get(path).copied(),
        }
    }

    /// What clients are told about whether a file may be executed: of a project's file only that it
    /// may, of a pull request's file what its author wants.
    pub fn executable(&self, path: &FilePath, may_be: bool) -> Option<bool> {
        match self {
            Self::Project { .. } => may_be.then_some(true),
            Self::PullRequest { executable, .. } => executable.get(path).copied(),
        }
    }

    /// The files of a project.
    pub fn of_project(project: ProjectId, app: &Application) -> Self {
        Self::Project {
            project,
            store: Arc::clone(&app.ports.projects),
            hashing: Arc::clone(&app.hashing),
        }
    }

    /// Opens one file.
    pub async fn open(&self, path: &FilePath) -> Result<OpenFile, StoreError> {
        match self {
            Self::Project { project, store, .. } => store.open_file(project, path).await,
            Self::PullRequest {
                project, id, store, ..
            } => store.open_file(project, *id, path).await,
        }
    }

    /// Opens the first of `paths`, and perhaps more.
    pub async fn open_some(&self, paths: &[FilePath]) -> Vec<Result<OpenFile, StoreError>> {
        match self {
            Self::Project { project, store, .. } => {
                let opened = store.open_files(project, paths, BYTES_AT_ONCE as u64).await;
                opened.unwrap_or_else(|error| vec![Err(error)])
            }
            Self::PullRequest { .. } => vec![self.open(&paths[0]).await],
        }
    }

    /// What it means if a file no longer exists.
    pub async fn meaning_of_missing(&self) -> Missing {
        let Self::PullRequest {
            project, id, store, ..
        } = self
        else {
            return Missing::Gone;
        };
        match store.find(project, *id).await {
            Err(StoreError::NotFound) => Missing::Ended,
            _ => Missing::Unreadable,
        }
    }
}
